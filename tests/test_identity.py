"""customerBindIds: what they look like, whose they are, and that none comes twice."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.identity import Identity, address_hash, customer_bind_id, identify, is_ours, name_space

LINEAGE = "7c4d1a2b-0000-4000-8000-000000000000"
ADDRESSES = st.from_regex(r"bindings\.[A-Za-z0-9._-]{1,30}", fullmatch=True)


def test_a_derived_id() -> None:
    found = customer_bind_id(LINEAGE, "bindings.desk-london", 3)
    assert re.fullmatch(r"pns-7c4d1a2b-[0-9a-z]{12}-3", found)
    assert found == customer_bind_id(LINEAGE, "bindings.desk-london", 3)
    assert identify(found) == Identity("7c4d1a2b", address_hash("bindings.desk-london"), 3)
    assert is_ours(found, LINEAGE) and not is_ours(found, "ffffffff") and not is_ours(found, "")
    assert found.startswith(name_space(LINEAGE) or "?") and name_space("") is None


def test_a_declared_id() -> None:
    assert [customer_bind_id(LINEAGE, "bindings.o", one, "66666666") for one in (1, 2, 10)] == [
        "66666666", "66666666.2", "66666666.10",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        None, "", "66666666", "pns-7c4d1a2b-000000000000-0", "pns-7c4d1a2b-000000000000-01", "pns-7c4d1a2b-0000-1",
        "xpns-7c4d1a2b-000000000000-1", "pns-7c4d1a2b-000000000000-1\n", "pns-7c4d1a2b-000000000000-1.2",
        "pns-7C4D1A2B-000000000000-1",
    ],
)  # fmt: skip
def test_what_is_not_ours(text: str | None) -> None:
    assert identify(text) is None and not is_ours(text, LINEAGE)


@given(one=st.tuples(ADDRESSES, st.integers(1, 9999)), other=st.tuples(ADDRESSES, st.integers(1, 9999)))
def test_ids_are_equal_for_equal_address_and_generation_alone(
    one: tuple[str, int], other: tuple[str, int]
) -> None:
    same = customer_bind_id(LINEAGE, *one) == customer_bind_id(LINEAGE, *other)
    assert same == (one == other)
    found = identify(customer_bind_id(LINEAGE, *one))
    assert found is not None and (found.address_hash, found.generation) == (address_hash(one[0]), one[1])


def test_an_id_tells_no_address() -> None:
    assert "london" not in customer_bind_id(LINEAGE, "bindings.london", 1)
    assert len({address_hash(f"bindings.desk-{one}") for one in range(5000)}) == 5000
