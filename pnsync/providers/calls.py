"""When a call is tried again: reads freely and patiently, writes only when provably not a byte was sent.

`Calls` signs every attempt anew, learns the vendor's time from every answer and keeps the rate limit. A read
ends in a usable `Reply` or raises VendorError or CredentialsRefused; a write ends in an `Outcome` and raises
nothing for what a vendor or a network does.
"""

import logging
from collections.abc import Callable
from email.utils import parsedate_to_datetime
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

READ_TRIES: Final = 4
WRITE_TRIES: Final = 3
BACKOFF_SECONDS: Final = 0.5
BACKOFF_CAP_SECONDS: Final = 10.0
RETRY_AFTER_CAP_SECONDS: Final = 30.0

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

        Tries up to 4 times, with `once` only what was not sent. A refused clock is corrected and tried again
        once, refused credentials are signed again once. Raises VendorError and CredentialsRefused.
        """
        failures = clocks = refusals = 0
        while True:
            self._clock.sleep(self.pace.take())
            answer = self._attempt(request)
            if isinstance(answer, Failed):
                unsent = isinstance(answer.outcome, NotSent)
                if answer.permanent or (once and not unsent):
                    raise self._unreachable(request, answer.outcome.reason)
                why, wait = self._unreachable(request, answer.outcome.reason), 0.0
            else:
                reply, fault = self._reply(answer)
                if reply is None or (reply.meaning in _TRANSIENT) or _untrusted(answer.status):
                    if _lasting(answer.status) and reply is None:
                        if answer.status in (401, 403):
                            raise self._refused(request, f"HTTP status {answer.status}, {fault}")
                        raise self.unusable(request.operation, f"HTTP status {answer.status}, {fault}", "")
                    why = self.unusable(request.operation, fault, reply.request_id if reply else "")
                    if once:
                        raise why
                    wait = retry_after(answer)
                elif reply.meaning in _USABLE:
                    self._learn(answer)
                    return reply
                elif reply.meaning is Meaning.CLOCK and not clocks:
                    clocks += 1
                    self._learn(answer, refused=True)
                    continue
                elif reply.meaning is Meaning.AUTHENTICATION:
                    refusals += 1
                    if refusals > 1:
                        raise self._refused(request, reply.describe())
                    continue
                else:
                    raise self.unusable(request.operation, reply.describe(), reply.request_id)
                self._learn(answer)
            failures += 1
            if failures >= READ_TRIES:
                raise why
            self._clock.sleep(max(wait, self._backoff(failures)))

    def write(
        self,
        request: Request,
        *,
        latest_at: float,
        measure: Callable[[], None],
        applied: Callable[[Reply], Outcome],
    ) -> Outcome:
        """The outcome of a writing call, sent at most once and stamped not later than `latest_at`.

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
            if self.time.latest() > latest_at:
                break
            answer = self._attempt(request)
            if isinstance(answer, Answer):
                return self._outcome(answer, applied)
            outcome = answer.outcome
            if isinstance(outcome, Unknown) or answer.permanent:
                break
        return outcome

    def _attempt(self, request: Request) -> Answer | Failed:
        stamp = self._channel.stamp(self.time.now())
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
        """The reply and what is wrong with it as a read; None where the body is no answer of the vendor's API."""
        try:
            reply = self._understand(decode(answer.body, answer.content_type))
        except Unreadable as error:
            return None, str(error)
        _log.debug("%s: code %s, request %s", self._provider, reply.code, reply.request_id or "-")
        if _untrusted(answer.status):
            return reply, f"HTTP status {answer.status}, {reply.describe()}"
        return reply, reply.describe()

    def _learn(self, answer: Answer, *, refused: bool = False) -> None:
        self.time.learn(answer.date, answer.began, answer.ended, refused=refused)

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


def _untrusted(status: int) -> bool:
    """Whether a status tells that not the vendor's API, or not all of it, has answered."""
    return status >= 500 or status == 429 or 300 <= status < 400


def _lasting(status: int) -> bool:
    """Whether trying again would give the same status."""
    return 300 <= status < 500 and status not in (408, 425, 429)


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
