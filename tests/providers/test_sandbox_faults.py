"""Both providers against simulated vendors that fail, differ and move: the truth is the sandbox's own console."""

from typing import Any

import pytest

from pnsync.errors import CredentialsRefused
from pnsync.journal import Applied, NotSent, Refusal, Refused, Unknown
from pnsync.model import Observed, ProviderConfig
from pnsync.phone import Phone
from pnsync.providers.credentials import Credentials, Secret
from pnsync.refresh import calibrated
from pnsync.sandbox.faults import NAMED, Fault
from pnsync.sandbox.switches import LaSwitches, NxSwitches
from pnsync.state import Entry, Operation

from .world import START, bind, entry, intent, la_config, la_sandbox, nx_config, nx_sandbox, silent

WRITES = sorted(name for name in NAMED if name != "none")


def la_entry(number: int = 0) -> Entry:
    return entry(
        provider="la",
        phone_a=Phone(f"91880677{number:02}"),
        phone_b=Phone(f"91880678{number:02}"),
        pool_number="918806",
    )


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("vendor", ["nx", "la"])
def test_what_a_faulty_bind_is_taken_for(name: str, vendor: str) -> None:
    values: dict[str, Any] = {"operation": "bindAXB" if vendor == "nx" else "pns/bind"}
    if "code" in name:
        values["code"] = 10005 if vendor == "nx" else -18
    fault = Fault.named(name, **values)
    if vendor == "nx":
        provider, transport, _ = nx_sandbox(fault)
        outcome = provider.send(bind(entry()))
    else:
        provider, transport, _ = la_sandbox(fault)  # type: ignore[assignment]
        outcome = provider.send(bind(la_entry(), customer_bind_id=None, expire_seconds=3600))
    live = transport.console.bindings()
    if name == "connect_error":  # not sent, so tried again
        assert isinstance(outcome, Applied)
    elif name == "skew" and vendor == "nx":
        assert isinstance(outcome, Refused)
        assert outcome.refusal is Refusal.CLOCK
    elif name in ("twice", "again", "skew"):
        assert isinstance(outcome, Applied | Refused)
    else:
        assert isinstance(outcome, Unknown)
        assert outcome.rate_limited == (name == "limited")
    if isinstance(outcome, Applied):
        assert outcome.bind_id in {str(one["bind_id"]) for one in live}


def test_a_skewed_clock_is_learned_and_the_next_bind_succeeds() -> None:
    provider, _, _ = nx_sandbox(Fault.named("skew", skew_seconds=900, times=0))
    assert isinstance(provider.send(bind(entry())), Refused)
    now = provider.vendor_now()
    assert now == pytest.approx(START + 900, abs=3)
    assert isinstance(provider.send(bind(entry(), at=now)), Applied)


def test_a_vendor_that_cannot_be_reached_for_good() -> None:
    provider, transport, clock = nx_sandbox(Fault.named("connect_error", times=0))
    assert isinstance(provider.send(bind(entry())), NotSent)
    assert not transport.console.bindings()
    assert sum(clock.slept) <= 30


@pytest.mark.parametrize("name", [one for one in WRITES if one not in ("skew", "redirect")])
def test_a_listing_survives_one_fault(name: str) -> None:
    provider, transport, _ = nx_sandbox()
    for number in range(5):
        provider.send(bind(entry(phone_a=Phone(f"8521111111{number}")), customer_bind_id=f"c{number}"))
    values: dict[str, Any] = {"operation": "getAXBList", "nth": 2}
    if "code" in name:
        values["code"] = 10009
    transport.faults.add(Fault.named(name, **values))
    listing = provider.list(scans=2, reading=silent)
    assert (len(listing.bindings), listing.stable) == (5, True)


@pytest.mark.parametrize(
    "switches",
    [
        NxSwitches(envelope="flat"),
        NxSwitches(string_ints=True),
        NxSwitches(total="page"),
        NxSwitches(past_end="refuse"),
        NxSwitches(list_order="newest"),
        NxSwitches(error_http_status=400),
        NxSwitches(both_ids="bind_id"),
    ],
)
@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
def test_nxcloud_as_it_may_be(switches: NxSwitches, page_size: int) -> None:
    provider, _, _ = nx_sandbox(switches=switches, page_size=page_size)
    assert provider.list(scans=2, reading=silent).bindings == ()
    made = set()
    for number in range(6):
        outcome = provider.send(
            bind(entry(phone_a=Phone(f"8521111111{number}")), customer_bind_id=f"c{number}")
        )
        assert isinstance(outcome, Applied)
        made.add(outcome.bind_id)
    listing = provider.list(scans=2, reading=silent)
    assert {one.bind_id for one in listing.bindings} == made
    assert listing.stable, listing.problems
    assert {one.expires_at for one in listing.bindings} == {int(START) + 1011}
    assert listing.groups
    gone = intent(Operation.UNBIND, bind_id="nothing-of-the-kind")
    outcome = provider.send(gone)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.ABSENT


def test_a_listing_in_random_order_is_never_taken_for_whole_by_luck() -> None:
    provider, _, _ = nx_sandbox(switches=NxSwitches(list_order="random"), page_size=3)
    made = set()
    for number in range(9):
        outcome = provider.send(
            bind(entry(phone_a=Phone(f"8521111111{number}")), customer_bind_id=f"c{number}")
        )
        assert isinstance(outcome, Applied)
        made.add(outcome.bind_id)
    listing = provider.list(scans=2, reading=silent)
    assert listing.problems or {one.bind_id for one in listing.bindings} == made


def test_an_expiry_of_seconds_left_is_told_and_not_guessed() -> None:
    provider, _, _ = nx_sandbox(switches=NxSwitches(expire_at="left"))
    provider.send(bind(entry()))
    listing = provider.list(scans=1, reading=silent)
    assert [one.expires_at for one in listing.bindings] == [None]
    assert listing.problems == ("1 row of the bindings: expireAt is not an instant",)


@pytest.mark.parametrize(
    "switches",
    [
        LaSwitches(bind_id="str", number_b="int"),
        LaSwitches(forced_size=2),
        LaSwitches(echoed_size=20),
        LaSwitches(total="zero"),
        LaSwitches(total="page"),
        LaSwitches(pages="zero"),
        LaSwitches(pages="one"),
        LaSwitches(pages="more"),
        LaSwitches(list_order="newest"),
        LaSwitches(error_http_status=400),
    ],
)
@pytest.mark.parametrize("page_size", [1, 3, 100])
def test_laaffic_as_it_may_be(switches: LaSwitches, page_size: int) -> None:
    provider, _, _ = la_sandbox(switches=switches, page_size=page_size)
    made = set()
    for number in range(5):
        outcome = provider.send(bind(la_entry(number), customer_bind_id=None, expire_seconds=3600))
        assert isinstance(outcome, Applied), outcome
        made.add(outcome.bind_id)
    listing = provider.list(scans=2, reading=silent)
    assert {one.bind_id for one in listing.bindings} == made
    assert listing.stable, listing.problems
    assert len(listing.pools) == 2


def test_laaffic_s_total_that_promises_more_is_a_problem() -> None:
    provider, _, _ = la_sandbox(switches=LaSwitches(total="more"))
    provider.send(bind(la_entry(), customer_bind_id=None, expire_seconds=3600))
    listing = provider.list(scans=2, reading=silent)
    assert len(listing.bindings) == 1
    assert not listing.trustworthy


def test_rows_that_vanish_between_pages_are_never_silently_missing() -> None:
    provider, _, _ = la_sandbox(switches=LaSwitches(vanishing_rows=1), page_size=2)
    for number in range(7):
        provider.send(bind(la_entry(number), customer_bind_id=None, expire_seconds=3600))
    listing = provider.list(scans=2, reading=silent)
    assert listing.problems or len(listing.bindings) == 7


@pytest.mark.parametrize(
    ("expire_time", "known"),
    [("text", False), ("epoch", True), ("int", True), ("milliseconds", True), ("iso", True)],
)
@pytest.mark.parametrize("zone", [0, 480, -330, 345])
def test_laaffic_s_expiry_in_every_form(expire_time: Any, known: bool, zone: int) -> None:
    switches = LaSwitches(expire_time=expire_time, zone_minutes=zone)
    provider, _, _ = la_sandbox(switches=switches)
    provider.send(bind(la_entry(), customer_bind_id=None, expire_seconds=3600))
    [row] = provider.list(scans=1, reading=silent).bindings
    assert row.expires_at == (int(START) + 3600 if known else None)
    listing = provider.list(scans=1, reading=silent)
    [row] = calibrated(Observed({"la": listing}), {"la": zone * 60}).listings["la"].bindings
    assert row.expires_at == int(START) + 3600


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_nxcloud_takes_either_digest(algorithm: str) -> None:
    provider, _, _ = nx_sandbox(config=nx_config(algorithm=algorithm))
    assert isinstance(provider.send(bind(entry())), Applied)


@pytest.mark.parametrize(
    "config",
    [nx_config(), nx_config(endpoint="https://api.nxcloud.com/v1/api/pns/"), nx_config(endpoint="sandbox")],
)
def test_nxcloud_s_endpoints(config: ProviderConfig) -> None:
    provider, _, _ = nx_sandbox(config=config)
    assert isinstance(provider.send(bind(entry())), Applied)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://api.laaffic.com/v3/number",
        "https://api.laaffic.com/v3/number/",
        "https://api.itniotech.com/number",
        "sandbox",
    ],
)
def test_laaffic_s_endpoints(endpoint: str) -> None:
    provider, _, _ = la_sandbox(config=la_config(endpoint=endpoint))
    assert isinstance(provider.send(bind(la_entry(), customer_bind_id=None, expire_seconds=60)), Applied)


def test_wrong_keys_are_refused_by_both() -> None:
    wrong = Credentials(Secret("sandbox"), Secret("wrong"))
    for provider in (nx_sandbox(credentials=wrong)[0], la_sandbox(credentials=wrong)[0]):
        with pytest.raises(CredentialsRefused):
            provider.list(scans=1, reading=silent)
    outcome = nx_sandbox(credentials=wrong)[0].send(bind(entry()))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.vendor_code) == (Refusal.AUTHENTICATION, "1003")


def test_numbers_that_ran_out_are_a_lack_of_capacity() -> None:
    provider, _, _ = nx_sandbox(switches=NxSwitches(capacity_per_x=1, synthetic_numbers=False))
    outcomes = [
        provider.send(bind(entry(phone_a=Phone(f"852111112{number:02}")), customer_bind_id=f"c{number}"))
        for number in range(40)
    ]
    last = outcomes[-1]
    assert isinstance(last, Refused)
    assert last.refusal is Refusal.CAPACITY
