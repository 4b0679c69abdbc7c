"""The journal as a power failure would leave it now, folded: which intents are durable at this instant.

Independent of the store: it reads the platter, so that a call whose intent only seems to be written is seen.
"""

from collections.abc import Container, Iterable

from pydantic_core import from_json

from pnsync.journal import Applied, Closed, NotSent, Opened, Resolved, Verdict
from pnsync.state import Intent, Operation
from pnsync.statefile import record as framing
from pnsync.statefile.eventcodec import decode_event
from pnsync.statefile.phonecodec import CLEAR, Json

from .disk import Image


class Ledger:
    """Reads the durable journal at `path` as it grows."""

    def __init__(self, image: Image, path: str) -> None:
        self._image = image
        self._path = path
        self._inode = 0
        self._read_to = 0
        self.intents: dict[str, Intent] = {}
        """Every intent that was ever durable, by attempt."""
        self.open: dict[str, Intent] = {}
        """Those that are not settled."""
        self.unanswered: dict[str, Intent] = {}
        """Those of which no answer is recorded: who stood still may yet send one that another run has settled."""
        image.synced = self.catch_up

    def catch_up(self) -> None:
        """Take in what became durable since."""
        file = self._image.durable.get(self._path)
        if file is None:
            return
        if file.number != self._inode or len(file.durable) < self._read_to:
            self._inode, self._read_to = file.number, 0
        data = file.durable
        while self._read_to < len(data):
            end = data.find(b"\n", self._read_to)
            found = None if end < 0 else framing.unframe(data[self._read_to : end + 1])
            if found is None:
                return
            self._read_to = end + 1
            self.take_in(from_json(found.body)["events"])

    def take_in(self, events: Iterable[Json]) -> None:
        """What a record's events say."""
        for made in events:
            event = decode_event(made, CLEAR)
            attempt = event.intent.attempt if isinstance(event, Opened) else ""
            if isinstance(event, Opened) and attempt not in self.intents:
                self.intents[attempt] = self.open[attempt] = self.unanswered[attempt] = event.intent
            elif isinstance(event, Closed):
                self.unanswered.pop(event.attempt, None)
                if isinstance(event.outcome, Applied | NotSent):
                    self.open.pop(event.attempt, None)
            elif isinstance(event, Resolved) and event.verdict is not Verdict.LAPSED:
                self.open.pop(event.attempt, None)

    def intent_of(
        self, provider: str, operation: Operation, fields: dict[str, str], sent: Container[str] = ()
    ) -> Intent | None:
        """The intent that a request stands for: the last whose request it can be, one of those not `sent` before any other.

        Who was overtaken may send a request that equals the one which the other run has just sent.
        """
        self.catch_up()
        found = [
            intent
            for intent in reversed(self.unanswered.values())
            if (intent.provider, intent.operation) == (provider, operation) and _stands_for(intent, fields)
        ]
        return next((one for one in found if one.attempt not in sent), found[0] if found else None)


def _stands_for(intent: Intent, fields: dict[str, str]) -> bool:
    match intent.operation:
        case Operation.BIND if intent.customer_bind_id is not None:
            return fields.get("customerBindId") == intent.customer_bind_id
        case Operation.BIND:
            target = intent.target
            assert target is not None
            return (fields.get("phoneA"), fields.get("phoneB")) == _pair(target)
        case Operation.UNBIND:
            return str(fields.get("bindId")) == intent.bind_id
        case Operation.CREATE_GROUP:
            return fields.get("groupName") == getattr(intent.target, "group_name", None)
        case _:
            return fields.get("groupId") == intent.group_id


def _pair(target: object) -> tuple[str | None, str | None]:
    a, b = getattr(target, "phone_a", None), getattr(target, "phone_b", None)
    return (None if a is None else a.digits, None if b is None else b.digits)
