"""The calls of drafts, whole, and what each touches."""

from dataclasses import replace

from pnsync.plan import Action, Step
from pnsync.planner.calls import bind_step, group_step, unbind_step
from pnsync.state import GroupChange, Operation
from tests.drafts import binding, grouping, rebinding, unbinding
from tests.worlds import X, axb, axg, desk, made, phone

A, B = phone(1).digits, phone(2).digits


def test_a_bind_touches_its_address_parties_number_id_and_group() -> None:
    draft = binding(replace(desk("desk", "101"), customer_bind_id="mine"))
    assert draft.target is not None
    target = replace(draft.target, phone_b=phone(2), group="crew", customer_bind_id="mine.1")
    step = bind_step(replace(draft, target=target), 3, (1, 2), replaces="old", finishes=True)
    assert step == Step(
        3, Operation.BIND, "nx",
        frozenset({
            "address:bindings.desk", f"phone:{target.phone_a.digits}", f"phone:{B}", f"x:{X}:101", "id:mine.1",
            "group:groups.crew",
        }),
        (1, 2), target=target, replaces="old", finishes=True,
    )  # fmt: skip


def test_a_number_without_an_extension_is_shared() -> None:
    draft = binding(axb("order"))
    assert draft.target is not None
    target = replace(draft.target, customer_bind_id=None)
    for other in (replace(target, phone_x=X), replace(target, extension="101", phone_x=None)):
        found = bind_step(replace(draft, target=other), 0, ())
        assert found.keys == {"address:bindings.order", f"phone:{A}", f"phone:{B}"}


def test_an_unbind_leaves_its_address_with_what_comes_and_no_id() -> None:
    draft = rebinding(desk("desk", "101"), target=made(desk("desk", "102")))
    assert draft.target is not None and draft.target.bind_id is not None and draft.old is not None
    step = unbind_step(draft, 3, (1,))
    assert step.target == replace(draft.target, bind_id=None)
    assert (step.operation, step.unbinds, step.after, step.change) == (Operation.UNBIND, draft.old, (1,), 3)
    assert {f"x:{X}:101", f"x:{X}:102"} <= step.keys
    assert unbind_step(unbinding(desk("desk", "101")), 0, ()).target is None
    unmade = replace(draft, target=replace(draft.target, bind_id=None))
    assert unbind_step(unmade, 0, ()).target is unmade.target


def test_the_group_of_what_goes_and_of_what_comes_are_touched() -> None:
    draft = rebinding(axg("talk", "crew"), target=replace(made(axg("talk", "other")), bind_id=None))
    for step in (unbind_step(draft, 0, ()), bind_step(draft, 0, ())):
        assert {"group:groups.crew", "group:groups.other"} <= step.keys
    assert not any(key.startswith("group:") for key in unbind_step(unbinding(axb("order")), 0, ()).keys)
    assert None not in unbind_step(unbinding(axg("talk", "crew")), 0, ()).keys


def test_a_group_s_call_touches_the_phones_that_it_names() -> None:
    draft = replace(grouping("crew"), group_change=GroupChange.ADD, group_phones=(phone(13),))
    assert group_step(draft, 2, (1,)) == Step(
        2, Operation.UPDATE_GROUP, "nx",
        frozenset({"address:groups.crew", "group:groups.crew", f"phone:{phone(13).digits}"}),
        (1,), target=draft.group, group_change=GroupChange.ADD, group_phones=(phone(13),),
    )  # fmt: skip
    whole = group_step(grouping("crew", Action.CREATE_GROUP), 0, ())
    assert whole.operation is Operation.CREATE_GROUP
    assert {f"phone:{phone(one).digits}" for one in (11, 12)} <= whole.keys
