"""The routing model against the sandbox's switchboard: every caller, X and extension, after every step of every plan."""

from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from pnsync.matching import match
from pnsync.model import Binding, Desired, Group, Holds, Mode, Policy
from pnsync.phone import Phone
from pnsync.plan import Plan
from pnsync.planner.table import plan
from pnsync.reach import Reach
from pnsync.recovery import settle
from pnsync.routing.following import Following, Live
from pnsync.routing.table import Nobody, Rings, Table, route
from pnsync.sandbox.answers import Refused
from pnsync.sandbox.routing import Rings as SandboxRings
from pnsync.sandbox.routing import ring
from tests.properties.switchboards import Switchboards, console_group
from tests.worlds import DAILY, DAY, FOREVER, NOW, axb, axg, desired, desk, group, phone, ride, state

XS = tuple(f"4477009009{n:02d}" for n in range(4))
EXTENSIONS = ("101", "102", "103")
NAMES = ("a", "b", "c", "d", "e")
CALLERS = [phone(n) for n in (1, 2, 3, 4, 6, 7, 8, 21, 22, 23, 24, 77)]
PARTY = st.integers(1, 4)
COUNTERPART = st.integers(6, 8)

generated = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},
)


@st.composite
def declarations(draw: st.DrawFn, name: str, teams: tuple[Group, ...]) -> Binding | None:
    kind = draw(
        st.sampled_from(["none", "axb", "desk", "desk", "auto", "auto", "ride", "axxb", "axg", "axg auto"])
    )
    a, b = draw(PARTY), draw(COUNTERPART)
    life = draw(st.sampled_from([DAILY, FOREVER]))
    more: dict[str, Any] = {"lifetime": life, "phone_b": phone(b) if draw(st.booleans()) else None}
    match kind:
        case "axb":
            return axb(name, a, b, lifetime=life)
        case "desk":
            extension = draw(st.sampled_from(EXTENSIONS))
            return desk(name, extension, a, phone_x=draw(st.sampled_from(XS[:2])), **more)
        case "auto":
            return desk(name, None, a, phone_x=None, x_group="pool", extension_auto=True, **more)
        case "ride":
            return ride(name, a, b)
        case "axxb":
            return ride(name, a, b, mode=Mode.AXXB)
        case "axg" | "axg auto" if teams:
            team = draw(st.sampled_from(teams))
            b_in = draw(st.sampled_from([None, *(team.phones or ())]))
            where: dict[str, Any] = {"x_group": "pool"} if kind == "axg auto" else {}
            if kind == "axg" and draw(st.booleans()):
                where = {"phone_x": draw(st.sampled_from(XS[2:]))}
            return axg(name, team.name, a, phone_b=b_in, lifetime=life, **where)
    return None


def sound(found: list[Binding | None], teams: tuple[Group, ...]) -> list[Binding]:
    """What configuration lets pass."""
    people = {one.name: {each.digits for each in one.phones or ()} for one in teams}
    slots: set[Any] = set()
    exclusive: set[str] = set()
    on: dict[str, set[str]] = {}
    kept = []
    for one in found:
        if one is None:
            continue
        parties = {each.digits for each in (one.phone_a, one.phone_b) if each is not None}
        if one.provider == "la":
            if exclusive & parties:
                continue
            exclusive |= parties
        elif one.mode is Mode.AXB_EXTENSION and one.phone_x:
            if (one.phone_x, one.extension) in slots:
                continue
            slots.add((one.phone_x, one.extension))
        elif one.mode is Mode.AXG:
            everybody = parties | people[one.group or ""]
            if one.phone_x is not None and on.get(one.phone_x, set()) & everybody:
                continue
            if one.phone_x is not None:
                on.setdefault(one.phone_x, set()).update(everybody)
        kept.append(one)
    return kept


@st.composite
def files(draw: st.DrawFn, before: Desired | None = None) -> Desired:
    teams = tuple(
        group(name, sorted(draw(st.sets(st.integers(21, 24), min_size=1, max_size=3))))
        for name in ("crew", "team")
        if draw(st.booleans())
    )
    drain = draw(st.sampled_from([frozenset(), frozenset(), frozenset({XS[0]})]))
    pool = group("pool", None, holds=Holds.NUMBERS, drain=drain, extension_range=(100, 103))
    names = {one.name for one in teams}
    found: list[Binding | None] = []
    for name in NAMES:
        same = None if before is None else before.bindings.get(name)
        if same is not None and draw(st.booleans()) and (same.group is None or same.group in names):
            found.append(same)
        else:
            found.append(draw(declarations(name, teams)))
    seconds = draw(st.sampled_from([0, DAY]))
    return desired(sound(found, teams), [pool, *teams], policy=Policy(quarantine_seconds=seconds))


def compare(table: Table, boards: Switchboards) -> None:
    """Every call that can be made."""
    for x in boards.xs():
        board = boards.board_of(x)
        for extension in ("", *EXTENSIONS, "100"):
            for caller in CALLERS:
                truth = ring(board, caller.digits, x, extension)
                found = route(table, caller, x, extension)
                if isinstance(truth, SandboxRings):
                    assert isinstance(found, Rings), (x, extension, caller, truth.binding.mode, found)
                    assert (found.phone.digits, found.shown) == (truth.phone, truth.shown)
                else:
                    assert isinstance(found, Nobody), (x, extension, caller, truth.reason)


def planned(declared: Desired, boards: Switchboards) -> tuple[Plan, Live]:
    seen = boards.listing()
    found = plan(declared, boards.state, seen, now=boards.now)
    addresses = {one.address: one for one in declared.bindings.values()}
    settled = settle(boards.state, seen, addresses, boards.now).state
    return found, Live(declared, settled, seen, match(settled, seen), boards.now)


def walk(declared: Desired, boards: Switchboards) -> None:
    """Carry a plan out, and compare after every step."""
    found, live = planned(declared, boards)
    following = Following(live)
    compare(following.table, boards)
    for step, address, applied in boards.carry_out(found):
        following.follow(step, address, applied.phone_x, applied.phone_x_b)
        compare(following.table, boards)


@generated
@given(st.data())
def test_the_model_agrees_with_the_switchboard_after_every_step(data: st.DataObject) -> None:
    boards = Switchboards(NOW, XS, state())
    console_group(boards, "pool", XS[:2])
    declared = data.draw(files())
    try:
        for _ in range(3):
            walk(declared, boards)
            boards.pass_time(data.draw(st.sampled_from([0, 600, DAY - 3600, DAY + 1])))
            declared = data.draw(files(declared))
    except Refused as refused:
        event(f"refused: {refused}")


@generated
@given(st.data())
def test_no_step_of_a_plan_lets_a_call_go_astray(data: st.DataObject) -> None:
    """Between the steps everybody reaches, on the switchboard itself, whom they are connected with before or after."""
    boards = Switchboards(NOW, XS, state())
    console_group(boards, "pool", XS[:2])
    declared = data.draw(files())
    try:
        for _ in range(2):
            found, _ = planned(declared, boards)
            refused = [one for one in found.refusals if one.code == "P350"]
            seen = [connected(boards)]
            between = []
            for _ in boards.carry_out(found):
                between.append(connected(boards))
            # Refused is only what no order mends: a number that is fixed where the vendor has put the same caller already.
            assert not refused, "every call was taken"
            seen.append(between[-1] if between else seen[0])
            allowed = seen[0] | seen[1]
            for now_ in between:
                assert now_ <= allowed, sorted(now_ - allowed)[:3]
            boards.pass_time(data.draw(st.sampled_from([0, DAY - 3600])))
            declared = data.draw(files(declared))
    except Refused as refused:
        event(f"refused: {refused}")


def connected(boards: Switchboards) -> set[tuple[str, str]]:
    """Who reaches whom by any call."""
    found = set()
    for x in boards.xs():
        board = boards.board_of(x)
        for extension in ("", *EXTENSIONS, "100"):
            for caller in CALLERS:
                truth = ring(board, caller.digits, x, extension)
                if isinstance(truth, SandboxRings):
                    found.add((caller.digits, truth.phone))
    return found


@generated
@given(st.data())
def test_the_summary_is_what_the_switchboard_shows(data: st.DataObject) -> None:
    """Counted on the switchboard before and after, by pair and by number, for plans whose every X is known."""
    boards = Switchboards(NOW, XS, state())
    console_group(boards, "pool", XS[:2])
    declared = data.draw(files())
    try:
        for _ in boards.carry_out(planned(declared, boards)[0]):
            pass
        declared = data.draw(files(declared))
        found, _ = planned(declared, boards)
        before = dialled(boards)
        for _ in boards.carry_out(found):
            pass
        after = dialled(boards)
    except Refused as refused:
        event(f"refused: {refused}")
        return
    if found.routing.chosen_later:
        event("X chosen later")
        return
    told = found.routing
    other = {one for one in before.keys() & after.keys() if before[one] != after[one]}
    lost, won = pairs(before) - pairs(after), pairs(after) - pairs(before)
    for caller, x, extension in other:
        assert any((one.phone_x, one.extension) == (x, extension) for one in told.reaches_other.listed), (
            caller
        )
    for caller, callee in lost:
        assert mentions(
            caller, callee, [one.before for one in told.loses.listed], told.loses.listed
        ) or mentions(
            caller, callee, [one.before for one in told.reaches_other.listed], told.reaches_other.listed
        )
    for caller, callee in won:
        assert mentions(
            caller, callee, [one.after for one in told.gains.listed], told.gains.listed
        ) or mentions(
            caller, callee, [one.after for one in told.reaches_other.listed], told.reaches_other.listed
        )
    for one in told.reaches_other.listed:
        assert {(x, extension) for _, x, extension in other} >= {(one.phone_x, one.extension)}
    for one in told.loses.listed:
        assert one.before is not None and witnesses(one.caller, one.before, lost)
    for one in told.gains.listed:
        assert one.after is not None and witnesses(one.caller, one.after, won)
    for one in told.redials.listed:
        assert (one.before is not None and not witnesses(one.caller, one.before, lost)) or one.caller is None
    if not found.steps:
        assert (before, told.gains.count, told.loses.count) == (after, 0, 0)


def pairs(found: dict[tuple[str, str, str], str]) -> set[tuple[str, str]]:
    return {(caller, callee) for (caller, *_), callee in found.items()}


def mentions(caller: str, callee: str, phones: list[Phone | None], reaches: tuple[Reach, ...]) -> bool:
    """Whether one of these tells of the pair, as itself or as anybody's."""
    return any(
        one is not None and one.digits == callee and (reach.caller is None or reach.caller.digits == caller)
        for one, reach in zip(phones, reaches, strict=True)
    )


def witnesses(caller: Phone | None, callee: Phone, found: set[tuple[str, str]]) -> bool:
    """Whether the pair, or for anybody some pair, is among these."""
    return any(one[1] == callee.digits and (caller is None or one[0] == caller.digits) for one in found)


def dialled(boards: Switchboards) -> dict[tuple[str, str, str], str]:
    """Who rings for every caller, X and extension; plain dialling to a party of an extension binding left out."""
    found = {}
    for x in boards.xs():
        board = boards.board_of(x)
        for extension in ("", *EXTENSIONS, "100"):
            for caller in CALLERS:
                truth = ring(board, caller.digits, x, extension)
                if isinstance(truth, SandboxRings) and bool(extension) == bool(truth.binding.extension):
                    found[(caller.digits, x, extension)] = truth.phone
    return found


def test_a_caller_without_country_code_is_understood_alike() -> None:
    boards = Switchboards(NOW, XS, state())
    declared = desired([axb("a", 1, 6), desk("d", "101", 2, phone_x=XS[0])])
    for _ in boards.carry_out(planned(declared, boards)[0]):
        pass
    following = Following(planned(declared, boards)[1])
    for digits in ("7700900001", "07700900001", "447700900001"):
        for x in boards.xs():
            for extension in ("", "101"):
                truth = ring(boards.board_of(x), digits, x, extension)
                found = route(following.table, Phone(digits), x, extension)
                assert isinstance(found, Rings) == isinstance(truth, SandboxRings)
