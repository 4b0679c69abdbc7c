"""An apply as a whole, decision by decision: what it asks before it calls, what it records, and the code it ends with.

Vendors here do what they are told at once, or what the test says; state and clock are in memory.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace
from stores.roomy import Room, RoomyBackend

from pnsync.apply.proofs import PROOF_SECONDS
from pnsync.checkout import COMMIT_NOTE, Missing
from pnsync.dispatch import ThreadDispatcher
from pnsync.errors import ExitCode, PolicyRefused, StalePlan, StateError, UsageError, VendorError
from pnsync.journal import Applied, Noted, NotSent, Outcome, Recorded, Refusal, Refused, Unknown
from pnsync.model import Binding, Desired, Listing, LiveBinding, Moved, Policy
from pnsync.planning import PlanOptions, World, make_plan, plan_keys
from pnsync.policy.precedent import POLICY_NOTE
from pnsync.pseudonyms import pseudonym_key
from pnsync.reports.status import RUN_NOTE
from pnsync.savedplan import seal
from pnsync.scope import Shard
from pnsync.sharding.sharded import ShardedStore
from pnsync.state import Entry, Intent, Operation, State
from pnsync.store.store import KEY_NOTE, Store
from pnsync.verdict import Report, Verdict, Warned
from pnsync.workflow import ApplyOptions, run_apply
from tests.readers import Reading, Silent, Vendor, record, stored, world
from tests.worlds import PROVIDERS, axb, desired, made, phone

A, B, C = axb("a", 1, 2), axb("b", 3, 4), axb("c", 5, 6)
REFUSED = Refused(Refusal.VALIDATION, "1002", "a parameter is wrong", "")
UNKNOWN = Unknown("no complete answer came in time")
NOW_OPTIONS = ApplyOptions(settle_seconds=0.0)
AGREED: Callable[[dict[str, Any]], bool] = lambda _: True  # noqa: E731


class Switch(Vendor):
    """A vendor that binds and unbinds, but for the calls whose outcomes are given: those have no effect."""

    def __init__(self, clock: StepClock, outcomes: Iterable[Outcome | None] = (), name: str = "nx") -> None:
        super().__init__(PROVIDERS[name])
        self._clock, self._outcomes = clock, list(outcomes)
        self.sent: list[tuple[str, str]] = []
        self.slow = 0.0

    def vendor_now(self) -> float:
        return self._clock.now()

    def list(self, *, scans: int, reading: Reading) -> Listing:
        found = super().list(scans=scans, reading=reading)
        began = self._clock.now()
        self._clock.passed += self.slow
        self.slow = 0.0
        return replace(found, started_at=began)

    def send(self, intent: Intent) -> Outcome:
        self.sent.append((intent.operation.value, intent.address.removeprefix("bindings.")))
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome is not None:
            return outcome
        if intent.operation is Operation.UNBIND:
            self._rows = tuple(row for row in self._rows if row.bind_id != intent.bind_id)
            return Applied()
        target = intent.target
        assert isinstance(target, Entry)
        row = LiveBinding(
            self.config.name, f"row-{len(self.sent)}", target.phone_a, target.phone_b, "447700900950",
            customer_bind_id=intent.customer_bind_id, recording=False,
            expires_at=int(intent.signed_at + (intent.expire_seconds or 0)),
        )  # fmt: skip
        self._rows = (*self._rows, row)
        return Applied(row.bind_id, row.phone_x)


class Lock:
    """Held until it is given up."""

    def still_held(self) -> bool:
        return True

    def release(self) -> None:
        """Nobody else is there."""


class LockedBackend(MemoryBackend):
    """A place with a lock of its own, so that no lease has to be renewed."""

    def exclusive(self, holder: bytes, timeout: float) -> Lock:  # type: ignore[override]
        return Lock()


class Here:
    """A state in memory, its vendor, and applies to it."""

    def __init__(self, *outcomes: Outcome | None) -> None:
        self.place, self.clock = MemoryPlace(), StepClock()
        self.nx = Switch(self.clock, outcomes)
        self.vendors: dict[str, Vendor] = {"nx": self.nx}
        self.told: list[Report] = []
        self.signal = Silent()
        self.dispatcher: Callable[[int], ThreadDispatcher] = ThreadDispatcher

    def world(self, declared: Desired | Iterable[Binding]) -> World:
        files = declared if isinstance(declared, Desired) else desired(declared)
        found = world(
            self.place, files, self.vendors, clock=self.clock, report=self.told.append, signal=self.signal
        )
        found.store = Store(LockedBackend(self.place), self.clock, pinned_lineage=None)
        found.dispatcher = self.dispatcher
        return found

    def apply(
        self, declared: Desired | Iterable[Binding], options: ApplyOptions = NOW_OPTIONS, **more: Any
    ) -> Verdict:
        return run_apply(self.world(declared), options, **{"confirm": AGREED, **more})

    @property
    def state(self) -> State:
        return stored(self.place)

    def codes(self) -> list[str]:
        """Of all that was warned of."""
        return [one.code for one in self.told if isinstance(one, Warned)]


@pytest.fixture
def here() -> Here:
    return Here()


# -- before the first call ---------------------------------------------------------------------------------------------------


def test_a_plan_that_somebody_declines_is_not_carried_out(here: Here) -> None:
    shown: list[dict[str, Any]] = []

    def declines(document: dict[str, Any]) -> bool:
        shown.append(document)
        here.clock.passed += 100
        return False

    found = here.apply([A, B], confirm=declines)
    assert (found.exit, found.not_tried, found.done) == (ExitCode.FAILED, 2, 0) and here.nx.sent == []
    assert [one["address"] for one in shown[0]["changes"]] == [A.address, B.address]
    assert "snapshot" not in here.place.documents, "nor is anything recorded"
    assert found.seconds < 50, "the time in which a person thinks is not the command's"


def test_what_policy_refuses_is_not_carried_out(here: Here) -> None:
    here.apply([A, B])
    before = list(here.nx.sent)
    with pytest.raises(PolicyRefused):
        here.apply([])
    assert here.nx.sent == before


def test_another_account_is_none_of_this_state(here: Here) -> None:
    here.apply([A])
    here.nx._account = "another"
    with pytest.raises(StateError) as caught:
        here.apply([A, B])
    assert caught.value.code == "A150" and len(here.nx.sent) == 1


def test_an_address_that_nobody_knows_is_no_target(here: Here) -> None:
    for options in (
        PlanOptions(targets=("orders",)),
        PlanOptions(excludes=("orders",)),
        PlanOptions(replace=("x",)),
    ):
        with pytest.raises(UsageError):
            here.apply([A], replace(NOW_OPTIONS, plan=options))
    assert here.nx.sent == []


def test_a_listing_is_as_old_as_its_beginning(here: Here) -> None:
    """One that took longer than a proof is good for proves no unbind."""
    here.apply([A, B, C])
    here.nx.scans.clear()
    here.nx.slow = PROOF_SECONDS + 1
    here.apply([A, B], replace(NOW_OPTIONS, verify=False, plan=PlanOptions(allow_unbind=1)))
    assert here.nx.sent[-1] == ("unbind", "c") and len(here.nx.scans) == 2


def test_an_apply_reads_twice_before_it_concludes_anything(here: Here) -> None:
    here.apply([A], replace(NOW_OPTIONS, verify=False))
    assert here.nx.scans == [2]


class Older:
    """A checkout that lacks one commit."""

    def __init__(self, lacks: str) -> None:
        self._lacks = lacks

    def head(self) -> str:
        return "b" * 40

    def missing(self, commit: str) -> Missing | None:
        return Missing((commit[:12],), 1) if commit == self._lacks else None


def test_a_checkout_that_lacks_what_was_applied_is_refused_unless_that_is_meant(here: Here) -> None:
    here.apply([A])
    record(here.place, Noted(COMMIT_NOTE, "c" * 40))
    older = here.world([A, B])
    older.checkout = Older("c" * 40)
    with pytest.raises(StalePlan) as caught:
        run_apply(older, NOW_OPTIONS, confirm=AGREED)
    assert caught.value.code == "A511" and len(here.nx.sent) == 1
    renewing = replace(NOW_OPTIONS, plan=PlanOptions(renew_only=True))
    assert run_apply(older, renewing, confirm=AGREED).exit is ExitCode.DONE
    assert run_apply(older, replace(NOW_OPTIONS, allow_older=True), confirm=AGREED).done == 1
    assert "A511" in here.codes() and here.state.notes[COMMIT_NOTE] == "b" * 40


# -- a saved plan ------------------------------------------------------------------------------------------------------------


def saved(here: Here, declared: Iterable[Binding], options: PlanOptions | None = None) -> bytes:
    """A plan file made now."""
    options = options or PlanOptions()
    found = make_plan(here.world(declared), options)
    return json.dumps(seal(found.document, found.plan, options.saved(), found.keys)).encode()


def test_a_plan_is_applied_once(here: Here) -> None:
    here.apply([A])
    plan = saved(here, [A, B])
    assert here.apply([A, B], saved=plan).done == 1
    with pytest.raises(StalePlan) as caught:
        here.apply([A, B], saved=plan)
    assert caught.value.code == "A507"


def test_a_plan_has_its_age_and_its_state(here: Here) -> None:
    here.apply([A])
    plan = saved(here, [A, B])
    here.clock.passed += 61
    with pytest.raises(StalePlan) as caught:
        here.apply([A, B], replace(NOW_OPTIONS, max_age_seconds=60.0), saved=plan)
    assert caught.value.code == "A508"
    other = Here()
    other.apply([A])
    with pytest.raises(StalePlan) as caught:
        other.apply([A, B], saved=plan)
    assert caught.value.code == "A505"


def test_a_plan_is_applied_as_it_was_asked_for(here: Here) -> None:
    here.apply([A])
    plan = saved(here, [A, B, C], PlanOptions(targets=("b",)))
    assert here.apply([A, B, C], saved=plan).done == 1 and here.nx.sent[-1] == ("bind", "b")
    with pytest.raises(UsageError):
        asked = replace(NOW_OPTIONS, plan=PlanOptions(targets=("c",)))
        here.apply([A, B, C], asked, saved=saved(here, [A, B, C]))


def test_drift_elsewhere_is_told_and_left_alone_to_the_end(here: Here) -> None:
    here.apply([A, B])
    here.clock.passed += 1000
    plan = saved(here, [A, B, C])
    gone = next(row for row in here.nx._rows if row.phone_a == phone(1))
    here.nx._rows = tuple(row for row in here.nx._rows if row is not gone)
    here.nx._outcomes = [UNKNOWN]
    patient = replace(NOW_OPTIONS, settle_seconds=900.0)
    found = here.apply([A, B, C], patient, saved=plan)
    assert here.nx.sent[2:] == [("bind", "c"), ("bind", "c")], "also when it plans again"
    assert "A141" in here.codes() and found.exit is ExitCode.DONE


def test_what_ends_at_the_end_of_a_run_is_no_reason_for_more(here: Here) -> None:
    """While it waits for what is not known, other things change: those are the next run's."""
    here.apply([A, B])
    here.clock.passed += 1000
    here.nx._outcomes = [UNKNOWN]

    def meanwhile(_: StepClock) -> None:
        here.nx._rows = tuple(row for row in here.nx._rows if row.phone_a != phone(1))

    here.clock._during = meanwhile
    found = here.apply([A, B, C], replace(NOW_OPTIONS, settle_seconds=900.0))
    assert here.nx.sent[2:] == [("bind", "c"), ("bind", "c")] and found.unknown == 0


def test_a_plan_of_a_destroy_is_applied_as_one(here: Here) -> None:
    here.apply([A])
    plan = saved(here, [A], PlanOptions(destroy=True))
    assert here.apply([A], saved=plan).done == 1 and here.nx.sent[-1] == ("unbind", "a")


def test_a_plan_of_a_part_is_no_plan_of_another_or_of_the_whole(here: Here) -> None:
    made = PlanOptions(shard=Shard(0, 2))
    assert made.as_approved(made.saved()) == made
    for other in (PlanOptions(), PlanOptions(shard=Shard(1, 2)), PlanOptions(shard=Shard(0, 3))):
        with pytest.raises(UsageError):
            other.as_approved(made.saved())
    with pytest.raises(UsageError):
        made.as_approved(PlanOptions().saved())


def test_a_plan_is_of_the_account_of_the_state(here: Here) -> None:
    here.apply([A])
    here.nx._account = "another"
    with pytest.raises(StateError) as caught:
        make_plan(here.world([A]), PlanOptions())
    assert caught.value.code == "A150"


def test_what_plans_are_keyed_with_is_secret(here: Here) -> None:
    """The keys of the simulated vendors are known to everybody, and a key of pseudonyms is of one state or one run."""
    assert plan_keys(here.world([A]), None).named() == []
    real = replace(PROVIDERS["nx"], endpoint="https://number.nxcloud.com/api/pns/")
    here.vendors["nx"] = Vendor(real)
    assert [name for name, _ in plan_keys(here.world([A]), None).named()] == ["credentials"]
    assert pseudonym_key(None) != pseudonym_key(None)
    assert pseudonym_key(State("x", notes={KEY_NOTE: "ab" * 32})) == b"\xab" * 32


# -- what it leaves for later runs ---------------------------------------------------------------------------------------------


def test_what_an_apply_notes_and_what_a_destroy_does_not(here: Here) -> None:
    strict = desired([A], policy=Policy(quarantine_seconds=0))
    at = here.world(strict)
    at.checkout = Older("")
    run_apply(at, NOW_OPTIONS, confirm=AGREED)
    first = here.state.notes
    assert first[COMMIT_NOTE] == "b" * 40 and json.loads(first[POLICY_NOTE])["quarantine_seconds"] == 0
    assert json.loads(first[RUN_NOTE])["command"] == "apply" and list(here.state.accounts) == ["nx"]
    loose = here.world(desired([A], policy=Policy(quarantine_seconds=5)))
    loose.checkout = Older("")
    loose.checkout.head = lambda: "d" * 40  # type: ignore[method-assign]
    ends = replace(NOW_OPTIONS, plan=PlanOptions(destroy=True))
    run_apply(loose, ends, confirm=AGREED, command="destroy")
    last = here.state.notes
    assert here.nx.sent[-1] == ("unbind", "a") and json.loads(last[RUN_NOTE])["command"] == "destroy"
    assert (last[COMMIT_NOTE], last[POLICY_NOTE]) == (first[COMMIT_NOTE], first[POLICY_NOTE])


def test_an_apply_that_has_nothing_to_do_leaves_the_state_as_it_is(here: Here) -> None:
    here.apply([A])
    before = dict(here.place.documents), dict(here.place.log)
    assert here.apply([A]).exit is ExitCode.DONE
    after = dict(here.place.documents), dict(here.place.log)
    assert {**after[0], "lease": None} == {**before[0], "lease": None} and after[1] == before[1]


def test_the_account_of_a_provider_that_nothing_uses_is_not_recorded(here: Here) -> None:
    here.vendors["la"] = Switch(here.clock, name="la")
    here.apply([A])
    assert list(here.state.accounts) == ["nx"]


# -- how it ends -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "exit", "counts"),
    [
        ((None, None), ExitCode.DONE, (2, 0, 0, 0)),
        ((REFUSED, REFUSED), ExitCode.FAILED, (0, 2, 0, 0)),
        ((None, REFUSED), ExitCode.PARTIAL, (1, 1, 0, 0)),
        ((None, UNKNOWN), ExitCode.UNSETTLED, (1, 0, 0, 1)),
        ((REFUSED, UNKNOWN), ExitCode.UNSETTLED, (0, 1, 0, 1)),
        ((Refused(Refusal.AUTHENTICATION, "1005", "no", ""),) * 2, ExitCode.CREDENTIALS, (0, 1, 1, 0)),
        ((Refused(Refusal.CAPACITY, "10010", "no", ""),), ExitCode.FAILED, (0, 1, 1, 0)),
        ((NotSent("refused"),) * 3, ExitCode.PARTIAL, (1, 1, 0, 0)),
    ],
    ids=["done", "failed", "partial", "unsettled", "doubt-first", "credentials", "full", "not-sent"],
)
def test_the_exit_code_and_the_counts(
    outcomes: tuple[Outcome | None, ...], exit: ExitCode, counts: tuple[int, int, int, int]
) -> None:
    found = Here(*outcomes).apply([A, B])
    assert found.exit is exit
    assert (found.done, found.failed, found.not_tried, found.unknown) == counts


def test_what_is_down_counts_above_what_failed() -> None:
    here = Here()
    here.apply([A])
    here.nx._outcomes = [None, REFUSED]
    asked = replace(NOW_OPTIONS, plan=PlanOptions(allow_rebind=1))
    down: dict[str, Any] = {"mode": A.mode}
    found = here.apply([replace(A, phone_b=phone(9), **down)], asked)
    if here.nx.sent[1] == ("unbind", "a"):
        assert found.exit is ExitCode.DOWN and found.down == (A.address,)
    else:  # bound first: what failed leaves the old one up
        assert found.exit is ExitCode.FAILED and found.down == ()
    record(here.place, Recorded(B.address, replace(made(B), bind_id=None, down_since=1)))
    here.nx._outcomes = [REFUSED] * 2
    found = here.apply([A, B])
    assert found.exit is ExitCode.DOWN and B.address in found.down


def test_a_signal_while_it_waits_leaves_the_attempt_open_and_ends(here: Here) -> None:
    here.nx._outcomes = [UNKNOWN]

    def signalled(_: StepClock) -> None:
        here.signal.signal = 15

    here.clock._during = signalled
    found = here.apply([A], replace(NOW_OPTIONS, settle_seconds=900.0))
    assert found.exit is ExitCode.SIGTERM and found.unknown == 1 and here.state.blocking()


def test_a_provider_that_cannot_be_read_gets_no_call_and_is_in_the_exit_code(here: Here) -> None:
    here.vendors["nx2"] = Vendor(PROVIDERS["nx2"], failure=VendorError("a vendor gives no answer"))
    found = here.apply([A, axb("other", 7, 8, provider="nx2")])
    assert found.exit is ExitCode.PARTIAL and here.nx.sent == [("bind", "a")]
    assert next(one.summary for one in here.told if isinstance(one, Warned)).startswith("nx2 cannot be read")


@pytest.mark.parametrize(("number", "code"), [(2, ExitCode.SIGINT), (15, ExitCode.SIGTERM)])
def test_after_a_signal_nothing_more_is_asked_and_the_code_says_so(
    here: Here, number: int, code: ExitCode
) -> None:
    def stops(_: dict[str, Any]) -> bool:
        here.signal.signal = number
        return True

    found = here.apply([A], confirm=stops)
    assert found.exit is code and here.nx.sent == [] and here.nx.scans == [2] and found.not_tried == 1


class Hanging(Switch):
    """A vendor whose reading of this number never ends: a signal comes instead. With `lost` its first answer is lost."""

    def __init__(
        self, here: "Here", reading: int, number: int, outcomes: Iterable[Outcome | None], lost: bool
    ) -> None:
        super().__init__(here.clock, outcomes)
        self._signal, self._reading, self._number, self._lost = here.signal, reading, number, lost
        self._readers = ThreadDispatcher(1)
        self.ended = Event()

    def dispatcher(self, width: int) -> ThreadDispatcher:
        self._readers = ThreadDispatcher(width)
        return self._readers

    def list(self, *, scans: int, reading: Reading) -> Listing:
        found = super().list(scans=scans, reading=reading)
        if len(self.scans) == self._reading:
            self._signal.signal = self._number
            self._readers.wake()
            self.ended.wait()
        return found

    def send(self, intent: Intent) -> Outcome:
        found = super().send(intent)
        return UNKNOWN if self._lost and len(self.sent) == 1 else found


@contextmanager
def hanging(
    here: Here, reading: int, number: int = 15, outcomes: Iterable[Outcome | None] = (), *, lost: bool = False
) -> Iterator[Hanging]:
    """Its vendor, while this reading hangs."""
    here.nx = made = Hanging(here, reading, number, outcomes, lost)
    here.vendors["nx"], here.dispatcher = made, made.dispatcher
    try:
        yield made
    finally:
        made.ended.set()
        here.signal.signal = None


WAITING = replace(NOW_OPTIONS, settle_seconds=900.0)


@pytest.mark.parametrize("lost", [True, False], ids=["took effect", "had none"])
@pytest.mark.parametrize(("number", "code"), [(2, ExitCode.SIGINT), (15, ExitCode.SIGTERM)])
def test_a_signal_while_a_vendor_hangs_in_the_reading_that_settles_loses_nothing(
    here: Here, number: int, code: ExitCode, lost: bool
) -> None:
    """What is open stays open, the lock is free, and the next run asks the listing instead of binding again."""
    with hanging(here, 2, number, () if lost else (UNKNOWN,), lost=lost) as vendor:
        leased = here.world([A, B])
        leased.store = Store(
            MemoryBackend(here.place), here.clock, pinned_lineage=None, heartbeat=lambda _: lambda: None
        )
        found = run_apply(leased, WAITING, confirm=AGREED)
        assert (found.exit, found.unknown, found.done, found.failed) == (code, 1, 1, 0)
        assert ExitCode.UNSETTLED in found.codes and found.unverified == ()
        assert vendor.scans == [2, 2] and vendor.sent == [("bind", "a"), ("bind", "b")]
        assert leased.store.holder() is None
    kept = here.state
    assert list(kept.blocking()) == [A.address] and list(kept.entries) == [B.address]
    assert json.loads(kept.notes[RUN_NOTE])["exit"] == code, "as the run itself ended"
    again = here.apply([A, B], WAITING)
    assert (again.exit, again.unknown) == (ExitCode.DONE, 0) and not here.state.blocking()
    assert vendor.sent[2:] == ([] if lost else [("bind", "a")])
    assert len(vendor._rows) == 2 and sorted(here.state.entries) == [A.address, B.address]


def test_a_signal_while_the_end_is_compared_with_a_listing_that_hangs_keeps_what_was_done(here: Here) -> None:
    with hanging(here, 2):
        found = here.apply([A, B], WAITING)
        assert (found.exit, found.done, found.unknown, found.unverified) == (ExitCode.SIGTERM, 2, 0, ())
    assert sorted(here.state.entries) == [A.address, B.address]
    assert here.apply([A, B]).calls == 0


# -- one of several runs -----------------------------------------------------------------------------------------------------


class Shared(Here):
    """The same at a place that several runs share."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room()

    def world(self, declared: Desired | Iterable[Binding]) -> World:
        found = super().world(declared)
        found.store = ShardedStore(
            RoomyBackend(self.room), self.clock, pinned_lineage=None, heartbeat=lambda _: lambda: None
        )
        return found


def part(index: int, **more: Any) -> ApplyOptions:
    return replace(NOW_OPTIONS, plan=PlanOptions(shard=Shard(index, 2)), **more)


def test_a_run_is_older_than_what_any_other_of_its_state_applied() -> None:
    here = Shared()
    many = [axb(f"o{one}", one * 2 + 1, one * 2 + 2) for one in range(8)]
    first = here.world(many)
    first.checkout = Older("")
    assert run_apply(first, part(0), confirm=AGREED).done > 0
    late = here.world(many)
    late.checkout = Older("b" * 40)
    calls = len(here.nx.sent)
    with pytest.raises(StalePlan) as caught:
        run_apply(late, part(1), confirm=AGREED)
    assert caught.value.code == "A511" and len(here.nx.sent) == calls
    assert run_apply(here.world(many), part(1), confirm=AGREED).exit is ExitCode.DONE
    assert sorted(here.nx.sent) == sorted(("bind", one.name) for one in many), "each once, by one of both"


@pytest.mark.parametrize("rate", [8.0, 100.0])
def test_a_plan_tells_the_slowest_rate_of_what_it_calls_and_a_shard_s_its_share(rate: float) -> None:
    here = Shared()
    here.vendors["nx2"] = Switch(here.clock, name="nx2")
    other = here.vendors["nx2"].config = replace(PROVIDERS["nx2"], rate=rate)
    ours, theirs = (
        next(axb(f"o{n}", 2 * n + 1, 2 * n + 2) for n in range(99) if Shard(index, 2).holds(f"bindings.o{n}"))
        for index in (0, 1)
    )
    files = desired([ours, replace(theirs, provider="nx2")], providers={**PROVIDERS, "nx2": other})
    usual = PROVIDERS["nx"].rate
    shown: list[float | None] = []

    def declines(document: dict[str, Any]) -> bool:
        shown.append(document["rate"])
        return False

    shards = (None, Shard(0, 1), Shard(0, 2), Shard(1, 2))
    for shard in shards:
        shown.append(make_plan(here.world(files), PlanOptions(shard=shard)).document["rate"])
        here.apply(files, replace(NOW_OPTIONS, plan=PlanOptions(shard=shard)), confirm=declines)
    whole = min(usual, rate)
    assert shown == [whole, whole, whole, whole, usual / 2, usual / 2, rate / 2, rate / 2]
    assert make_plan(here.world(desired()), PlanOptions(shard=Shard(0, 2))).document["rate"] is None


def test_no_run_of_a_part_renames_into_another() -> None:
    here = Shared()
    ours, theirs = (
        next(axb(f"o{n}") for n in range(99) if Shard(index, 2).holds(f"bindings.o{n}")) for index in (0, 1)
    )
    here.apply([ours], part(0))
    renamed = desired([theirs], moved=(Moved(ours.address, theirs.address),))
    for index in (0, 1):
        with pytest.raises(UsageError):
            here.apply(renamed, part(index))
    assert len(here.nx.sent) == 1
