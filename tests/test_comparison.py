"""What differs between two bindings, name by name, and when nothing does."""

from dataclasses import replace

import pytest

from pnsync.matching import row_of
from pnsync.model import Mode
from pnsync.planner.comparison import changed_names, differences, plainly_equal, same_client_id
from pnsync.state import Entry
from tests.worlds import X2, axb, axg, desk, made, phone, ride

MADE = made(desk("desk"), group_id=None)
DAYS = MADE.lifetime


def test_equal_bindings_differ_in_nothing() -> None:
    assert differences(MADE, MADE) == ()


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"provider": "nx2"}, ("provider",)),
        ({"mode": Mode.AXB}, ("mode",)),
        ({"phone_a": phone(77)}, ("phone_a",)),
        ({"phone_b": phone(77)}, ("phone_b",)),
        ({"recording": True}, ("recording",)),
        ({"pool_number": "44"}, ("pool_number",)),
        ({"phone_x": X2}, ("phone_x",)),
        ({"phone_x": None}, ()),
        ({"extension": "999"}, ("extension",)),
        ({"extension": None}, ()),
        ({"declared_id": "mine"}, ("customer_bind_id",)),
        ({"lifetime": replace(DAYS, lease_seconds=60)}, ("expires_in",)),
        ({"lifetime": replace(DAYS, renew_before_seconds=60)}, ()),
        ({"lifetime": replace(DAYS, until=2_000_000_000)}, ("expires_at",)),
        ({"lifetime": replace(DAYS, lease_seconds=60, until=2_000_000_000)}, ("expires_at",)),
        ({"lifetime": replace(DAYS, lease_seconds=60), "phone_a": phone(77), "extension": "9"}, ("phone_a", "extension", "expires_in")),
    ],
)  # fmt: skip
def test_what_differs_is_named(wanted: dict[str, object], names: tuple[str, ...]) -> None:
    assert differences(MADE, replace(MADE, **wanted)) == names  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "wanted", "names"),
    [
        ("g1", {"group_id": "g1"}, ()), ("g1", {"group_id": "g2"}, ("group_id",)), ("g1", {"group_id": None}, ("group_id",)),
        (None, {"group_id": "g2"}, ()), ("g1", {"group": "other", "group_id": "g2"}, ("group",)),
    ],
)  # fmt: skip
def test_another_group_is_named_once(
    known: str | None, wanted: dict[str, object], names: tuple[str, ...]
) -> None:
    talk = made(axg("talk", "crew"), group_id=known)
    assert differences(talk, replace(talk, **wanted)) == names  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "recorded", "own", "same"),
    [
        (None, None, "any", True), ("mine", "mine", None, True), ("mine", None, "mine", True),
        ("mine", None, "mine.12", True), ("mi.ne", None, "mi.ne.3", True), ("mine", None, "mine.x", False),
        ("mine", None, "mine12", False), ("mine", None, "yours.12", False), ("mine", None, None, False),
        ("12", None, "12", True), ("mine", None, "12", False), (None, "mine", "mine", False),
        ("mine", "other", "mine.1", True),
    ],
)  # fmt: skip
def test_a_declared_id_is_that_of_a_binding_with_or_without_a_count(
    declared: str | None, recorded: str | None, own: str | None, same: bool
) -> None:
    """An import records no declared id; a bind of ours adds which of its address it is."""
    entry = replace(MADE, declared_id=recorded, customer_bind_id=own)
    assert same_client_id(entry, replace(MADE, declared_id=declared)) is same


@pytest.mark.parametrize("one", [axb("order"), desk("desk"), ride("ride")])
def test_the_quick_look_says_yes_to_what_is_equal(one: object) -> None:
    entry = made(one)  # type: ignore[arg-type]
    assert plainly_equal(entry, row_of(entry), one)  # type: ignore[arg-type]


def nobody(entry: Entry, *, known: bool, listed: bool, wanted: bool) -> bool:
    """The quick look at a desk whose other party is told in some places only."""
    one = desk("desk")
    other = phone(9)
    row = replace(row_of(entry), phone_b=other if listed else None)
    told = replace(one, phone_b=other if wanted else None)
    return plainly_equal(replace(entry, phone_b=other if known else None), row, told)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_the_quick_look_at_a_party_that_only_some_name(known: bool, listed: bool, wanted: bool) -> None:
    assert nobody(made(desk("desk")), known=known, listed=listed, wanted=wanted) is (
        known == listed == wanted
    )


def test_changed_attributes_are_named_in_the_order_of_what_comes() -> None:
    before = {
        "phone_a": phone(1),
        "phones": (phone(1), phone(2)),
        "recording": True,
        "gone": "x",
        "phone_x": "1",
    }
    after = {"recording": False, "phones": (phone(2), phone(1)), "phone_a": phone(2), "new": "y"}
    assert changed_names(before, after) == ("recording", "phone_a", "new", "gone")
    assert changed_names(before, {**after, "phones": (phone(2), phone(3))})[1] == "phones"


@pytest.mark.parametrize("name", ["phone_x", "phone_x_b", "extension"])
def test_what_is_not_chosen_yet_is_no_change(name: str) -> None:
    assert changed_names({name: "1", "mode": "axb"}, {"mode": "axb"}) == ()
    assert changed_names({name: "1"}, {name: "2"}) == (name,)


def test_forms_that_share_nothing_are_told_name_by_name() -> None:
    """DeepDiff would tell them as one difference of the whole."""
    before = {f"a{n}": str(n) for n in range(9)}
    assert changed_names(before, {f"b{n}": str(n) for n in range(9)}) == (
        *(f"b{n}" for n in range(9)),
        *before,
    )
