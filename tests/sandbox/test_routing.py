"""Who rings, in every mode (docs/vendors.md, 1.4 and 2.4)."""

import pytest

from pnsync.sandbox.records import Binding, Group, Mode
from pnsync.sandbox.routing import Rings, Unreached, ring
from pnsync.sandbox.switchboard import Switchboard

A, B, C, D = "447700900001", "447700900002", "447700900003", "447700900004"
X, Y = "447401264117", "447401264118"


def board_of(*bindings: Binding, groups: tuple[Group, ...] = ()) -> Switchboard:
    board = Switchboard()
    for group in groups:
        board.put_group(group, 0)
    for one in bindings:
        board.bind(one)
    return board


def make(mode: Mode, x: str = X, x_b: str = "", bind_id: str = "1", **values: str) -> Binding:
    return Binding(
        bind_id=bind_id,
        mode=mode,
        phone_a=values.pop("phone_a", A),
        x_a=x,
        x_b=x_b or x,
        bound_at=1,
        **values,
    )  # type: ignore[arg-type]


def reached(board: Switchboard, caller: str, did: str, extension: str = "") -> tuple[str, str] | None:
    found = ring(board, caller, did, extension)
    return (found.phone, found.shown) if isinstance(found, Rings) else None


def test_axb_connects_both_ways_and_nobody_else() -> None:
    board = board_of(make(Mode.AXB, phone_b=B))
    assert reached(board, A, X) == (B, X)
    assert reached(board, B, X) == (A, X)
    assert reached(board, C, X) is None
    assert reached(board, A, Y) is None


def test_axxb_each_dials_its_own_number_and_sees_it_ring() -> None:
    board = board_of(make(Mode.AXXB, x_b=Y, phone_b=B))
    assert reached(board, A, X) == (B, Y)
    assert reached(board, B, Y) == (A, X)
    assert reached(board, A, Y) is None
    assert reached(board, B, X) is None


def test_extension_without_b_lets_anybody_reach_a() -> None:
    board = board_of(make(Mode.AXB_EXTENSION, extension="101"))
    assert reached(board, C, X, "101") == (A, X)
    assert reached(board, C, X, "102") is None
    assert reached(board, A, X, "101") is None
    assert reached(board, C, X) is None


def test_extension_with_b_is_between_the_two() -> None:
    board = board_of(make(Mode.AXB_EXTENSION, extension="101", phone_b=B))
    assert reached(board, B, X, "101") == (A, X)
    assert reached(board, A, X, "101") == (B, X)
    assert reached(board, C, X, "101") is None
    assert isinstance(ring(board, C, X, "101", strangers=True), Rings)
    assert reached(board, B, X) == (A, X)


def test_an_extension_on_another_number_is_not_this_ones() -> None:
    board = board_of(make(Mode.AXB_EXTENSION, extension="101", phone_b=B, x=Y))
    assert reached(board, B, X) is None


def test_a_party_of_several_extensions_has_to_dial_one() -> None:
    board = board_of(
        make(Mode.AXB_EXTENSION, extension="101", phone_b=B),
        make(Mode.AXB_EXTENSION, extension="102", phone_b=B, phone_a=C, bind_id="2"),
    )
    found = ring(board, B, X)
    assert isinstance(found, Unreached)
    assert "several" in found.reason
    assert reached(board, B, X, "102") == (C, X)


def test_axg_members_reach_a_and_a_reaches_b() -> None:
    group = Group("g", "g", (B, C))
    board = board_of(make(Mode.AXG, group_id="g", phone_b=C), groups=(group,))
    assert [reached(board, caller, X) for caller in (A, B, C, D)] == [(C, X), (A, X), (A, X), None]
    board.put_group(Group("g", "g", (B, D)), 2)
    assert reached(board, D, X) == (A, X)
    assert reached(board, C, X) is None


def test_axg_without_b_is_one_way() -> None:
    board = board_of(make(Mode.AXG, group_id="g"), groups=(Group("g", "g", (B,)),))
    assert reached(board, A, X) is None
    assert reached(board, B, X) == (A, X)


@pytest.mark.parametrize("caller", [B, B.removeprefix("44"), "0" + B.removeprefix("44")])
def test_the_callers_country_code_is_optional(caller: str) -> None:
    assert reached(board_of(make(Mode.AXB, phone_b=B)), caller, X) == (A, X)


def test_nobody_rings_when_it_is_over() -> None:
    board = board_of(make(Mode.AXB, phone_b=B))
    board.end("1", 2)
    assert reached(board, A, X) is None
    board = board_of(Binding("1", Mode.AXB, A, X, X, bound_at=1, expires_at=5, phone_b=B))
    board.sweep(5)
    assert reached(board, B, X) is None


def test_reasons_name_no_number() -> None:
    found = ring(board_of(), A, X)
    assert isinstance(found, Unreached)
    assert not any(one.isdigit() for one in found.reason)
