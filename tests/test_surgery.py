"""Hands on a state: what a rename, a removal and a rebuild take with them, and what they refuse."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from stores.clocks import StepClock
from stores.memory import MemoryBackend, MemoryPlace

from pnsync.errors import PnsyncError, StateError, UsageError, VendorError
from pnsync.identity import customer_bind_id
from pnsync.journal import Doubled, Opened, Recorded
from pnsync.matching import row_of
from pnsync.model import LiveBinding
from pnsync.sealing.codec import SealingCodec, SealingSettings
from pnsync.sealing.identity import Identity
from pnsync.sealing.mark import Mark
from pnsync.state import Entry, GroupEntry, State
from pnsync.store.store import Store
from pnsync.surgery import Rebuilt, accept_account, move, rebuild, reconstruct, rekey, remove
from tests.readers import Vendor, record, stored, vendors, world
from tests.worlds import (
    LINEAGE,
    PROVIDERS,
    attempt,
    axb,
    desired,
    desk,
    group,
    made,
    made_group,
    observed,
    phone,
    ride,
    superseded,
)

ORDER, DESK, CREW = axb("order"), desk("desk"), group("crew")
ENTRIES: Mapping[str, Entry | GroupEntry] = {
    ORDER.address: made(ORDER), DESK.address: made(DESK), "groups.crew": made_group(CREW),
}  # fmt: skip


@pytest.fixture
def place() -> MemoryPlace:
    """A state with two bindings and a group."""
    found = MemoryPlace()
    record(found, *(Recorded(address, entry) for address, entry in ENTRIES.items()))
    return found


# -- names -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target"),
    [(ORDER.address, DESK.address), (ORDER.address, "groups.order"), ("bindings.none", "bindings.other")],
)
def test_a_rename_that_would_lose_something_is_refused(place: MemoryPlace, source: str, target: str) -> None:
    before = stored(place)
    with pytest.raises(UsageError):
        move(world(place), source, target)
    assert stored(place) == before


def test_a_rename_takes_the_whole_entry_along(place: MemoryPlace) -> None:
    move(world(place), ORDER.address, "bindings.new")
    after = stored(place).entries
    assert after["bindings.new"] == ENTRIES[ORDER.address] and ORDER.address not in after


def test_what_is_forgotten_leaves_no_attempt_and_no_second_binding_behind(place: MemoryPlace) -> None:
    one, other = attempt(ORDER), attempt(DESK, attempt="run.2")
    doubles = superseded(ORDER.address, made(ORDER, bind_id="second"))
    kept = superseded(DESK.address, made(DESK, bind_id="theirs"))
    double = [Doubled(key, old) for key, old in (doubles | kept).items()]
    record(place, Opened(one), Opened(other), *double)
    remove(world(place), [ORDER.address])
    after = stored(place)
    assert sorted(after.entries) == [DESK.address, "groups.crew"]
    assert list(after.pending) == [other.attempt] and after.superseded == kept


def test_what_is_only_half_known_can_be_forgotten_and_what_nobody_knows_cannot(place: MemoryPlace) -> None:
    record(place, Recorded(ORDER.address, None), Opened(attempt(ORDER)))
    remove(world(place), [ORDER.address])
    assert not stored(place).pending
    with pytest.raises(UsageError):
        remove(world(place), [ORDER.address])


def test_the_account_is_looked_at_before_keys_are_changed(place: MemoryPlace) -> None:
    here = world(place, desired([ORDER, DESK]), vendors())
    accept_account(here, "nx")
    codec = SealingCodec(SealingSettings(("age1x",)), Identity({}), mark=Mark({}))
    here = world(place, desired([ORDER, DESK]), {"nx": Vendor(PROVIDERS["nx"], account="theirs")})
    here.store = Store(
        MemoryBackend(place), StepClock(), pinned_lineage=None, codec=codec, heartbeat=lambda _: lambda: None
    )
    before = dict(place.documents)["snapshot"]
    with pytest.raises(StateError) as caught:
        rekey(here, rotate=False, retire=False)
    assert caught.value.code == "A150" and place.documents["snapshot"] == before


# -- a lost state -------------------------------------------------------------------------------------------------------------


def test_nothing_is_rebuilt_while_a_vendor_cannot_be_read() -> None:
    """What it holds would be bound once more."""
    place, error = MemoryPlace(), VendorError("a vendor gives no answer")
    found = vendors(row_of(made(DESK))) | {"la": Vendor(PROVIDERS["la"], failure=error)}
    with pytest.raises(PnsyncError) as caught:
        rebuild(world(place, desired([DESK]), found))
    assert caught.value is error and not place.documents.keys() - {"lease"}


def test_it_is_rebuilt_from_two_scans() -> None:
    found = vendors(row_of(made(DESK)))
    built = rebuild(world(MemoryPlace(), desired([DESK]), found))
    assert built.taken == (DESK.address,) and [one.scans for one in found.values()] == [[2], [2]]


def rebuilt(*rows: LiveBinding) -> Rebuilt:
    """What rows prove of three declared bindings."""
    declared = desired([DESK, axb("order", customer_bind_id="66666666"), ride("ride")])
    return reconstruct(declared, State(lineage=LINEAGE), observed(rows))


def test_of_two_bindings_of_an_address_the_later_is_taken() -> None:
    for generations in ((1, 2), (2, 1)):
        built = rebuilt(*(row_of(made(DESK, generation=one)) for one in generations))
        entry = built.state.entries[DESK.address]
        assert isinstance(entry, Entry) and entry.generation == 2
        assert built.state.generations[DESK.address] == 2, "no id is used again"


def test_a_declared_id_proves_a_binding_with_both_of_its_phones_at_its_provider() -> None:
    row = replace(row_of(made(ORDER)), customer_bind_id="66666666.3")
    entry = rebuilt(row).state.entries[ORDER.address]
    assert isinstance(entry, Entry) and entry.generation == 3
    for wrong in (
        replace(row, phone_a=phone(77)),
        replace(row, phone_b=None),
        replace(row, provider="nx2"),
        replace(row, customer_bind_id="66666666.x"),
        replace(row, customer_bind_id="6666666.3"),
    ):
        assert rebuilt(wrong).state.entries == {}


def test_what_has_no_id_is_proposed_where_all_that_is_declared_agrees() -> None:
    row = replace(row_of(made(desk("other"))), customer_bind_id=None)
    assert rebuilt(row) == replace(rebuilt(), proposals=(DESK.address,))
    for wrong in (
        replace(row, phone_a=phone(77)), replace(row, extension="999"), replace(row, phone_x="447700900999"),
        replace(row, provider="nx2"),
    ):  # fmt: skip
        assert rebuilt(wrong).proposals == ()
    ours = row_of(made(DESK))
    assert rebuilt(ours, row).proposals == () and rebuilt(row, ours).proposals == ()


def test_another_lineage_s_bindings_are_not_ours() -> None:
    theirs = replace(row_of(made(DESK)), customer_bind_id=customer_bind_id("ffffffff", DESK.address, 1))
    assert rebuilt(theirs).state.entries == {}
    with pytest.raises(StateError) as caught:
        rebuild(world(MemoryPlace(), desired([DESK]), vendors(theirs, row_of(made(DESK, generation=2)))))
    assert caught.value.code == "A160"
