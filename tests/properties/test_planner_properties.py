"""What holds of every plan: pure, exact, exclusive at every step, ours alone, and empty once it is carried out."""

import copy
import json
import os
from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pnsync.masking import Masker
from pnsync.matching import UNCERTAIN_MODES, same_identity
from pnsync.model import Desired
from pnsync.plan import Action, Order, Plan, document
from pnsync.planner.table import Question, plan
from pnsync.recovery import LOST, settle
from pnsync.state import Entry, Operation
from tests.properties.generated_worlds import Drawn, worlds
from tests.worlds import NOW, observed

MASKER = Masker(b"k" * 32, "7c4d1a2b")
EXAMPLES = int(os.environ.get("PNSYNC_TEST_EXAMPLES", "100"))
SETTINGS = settings(
    deadline=None,
    derandomize=True,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def planned(world: Drawn, files: Desired | None = None, **question: object) -> Plan:
    """The plan of a world."""
    asked = Question(**question) if question else None  # type: ignore[arg-type]
    return plan(files or world.files, world.known, world.vendor.listing(), now=NOW, question=asked)


def shown(found: Plan) -> bytes:
    """The document as it is saved."""
    return json.dumps(document(found, MASKER, pnsync_version="0"), sort_keys=True).encode()


@SETTINGS
@given(worlds())
def test_equal_inputs_give_equal_bytes_and_stay_as_they_are(world: Drawn) -> None:
    before = copy.deepcopy((world.files.bindings, world.known, world.vendor.rows))
    first = planned(world)
    assert first == planned(world) and shown(first) == shown(planned(copy.deepcopy(world)))
    assert before == (world.files.bindings, world.known, world.vendor.rows)


@SETTINGS
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_files_orders_binds_alone(world: Drawn, random: object) -> None:
    names = list(world.files.bindings)
    random.shuffle(names)  # type: ignore[attr-defined]
    shuffled = Desired(
        root="pnsync.yaml",
        lineage=None,
        providers=world.files.providers,
        bindings={name: world.files.bindings[name] for name in names},
        groups=dict(reversed(world.files.groups.items())),
    )
    one, other = planned(world), planned(world, shuffled)
    if any("both cannot have it" in found.reason for found in (*one.deferred, *other.deferred)):
        event("two want one number: the first in the files gets it")
        return
    found, again = json.loads(shown(one)), json.loads(shown(other))
    for part in (found, again):
        part.pop("digest")
        part.pop("routing", None)
        binds = [change for change in part["changes"] if change["action"] == "bind"]
        part["binds"] = sorted(binds, key=lambda change: change["address"])
        part["changes"] = [change for change in part["changes"] if change["action"] != "bind"]
    assert found == again


@SETTINGS
@given(worlds())
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(world: Drawn) -> None:
    first = planned(world)
    event("changes: " + ("none" if first.empty else "some"))
    writes = world.vendor.writes
    state = world.vendor.carry_out(first, world.known)
    assert (
        world.vendor.writes - writes
        == first.calls
        == len(first.steps)
        == sum(one.calls for one in first.changes)
    )
    again = plan(world.files, state, world.vendor.listing(started_at=NOW + 0.5), now=NOW)
    assert [(one.action, one.address, one.reason) for one in again.changes] == []
    third = plan(world.files, world.vendor.carry_out(again, state), world.vendor.listing(), now=NOW)
    assert third.empty and third.bookkeeping == ()


@SETTINGS
@given(worlds(), st.sampled_from(["destroy", "renew_only"]))
def test_destroy_and_renew_are_done_once_too(world: Drawn, asked: str) -> None:
    from pnsync.planner.table import desired_of_state

    def ask(known: object) -> Plan:
        files = desired_of_state(world.files, known) if asked == "renew_only" else world.files  # type: ignore[arg-type]
        return plan(files, known, world.vendor.listing(), now=NOW, question=Question(**{asked: True}))  # type: ignore[arg-type]

    recovered = settle(world.known, world.vendor.listing(), {}, NOW).state
    first = ask(world.known)
    state = world.vendor.carry_out(first, world.known)
    assert [(one.action, one.address) for one in ask(state).changes] == []
    if asked == "renew_only":
        assert {one.action for one in first.changes} <= {
            Action.RENEW,
            Action.BIND,
            Action.ADOPT,
            Action.UNBIND,
        }
        for one in first.changes:
            if one.action in (Action.RENEW, Action.BIND):
                entry, after = recovered.entries.get(one.address), state.entries[one.address]
                assert (
                    not isinstance(entry, Entry)
                    or not isinstance(after, Entry)
                    or entry.lifetime == after.lifetime
                )


@SETTINGS
@given(worlds())
def test_only_what_is_provably_ours_is_unbound(world: Drawn) -> None:
    listing = world.vendor.listing()
    declared = {one.address: one for one in world.files.bindings.values()}
    recovered = settle(world.known, listing, declared, NOW).state
    ours = {one.key: one for one in recovered.bindings().values() if not one.down}
    for step in planned(world).steps:
        if step.operation is Operation.UNBIND:
            assert step.unbinds is not None
            key = step.unbinds.key
            made = ours.get(key) or recovered.superseded[key]
            row = world.vendor.rows[key]
            assert same_identity(row, made) and same_identity(row, step.unbinds)
            assert not step.unbinds.bind_id.startswith("foreign")


@SETTINGS
@given(worlds())
def test_every_address_is_accounted_for(world: Drawn) -> None:
    found = planned(world)
    changed = {one.address for one in found.changes}
    others = {
        one.address for one in found.changes if (one.action, one.cause.value) != (Action.UNBIND, "recovery")
    }
    told = others | {one.address for one in found.deferred} | {one.address for one in found.decisions}
    twins = sum(one.code == "P311" for one in found.diagnostics)
    live = [one.address for one in world.files.bindings.values() if one.enabled and one.address not in told]
    groups = [one.address for one in world.files.groups.values() if one.address not in told]
    if not twins and not any(address.startswith(LOST) for address in changed):
        # What was adopted beside a second binding that goes is neither unchanged nor a change of its own.
        least = sum(address not in changed for address in live) + len(groups)
        assert least <= found.unchanged <= len(live) + len(groups)
    assert len(changed) + sum(one.cause.value == "recovery" for one in found.changes) >= len(found.changes)
    assert found.valid_until is None or found.valid_until > NOW


@SETTINGS
@given(worlds())
def test_nothing_comes_between_the_halves_of_a_change(world: Drawn) -> None:
    found = planned(world)
    for index, step in enumerate(found.steps):
        assert all(before < index for before in step.after)
        change = found.changes[step.change]
        if not step.finishes:
            continue
        assert change.order is Order.UNBIND_FIRST and change.gap_seconds > 0
        (own,) = [
            place
            for place, other in enumerate(found.steps)
            if other.change == step.change and other.operation is Operation.UNBIND
        ]
        assert own in step.after
        between = found.steps[own + 1 : index]
        assert all(
            found.changes[one.change].order is Order.UNBIND_FIRST and found.changes[one.change].calls == 2
            for one in between
        ), "only a circle's own halves may stand between"


@SETTINGS
@given(worlds())
def test_no_real_phone_stands_in_a_document(world: Drawn) -> None:
    text = shown(planned(world)).decode()
    assert not any(f"4477009000{one:02d}" in text for one in range(1, 30))


@SETTINGS
@given(worlds())
def test_without_trust_nothing_is_bound_or_unbound(world: Drawn) -> None:
    from pnsync.model import Observed

    listing = world.vendor.listing()
    flawed = Observed({name: replace(one, problems=("x",)) for name, one in listing.listings.items()})
    found = plan(world.files, world.known, flawed, now=NOW)
    assert all(one.operation is Operation.BIND for one in found.steps)
    unbinding = [one for one in found.changes if one.calls and one.action is not Action.BIND]
    assert unbinding == []
    for one in found.changes:
        entry = world.known.entries.get(one.address)
        assert one.calls == 0 or isinstance(entry, Entry)


@SETTINGS
@given(worlds())
def test_what_no_listing_ever_showed_is_not_bound_again_while_it_may_live(world: Drawn) -> None:
    unlisted = {
        address
        for address, one in world.known.bindings().items()
        if one.mode in UNCERTAIN_MODES and not one.down and (one.expires_at or 0) > NOW
    }
    hidden = {one.bind_id for one in world.known.bindings().values() if one.mode in UNCERTAIN_MODES}
    rows = [one for one in world.vendor.rows.values() if one.bind_id not in hidden and not one.extension]
    seen = observed(rows, world.vendor.groups.values())
    found = plan(world.files, replace(world.known, notes={}), seen, now=NOW)
    for one in found.changes:
        assert one.address not in unlisted or one.action is not Action.BIND
        if one.address in unlisted and one.action is Action.UNBIND:
            assert "P341" in {said.code for said in found.diagnostics if said.address == one.address}
