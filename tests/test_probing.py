"""Which questions the switch is asked, and what counts as a difference."""

import pytest

from pnsync.interfaces import Reached
from pnsync.model import Lifetime, Mode, ProviderConfig, VendorType
from pnsync.phone import Phone
from pnsync.routing.probing import Probe, chosen, judge, probes
from pnsync.routing.table import of_state
from pnsync.state import Entry, State

A, B, C = (Phone(f"44770090000{n}") for n in (1, 2, 3))
NX = ProviderConfig("nx", VendorType.NXCLOUD, "sandbox")
LA = ProviderConfig("la", VendorType.LAAFFIC, "sandbox")
DESK = Entry(
    "nx", Mode.AXB_EXTENSION, A, None, Lifetime(None), 1, phone_x="447401264117", extension="101", bind_id="1"
)
PAIR = Entry("nx", Mode.AXB, A, B, Lifetime(None), 1, phone_x="447401264118", bind_id="2")
AWAY = Entry("la", Mode.AXB, A, B, Lifetime(60), 1, phone_x="447401264119", bind_id="3")


def asked(**entries: Entry) -> list[tuple[str, str, Phone | None]]:
    state = State("7c4d1a2b", entries=entries)
    found = probes(entries.items(), of_state(state, 0), {"nx": NX, "la": LA})
    return [(one.address, one.view, one.expected) for one in found]


def test_every_point_of_view_of_a_pair() -> None:
    assert asked(pair=PAIR) == [("pair", "A", B), ("pair", "B", A), ("pair", "a stranger", None)]


def test_anybody_reaches_a_desk_that_names_no_b() -> None:
    assert ("desk", "a stranger", A) in asked(desk=DESK)


def test_a_vendor_without_the_question_is_not_asked() -> None:
    assert asked(away=AWAY) == []


@pytest.mark.parametrize(
    ("expected", "certain", "rings", "wrong"),
    [
        (B, True, B, ""),
        (None, True, None, ""),
        (B, True, None, "nobody rings"),
        (B, True, C, "somebody else rings"),
        (None, True, C, "somebody rings, and nobody should"),
        (None, False, A, ""),
        (None, False, C, "somebody rings, and nobody should"),
    ],
)
def test_what_is_a_difference(expected: Phone | None, certain: bool, rings: Phone | None, wrong: str) -> None:
    probe = Probe("bindings.one", "nx", "A", A, "447401264117", None, expected, certain)
    assert judge(probe, Reached(rings), (A, B)).wrong == wrong


def test_a_sample_is_the_same_every_time_and_names_win() -> None:
    names = [f"bindings.{n}" for n in range(50)]
    first = chosen(names, (), 5)
    assert len(first) == 5
    assert chosen(reversed(names), (), 5) == first
    assert chosen(names, ("bindings.7",), 5) == ("bindings.7",)
    assert chosen(names, (), None) == tuple(sorted(names))
