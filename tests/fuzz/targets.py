"""What is fed: one function for each reader, with seeds, and the only ways in which each may refuse.

Readers that check a sum are fed twice: bytes as they are, and damaged content with the sum made right again, which
reaches what lies behind the check.
"""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from random import Random
from typing import Any

import pyrage
from pydantic_core import from_json

from pnsync.config import load_source
from pnsync.config.sources import SourceRefused
from pnsync.errors import ConfigError, CredentialsRefused, StalePlan, StateError, UsageError, VendorError
from pnsync.holder import Holder as Holding
from pnsync.journal import Applied, NotSent, Refused, Unknown, replay
from pnsync.masking import Masker
from pnsync.plan import digest, document
from pnsync.planner.table import plan
from pnsync.savedplan import Keys, compare, read, seal
from pnsync.state import Intent, Operation, State
from pnsync.statefile import document as statefile
from pnsync.statefile import record as framing
from pnsync.statefile.eventcodec import decode_event, encode_event
from pnsync.statefile.phonecodec import CLEAR
from pnsync.store.store import Store
from pnsync.yamlfile import Limits, load
from tests.fuzz.mutations import exchange, havoc, parsed
from tests.fuzz.seeds import NOW, desired, events, observed, state
from tests.providers.world import (
    LA,
    NX,
    always,
    golden_la_intents,
    golden_nx_intents,
    laaffic,
    nxcloud,
    silent,
)
from tests.sealing.keyholders import Holder
from tests.sealing.sops_files import encrypted
from tests.stores.clocks import StepClock
from tests.stores.memory import MemoryBackend, MemoryPlace

Feed = Callable[[bytes], object]
Make = Callable[[Random, Sequence[bytes]], bytes]


@dataclass(frozen=True)
class Target:
    """A reader. `feed` raises nothing but what it may; `make` draws the next input."""

    name: str
    seeds: Sequence[bytes]
    feed: Feed
    make: Make
    share: float = 1.0
    """Of the time of a run."""
    floor_bytes: int = 1 << 20
    """What it may need for any input, however small."""


def damaged(random: Random, seeds: Sequence[bytes]) -> bytes:
    return havoc(random, random.choice(seeds), seeds)


ROOT = b"""version: 1
include: ["bindings/*.yaml"]
providers:
  nx: {type: nxcloud, endpoint: sandbox, rate: 20}
  la: {type: laaffic, endpoint: https://api.laaffic.com/v3/number, app_id: 4luaKsL2}
defaults: {provider: nx, expires_in: 1d, renew_before: 20%}
schedule: {every: 6h, late_by: 8h}
groups:
  pool: {provider: nx, holds: numbers}
  couriers: {provider: nx, holds: people, phones: [85211111114, 85235753351]}
bindings:
  desk: {mode: axb_extension, phone_a: 447700900123, phone_x: {group: pool}, extension: auto}
  ride: {mode: axb, phone_a: "+852 1111 1114", phone_b: 85222222222, expires_at: 2026-12-24T18:00:00Z}
  team: {mode: axg, phone_a: 85222222222, group: couriers}
  driver: {provider: la, mode: axxb, phone_a: 9188067701, phone_b: 9188067799, pool_number: 918806, expires_in: 3d}
moved: [{from: old, to: desk}]
policy: {max_unbind: 10%, allowed_country_codes: [44, 852, 91], quarantine: 24h}
"""
INCLUDED = b"""bindings:
  order-66666666:
    mode: axb_extension
    phone_a: 446075363777
    phone_b: 448646607772
    phone_x: 447401264117
    extension: 101
    customer_bind_id: 66666666
    recording: true
    expires_in: 86400
    labels: {team: west}
"""


class Files:
    """A folder in memory."""

    def __init__(self, root: bytes, included: bytes, **more: bytes) -> None:
        self.files = {"pnsync.yaml": root, "bindings/one.yaml": included}
        self.files |= {name.replace("_", "."): data for name, data in more.items()}

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.files:
            raise SourceRefused("E234", "there is no such file")
        return self.files[path][: limit + 1]

    def glob(self, pattern: str) -> list[str]:
        return [one for one in self.files if fnmatch(one, pattern)]


def feed_yaml(data: bytes) -> None:
    load(data, "f.yaml", Limits())


def feed_config(data: bytes) -> None:
    root, _, included = data.partition(b"\n=====\n")
    with contextlib.suppress(ConfigError, SourceRefused):
        load_source(Files(root, included or INCLUDED), environ={})


NUMBERED = b"""version: 1
numbers: NAME
providers:
  nx: {type: nxcloud, endpoint: sandbox}
defaults: {provider: nx, expires_in: 1d}
groups:
  couriers: {provider: nx, holds: people, phones: [carol, dave]}
bindings:
  desk: {mode: axb_extension, phone_a: alice, phone_x: 447401264117, extension: 101}
  ride: {mode: axb, phone_a: bob, phone_b: carol}
"""
NUMBERS = b"""# who is who
alice: 447700900123
bob: +44 7700 900124
carol: "447700900125"
dave: 447700900126
"""
HOLDER = Holder()
SOPS = encrypted({"alice": "447700900123"}, HOLDER.recipient)


def feed_numbers(data: bytes) -> None:
    files = Files(NUMBERED.replace(b"NAME", b"numbers.yaml"), b"", numbers_yaml=data)
    with contextlib.suppress(ConfigError, UsageError):
        load_source(files, environ={"PATH": ""})


def feed_sealed_numbers(data: bytes) -> None:
    files = Files(NUMBERED.replace(b"NAME", b"numbers.yaml.age"), b"", numbers_yaml_age=data)
    with contextlib.suppress(ConfigError, UsageError):
        load_source(files, environ=HOLDER.environ)


def sealed_numbers(plain: bytes) -> bytes:
    return pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(HOLDER.recipient)])


TABLED = b"""version: 1
include: ["table.csv"]
providers:
  nx: {type: nxcloud, endpoint: sandbox}
tables: {"table.csv": {name: "courier-{id}", provider: nx, mode: axb, expires_in: 3d}}
"""
TABLE = b'id,phone_a,phone_b,recording,expires_in\r\n7,"+44 7700 900111", 447700900112 ,true,\r\n8,447700900113,447700900114,,1d\r\n'


def feed_table(data: bytes) -> None:
    with contextlib.suppress(ConfigError):
        load_source(Files(TABLED, b"", table_csv=data), environ={})


STATE = statefile.dumps(state())
DESIRED, OBSERVED, MASKER = desired(), observed(), Masker(bytes(32), "7c4d1a2b")


def work_on(found: State) -> None:
    """What was read is worked with: written again, and planned on."""
    assert isinstance(found, State)
    statefile.dumps(found)
    document(plan(DESIRED, found, OBSERVED, now=NOW), MASKER, pnsync_version="0")


def feed_state(data: bytes) -> None:
    try:
        found = statefile.loads(data)
    except StateError:
        return
    work_on(found)


def rightly_summed_state(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Damaged content under a right checksum."""
    found = exchange(random, parsed(random, seeds))
    if not isinstance(found, dict):
        return json.dumps(found).encode()
    found.pop("checksum", None)
    lines = [json.dumps(key).encode() + b":" + json.dumps(found[key]).encode() for key in sorted(found)]
    body = b"{\n" + b",\n".join(lines) + b"\n}\n"
    at = next((n for n, line in enumerate(lines) if line.startswith(b'"e')), 0)
    return (
        statefile._checked(
            b"{\n" + b"".join(line + b",\n" for line in lines[:at]), b",\n".join(lines[at:]) + b"\n}\n"
        )
        if lines
        else body
    )


def journal() -> bytes:
    made, previous = [], ""
    for seq, event in enumerate(events(), 1):
        line, previous = framing.frame(
            seq, previous, json.dumps({"events": [encode_event(event, CLEAR)]}).encode()
        )
        made.append(line)
    return b"".join(made)


JOURNAL = journal()


def feed_journal(data: bytes) -> None:
    with contextlib.suppress(StateError):
        framing.scan(data, "j")


def bodies() -> bytes:
    """What the records of a run hold, a line each."""
    place = MemoryPlace()
    place.documents["snapshot"] = (STATE, 1)
    run = Holding("7d1f90aa", "maria", "here", 1, "pnsync apply", NOW)
    with Store(MemoryBackend(place), StepClock(), pinned_lineage=None).hold(run, timeout=0) as session:
        for event in events():
            session.record(event)
    found = [framing.unframe(line) for _, line in sorted(place.log.items())]
    return b"\n".join(one.body for one in found if one is not None)


BODIES = bodies()


def feed_log(data: bytes) -> None:
    """Records with right sums in a right chain behind a state, and in them anything."""
    place = MemoryPlace()
    place.documents["snapshot"] = (STATE, 1)
    previous = ""
    for seq, body in enumerate(data.split(b"\n"), 1):
        place.log[seq], previous = framing.frame(seq, previous, body)
    with contextlib.suppress(StateError):
        found = Store(MemoryBackend(place), StepClock(), pinned_lineage=None).load()
        if found is not None:
            work_on(found)


def told_otherwise(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Damaged bytes, or one body with other values."""
    data = random.choice(seeds)
    if random.random() < 0.3:
        return havoc(random, data, seeds)
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    lines[at] = json.dumps(exchange(random, parsed(random, [EVENTS[0], lines[at]]))).encode()
    return b"\n".join(lines)


EVENTS = [json.dumps(encode_event(one, CLEAR)).encode() for one in events()]


def feed_event(data: bytes) -> None:
    """An event that a record with a right sum holds: read and folded, or refused as one of the ways decoders refuse."""
    try:
        made = from_json(data)
        event = decode_event(made, CLEAR)
        replay(state(), [event])
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
        pass


def exchanged(random: Random, seeds: Sequence[bytes]) -> bytes:
    return json.dumps(exchange(random, parsed(random, seeds))).encode()


KEYS = Keys(b"fuzz" * 8, bytes(32), None)
PLAN = plan(DESIRED, state(), OBSERVED, now=NOW)
SHOWN = document(PLAN, MASKER, pnsync_version="0")
SAVED = json.dumps(seal(SHOWN, PLAN, {"targets": []}, KEYS)).encode()


def feed_plan(data: bytes) -> None:
    with contextlib.suppress(StalePlan):
        compare(read(data), PLAN, SHOWN, KEYS)


def rightly_summed_plan(random: Random, seeds: Sequence[bytes]) -> bytes:
    found = exchange(random, parsed(random, seeds))
    if isinstance(found, dict):
        found["digest"] = digest(found)
    return json.dumps(found).encode()


def answers(operations: dict[str, Any]) -> list[bytes]:
    return [json.dumps(one["response"]).encode() for one in operations.values() if "response" in one]


def feed_nxcloud(data: bytes) -> None:
    provider = nxcloud(always(data))
    for intent in golden_nx_intents().values():
        check(intent, provider.send(intent), data, "code")
    read_all(provider)


def feed_laaffic(data: bytes) -> None:
    provider = laaffic(always(data))
    for intent in golden_la_intents().values():
        check(intent, provider.send(intent), data, "status")
    read_all(provider)


def check(intent: Intent, outcome: object, data: bytes, success: str) -> None:
    """Applied is what says success and names what it made; anything else is one of the other outcomes."""
    assert isinstance(outcome, Applied | NotSent | Refused | Unknown)
    if isinstance(outcome, Applied):
        assert json.loads(data)[success] in (0, "0")
        assert bool(outcome.bind_id and outcome.phone_x) == (intent.operation is Operation.BIND)
        assert bool(outcome.group_id) == (intent.operation is Operation.CREATE_GROUP)


def read_all(provider: Any) -> None:
    with contextlib.suppress(VendorError, CredentialsRefused):
        provider.list(scans=1, reading=silent)


def answered(random: Random, seeds: Sequence[bytes]) -> bytes:
    return damaged(random, seeds) if random.random() < 0.4 else exchanged(random, seeds)


TARGETS = {
    one.name: one
    for one in (
        Target("yaml", [ROOT, INCLUDED], feed_yaml, damaged),
        Target("config", [ROOT + b"\n=====\n" + INCLUDED, ROOT], feed_config, damaged),
        Target("numbers", [NUMBERS, SOPS], feed_numbers, damaged),
        Target("numbers, sealed", [sealed_numbers(NUMBERS)], feed_sealed_numbers, damaged),
        Target("table", [TABLE], feed_table, damaged),
        Target("state", [STATE], feed_state, damaged),
        Target("state, right sum", [STATE], feed_state, rightly_summed_state),
        Target("journal", [JOURNAL], feed_journal, damaged),
        Target("journal, right sum", [BODIES], feed_log, told_otherwise),
        Target("event", EVENTS, feed_event, exchanged),
        Target("plan", [SAVED], feed_plan, damaged),
        Target("plan, right digest", [SAVED], feed_plan, rightly_summed_plan),
        Target("nxcloud", answers(NX), feed_nxcloud, answered),
        Target("laaffic", answers(LA), feed_laaffic, answered),
    )
}
