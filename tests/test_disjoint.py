"""Who may call through which X: nobody for two bindings, the least used first, and all of them where that is possible."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.planner import disjoint
from pnsync.planner.disjoint import MOST_SEARCHED, Asking, Parties
from pnsync.planner.slots import Number


def numbers(*loads: int) -> list[Number]:
    """X1, X2 and so on, used as much as told."""
    found = [Number("nx", f"44770090090{place}", {}) for place in range(1, len(loads) + 1)]
    for number, load in zip(found, loads, strict=True):
        number.load = load
    return found


def asking(address: str, parties: str, *may: Number) -> Asking:
    """A binding through which each letter of `parties` calls."""
    return Asking(address, may, frozenset(parties))


def assigned(found: dict[str, Number]) -> dict[str, str]:
    """The last digit of each X."""
    return {address: number.x[-1] for address, number in found.items()}


def test_who_holds_a_party_on_an_x() -> None:
    (one, two), here = numbers(0, 0), Parties()
    assert here.clash(one, frozenset("pq"), "a") is None
    here.hold(one, "p", "b")
    here.hold(one, "p", "a")
    here.hold(one, "q", "c")
    assert here.clash(one, frozenset("p"), "a") == "b", "the first one's"
    assert here.clash(one, frozenset("pqrstu"), "a") == "b"
    assert here.clash(one, frozenset("pq"), "b") == "c", "itself it does not stand in the way of"
    assert here.clash(one, frozenset("rs"), "a") is None
    assert here.clash(two, frozenset("p"), "a") is None
    assert here.clash(Number("nx2", one.x, {}), frozenset("p"), "a") is None


def test_the_least_used_x_comes_first_and_of_equals_the_first() -> None:
    one, two, three = numbers(2, 0, 0)
    many = [asking(name, name, one, two, three) for name in "abcdefg"]
    assert assigned(Parties().assign(many)) == dict(zip("abcdefg", "2323123", strict=True))
    assert (one.load, two.load, three.load) == (3, 3, 3)


def test_what_was_given_is_held() -> None:
    (one, two), here = numbers(0, 0), Parties()
    here.hold(one, "p", "old")
    assert assigned(here.assign([asking("a", "pq", one, two)])) == {"a": "2"}
    assert here.clash(two, frozenset("q"), "b") == here.clash(two, frozenset("p"), "b") == "a"
    assert assigned(here.assign([asking("old", "p", one)])) == {"old": "1"}
    assert here.assign([asking("b", "p", one, two)]) == {}
    assert (one.load, two.load) == (1, 1)


def test_what_takes_the_only_x_of_another_gets_another() -> None:
    one, two = numbers(0, 0)
    both = [asking("a", "p", one, two), asking("b", "p", one)]
    assert assigned(Parties().assign(both)) == {"a": "2", "b": "1"}


def test_where_not_all_find_one_as_many_have_one_as_come_first() -> None:
    one, two = numbers(0, 0)
    three = [asking("c", "q", one, two), asking("a", "p", one), asking("b", "p", one)]
    assert assigned(Parties().assign(three)) == {"c": "1", "a": "1"}
    one, two = numbers(0, 0)
    nobody = [asking("a", "p", one, two), asking("b", "p", one), asking("none", "r")]
    assert assigned(Parties().assign(nobody)) == {"a": "1"}


def test_what_was_tried_in_vain_is_taken_back() -> None:
    one, two, three = numbers(0, 0, 0)
    every = [
        asking("a", "ps", one, two), asking("b", "t", two, three), asking("c", "p", one, three), asking("d", "pq", one, three),
    ]  # fmt: skip
    found = assigned(Parties().assign(every))
    assert found["a"] == "2" and {found["c"], found["d"]} == {"1", "3"} and found["b"] in "23"


def test_what_stands_on_an_x_stays_when_another_comes_to_it() -> None:
    one, two = numbers(0, 0)
    every = [asking("a", "p", one), asking("b", "q", one), asking("d", "p", two), asking("c", "p", one, two)]
    assert assigned(Parties().assign(every)) == {"a": "1", "b": "1", "d": "2"}


@pytest.mark.parametrize(("steps", "found"), [(2, {"a": "2", "b": "1"}), (1, {"a": "1"})])
def test_the_search_ends_with_its_steps(
    monkeypatch: pytest.MonkeyPatch, steps: int, found: dict[str, str]
) -> None:
    monkeypatch.setattr(disjoint, "SEARCH_STEPS", steps)
    one, two = numbers(0, 0)
    assert assigned(Parties().assign([asking("a", "p", one, two), asking("b", "p", one)])) == found


@pytest.mark.parametrize(("many", "all_of_them"), [(MOST_SEARCHED, True), (MOST_SEARCHED + 1, False)])
def test_a_long_list_is_left_to_the_first_choice(many: int, all_of_them: bool) -> None:
    one, two = numbers(0, 0)
    others = [asking(f"o{place}", chr(0x1000 + place), two) for place in range(many - 2)]
    found = Parties().assign([asking("a", "p", one, two), asking("b", "p", one), *others])
    assert (len(found) == many) is all_of_them


@given(
    st.lists(
        st.tuples(st.frozensets(st.sampled_from("pqrs"), min_size=1, max_size=2), st.sets(st.integers(0, 2))),
        max_size=5,
    ),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("pqrs")), max_size=3),
)
def test_all_have_one_wherever_that_is_possible(
    wanted: list[tuple[frozenset[str], set[int]]], held: list[tuple[int, str]]
) -> None:
    """Against every assignment there is."""
    pool, here = numbers(0, 0, 0), Parties()
    for place, party in held:
        here.hold(pool[place], party, "held")
    every = [
        Asking(f"b{place}", tuple(pool[x] for x in sorted(may)), parties)
        for place, (parties, may) in enumerate(wanted)
    ]

    def right(chosen: list[tuple[Asking, Number]]) -> bool:
        on = [(number.x, party) for one, number in chosen for party in one.parties]
        taken = {(pool[place].x, party) for place, party in held}
        return len(on) == len(set(on)) and taken.isdisjoint(on)

    possible = any(
        right(list(zip(every, choice, strict=True))) for choice in product(*(one.numbers for one in every))
    )
    found = here.assign(every)
    assert right([(one, found[one.address]) for one in every if one.address in found])
    assert all(found[one.address] in one.numbers for one in every if one.address in found)
    assert not possible or len(found) == len(every)
