"""How full groups of numbers are, when they run out, and how many X a party needs."""

from dataclasses import replace
from typing import Any

from pnsync.journal import Noted, replay
from pnsync.masking import Masker
from pnsync.matching import match, row_of
from pnsync.model import Binding, Desired, Group, Holds, LiveGroup, LivePool, Observed
from pnsync.phone import Phone
from pnsync.reports.capacity import SAMPLES, Sample, busiest, outlooks, sample_note, sampled, samples, trends
from pnsync.state import Resting, State
from tests.worlds import (
    DAILY,
    DAY,
    FOREVER,
    NOW,
    axb,
    desired,
    desk,
    foreign,
    group,
    made,
    observed,
    phone,
    planned,
    ride,
    rows_of,
    state,
)

N1, N2 = "447700900900", "447700900901"
HOUR = 3600


def pool(**more: Any) -> Group:
    return group("pool", None, holds=Holds.NUMBERS, extension_range=(100, 109), **more)


def auto(name: str, **more: Any) -> Binding:
    return desk(
        name, None, phone_x=None, x_group="pool", extension_auto=True, **{"lifetime": FOREVER, **more}
    )


def known(count: int, **more: Any) -> State:
    entries = {
        f"bindings.d{n}": made(auto(f"d{n}"), phone_x=N1, extension=f"10{n}", **more) for n in range(count)
    }
    return state(entries)


def seen(before: State, *rows: Any) -> Observed:
    return observed([*rows_of(before), *rows], [LiveGroup("nx", "g", "pool", (Phone(N1), Phone(N2)))])


def files(one: Group | None = None) -> Desired:
    return desired([], [one or pool()])


def with_samples(before: State, *found: tuple[int, int]) -> State:
    note = " ".join(f"{NOW - ago}={live}/{20 - live}" for ago, live in found)
    return replace(before, notes={**before.notes, sample_note("pool"): note})


def test_slots_and_their_use() -> None:
    before = replace(known(3), quarantine=(Resting("nx", N2, "bindings.x", NOW + 9, extension="100"),))
    rows = [foreign("f1", 9, None, phone_x=N2, extension="105")]
    one = pool(reserved_extensions=frozenset({"109", "911"}))
    (found,) = outlooks(files(one), before, seen(before, *rows), now=NOW)
    assert (found.numbers, found.slots) == (2, 18)
    assert (found.ours, found.unmanaged, found.quarantined) == (3, 1, 1)
    assert found.free == 18 - 3 - 1 - 1
    assert (found.per_day, found.runs_out_at) == (None, None)


def test_when_a_group_runs_out_at_the_rate_of_the_last_applies() -> None:
    before = with_samples(known(6), (3 * DAY, 0), (DAY, 2))
    (found,) = outlooks(files(), before, seen(before), now=NOW)
    assert (found.free, found.per_day) == (14, 2.0)
    assert found.runs_out_at == NOW + 7 * DAY
    assert found.document()["runs_out_at"] == "2027-01-22T08:00:00Z"


def test_use_that_does_not_grow_runs_out_never() -> None:
    for first in (6, 9):
        before = with_samples(known(6), (DAY, first))
        (found,) = outlooks(files(), before, seen(before), now=NOW)
        assert (found.per_day, found.runs_out_at) == (float(6 - first), None)
    slow = with_samples(known(1), (9000 * DAY, 0))
    assert outlooks(files(), slow, seen(slow), now=NOW)[0].runs_out_at is None


def test_samples_that_are_too_young_tell_nothing() -> None:
    before = with_samples(known(6), (HOUR - 1, 0))
    assert outlooks(files(), before, seen(before), now=NOW)[0].per_day is None


def test_an_apply_leaves_a_sample_an_hour_and_keeps_the_last() -> None:
    before = known(3)
    rows = [foreign("f1", 9, None, phone_x=N2, extension="105"), foreign("f2", 7, 8, phone_x=N2)]
    for hours in range(SAMPLES + 5):
        now = NOW + hours * HOUR
        listed = seen(before, *(replace(one, expires_at=now + 9) for one in rows))
        for at in (now, now + 60):
            before = replay(before, sampled(files(), before, listed, match(before, listed), at))
    found = samples(before, "pool")
    assert len(found) == SAMPLES
    assert found[-1] == Sample(NOW + (SAMPLES + 4) * HOUR, 4, 16)
    assert found[0].at == NOW + 5 * HOUR


def test_samples_come_with_changes_and_not_without() -> None:
    before = known(2)
    bindings = [auto("d0"), auto("d1")]
    calm = planned(desired(bindings, [pool()]), before, seen(before))
    assert not [one for one in calm.bookkeeping if isinstance(one, Noted)]
    busy = planned(desired([*bindings, auto("d2")], [pool()]), before, seen(before))
    assert Noted("use.pool", f"{NOW}=2/18") in busy.bookkeeping


def test_damaged_samples_are_left_out() -> None:
    before = replace(state(), notes={"use.pool": "x=1/2 5=y/3 7=2/3 8 9=1"})
    assert samples(before, "pool") == (Sample(7, 2, 3),)


def test_free_slots_of_a_sample_are_what_allocation_could_give() -> None:
    before = replace(known(3), quarantine=(Resting("nx", N2, "bindings.x", NOW + 9, extension="100"),))
    one = pool(reserved_extensions=frozenset({"109"}), drain=frozenset({N1}))
    listed = seen(before)
    (noted,) = sampled(files(one), before, listed, match(before, listed), NOW)
    assert noted.value == f"{NOW}=3/8"
    (told,) = outlooks(files(one), before, listed, now=NOW)
    assert told.free == 8


def test_trends_are_read_off_the_state_alone() -> None:
    before = with_samples(state(), (3 * DAY, 0), (DAY, 4))
    (found,) = trends(before)
    assert (found.group, found.free, found.per_day) == ("pool", 16, 2.0)
    assert found.runs_out_at == NOW - DAY + 8 * DAY
    assert found.document()["runs_out_at"] == "2027-01-22T08:00:00Z"
    assert trends(with_samples(state(), (DAY, 4))) == ()
    (calm,) = trends(with_samples(state(), (3 * DAY, 4), (DAY, 4)))
    assert (calm.per_day, calm.runs_out_at, calm.document()["runs_out_at"]) == (0.0, None, None)


def test_a_drained_number_and_when_it_is_empty() -> None:
    one = made(auto("d0", lifetime=DAILY), phone_x=N1, extension="100")
    before = state({"bindings.d0": one})
    drained = pool(drain=frozenset({N1}))
    (found,) = outlooks(files(drained), before, seen(before), now=NOW)
    assert one.expires_at is not None
    assert [(it.phone_x, it.live, it.empty_at) for it in found.draining] == [
        (N1, 1, one.expires_at - DAILY.renew_before_seconds)
    ]
    assert (found.slots, found.free) == (10, 10)
    stranger = foreign("f1", 9, None, phone_x=N1, extension="105")
    (found,) = outlooks(files(drained), before, seen(before, stranger), now=NOW)
    assert found.draining[0].empty_at is None
    assert found.document()["draining"] == [{"phone_x": N1, "live": 2, "empty_at": None}]
    never = known(1)
    assert outlooks(files(drained), never, seen(never), now=NOW)[0].draining[0].empty_at is None


def test_groups_that_hold_no_numbers_have_no_outlook() -> None:
    team = group("team", None)
    listing = observed([], [LiveGroup("nx", "g", "team", (phone(1),)), LiveGroup("nx", "g2", "else", ())])
    assert outlooks(desired([], [team]), state(), listing, now=NOW) == ()
    assert sampled(desired([], [team]), state(), listing, match(state(), listing), NOW) == ()


def test_the_busiest_party_needs_an_x_for_each_of_its_bindings() -> None:
    bindings = [axb("a", 1, 2), axb("b", 1, 3), axb("c", 4, 2), ride("r", 5, 6), desk("d", "101", 1)]
    rows = [row_of(made(one, phone_x=f"44770090090{n}")) for n, one in enumerate(bindings)]
    ended = foreign("old", 1, 9, expires_at=NOW)
    listing = observed([*rows, ended])
    la = replace(listing.listings["la"], pools=(LivePool("la", "918806", (N1, N2)),))
    found = busiest(Observed({**listing.listings, "la": la}), now=NOW)
    assert [(one.provider, one.party, one.bindings, one.numbers) for one in found] == [
        ("la", phone(5), 1, 3),
        ("nx", phone(1), 2, 4),
    ]
    written = found[1].document(Masker(b"k" * 32, "l"))
    assert (written["numbers_needed"], written["country_code"]) == (2, "44")
    assert phone(1).digits not in str(written)
