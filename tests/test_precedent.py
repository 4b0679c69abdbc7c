"""The stricter of the files' policy and the one last applied, setting by setting."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.journal import replay
from pnsync.model import Limit, Policy
from pnsync.policy.precedent import effective, loosened, policy_note, recorded_policy
from tests.worlds import state

LIMITS = st.one_of(
    st.builds(Limit, percent=st.integers(0, 100).map(float)), st.builds(Limit, count=st.integers(0, 50))
)
CODES = st.one_of(st.none(), st.frozensets(st.sampled_from(["44", "852", "91"])))
POLICIES = st.builds(
    Policy,
    max_unbind=LIMITS,
    max_rebind=LIMITS,
    max_missing=LIMITS,
    require_recording=st.booleans(),
    allow_never_expire=st.booleans(),
    allowed_country_codes=CODES,
    quarantine_seconds=st.integers(0, 10**6),
    max_lifetime_seconds=st.one_of(st.none(), st.integers(1, 10**6)),
    numbers=st.sampled_from([None, "named"]),
)
PLAIN = Policy()


@given(POLICIES)
def test_a_recorded_policy_is_read_again(policy: Policy) -> None:
    assert recorded_policy(replay(state(), [policy_note(policy)])) == policy


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"max_unbind": 3}'])
def test_what_cannot_be_read_is_none(text: str) -> None:
    assert recorded_policy(state(notes={"policy": text})) is None


@given(POLICIES, POLICIES, st.integers(0, 1000))
def test_what_counts_is_never_looser_than_either(files: Policy, old: Policy, total: int) -> None:
    found = effective(files, old, total)
    for one in (files, old):
        for name in ("max_unbind", "max_rebind", "max_missing"):
            assert getattr(found, name).allowed(total) <= getattr(one, name).allowed(total)
        assert found.require_recording or not one.require_recording
        assert not found.allow_never_expire or one.allow_never_expire
        if one.allowed_country_codes is not None:
            assert found.allowed_country_codes is not None
            assert found.allowed_country_codes <= one.allowed_country_codes
        if one.max_lifetime_seconds is not None:
            assert found.max_lifetime_seconds is not None
            assert found.max_lifetime_seconds <= one.max_lifetime_seconds
        assert found.quarantine_seconds >= one.quarantine_seconds
        assert found.numbers or not one.numbers
    assert effective(files, None, total) == files == effective(files, files, total)
    assert effective(found, old, total) == found and not loosened(found, old, total)


@pytest.mark.parametrize(
    ("strict", "name"),
    [
        ({"max_unbind": Limit(percent=10)}, "max_unbind"),
        ({"max_missing": Limit(count=0)}, "max_missing"),
        ({"require_recording": True}, "require_recording"),
        ({"allow_never_expire": False}, "allow_never_expire"),
        ({"allowed_country_codes": frozenset({"44"})}, "allowed_country_codes"),
        ({"quarantine_seconds": 7 * 86400}, "quarantine"),
        ({"max_lifetime_seconds": 60}, "max_lifetime"),
        ({"numbers": "named"}, "numbers"),
    ],
)
def test_a_loosened_setting_is_named_and_a_tightened_one_is_not(strict: dict[str, Any], name: str) -> None:
    tight = replace(PLAIN, **strict)
    (note,) = loosened(PLAIN, tight, 100)
    assert note.code == "P408" and f"({name})" in note.summary
    assert loosened(tight, PLAIN, 100) == ()
    assert effective(PLAIN, tight, 100) == effective(tight, PLAIN, 100) == tight


def test_a_country_that_was_added_counts_from_the_next_apply() -> None:
    two, one = (
        replace(PLAIN, allowed_country_codes=frozenset({"44", "852"})),
        replace(PLAIN, allowed_country_codes=frozenset({"44"})),
    )
    assert effective(two, one, 9) == effective(one, two, 9) == one
    other = replace(PLAIN, allowed_country_codes=frozenset({"91"}))
    assert effective(other, one, 9).allowed_country_codes == frozenset()
