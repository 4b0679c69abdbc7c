"""What a saved plan may hold, and that only what was approved is done."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync import savedplan
from pnsync.errors import ExitCode, StalePlan
from pnsync.masking import Masker
from pnsync.matching import row_of
from pnsync.model import Binding
from pnsync.plan import Cause, Plan, canonical, digest, document
from pnsync.savedplan import Keys, check_age, check_signature, check_state, compare, read, seal
from pnsync.state import State
from tests.profile import either
from tests.worlds import (
    DAY,
    NOW,
    attempt,
    axb,
    bound,
    desired,
    desk,
    group,
    made,
    pending,
    planned,
    rows_of,
    state,
    superseded,
)

STATE_KEY = b"s" * 32
KEYS = Keys(None, STATE_KEY, None)
SIGNING = Keys(b"an approver's key", STATE_KEY, None)
NONE = Keys(None, None, None)
A, B, C = axb("a", 1, 2), axb("b", 3, 4), axb("c", 5, 6)


def shown(plan: Plan, key: bytes = b"k" * 32) -> dict[str, Any]:
    """A plan's document."""
    return document(plan, Masker(key, plan.lineage), pnsync_version="0")


def saved(plan: Plan, keys: Keys = KEYS, **options: Any) -> bytes:
    """A plan file."""
    return json.dumps(seal(shown(plan), plan, options, keys)).encode()


def check(data: bytes, plan: Plan, keys: Keys = KEYS) -> None:
    """Compare a plan file with what would be done now, in a run whose pseudonyms are others."""
    compare(read(data), plan, shown(plan, b"z" * 32), keys)


def refused(data: bytes, plan: Plan, keys: Keys = KEYS) -> list[str]:
    """What a comparison says."""
    with pytest.raises(StalePlan) as caught:
        check(data, plan, keys)
    assert caught.value.exit_code is ExitCode.STALE_PLAN
    return [line.strip() for line in caught.value.detail]


# -- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [KEYS, SIGNING, NONE, Keys(None, None, b"c" * 32)])
def test_a_plan_is_what_would_be_done(keys: Keys) -> None:
    plan = planned([A, B, desk("d")], bound(axb("a", 1, 9)))
    data = saved(plan, keys)
    check(data, plan, keys)
    assert b"447700900001" not in data and b"447700900009" not in data
    for key in (one for one in (keys.signing, keys.state, keys.credentials) if one is not None):
        assert key not in data and key.hex().encode() not in data


def whole() -> bytes:
    return saved(planned([A, B], bound(axb("a", 1, 9))), SIGNING)


@given(st.data())
def test_a_cut_file_is_no_plan(data: st.DataObject) -> None:
    text = whole()
    with pytest.raises(StalePlan):
        read(text[: data.draw(st.integers(0, len(text) - 1))])


def test_no_byte_of_a_plan_can_be_flipped() -> None:
    """What is read after any single bit was turned is refused, or is the very same document."""
    text, accepted = whole(), 0
    same = json.loads(text)
    for at in range(len(text)):
        for bit in range(either(8, 1)):
            damaged = bytearray(text)
            damaged[at] ^= 1 << ((at + bit) % 8)
            try:
                found = read(bytes(damaged))
                check_signature(found, SIGNING)
            except StalePlan:
                continue
            accepted += 1
            assert found.document == same, at
    assert accepted < len(text) / 20


def test_whoever_has_no_key_cannot_change_a_plan_and_make_it_right_again() -> None:
    """With digest and signature made anew by somebody who knows all but the key."""
    found = json.loads(whole())
    for name, value in (
        ("serial", 99),
        ("lineage", "other"),
        ("options", {"allow_unbind": 9}),
        ("changes", []),
    ):
        forged = {**found, name: value}
        forged["digest"] = digest(forged)
        for signature in (
            found["signature"],
            "",
            None,
            forged["digest"],
            "hmac-sha256:",
            "hmac-sha256:" + "0" * 64,
        ):
            with pytest.raises(StalePlan) as caught:
                check_signature(read(json.dumps({**forged, "signature": signature}).encode()), SIGNING)
            assert caught.value.code == "A504"
        del forged["signature"]
        with pytest.raises(StalePlan):
            check_signature(read(json.dumps({**forged, "digest": digest(forged)}).encode()), SIGNING)


def edited(values: Any) -> "st.SearchStrategy[Any]":
    """The document with one value, anywhere, changed, dropped or of another kind."""
    other = st.sampled_from([None, True, 0, -1, "", "x", [], {}, 1e300, "2026-11-22T00:00:00Z"])

    @st.composite
    def build(draw: st.DrawFn, found: Any = values) -> Any:
        if isinstance(found, dict) and found and draw(st.booleans()):
            name = draw(st.sampled_from(sorted(found)))
            if draw(st.booleans()):
                return {key: one for key, one in found.items() if key != name}
            return {**found, name: draw(build(found[name]))}
        if isinstance(found, list) and found and draw(st.booleans()):
            place = draw(st.integers(0, len(found) - 1))
            return [*found[:place], draw(build(found[place])), *found[place + 1 :]]
        return draw(other.filter(lambda one: type(one) is not type(found) or one != found))

    return build()


@given(st.data())
def test_whatever_is_edited_is_noticed(data: st.DataObject) -> None:
    """By its digest; and with the digest made anew, by the signature, or by not being a plan at all."""
    document_ = json.loads(whole())
    changed = data.draw(edited(document_))
    if changed == document_:
        return
    if isinstance(changed, dict) and changed.get("signature") != document_["signature"]:
        changed = {**changed, "signature": document_["signature"]}
        if changed == document_:
            return
    with pytest.raises(StalePlan):
        read(json.dumps(changed).encode())
    if not isinstance(changed, dict):
        return
    changed["digest"] = digest(changed)
    try:
        found = read(json.dumps(changed).encode())
    except StalePlan:
        return
    if canonical(changed) != canonical(document_):
        with pytest.raises(StalePlan):
            check_signature(found, SIGNING)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("lineage",), None), (("made_at",), "yesterday"), (("made_at",), 7), (("config_digest",), 7),
        (("serial",), "9"), (("serial",), None), (("options",), []), (("changes",), {}), (("sameness",), None),
        (("sameness", "key"), 7), (("sameness", "salt"), "zz"), (("sameness", "salt"), "00"),
        (("sameness", "digest"), None), (("changes", 0), "x"), (("changes", 0, "address"), 7),
        (("changes", 0, "action"), None), (("changes", 0, "cause"), 7), (("changes", 0, "before"), []),
        (("changes", 0, "after"), "x"),
    ],
)  # fmt: skip
def test_what_apply_reads_has_its_type(path: tuple[Any, ...], value: Any) -> None:
    """Also where somebody made the digest anew: else it would be met in the middle of an apply."""
    found = json.loads(whole())
    place = found
    for one in path[:-1]:
        place = place[one]
    place[path[-1]] = value
    found["digest"] = digest(found)
    with pytest.raises(StalePlan) as caught:
        read(json.dumps(found).encode())
    assert caught.value.code == "A503"


def test_what_is_no_plan_by_its_size_or_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"[" * 200_000, b'{"format":' * 100_000, b"[]", b"7", b"\xff"):
        with pytest.raises(StalePlan) as caught:
            read(data)
        assert caught.value.code == "A501"
    text = whole()
    monkeypatch.setattr(savedplan, "LIMIT_BYTES", len(text))
    assert read(text)
    with pytest.raises(StalePlan) as caught:
        read(text + b" ")
    assert caught.value.code == "A501"


def test_signatures() -> None:
    plan = planned([A])
    signed, plain = read(saved(plan, SIGNING)), read(saved(plan))
    check_signature(signed, SIGNING)
    check_signature(plain, KEYS)
    check_signature(signed, KEYS)
    for found, keys in ((plain, SIGNING), (signed, Keys(b"another", STATE_KEY, None))):
        with pytest.raises(StalePlan) as caught:
            check_signature(found, keys)
        assert caught.value.code == "A504"


def test_where_a_plan_may_be_applied() -> None:
    plan = planned([A], state())
    found = read(saved(plan))
    check_state(found, state(), exists=True)
    check_state(found, state(serial=9), exists=True)
    for other, code in (
        (State(lineage="other", serial=9), "A505"),
        (state(serial=3), "A506"),
        (state(notes={found.note: "2026-11-22T00:00:00Z"}), "A507"),
    ):
        with pytest.raises(StalePlan) as caught:
            check_state(found, other, exists=True)
        assert caught.value.code == code
    first = read(saved(replace(plan, lineage="", serial=0)))
    check_state(first, State(lineage="new"), exists=False)
    with pytest.raises(StalePlan):
        check_state(first, state(), exists=True)


def test_its_age() -> None:
    found = read(saved(planned([A])))
    check_age(found, NOW + DAY, None)
    check_age(found, NOW + 60, 60)
    with pytest.raises(StalePlan) as caught:
        check_age(found, NOW + 61, 60)
    assert caught.value.code == "A508"


# -- sameness --------------------------------------------------------------------------------------------------------


def test_what_joins_and_what_is_left_alone() -> None:
    """Renewals and recovery join, drift is another's business, and nothing comes that the files have asked for since."""
    entries = bound(A, B)
    data = saved(planned([A, B, C], entries))
    late: dict[str, Any] = {**entries, "bindings.b": made(B, age=DAY - 60)}
    check(data, planned([A, B, C], late))
    down: dict[str, Any] = {**entries, "bindings.b": replace(made(B), bind_id=None, down_since=NOW)}
    check(data, planned([A, B, C], down))
    drifted = [one for one in rows_of(state(entries)) if one.bind_id != "b-1"]
    check(data, planned([A, B, C], entries, drifted))
    told = refused(data, planned([A, B, C, axb("new", 7, 8)], entries))
    assert told[1:] == ["bindings.new: bind is due by the files now, and was not approved"]


def test_an_attempt_that_turns_out_to_have_had_no_effect_joins() -> None:
    """The plan was made while nobody knew what had become of a call; what it was to do had been approved before."""
    known = state(pending=pending(attempt(A, ago=10)))
    while_open = planned([A, C], known, [])
    assert [one.address for one in while_open.changes] == ["bindings.c"]
    data = saved(while_open)
    settled = planned([A, C], state(pending=pending(attempt(A, ago=4000))), [])
    assert [(one.address, one.cause) for one in settled.changes] == [
        ("bindings.a", Cause.RECOVERY),
        ("bindings.c", Cause.CONFIG),
    ]
    check(data, settled)
    other = planned([axb("a", 1, 9), C], state(pending=pending(attempt(A, ago=4000))), [])
    assert "bindings.a: bind is due by the files now, and was not approved" in refused(data, other)
    made_it = replace(row_of(made(A, generation=2)), expires_at=NOW - 9 + DAY)
    adopted = planned([A, C], known, [made_it])
    assert ("bindings.a", Cause.RECOVERY) in [(one.address, one.cause) for one in adopted.changes]
    check(data, adopted)


def test_what_moved_is_shown_as_a_difference() -> None:
    entries = bound(axb("a", 1, 9), desk("d"))
    data = saved(planned([A, desk("d", "102")], entries))
    told = refused(data, planned([axb("a", 1, 8), desk("d", "103")], entries))
    assert "bindings.a: rebind was approved, and it is another one now" in told
    assert "bindings.d: rebind was approved, and it is another one now" in told
    assert told[told.index("- extension after: 102") + 1] == "+ extension after: 103"
    assert any(one.startswith("- phone_b after: 44••••02~") for one in told)
    assert any(one.startswith("+ phone_b after: 44••••08~") for one in told)
    assert "bindings.a: rebind was approved, and is not due now" in refused(
        data, planned([axb("a", 1, 9)], entries)
    )
    assert not any("44770090000" in one for one in told)


def test_a_number_behind_an_unchanged_mask() -> None:
    """Two numbers that end alike: only the digest of the real values tells them apart."""
    one, other = axb("a", 1, 102), axb("a", 1, 202)
    for keys in (KEYS, SIGNING, NONE):
        data = saved(planned([one]), keys)
        assert "a number behind an unchanged mask is another one now" in refused(data, planned([other]), keys)
        check(data, planned([one]), keys)


def test_a_group_s_number_behind_an_unchanged_mask() -> None:
    def plan(number: int) -> Plan:
        return planned(desired([], [group("crew", (11, number))]))

    data = saved(plan(102))
    check(data, plan(102))
    assert "a number behind an unchanged mask is another one now" in refused(data, plan(202))


def test_what_stood_there_before_is_approved_too() -> None:
    data = saved(planned([A], bound(axb("a", 1, 9))))
    told = refused(data, planned([A], bound(axb("a", 1, 8))))
    assert any(one.startswith("- phone_b before: 44••••09~") for one in told)
    assert any(one.startswith("+ phone_b before: 44••••08~") for one in told)


def test_the_digest_of_real_values_helps_nobody_to_try_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is salted anew each time; and where no key is at hand each try costs a deliberately slow hash."""
    plan = planned([A])
    for keys in (KEYS, NONE):
        one, other = (json.loads(saved(plan, keys))["sameness"] for _ in range(2))
        assert one["salt"] != other["salt"] and one["digest"] != other["digest"]
    data = saved(plan, NONE)
    cost = savedplan._SCRYPT
    assert 128 * cost["n"] * cost["r"] >= 16 * 1024 * 1024, "memory that each try takes"
    monkeypatch.setattr(savedplan, "_SCRYPT", {**cost, "n": 2})
    assert refused(data, plan)


def test_a_key_that_this_run_does_not_have() -> None:
    data = saved(planned([A]), SIGNING)
    assert any("made with a key that this run does not have" in one for one in refused(data, planned([A])))


def test_many_differences_are_counted() -> None:
    many = [axb(f"b-{one}", 100 + one, 300 + one) for one in range(40)]
    told = refused(saved(planned([])), planned(many))
    assert "and 20 more lines" in told and len(told) < 25


def test_two_bindings_of_one_address_go_at_once() -> None:
    """The one that is recorded and a second one: two changes of one address and action."""
    known = state(bound(A, B, C), superseded=superseded("bindings.a", made(A, generation=2)))
    rows = [*rows_of(known), *rows_of(state({"bindings.a": made(A, generation=2)}))]
    plan = planned([B, C], known, rows)
    assert [(one.address, one.action.value) for one in plan.changes] == [("bindings.a", "unbind")] * 2
    data = saved(plan)
    check(data, plan)
    told = refused(data, planned([B, C], known, rows[:-1]))
    assert told[1] == "bindings.a: unbind was approved, and is due fewer times now"


def test_a_long_value_is_cut_in_a_message() -> None:
    plan = planned([axb("a", 1, 2, customer_bind_id="6" * 30)])
    found = json.loads(saved(plan))
    found["changes"][0]["after"]["phone_x"] = "x" * 10_000
    found["digest"] = digest(found)
    assert max(map(len, refused(json.dumps(found).encode(), plan))) < 300


@pytest.mark.parametrize("count", [0, 1, 30])
def test_equal_plans_are_the_same_whatever_the_order_of_the_files(count: int) -> None:
    many: list[Binding] = [axb(f"b-{one}", 100 + one, 300 + one) for one in range(count)]
    check(saved(planned(many)), planned(many[::-1]))
