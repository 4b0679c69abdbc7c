"""A state as it stands at its place: the snapshot, and the log behind it, verified and folded.

Takes no lock and writes nothing. A run may be writing meanwhile, so a finding is believed only when the same is found
twice. What cannot be trusted is refused with its way out, never repaired.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import from_json

from pnsync.errors import StateError
from pnsync.interfaces import Backend, Clock
from pnsync.journal import Event, Fold
from pnsync.state import Head, State
from pnsync.statefile import document
from pnsync.statefile import record as framing
from pnsync.statefile.codes import REBUILD, refusal
from pnsync.statefile.eventcodec import decode_event
from pnsync.statefile.phonecodec import PhoneCodec, Sealed

SNAPSHOT: Final = "snapshot"
MOVED_NOTE: Final = "moved_to"
"""The note in a state that lives elsewhere now: where."""
_READS: Final = 20
_PAUSE_SECONDS: Final = 0.05
_UNFIT: Final = (KeyError, TypeError, ValueError, AttributeError, AssertionError, OverflowError)
"""How reading or folding meets what this version never writes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A state with every record folded (`state.head` is the last), and its snapshot's version (None: there is none).

    `anchored` tells that the log at its place goes on right behind `state.head`, so that the next record fits.
    """

    state: State
    version: str | None
    anchored: bool


@dataclass(frozen=True, slots=True)
class History:
    """Where to read, and as what. `pinned_lineage` is the root file's `lineage`."""

    backend: Backend
    clock: Clock
    codec: PhoneCodec
    pinned_lineage: str | None

    def load(self) -> Loaded | None:
        """The state now, None where there is none and none is pinned. Raises StateError (S901 to S918, S921)."""
        wrong: tuple[object, ...] = ()
        attempt = 0
        while True:
            attempt += 1
            seen: list[str] = []
            try:
                return self._read(seen)
            except StateError as error:
                found = (error.code, error.detail, *seen)
                if found == wrong or attempt == _READS:
                    raise
                wrong = found
            self.clock.sleep(_PAUSE_SECONDS)

    def end_of_log(self) -> tuple[Head, bool]:
        """The head after the last record that can be read, of a state that cannot; whether the log can be read at all."""
        try:
            records = self.backend.records(0)
        except StateError as error:
            if error.code not in ("S911", "S912"):
                raise
            return Head(), False
        last = framing.unframe(records[-1][1]) if records else None
        return (Head() if last is None else Head(last.seq, last.hash)), last is not None or not records

    def _read(self, seen: list[str]) -> Loaded | None:
        where, pinned = self.backend.location, self.pinned_lineage
        blob = self.backend.read(SNAPSHOT)
        if blob is None:
            if self.backend.records(0):
                raise refusal("S918", f"{where} is missing, and its journal is there.", command=REBUILD)
            if pinned is not None:
                raise refusal(
                    "S915",
                    f"The root file names the lineage {pinned}, and {where} is missing.",
                    "Without it every binding would be made again. Bring it back, or derive it from the listing:",
                    command=REBUILD,
                )
            return None
        seen.append(blob.version)
        state = document.loads(blob.data, self.codec, name=where)
        if pinned is not None and state.lineage != pinned:
            raise refusal(
                "S916",
                f"{where} has the lineage {state.lineage}; the root file names {pinned}.",
                "Check `state:` and the root file (-c): this is another environment's state.",
            )
        return self._fold(state, blob.version)

    def _fold(self, state: State, version: str) -> Loaded:
        """The state with the records behind it, whose chain is checked from the snapshot's head on."""
        fold, head = Fold(state), state.head
        records = self.backend.records(max(head.seq - 1, 0))
        for number, line in records:
            one = framing.unframe(line)
            if one is None or one.seq != number:
                raise _distrust("S911", f"Record {number} of the journal fails its checksum.")
            if number == state.head.seq:
                if one.hash != state.head.hash:
                    raise _distrust(
                        "S914", f"State file (serial {state.serial}) and journal differ in record {number}."
                    )
                continue
            if number != head.seq + 1:
                raise self._gap(state, one)
            if not framing.follows(one, head.hash):
                raise _distrust("S912", f"Record {number} of the journal does not follow the one before.")
            events = self._events(state, one)
            try:
                for event in events:
                    fold.fold(event)
            except _UNFIT:
                raise _unknown(one.seq) from None
            head = Head(number, one.hash)
        return Loaded(replace(fold.done(), head=head), version, anchored=bool(records) or head.seq == 0)

    def _gap(self, state: State, one: framing.Frame) -> StateError:
        try:
            later = _body(one).get("serial", 0)
        except ValueError:
            later = 0
        return _distrust(
            "S913",
            f"{self.backend.location} has serial {state.serial} and ends with record {state.head.seq}; "
            f"its journal is at serial {later} and begins with record {one.seq}.",
        )

    def _events(self, state: State, one: framing.Frame) -> list[Event]:
        try:
            body = _body(one)
            lineage = body["lineage"]
            if lineage != state.lineage:
                raise _distrust(
                    "S912", f"The journal is of the lineage {lineage}, the state of {state.lineage}."
                )
            if (sealed := body.get("sealed")) is not None:
                body["events"] = from_json(self.codec.unwrap(sealed, record_about(body, one.seq)))
            return [decode_event(made, self.codec) for made in body["events"]]
        except Sealed:
            raise refusal(
                "S917",
                "The journal holds sealed numbers, and this configuration names no key for them.",
                "Name the recipients in `state.encryption`, and the identity in PNSYNC_AGE_IDENTITY.",
            ) from None
        except _UNFIT:
            raise _unknown(one.seq) from None


def record_about(body: dict[str, Any], seq: int) -> tuple[str, ...]:
    """What a record that is sealed as a whole is bound to."""
    return "record", str(body["serial"]), str(body["epoch"]), str(seq)


def _body(one: framing.Frame) -> dict[str, Any]:
    found = from_json(one.body)
    return found if isinstance(found, dict) else {}


def _unknown(seq: int) -> StateError:
    return refusal(
        "S907",
        f"Record {seq} of the journal says what this pnsync does not know: a newer one has written it.",
        "Install that version, here and wherever this state is used; or derive the state anew:",
        command=REBUILD,
    )


def _distrust(code: str, detail: str) -> StateError:
    return refusal(
        code,
        detail,
        "Nothing is called, and both files are left as they are. Bring back the copy that ran last, whole, or:",
        command=REBUILD,
    )
