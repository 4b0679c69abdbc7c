"""What was last seen of each provider: how old it may be, whom it shows, and what of it is gone since."""

from dataclasses import replace

from pnsync.apply.proofs import PROOF_SECONDS, Proofs
from pnsync.state import Superseded
from tests.worlds import axb, bound, group, live_group, made, made_group, observed, rows_of, state, superseded

A, B = axb("a", 1, 2), axb("b", 3, 4)
CREW = live_group(made_group(group("crew")))


def seen(at: float = 100.0) -> Proofs:
    """The bindings a and b and a group at nx, nothing at la; nx2 was not read."""
    return Proofs(observed(rows_of(state(bound(A, B))), [CREW], providers=["nx", "la"]).listings, at)


def known(name: str = "a") -> Superseded:
    """The binding as the state recorded it."""
    (found,) = superseded(f"bindings.{name}", made(A if name == "a" else B)).values()
    return found


def test_a_listing_proves_for_ten_minutes() -> None:
    proofs = seen(100.0)
    assert not proofs.stale("nx", 100.0 + PROOF_SECONDS)
    assert proofs.stale("nx", 100.5 + PROOF_SECONDS)


def test_a_provider_that_was_not_read_proves_nothing() -> None:
    proofs = seen()
    assert proofs.stale("nx2", 0.0)
    assert not proofs.show(replace(known(), provider="nx2"))
    assert list(proofs.bindings("nx2")) == [] and list(proofs.groups("nx2")) == []
    proofs.gone("nx2", "a-1")


def test_what_is_shown_is_what_was_listed() -> None:
    proofs = seen()
    assert proofs.show(known())
    assert not proofs.show(replace(known(), bind_id="other"))
    assert not proofs.show(replace(known(), customer_bind_id="other"))
    assert not proofs.show(replace(known(), provider="la"))
    assert [one.bind_id for one in proofs.bindings("nx")] == ["a-1", "b-1"]
    assert list(proofs.groups("nx")) == [CREW] and list(proofs.groups("la")) == []


def test_what_is_gone_is_shown_no_more_and_the_rest_is() -> None:
    proofs = seen()
    for _ in range(2):
        proofs.gone("nx", "a-1")
        assert not proofs.show(known()) and proofs.show(known("b"))


def test_a_newer_listing_takes_the_place_of_its_own_provider_s_alone() -> None:
    proofs = seen(100.0)
    proofs.renew(observed(providers=["la"]).listings, 500.0)
    assert proofs.show(known())
    assert proofs.stale("nx", 900.0) and not proofs.stale("la", 900.0)
    proofs.renew(observed([], [], providers=["nx"]).listings, 600.0)
    assert not proofs.show(known()) and not proofs.stale("nx", 900.0)
    assert list(proofs.groups("nx")) == []


def test_a_listing_with_a_row_that_cannot_be_read_proves_nothing() -> None:
    listings = observed(rows_of(state(bound(A))), problems=("a row",)).listings
    assert not Proofs(listings, 0.0).show(known())
