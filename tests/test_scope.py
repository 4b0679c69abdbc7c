"""Selectors: addresses, globs, labels, providers."""

import pytest

from pnsync.scope import Scope, selects
from tests.worlds import axb, bound, codes, foreign, planned, ride, what

LABELS = (("team", "west"), ("tier", "1"))


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("bindings.clinic-7", True), ("clinic-7", True), ("bindings.clinic-*", True), ("clinic-?", True),
        ("clinic-[0-7]", True), ("*", True), ("groups.clinic-7", False), ("bindings.clinic", False),
        ("Clinic-7", False), ("team=west", True), ("label.team=west", True), ("team=we*", False), ("team=east", False),
        ("tier=1", True), ("provider=nx", True), ("provider=la", False), ("owner=west", False), ("", False),
    ],
)  # fmt: skip
def test_a_selector(selector: str, selected: bool) -> None:
    assert selects(selector, "bindings.clinic-7", "nx", LABELS) is selected


def test_targets_less_what_is_excluded() -> None:
    scope = Scope(targets=("team=west", "bindings.extra"), excludes=("clinic-8",))
    assert not scope.whole and Scope().whole and Scope().holds("bindings.any", "nx")
    assert scope.holds("bindings.clinic-7", "nx", LABELS) and scope.holds("bindings.extra", "nx")
    assert not scope.holds("bindings.clinic-8", "nx", LABELS) and not scope.holds("bindings.other", "nx")
    assert Scope(excludes=("provider=la",)).holds("bindings.a", "nx")


def test_a_plan_of_a_part() -> None:
    files = [axb("a", labels=(("team", "west"),)), axb("b", 3, 4), ride("c", 5, 6)]
    for scope, names in (
        (Scope(("team=west",)), ["a"]), (Scope(("provider=la",)), ["c"]), (Scope((), ("b",)), ["a", "c"]),
        (Scope(("nothing",)), []),
    ):  # fmt: skip
        assert [name for _, name in what(planned(files, scope=scope))] == names


def test_labels_of_what_is_no_longer_declared_come_from_the_state() -> None:
    known = bound(axb("a", labels=(("team", "west"),)), axb("b", 3, 4))
    assert what(planned([], known, scope=Scope(("team=west",)))) == [("unbind", "a")]


def test_a_decision_about_what_was_left_out_is_not_asked() -> None:
    files = [axb("a", recording=True), axb("b", 3, 4)]
    assert codes(planned(files, None, [foreign()])) == ["P310"]
    assert codes(planned(files, None, [foreign()], scope=Scope((), ("a",)))) == []
