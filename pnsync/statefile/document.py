"""The state file: a `State` as one JSON document with one entry a line, and back.

Equal states give equal bytes. The bytes are hashed, so that a hand edit, a line end rewritten by Git or a merge is
found, and each kind of damage is refused under its own code with its way out; the file is never repaired by guessing.
Pure: bytes in, bytes out. Generations that an entry carries anyway are not written twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic_core import from_json, to_json

from pnsync.collector import collector_off
from pnsync.state import Entry, Head, State
from pnsync.statefile.codec import (
    at_instant,
    decode_account,
    decode_entry,
    decode_failure,
    decode_pending,
    decode_resting,
    decode_superseded,
    encode_account,
    encode_entry,
    encode_failure,
    encode_pending,
    encode_resting,
    encode_superseded,
    instant,
    key_of,
    key_text,
    serialise,
)
from pnsync.statefile.codes import REBUILD, refusal
from pnsync.statefile.damage import diagnose
from pnsync.statefile.kinds import MOST, note
from pnsync.statefile.phonecodec import CLEAR, SECRET_NOTE, Json, PhoneCodec, Sealed

FORMAT: Final = "pnsync-state"
VERSION: Final = 1

_CHECKSUM_LINE = b'  "checksum": "sha256:%s",\n'
_CHECKSUM_START = b'\n  "checksum": "sha256:'
_CHECKSUM_LENGTH = len(_CHECKSUM_LINE) - 2 + 64
_LINEAGE_START = b'\n  "lineage": '
_MAC_START = b'\n  "mac": "'
_MAC_LINE = b'  "mac": "%s",\n'


_Kind = TypeVar("_Kind")


def dumps(state: State, codec: PhoneCodec = CLEAR) -> bytes:
    """The canonical bytes of a state, sealed as the codec seals."""
    with collector_off():
        header = codec.header(state.lineage)
        whole = None if header is None else codec.wrap(_checked(*_parts(state, CLEAR)), _about(state))
        if whole is None:
            before, after = _parts(state, codec, header)
        else:
            before, after = _envelope(state, header, whole)
    if header is None:
        return _checked(before, after)
    start = after.find(b"\n", after.find(_LINEAGE_START) + 1) + 1
    keyed = hashlib.sha256(before + after).digest()
    return _checked(before, after[:start] + _MAC_LINE % codec.mac(keyed).encode() + after[start:])


def _checked(before: bytes, after: bytes) -> bytes:
    digest = hashlib.sha256(before)
    digest.update(after)
    return b"".join((before, _CHECKSUM_LINE % digest.hexdigest().encode(), after))


def _about(state: State) -> tuple[str, ...]:
    """What a state that is sealed as a whole is bound to; the number of its last record tells its epoch too."""
    return "state", str(state.serial), str(state.head.seq), state.head.hash


def _envelope(state: State, header: Json | None, sealed: str) -> tuple[bytes, bytes]:
    """The same two parts of a state that is sealed as a whole."""
    head = {"hash": state.head.hash, "seq": state.head.seq}
    rest = {"head": head, "lineage": state.lineage, "sealed": sealed, "sealing": header}
    lines = [_scalar(key, value) for key, value in rest.items()]
    return b"{\n", b",\n".join(
        [_scalar("format", FORMAT), *lines, _scalar("serial", state.serial), _scalar("version", VERSION)]
    ) + b"\n}\n"


def checksum(data: bytes) -> str:
    """The checksum that a state file carries (`sha256:…`), "" where it carries none."""
    start = data.find(_CHECKSUM_START)
    if start < 0:
        return ""
    return data[start + len(_CHECKSUM_START) - 7 :][:71].decode("ascii", "replace")


def same_sealing(data: bytes, header: Json | None) -> bool:
    """Whether a state file's bytes carry this `sealing`."""
    try:
        found = from_json(data)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("sealing") == header


def loads(data: bytes, codec: PhoneCodec = CLEAR, *, name: str = "the state file") -> State:
    """The state of a file's bytes; `name` is the file for messages.

    Raises StateError: S901 to S910 for what is wrong with the file, S917 where its numbers are sealed.
    """
    if not _intact(data):
        raise diagnose(data, name, FORMAT, VERSION)
    with collector_off():
        try:
            document = from_json(data, cache_strings="keys")
            if document["format"] != FORMAT or document["version"] != VERSION:
                raise diagnose(data, name, FORMAT, VERSION)
            return _opened(data, document, codec, name)
        except Sealed:
            raise refusal(
                "S917",
                f"{name} holds sealed numbers, and this configuration names no key for them.",
                "Name the recipients in `state.encryption`, and the identity in PNSYNC_AGE_IDENTITY.",
            ) from None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise refusal(
                "S910",
                f"{name} has the right checksum and cannot be read ({type(error).__name__}).",
                "It was written by another program, or by a version of pnsync with a bug. It is left as it is.",
                command=REBUILD,
            ) from None


def _intact(data: bytes) -> bool:
    """Whether the bytes are as `dumps` wrote them: one line end at the very end, and the checksum right."""
    start = data.find(_CHECKSUM_START) + 1
    if start <= 0:
        return False
    end = start + _CHECKSUM_LENGTH
    view = memoryview(data)
    digest = hashlib.sha256(view[:start])
    digest.update(view[end:])
    return data[start:end] == _CHECKSUM_LINE % digest.hexdigest().encode()


def _opened(data: bytes, document: Json, codec: PhoneCodec, name: str) -> State:
    """The state of a document whose checksum is right, once the codec trusts it."""
    header, lineage = document.get("sealing"), document["lineage"]
    codec.open(header, lineage)
    if header is not None:
        start = data.find(_MAC_START) + 1
        end = data.find(b"\n", start) + 1
        plain = data.find(_CHECKSUM_START) + 1
        kept = data[:plain] + data[plain + _CHECKSUM_LENGTH : start] + data[end:]
        codec.trust(hashlib.sha256(kept).digest(), document["mac"], document["serial"])
    sealed = document.get("sealed")
    if sealed is None:
        return _state(document, codec)
    head = document["head"]
    about = ("state", str(document["serial"]), str(head["seq"]), head["hash"])
    inner = loads(codec.unwrap(sealed, about), CLEAR, name=name)
    if (inner.lineage, inner.serial) != (lineage, document["serial"]):
        raise KeyError("lineage")
    return inner


def _parts(state: State, codec: PhoneCodec, header: Json | None = None) -> tuple[bytes, bytes]:
    """The lines before and after the checksum's; top-level keys stand sorted, so it is the second."""
    accounts = _object("accounts", state.accounts, encode_account)
    return b"{\n" + accounts + b",\n", b",\n".join(_rest(state, codec, header)) + b"\n}\n"


def _rest(state: State, codec: PhoneCodec, header: Json | None) -> Iterator[bytes]:
    entries = state.entries
    extra = {
        address: number
        for address, number in state.generations.items()
        if not isinstance(entry := entries.get(address), Entry) or entry.generation != number
    }
    yield _lines(
        "entries",
        ((address, encode_entry(entries[address], address, codec)) for address in sorted(entries)),
    )
    yield _object("failures", state.failures, encode_failure)
    yield _scalar("format", FORMAT)
    yield _scalar("generation_base", state.generation_base)
    yield _object("generations", extra, _same)
    yield _scalar("head", {"hash": state.head.hash, "seq": state.head.seq})
    yield _scalar("lineage", state.lineage)
    notes = dict(state.notes)
    if SECRET_NOTE in notes:
        notes[SECRET_NOTE] = codec.hide(notes[SECRET_NOTE])
    yield _object("notes", notes, _same)
    yield _object("pending", state.pending, lambda one: encode_pending(one, codec))
    yield _list("quarantine", (encode_resting(one, codec) for one in state.quarantine))
    if header is not None:
        yield _scalar("sealing", header)
    yield _scalar("serial", state.serial)
    superseded = {key_text(key): one for key, one in state.superseded.items()}
    yield _object("superseded", superseded, lambda one: encode_superseded(one, codec))
    yield _object("unbound", {key_text(key): at for key, at in state.unbound.items()}, instant)
    yield _scalar("version", VERSION)


def _same(value: Any) -> Any:
    return value


def _scalar(key: str, value: Any) -> bytes:
    return b'  "%s": %s' % (key.encode(), serialise(to_json, value))


def _object(key: str, items: Mapping[str, Any], encode: Callable[[Any], Any]) -> bytes:
    return _lines(key, ((name, encode(items[name])) for name in sorted(items)))


def _lines(key: str, items: Iterable[tuple[str, Any]]) -> bytes:
    lines = [b"    %s: %s" % (serialise(to_json, name), serialise(to_json, value)) for name, value in items]
    head = b'  "%s": {' % key.encode()
    return head + b"\n" + b",\n".join(lines) + b"\n  }" if lines else head + b"}"


def _list(key: str, items: Iterable[Json]) -> bytes:
    lines = [b"    " + serialise(to_json, value) for value in items]
    head = b'  "%s": [' % key.encode()
    return head + b"\n" + b",\n".join(lines) + b"\n  ]" if lines else head + b"]"


def _state(document: Json, codec: PhoneCodec) -> State:
    entries = {address: decode_entry(made, address, codec) for address, made in document["entries"].items()}
    generations = {
        address: entry.generation for address, entry in entries.items() if isinstance(entry, Entry)
    }
    generations.update({name: _of(int, made) for name, made in document["generations"].items()})
    head, notes = document["head"], _notes(document["notes"])
    if SECRET_NOTE in notes:
        notes[SECRET_NOTE] = codec.reveal(notes[SECRET_NOTE])
        bytes.fromhex(notes[SECRET_NOTE])
    return State(
        lineage=_of(str, document["lineage"]),
        serial=_of(int, document["serial"]),
        entries=entries,
        pending={name: decode_pending(made, codec) for name, made in document["pending"].items()},
        superseded={
            key_of(name): decode_superseded(made, codec) for name, made in document["superseded"].items()
        },
        quarantine=tuple(decode_resting(made, codec) for made in document["quarantine"]),
        accounts={name: decode_account(made) for name, made in document["accounts"].items()},
        generations=generations,
        generation_base=_of(int, document["generation_base"]),
        unbound={key_of(name): at_instant(made) for name, made in document["unbound"].items()},
        failures={name: decode_failure(made) for name, made in document["failures"].items()},
        notes=notes,
        head=Head(_of(int, head["seq"]), _of(str, head["hash"])),
    )


def _of(kind: type[_Kind], value: Any) -> _Kind:
    """A value that has its type, a number within measure. Raises TypeError."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError
    if isinstance(value, int) and not -MOST < value < MOST:
        raise TypeError
    return value


def _notes(value: Any) -> dict[str, str]:
    """Notes by name. Raises TypeError, ValueError."""
    return {name: note(name, _of(str, text)) for name, text in _of(dict, value).items()}
