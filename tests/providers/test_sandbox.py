"""Each operation of both providers against the simulated vendors, which were written from the same facts apart."""

from typing import Any

from pnsync.journal import Applied, Refusal, Refused
from pnsync.model import NEVER, Mode, Observed
from pnsync.phone import Phone
from pnsync.refresh import calibrated
from pnsync.state import Entry, GroupChange, Operation

from .world import START, bind, entry, group_entry, intent, la_sandbox, nx_sandbox, silent

X = "447401264117"


def desk(extension: str, **values: Any) -> Entry:
    return entry(
        Mode.AXB_EXTENSION,
        phone_a=Phone("447700900123"),
        phone_b=None,
        phone_x=X,
        extension=extension,
        **values,
    )


def test_nxcloud_binds_lists_asks_and_unbinds() -> None:
    provider, _, _ = nx_sandbox()
    bound = provider.send(bind(desk("007", recording=True), expire_seconds=0, customer_bind_id="pns-1"))
    assert isinstance(bound, Applied)
    assert bound.phone_x == X
    pair = provider.send(bind(entry(), customer_bind_id="pns-2"))
    assert isinstance(pair, Applied)
    listing = provider.list(scans=2, reading=silent)
    assert listing.stable
    rows = {one.bind_id: one for one in listing.bindings}
    assert set(rows) == {bound.bind_id, pair.bind_id}
    first = rows[bound.bind_id or ""]
    assert (first.extension, first.recording, first.expires_at) == ("007", True, NEVER)
    assert (first.customer_bind_id, first.phone_x, first.phone_b) == ("pns-1", X, None)
    assert rows[pair.bind_id or ""].expires_at == int(START) + 1011
    reached = provider.query(caller=Phone("447700900456"), did=X, extension="007")
    assert reached.callee == Phone("447700900123")
    assert provider.query(caller=Phone("447700900456"), did=X, extension="008").callee is None
    gone = intent(Operation.UNBIND, bind_id=bound.bind_id)
    assert isinstance(provider.send(gone), Applied)
    again = provider.send(gone)
    assert isinstance(again, Refused)
    assert (again.refusal, again.vendor_code) == (Refusal.ABSENT, "10013")


def test_nxcloud_groups_and_axg() -> None:
    provider, _, _ = nx_sandbox()
    before = {one.group_id for one in provider.list(scans=1, reading=silent).groups}
    people = group_entry("85211111115,85211111116", group_name="couriers", remark="día")
    made = provider.send(intent(Operation.CREATE_GROUP, target=people))
    assert isinstance(made, Applied)
    assert made.group_id
    bound = provider.send(bind(entry(Mode.AXG, phone_b=None, group_id=made.group_id)))
    assert isinstance(bound, Applied), bound
    changed = intent(
        Operation.UPDATE_GROUP,
        target=people,
        group_id=made.group_id,
        group_change=GroupChange.ADD,
        group_phones=(Phone("85211111117"),),
    )
    assert isinstance(provider.send(changed), Applied)
    [group] = [one for one in provider.list(scans=2, reading=silent).groups if one.group_id not in before]
    assert (group.name, group.remark) == ("couriers", "día")
    assert {one.digits[-1] for one in group.phones} == {"5", "6", "7"}
    provider.send(intent(Operation.UNBIND, bind_id=bound.bind_id))
    assert isinstance(provider.send(intent(Operation.DELETE_GROUP, group_id=made.group_id)), Applied)


def test_laaffic_binds_lists_and_unbinds() -> None:
    provider, _, _ = la_sandbox()
    target = entry(
        provider="la", phone_a=Phone("9188067701"), phone_b=Phone("9188067799"), pool_number="918806"
    )
    bound = provider.send(bind(target, expire_seconds=3600, customer_bind_id=None))
    assert isinstance(bound, Applied)
    assert bound.phone_x_b is None
    two = entry(
        Mode.AXXB,
        provider="la",
        phone_a=Phone("9188067702"),
        phone_b=Phone("9188067798"),
        pool_number="918806",
    )
    other = provider.send(bind(two, expire_seconds=3600, customer_bind_id=None))
    assert isinstance(other, Applied)
    assert other.phone_x_b not in (None, other.phone_x)
    listing = provider.list(scans=2, reading=silent)
    assert listing.stable, listing.problems
    assert {one.bind_id for one in listing.bindings} == {bound.bind_id, other.bind_id}
    assert {one.pool_number for one in listing.pools} >= {"918806"}
    [row] = [one for one in listing.bindings if one.bind_id == bound.bind_id]
    assert row.expires_at is None
    assert row.naive_expiry == int(START) + 3600 + 8 * 3600
    known = calibrated(Observed({"la": listing}), {"la": 8 * 3600}).listings["la"]
    [row] = [one for one in known.bindings if one.bind_id == bound.bind_id]
    assert row.expires_at == int(START) + 3600
    assert (row.phone_x, row.phone_x_b) == (bound.phone_x, None)
    conflict = provider.send(bind(target, expire_seconds=3600, customer_bind_id=None))
    assert isinstance(conflict, Refused)
    assert (conflict.refusal, conflict.vendor_code) == (Refusal.CONFLICT, "-35")
    assert isinstance(provider.send(intent(Operation.UNBIND, bind_id=bound.bind_id)), Applied)
    again = provider.send(intent(Operation.UNBIND, bind_id=bound.bind_id))
    assert isinstance(again, Refused)
    assert again.refusal is Refusal.ABSENT
