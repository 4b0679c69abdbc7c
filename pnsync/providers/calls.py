"""When a call is tried again: reads freely and patiently, writes only when provably not a byte was sent.

`Calls` signs every attempt anew, learns the vendor's time from every answer and keeps the rate limit. A read
ends in a usable `Reply` or raises VendorError or CredentialsRefused; a write ends in an `Outcome` and raises
nothing for what a vendor or a network does.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from random import Random
from typing import Final

from pnsync.errors import CredentialsRefused, PnsyncError, VendorError
from pnsync.interfaces import Clock
from pnsync.journal import NotSent, Outcome, Unknown
from pnsync.providers.decoding import Json, Unreadable, decode
from pnsync.providers.http import Answer, Channel, Failed, Request, Signer
from pnsync.providers.pacing import Pace
from pnsync.providers.replies import Meaning, Reply, outcome_of, outcome_of_unreadable
from pnsync.providers.vendor_time import VendorTime
from pnsync.state import EARLIER_SECONDS

READ_TRIES: Final = 4
WRITE_TRIES: Final = 3
BACKOFF_SECONDS: Final = 0.5
BACKOFF_CAP_SECONDS: Final = 10.0
RETRY_AFTER_CAP_SECONDS: Final = 30.0


class Remedy(Enum):
    """What may help a read that failed."""

    NONE = "none"
    LATER = "later"
    CLOCK = "clock"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A read that failed: the error to raise when nothing helps, and how long the vendor asks to be left alone."""

    error: PnsyncError
    remedy: Remedy
    wait: float = 0.0


_AGAIN: Final = {Remedy.NONE: 0, Remedy.LATER: READ_TRIES - 1, Remedy.CLOCK: 1, Remedy.SIGN: 1}
"""How often each remedy is tried in one read."""
_USABLE: Final = frozenset({Meaning.OK, Meaning.ABSENT, Meaning.PAGING})
_TRANSIENT: Final = frozenset({Meaning.TRANSIENT, Meaning.RATE, Meaning.UNLISTED})
_log = logging.getLogger("pnsync.http")


class Calls:
    """The calls of one provider. Safe to use from several threads, as far as `random` and `clock` are."""

    def __init__(
        self,
        provider: str,
        channel: Channel,
        clock: Clock,
        random: Random,
        rate: float,
        *,
        sign: Signer,
        understand: Callable[[Json], Reply],
        keys: str,
    ) -> None:
        self.time = VendorTime(clock)
        self.pace = Pace(rate, clock)
        self._provider = provider
        self._channel = channel
        self._clock = clock
        self._random = random
        self._sign = sign
        self._understand = understand
        self._keys = keys

    def read(self, request: Request, *, once: bool = False) -> Reply:
        """A usable answer to a reading call: success, absence or the end of a listing.

        Tried up to 4 times, with `once` only while it was not sent. A refused clock is corrected and tried again
        once, refused credentials are signed again once. Raises VendorError and CredentialsRefused.
        """
        left = dict(_AGAIN)
        while True:
            self._wait(self.pace.take())
            answer = self._attempt(request, self.time.now())
            found = (
                self._no_answer(request, answer, once)
                if isinstance(answer, Failed)
                else self._judge(request, answer, once)
            )
            if isinstance(found, Reply):
                return found
            if not left[found.remedy]:
                raise found.error
            left[found.remedy] -= 1
            if found.remedy is Remedy.LATER:
                self._wait(max(found.wait, self._backoff(READ_TRIES - left[found.remedy])))

    def _no_answer(self, request: Request, failed: Failed, once: bool) -> "_Trouble":
        lasting = failed.permanent or (once and isinstance(failed.outcome, Unknown))
        error = self._unreachable(request, failed.outcome.reason)
        return _Trouble(error, Remedy.NONE if lasting else Remedy.LATER)

    def _judge(self, request: Request, answer: Answer, once: bool) -> "Reply | _Trouble":
        """The reply of an answer to a read, or what is wrong with it and what may help."""
        reply, fault = self._reply(answer)
        self._learn(answer, refused=reply is not None and reply.meaning is Meaning.CLOCK)
        later = Remedy.NONE if once else Remedy.LATER
        what = fault if answer.status == 200 else f"HTTP status {answer.status}, {fault}"
        error = self.unusable(request.operation, what, reply.request_id if reply else "")
        if 300 <= answer.status < 400:
            return _Trouble(error, Remedy.NONE)
        if answer.status >= 500 or answer.status in (408, 425, 429):
            return _Trouble(error, later, retry_after(answer))
        if reply is None:
            if answer.status in (401, 403):
                return _Trouble(self._refused(request, what), Remedy.SIGN)
            return _Trouble(error, later if answer.status < 400 else Remedy.NONE)
        if reply.meaning is Meaning.AUTHENTICATION:
            return _Trouble(self._refused(request, what), Remedy.SIGN)
        if reply.meaning is Meaning.CLOCK:
            return _Trouble(error, Remedy.CLOCK)
        if reply.meaning in _TRANSIENT:
            return _Trouble(error, later, retry_after(answer))
        if reply.meaning not in _USABLE or (reply.meaning is Meaning.OK and answer.status >= 400):
            return _Trouble(error, Remedy.NONE)
        return reply

    def write(
        self,
        request: Request,
        *,
        signed_at: float,
        latest_at: float,
        measure: Callable[[], None],
        applied: Callable[[Reply], Outcome],
    ) -> Outcome:
        """The outcome of a writing call, sent at most once and stamped between `signed_at` and `latest_at`.

        By those its effect is known again. An answer to another call may have set the vendor's time back since `signed_at`.
        `measure` learns the vendor's time again after a clock has jumped; `applied` reads the payload of a
        success. Its Unreadable makes the outcome unknown.
        """
        outcome: Outcome = NotSent("its time to be sent had passed")
        for attempt in range(WRITE_TRIES):
            if attempt and not self._may_wait(attempt, latest_at):
                break
            if self.time.disturbed:
                try:
                    measure()
                except PnsyncError:
                    return NotSent(
                        "this machine's clock jumped, and the vendor's time could not be learned again"
                    )
            now = self.time.now()
            if self.time.latest() > latest_at or now < signed_at - EARLIER_SECONDS:
                break
            answer = self._attempt(request, now)
            if isinstance(answer, Answer):
                return self._outcome(answer, applied)
            outcome = answer.outcome
            if isinstance(outcome, Unknown) or answer.permanent:
                break
        return outcome

    def _attempt(self, request: Request, now: float) -> Answer | Failed:
        """Send a request once, stamped `now` by the vendor's time."""
        stamp = self._channel.stamp(now)
        return self._channel.exchange(request, self._sign(request, stamp.vendor), stamp)

    def _outcome(self, answer: Answer, applied: Callable[[Reply], Outcome]) -> Outcome:
        reply, fault = self._reply(answer)
        self._learn(answer, refused=reply is not None and reply.meaning is Meaning.CLOCK)
        if reply is None:
            outcome = outcome_of_unreadable(answer.status, fault)
        else:
            decided = outcome_of(reply, answer.status)
            if decided is None:
                try:
                    decided = applied(reply)
                except Unreadable as error:
                    decided = Unknown(f"success was answered, but {error}", reply.code, reply.request_id)
            outcome = decided
        if isinstance(outcome, Unknown) and outcome.rate_limited:
            self.pace.hold(max(1.0, min(retry_after(answer), BACKOFF_CAP_SECONDS)))
        return outcome

    def _reply(self, answer: Answer) -> tuple[Reply | None, str]:
        """The reply and what it says; None and why, where the body is no answer of the vendor's API."""
        try:
            reply = self._understand(decode(answer.body, answer.content_type))
        except Unreadable as error:
            return None, f"the answer cannot be read: {error}"
        _log.debug("%s: code %s, request %s", self._provider, reply.code, reply.request_id or "-")
        return reply, reply.describe()

    def _learn(self, answer: Answer, *, refused: bool = False) -> None:
        self.time.learn(answer.date, answer.began, answer.ended, refused=refused)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.sleep(seconds)

    def _backoff(self, failures: int) -> float:
        """Full jitter: anywhere from nothing to twice as much as last time, capped."""
        return self._random.uniform(0.0, min(BACKOFF_CAP_SECONDS, BACKOFF_SECONDS * 2**failures))

    def _may_wait(self, attempt: int, latest_at: float) -> bool:
        """Wait before a write is tried again; False when it may not wait so long, or the run was interrupted."""
        delay = max(self._backoff(attempt), self.pace.take())
        if self.time.latest() + delay > latest_at:
            return False
        until = self._clock.monotonic() + delay
        self._clock.sleep(delay)
        return self._clock.monotonic() >= until - 0.05

    def _unreachable(self, request: Request, reason: str) -> VendorError:
        return VendorError(
            "a vendor gives no answer",
            f'Provider "{self._provider}", {request.operation} at {self._channel.host}: {reason}.',
            "Nothing was changed. Run the command again when the vendor can be reached.",
            command="pnsync doctor",
        )

    def unusable(self, operation: str, what: str, request_id: str) -> VendorError:
        asked = f" The vendor's support finds it by request {request_id}." if request_id else ""
        return VendorError(
            "a vendor's answer cannot be used",
            f'Provider "{self._provider}", {operation} at {self._channel.host}: {what}.',
            f"Nothing was changed. Check the provider's settings and run the command again.{asked}",
            command="pnsync doctor",
        )

    def _refused(self, request: Request, what: str) -> CredentialsRefused:
        return CredentialsRefused(
            "a vendor refused the credentials",
            f'Provider "{self._provider}", {request.operation} at {self._channel.host}: {what}.',
            f"Nothing was changed. Check {self._keys}, the endpoint, and whether the account admits this machine's"
            " address.",
            command="pnsync doctor",
        )


def retry_after(answer: Answer) -> float:
    """The seconds that a Retry-After header asks for, bounded; 0 where there is none."""
    value = answer.retry_after.strip()
    if not value:
        return 0.0
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), RETRY_AFTER_CAP_SECONDS)
    try:
        until = parsedate_to_datetime(value).timestamp()
        sent = parsedate_to_datetime(answer.date).timestamp() if answer.date else answer.ended
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, until - sent), RETRY_AFTER_CAP_SECONDS)
