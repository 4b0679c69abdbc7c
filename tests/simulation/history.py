"""A whole history: steps drawn from the seed, every invariant after each, and the quiet end in which all must converge."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pnsync.errors import PolicyRefused
from pnsync.identity import name_space
from pnsync.lifetimes import over
from pnsync.matching import never_listed
from pnsync.plan import Cause
from pnsync.planner.findings import NOT_LISTED_YET, NOT_PROVEN
from pnsync.planning import PlanOptions
from pnsync.state import Entry, State
from pnsync.verdict import Failed
from pnsync.workflow import ApplyOptions

from .steps import LISTED_SECONDS, STEPS, allowed, judged, nothing_due, settle_down
from .vendors import Vendor
from .world import Run, Universe, Violation, seeded

PASSING = (NOT_LISTED_YET, NOT_PROVEN)
"""Why a quiet plan may wait for an instant that it tells.

A server that told a wrong time stamped the answer too: what it bound passes for new for as long as it was ahead. And what
somebody removed before any binding of its mode was ever listed is believed live until it has expired.
"""


@dataclass(frozen=True)
class Failure:
    """What a history broke, and the program that repeats it."""

    seed: int
    rule: str
    what: str
    steps: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        numbers = ",".join(str(number) for number, _ in self.steps)
        lines = [f"seed {self.seed} breaks {self.rule}: {self.what}"]
        lines += [f"  {number:3} {name}" for number, name in self.steps]
        lines.append(f"python -m tests.simulation --seed {self.seed} --steps {numbers}")
        return "\n".join(lines)


def program(seed: int) -> list[str]:
    """The names of the steps of a history."""
    random = Random(f"{seed}/program")
    names = sorted(STEPS)
    enabled = [name for name in names if name in ("apply", "edit", "wait") or random.random() < 0.6]
    weights = [STEPS[name][1] for name in enabled]
    return random.choices(enabled, weights, k=random.choice((3, 8, 16, 40)))


def play(seed: int, only: Sequence[int] | None = None) -> tuple[Universe, Failure | None]:
    """Run a history, or those of its steps that are named by number."""
    names = program(seed)
    numbers = [number for number in range(len(names)) if only is None or number in only]
    with seeded(Random(f"{seed}/secrets")):
        universe = Universe(seed)
        done: list[tuple[int, str]] = []
        try:
            for number in numbers:
                done.append((number, names[number]))
                STEPS[names[number]][0](universe, Random(f"{seed}/{number}"))
                universe.check()
            done.append((-1, "quiet"))
            converge(universe, Random(f"{seed}/end"))
        except Violation as broken:
            return universe, Failure(seed, broken.rule, str(broken), _steps(done))
        except Exception as error:  # whatever escapes the program is a finding
            where = _where(error)
            return universe, Failure(
                seed, "exception", f"{type(error).__name__} at {where}: {error}", _steps(done)
            )
    universe.figures.counts["worlds"] += 1
    return universe, None


def _steps(done: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    return tuple(one for one in done if one[0] >= 0)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    found = "?"
    while trace is not None:
        found = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def shrink(failure: Failure) -> Failure:
    """The same failure with as few steps as dropping one after the other leaves."""
    best = failure
    again = True
    while again:
        again = False
        for number, _ in best.steps[:-1] if len(best.steps) > 1 else ():
            rest = [one for one, _ in best.steps if one != number]
            _, found = play(failure.seed, rest)
            if found is not None and found.rule == failure.rule:
                best, again = found, True
                break
    return best


# -- the quiet end ---------------------------------------------------------------------------------------------------


def converge(universe: Universe, random: Random) -> None:
    """Faults stop; at most two applies later the vendor is as declared, and a plan is empty (G7)."""
    settle_down(universe)
    universe.time.seconds += 60  # until what is on its way has arrived
    _clear_conflicts(universe)
    # Where -35 covers AXXB too, which docs/vendors.md calls open, what is refused for a phone that the same run frees goes last.
    covers = any(getattr(one.switches, "conflict_covers_axxb", False) for one in universe.vendors.values())
    applies = 3 if covers else 2
    for attempt in range(applies):
        run = judged(universe, universe.apply(random, options=ApplyOptions(settle_seconds=4000.0)))
        if isinstance(run.error, PolicyRefused):
            permitted = ApplyOptions(plan=allowed(run.error), settle_seconds=4000.0)
            run = judged(universe, universe.apply(random, options=permitted))
        if run.error is not None:
            raise Violation("G7", f"with all faults gone apply ends with {run.error}")
        universe.check()
        last = attempt == applies - 1
        universe.time.seconds += LISTED_SECONDS if last else 2000 + universe.files.quarantine_seconds
    while universe.relaxed and _spent(universe, run):
        run = _again(universe, random)
    run = _windows(universe, random) or run
    found = universe.plan(random)
    later = [one.not_before for one in found.plan.deferred if one.reason in PASSING and one.not_before]
    if later:
        universe.time.seconds += max(0.0, max(later) - universe.time.wall) + 60
        run = _again(universe, random)
        found = universe.plan(random)
    state = universe.check()
    verdict = run.verdict
    assert verdict is not None
    due = [one for one in found.plan.changes if one.cause is not Cause.EXPIRY]
    if state is not None and any(_unlisted(state, one) for one in verdict.failures):
        universe.figures.counts["left to a person"] += 1
        return
    if due or found.plan.deferred:
        lines = [f"{one.address} {one.action.value} ({one.reason})" for one in due]
        lines += [f"{one.address} deferred {one.action.value} ({one.reason})" for one in found.plan.deferred]
        raise Violation(
            "G7", f"after two quiet applies the plan holds {'; '.join(lines[:4])}; exits {verdict.codes}"
        )
    if state is not None and state.pending:
        held = [one for one in state.pending.values() if one.blocks]
        if held:
            raise Violation("I6", f"{held[0].intent.address}: {held[0].standing.value} after the quiet phase")
    _compare(universe, state or State(lineage=""), decided=bool(found.plan.decisions) or universe.relaxed)
    if nothing_due(universe, random, found):
        again = judged(universe, universe.apply(random, options=ApplyOptions(plan=PlanOptions())))
        if again.calls:
            raise Violation("plan", "a plan was empty and its apply made calls")


def _windows(universe: Universe, random: Random) -> Run | None:
    """The apply that settles what the last one left open, once its windows are over; None where nothing is open."""
    state = universe.state()
    blocking = {} if state is None else state.blocking()
    if not blocking:
        return None
    over = max(one.intent.not_before for one in blocking.values())
    universe.time.seconds += max(0.0, over - universe.time.wall) + 60
    return _again(universe, random)


def _again(universe: Universe, random: Random) -> Run:
    """Another quiet apply, and the time until all of it is listed."""
    run = judged(universe, universe.apply(random, options=ApplyOptions(settle_seconds=4000.0)))
    universe.check()
    universe.time.seconds += LISTED_SECONDS
    return run


def _spent(universe: Universe, run: Run) -> bool:
    """Whether a vendor refused a bind under an id that was sent before the copy of the state was put back.

    How many such ids there are is forgotten; each apply finds out one of every address.
    """
    failures = () if run.verdict is None else run.verdict.failures
    refused = {one.address for one in failures if one.vendor_code}
    for vendor in universe.vendors.values():
        first: dict[str, str] = {}  # the attempt that made the first binding under each id
        for made in vendor.made.values():
            intent = made.sent.intent
            if intent is not None and intent.customer_bind_id is not None:
                first.setdefault(intent.customer_bind_id, intent.attempt)
        last = {one.intent.address: one.intent for one in vendor.requests if one.intent is not None}
        for sent in (last[address] for address in refused & last.keys()):
            if first.get(sent.customer_bind_id or "", sent.attempt) != sent.attempt:
                return True
    return False


def _unlisted(state: State, failed: Failed) -> bool:
    """Whether an unbind has no proof as its vendor was never seen to list a binding of its mode: a person decides."""
    entry = state.entries.get(failed.address)
    return (
        failed.code == "A111" and isinstance(entry, Entry) and never_listed(state, entry.provider, entry.mode)
    )


def _believed(state: State, entry: object) -> bool:
    """Whether a binding is of a mode that its vendor was never seen to list, and so passes for live as recorded."""
    return isinstance(entry, Entry) and not entry.down and never_listed(state, entry.provider, entry.mode)


def _clear_conflicts(universe: Universe) -> None:
    """A person decides what no run may: what others bound with our phones, and which of two equal bindings goes.

    Where a copy of the state was put back, so does what was bound or grouped since then and no id proves: pnsync cannot know it.
    """
    phones = {
        one.digits
        for each in universe.files.bindings.values()
        for one in (each.phone_a, each.phone_b)
        if one is not None
    }
    for vendor in universe.vendors.values():
        console = vendor.transport.console
        forgotten = _forgotten(universe, vendor) if universe.relaxed else set()
        named: set[str] = set()
        state = universe.state()
        known = set() if state is None else {one.group_id for one in state.groups().values()}
        managed = {one.name for one in universe.files.groups.values() if one.phones}
        for group in list(vendor.board.groups.values()):
            lost = universe.relaxed and group.name in managed and group.group_id not in known
            if lost or group.name in named:
                with vendor.transport.account.writing(universe.time.true) as board:
                    board.drop_group(group.group_id, universe.time.true)
            named.add(group.name)
        for row in console.bindings():
            foreign = row["bind_id"] not in vendor.made
            one = vendor.made.get(row["bind_id"])
            doubtful = one is not None and (one.delivery > 1 or one.sent.distrusted)
            twin = doubtful and vendor.kind == "laaffic"
            if (
                twin
                or row["bind_id"] in forgotten
                or (foreign and {row["phone_a"], row.get("phone_b", "")} & phones)
            ):
                console.remove(row["bind_id"])


def _forgotten(universe: Universe, vendor: Vendor) -> set[str]:
    """Ids of live bindings that pnsync made, that nothing in the state explains, and that no id of ours proves.

    An id that was sent twice, the second time after a copy of the state was put back, proves nothing of the first.
    """
    state = universe.state() or State(lineage="")
    entries = {one.bind_id for one in state.bindings().values() if one.provider == vendor.name}
    open_ids = {one.intent.customer_bind_id for one in state.pending.values()}
    ours = name_space(state.lineage)
    found: set[str] = set()
    for bind_id, row in vendor.board.bindings.items():
        made = vendor.made.get(bind_id)
        intent = None if made is None else made.sent.intent
        if intent is None or intent.attempt in state.pending or bind_id in entries | state.superseded.keys():
            continue
        if ours is None or not row.client_id.startswith(ours) or row.client_id in open_ids:
            found.add(bind_id)
    return found


def _compare(universe: Universe, state: State, *, decided: bool) -> None:
    """Each declared binding is live once, with its values; and nothing else of ours."""
    now = universe.time.true
    kept: set[tuple[str, str]] = set()
    missing = 0
    for one in universe.files.bindings.values():
        entry = state.entries.get(one.address)
        bind_id = getattr(entry, "bind_id", None)
        row = universe.vendors[one.provider].board.bindings.get(bind_id) if isinstance(entry, Entry) else None
        b = "" if one.phone_b is None else one.phone_b.digits
        ended = over(one.lifetime, now + max(0.0, universe.skew)) or not one.lifetime.keep
        if row is not None and (row.phone_a, row.phone_b) != (one.phone_a.digits, b) and ended:
            row = None  # it has ended, and the vendor gave its id again
        if row is not None and one.enabled:
            kept.add((one.provider, str(bind_id)))
            same = (row.phone_a, row.phone_b, row.mode) == (one.phone_a.digits, b, one.mode.value)
            same = same and (one.phone_x is None or (row.x_a, row.extension) == (one.phone_x, one.extension))
            missing += not same
        elif one.enabled and not ended and not _believed(state, entry):
            missing += 1
    made = {
        (vendor.name, one)
        for vendor in universe.vendors.values()
        for one in vendor.board.bindings
        if one in vendor.made
    }
    extra = made - kept
    if not decided and (missing or extra):
        raise Violation(
            "I7",
            f"{missing} declared bindings are not live as declared, {len(extra)} live ones are not declared",
        )


__all__ = ["Failure", "play", "program", "shrink"]
