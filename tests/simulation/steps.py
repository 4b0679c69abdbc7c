"""The steps that a history is made of. Each draws from a random of its own, so that leaving one out keeps the others."""

import errno
import re
from dataclasses import replace
from random import Random

from pnsync.errors import ExitCode, Fenced, PnsyncError, StateError
from pnsync.phone import Phone
from pnsync.planning import Planned, PlanOptions
from pnsync.sandbox.records import Binding
from pnsync.state import Entry, Head, State
from pnsync.workflow import ApplyOptions
from pnsync.zones import zone_note

from . import faults
from .declarations import phone
from .disk import SimDisk
from .figures import LOOKED
from .process import Process
from .vendors import drawn
from .world import Run, Step, Universe, Violation

LISTED_SECONDS = 45
"""After so long a listing shows all that was bound, however late it lists."""


def options(random: Random) -> ApplyOptions:
    """How an apply is asked for."""
    return ApplyOptions(
        plan=PlanOptions(),
        parallelism=random.choice((1, 1, 2, 4, 16)),
        fail_fast=random.random() < 0.1,
        settle_seconds=random.choice((0.0, 10.0, 300.0, 300.0, 3000.0)),
        verify=random.random() < 0.9,
    )


def unsettle(universe: Universe, random: Random) -> None:
    """Give each vendor its faults for this step."""
    for vendor in universe.vendors.values():
        rate = random.choice((0.0, 0.05, 0.2, 0.5))
        menu = faults.menu(random, vendor.kind)
        vendor.transport.line.faults = drawn(Random(random.random()), menu, rate, universe.figures.faults)
        slow = random.choice((0.03, 0.1, 1.0, 8.0))
        own = Random(random.random())
        vendor.latency = lambda own=own, slow=slow: own.random() * slow  # type: ignore[misc]


def settle_down(universe: Universe) -> None:
    """End all faults."""
    for vendor in universe.vendors.values():
        vendor.transport.line.quiet()
        vendor.latency = lambda: 0.05


def judged(universe: Universe, run: Run, *, storage: bool = False) -> Run:
    """A run may be refused for few reasons; a state it cannot read is none of them."""
    if isinstance(run.error, StateError) and not storage and not isinstance(run.error, Fenced):
        raise Violation("exit", f"apply ended with {run.error.code} {run.error}")
    if run.error is not None and run.error.exit_code is ExitCode.LOCKED:
        raise Violation("G5", "the state is locked although nobody is there")
    universe.figures.counts[f"{LOOKED}locks"] += 1
    return run


def allowed(refused: PnsyncError) -> PlanOptions:
    """The permissions that a refused plan asks for (it may unbind everything, for one)."""
    count = re.search(r"if that is meant: --allow-unbind (\d+)", " ".join(refused.detail))
    return PlanOptions(allow_unbind=None if count is None else int(count[1]))


def nothing_due(universe: Universe, random: Random, now: Planned | None = None) -> bool:
    """Whether a plan (`now`, where one was just made) is empty and stays so while an apply reads its listings."""
    if not _empty(now or universe.plan(random)):
        return False
    return _empty(universe.plan(random, PlanOptions(at=int(universe.time.true) + 120)))


def _empty(found: Planned) -> bool:
    return not (found.plan.changes or found.plan.refusals or found.plan.deferred)


def apply(universe: Universe, random: Random) -> None:
    """An apply while vendors behave badly."""
    unsettle(universe, random)
    process = Process()
    if random.random() < 0.3:
        # Somebody works at the vendor's console while the apply runs.
        process.hooks[int(2 ** (random.random() * 9))] = lambda: person(
            universe, Random(random.random()), between=True
        )
    judged(universe, universe.apply(random, process=process, options=options(random)))


def crash(universe: Universe, random: Random) -> None:
    """An apply that dies at a boundary."""
    unsettle(universe, random)
    which = random.choice(("", "", "sync", "synced", "write", "written", "send", "answer", "rename"))
    process = Process(
        die_at=int(2 ** (random.random() * (9 if not which else 6))), die_on=which, half=random.random() < 0.5
    )
    run = universe.apply(random, process=process, options=options(random))
    if not run.killed:
        judged(universe, run)
    universe.figures.counts["crashes"] += run.killed


def power(universe: Universe, random: Random) -> None:
    """An apply during which the power fails."""
    crash(universe, random)
    universe.image.lose_power(random)
    universe.figures.counts["power losses"] += 1


def disk(universe: Universe, random: Random) -> None:
    """An apply whose disk fails, once or for good."""
    unsettle(universe, random)
    process = Process()
    failing = SimDisk(
        universe.image,
        process,
        fail_at=int(2 ** (random.random() * 7)),
        number=random.choice((errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)),
        lasting=random.random() < 0.5,
    )
    run = universe.apply(random, process=process, disk=failing, options=options(random))
    judged(universe, run, storage=failing.failures > 0)
    universe.figures.counts["disk failures"] += failing.failures > 0
    if failing.failures and run.error is None and run.verdict is not None:
        raise Violation("G9", "a storage error was not told")


def signal(universe: Universe, random: Random) -> None:
    """An apply that is interrupted, once or twice."""
    unsettle(universe, random)
    process = Process()
    process.signal_number = random.choice((2, 15))
    process.signal_at = universe.time.seconds + 2 ** (random.random() * 8) - 1
    run = judged(universe, universe.apply(random, process=process, options=options(random)))
    if process.signal is None:
        return
    universe.figures.counts["signals"] += 1
    late = universe.time.seconds - process.signal_at
    if late > 5.5:
        raise Violation("exit", f"it went on for {late:.1f} s after the signal")
    if run.verdict is not None and run.verdict.exit not in (130, 143):
        raise Violation("exit", f"a signal came and it exits with {int(run.verdict.exit)}")


def edit(universe: Universe, random: Random) -> None:
    """A commit."""
    universe.files.edit(random, universe.time.true)
    universe.figures.counts["edits"] += 1


def wait(universe: Universe, random: Random) -> None:
    """Time passes."""
    universe.time.seconds += random.choice((1, 30, 100, 200, 1000, 2000, 4000, 20_000, 90_000, 300_000))


def plan(universe: Universe, random: Random) -> None:
    """A plan while vendors behave badly; then, where it is empty, an apply that calls nobody."""
    unsettle(universe, random)
    try:
        universe.plan(random)
    except PnsyncError as error:
        universe.tell(str(error))
        return
    settle_down(universe)
    universe.time.seconds += LISTED_SECONDS
    if not nothing_due(universe, random):
        return
    run = judged(universe, universe.apply(random, options=options(random)))
    if run.calls:
        raise Violation("plan", "a plan was empty and its apply made calls")


def person(universe: Universe, random: Random, *, between: bool = False) -> None:
    """Somebody works at a vendor's console; `between`: while an apply runs.

    An id that is given again between the proof of an unbind and its call no program can tell (a proof may be ten
    minutes, and a listing that lags shows what is gone); nor, at LAAFFIC, what a call made whose expiry was changed
    since, or which of two equal pairs is ours while one of our calls may still take effect. None of these is done here.
    """
    universe.figures.counts["console"] += 1
    vendor = universe.vendors[random.choice(sorted(universe.vendors))]
    console = vendor.transport.console
    live = sorted(one["bind_id"] for one in console.bindings())
    kind = random.choice(("remove", "remove", "change", "add", "add", "own pair", "reuse"))
    if (
        kind == "reuse"
        and live
        and not between
        and vendor.kind == "laaffic"
        and faults.prompt(vendor.switches)
    ):
        # What we bound ends, and the vendor gives its id to a binding of others.
        bind_id = random.choice(live)
        console.remove(bind_id)
        vendor.made.pop(bind_id, None)
        a, b = random.sample(range(1000), 2)
        theirs = Binding(
            bind_id=bind_id, mode="axb", phone_a=phone(a).digits, phone_b=phone(b).digits, x_a="9188061026",
            x_b="9188061026", bound_at=universe.time.true, expires_at=universe.time.true + 80_000,
            app_id="4luaKsL2", made_by="console",
        )  # fmt: skip
        with vendor.transport.account.writing(universe.time.true) as board:
            board.bind(theirs)
    elif kind == "remove" and live:
        console.remove(random.choice(live))
    elif kind == "change" and live:
        bind_id = random.choice(live)
        if vendor.kind == "nxcloud":
            change = random.choice(({"flag": 1}, {"expires_at": universe.time.true + 50_000}))
            if bind_id in {one.bind_id for one in _recorded(universe)}:
                console.change(
                    bind_id, **change
                )  # of an open attempt another end is a person's decision (P301)
        elif (
            not between and _zone_known(universe) and bind_id in {one.bind_id for one in _recorded(universe)}
        ):
            # While no zone is known nobody could tell such an end from the one that the state records.
            console.change(bind_id, expires_at=universe.time.true + random.choice((100, 50_000)))
    elif kind == "own pair" and universe.files.bindings and not (between and vendor.kind == "laaffic"):
        one = universe.files.bindings[random.choice(sorted(universe.files.bindings))]
        twin = vendor.kind == "laaffic" and (one.phone_a, one.phone_b) in _open_pairs(universe)
        if one.provider == vendor.name and one.phone_b is not None and not twin:
            x = "9188061024" if vendor.kind == "laaffic" else "447401264118"
            console.add(
                "axb", phone_a=one.phone_a.digits, phone_b=one.phone_b.digits, x_a=x,
                app_id="4luaKsL2", expires_in=random.choice((500, 90_000)),
            )  # fmt: skip
            if vendor.kind == "laaffic":
                universe.time.seconds += (
                    LISTED_SECONDS  # what is not listed before our call passes for its effect
                )
    else:
        a, b = random.sample(range(1000), 2)
        values = (
            {"client_id": random.choice(("", "theirs-1", "pns-ffffffff-abcdefghijkl-1"))}
            if vendor.kind == "nxcloud"
            else {}
        )
        x = "9188061025" if vendor.kind == "laaffic" else "447401264119"
        console.add(
            "axb",
            phone_a=phone(a).digits,
            phone_b=phone(b).digits,
            x_a=x,
            app_id="4luaKsL2",
            expires_in=70_000,
            **values,
        )


def _open_pairs(universe: Universe) -> set[tuple[Phone, Phone | None]]:
    """The pairs of which one of our calls may still have an effect."""
    state = universe.state()
    targets = [] if state is None else [one.intent.target for one in state.pending.values()]
    return {(one.phone_a, one.phone_b) for one in targets if isinstance(one, Entry)}


def _zone_known(universe: Universe) -> bool:
    """Whether the state holds what LAAFFIC's texts of ends mean."""
    state = universe.state()
    return state is not None and zone_note("la") in state.notes


def _recorded(universe: Universe) -> list[Entry]:
    state = universe.state()
    return [] if state is None else list(state.bindings().values())


def overtaken(universe: Universe, random: Random) -> None:
    """A run stands still in the middle; another comes, is locked out, or breaks the lock and works."""
    unsettle(universe, random)
    process = Process()
    breaks = random.random() < 0.7
    universe.figures.counts["overtaken holders"] += 1
    fenced_from: list[int] = []

    def other() -> None:
        second = Random(random.random())
        signal_at, process.signal_at = process.signal_at, None
        looker = Process()
        store = universe.store(looker, universe.world(looker, second).clock)  # type: ignore[arg-type]
        holder = store.holder()
        universe.image.release(looker)
        universe.time.seconds += random.choice((0, 1, 30, 100, 1000))
        if holder is not None and breaks:
            breaker = Process()
            try:
                universe.store(breaker, universe.world(breaker, second).clock).unlock(holder.id)  # type: ignore[arg-type]
                fenced_from.append(sum(len(one.requests) for one in universe.vendors.values()))
            except PnsyncError:
                pass
            finally:
                universe.image.release(breaker)
        dying = Process(die_at=random.choice((0, 0, 30, 100)))
        run = universe.apply(second, process=dying, options=options(second))
        if holder is not None and not breaks and run.calls:
            raise Violation("apply", "two applies worked at one state")
        fenced_from.append(run.calls)
        process.signal_at = signal_at

    process.hooks[int(2 ** (random.random() * 9))] = other
    run = universe.apply(random, process=process, options=options(random))
    if (
        run.error is not None
        and not isinstance(run.error, StateError)
        and run.error.exit_code is ExitCode.LOCKED
    ):
        raise Violation("G5", "the state is locked although nobody is there")


def old_state(universe: Universe, random: Random) -> None:
    """The state file of some time ago is put back, without its journal; it is refused, and put right again."""
    now = universe.image.copy()
    if not universe.old or universe.old == now or PATH_OF(universe) not in universe.old:
        universe.old = now
        return
    place = PATH_OF(universe)
    if universe.old[place] == now.get(place):
        return
    present = universe.state()
    universe.image.put({place: universe.old[place]})
    universe.figures.counts["old states"] += 1
    if _whole(universe, present):
        universe.image.put(now)
        return
    run = universe.apply(random, options=options(random))
    if run.calls or not isinstance(run.error, StateError):
        raise Violation("S3", "an old state file was taken for the present one")
    universe.image.put(now)


def _whole(universe: Universe, present: State | None) -> bool:
    """Whether a crash left the journal of all that came after the old file, so that with it nothing is old."""
    try:
        found = universe.state()
    except StateError:
        return False
    known = replace(found, serial=0, head=Head()) if found is not None else None
    return known == (replace(present, serial=0, head=Head()) if present is not None else None)


def PATH_OF(universe: Universe) -> str:
    from .world import PATH

    return PATH


def old_world(universe: Universe, random: Random) -> None:
    """State and journal of some time ago are put back together, as from a backup: what was made since is found again."""
    if not universe.backup or random.random() < 0.5:
        universe.backup = universe.image.copy()
        return
    universe.image.put(universe.backup)
    universe.relaxed, universe.old = True, {}  # what was kept since is newer than this
    universe.serial, universe.lineage = -1, None
    universe.figures.counts["backups put back"] += 1


def clock(universe: Universe, random: Random) -> None:
    """Somebody sets the machine's clock."""
    universe.time.wall_error = random.choice((0.0, 0.0, 1.5, -1.5, 25.0, -25.0, 100.0, -100.0))
    universe.figures.counts["clocks set"] += 1


STEPS: dict[str, tuple[Step, int]] = {
    "apply": (apply, 10),
    "crash": (crash, 8),
    "power": (power, 5),
    "disk": (disk, 4),
    "signal": (signal, 4),
    "edit": (edit, 12),
    "wait": (wait, 8),
    "plan": (plan, 3),
    "clock": (clock, 1),
    "person": (person, 4),
    "overtaken": (overtaken, 4),
    "old_state": (old_state, 1),
    "old_world": (old_world, 1),
}
"""Every step by name, with its weight."""
