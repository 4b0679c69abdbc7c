"""The switchboard's books stay true under any sequence of operations, and files of changes repeat them."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pnsync.sandbox.numbering import country_code
from pnsync.sandbox.records import Binding, Mode
from pnsync.sandbox.seeds import new_account
from pnsync.sandbox.switchboard import Rules, Switchboard
from pnsync.sandbox.switches import NxSwitches

from .calls import START

RULES = Rules(reuse_seconds=20, keep_ended_seconds=40)
PHONES = [f"44770090000{n}" for n in range(6)]

STEP = st.one_of(
    st.tuples(st.just("bind"), st.sampled_from(PHONES), st.sampled_from(PHONES), st.integers(0, 60)),
    st.tuples(st.just("unbind"), st.integers(0, 5)),
    st.tuples(st.just("change"), st.integers(0, 5), st.sampled_from(PHONES)),
    st.tuples(st.just("prolong"), st.integers(0, 5), st.integers(1, 60)),
    st.tuples(st.just("wait"), st.floats(0, 50)),
)


def play(steps: list[tuple[Any, ...]]) -> tuple[Switchboard, list[dict[str, Any]], float]:
    board, changes, now = new_account("nxcloud", RULES), [], START
    for step in steps:
        board.sweep(now)
        live = list(board.bindings)
        match step:
            case ("bind", a, b, life) if a != b:
                x = board.pick(board.numbers, (a, b), now)
                if x is not None:
                    ends = now + life if life else 0
                    board.bind(Binding(board.next_token(), Mode.AXB, a, x, x, now, ends, b, client_id=a))
            case ("unbind", n) if live:
                board.end(live[n % len(live)], now)
            case ("change", n, phone) if live:
                board.change(live[n % len(live)], now, phone_b=phone)
            case ("prolong", n, life) if live:
                board.prolong(live[n % len(live)], now, expires_at=now + life, client_id="c")
            case ("wait", seconds):
                now += seconds
        changes += board.drain()
    board.sweep(now)
    return board, changes, now


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_the_books_are_true(steps: list[tuple[Any, ...]]) -> None:
    board, _, now = play(steps)
    for binding in board.bindings.values():
        assert not binding.expires_at or binding.expires_at > now
        assert binding in board.of_phone(binding.phone_a)
        assert binding in board.of_phone(binding.phone_b)
        assert binding in board.dialled(binding.x_a, binding.phone_a)
        assert binding in board.with_client_id(binding.client_id)
    indexed = {one for ids in board._by_dial.values() for one in ids} | {
        one for ids in board._by_phone.values() for one in ids
    }
    assert indexed == set(board.bindings)
    assert sum(board._carried.values()) == len(board.bindings)
    assert board.listing(now) == list(board.bindings.values())
    made = [one.bind_id for one in board.history if one.kind == "bind"]
    gone = [one.bind_id for one in board.history if one.kind in ("unbind", "expire")]
    assert sorted(set(made) - set(gone)) == sorted(board.bindings)
    assert len(gone) == len(set(gone))
    assert [one.at for one in board.history if one.kind != "expire"] == sorted(
        one.at for one in board.history if one.kind != "expire"
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(0, 40))
def test_changes_and_snapshots_repeat_it(steps: list[tuple[Any, ...]], cut: int) -> None:
    board, changes, now = play(steps)
    changes = json.loads(json.dumps(changes))
    again = new_account("nxcloud", RULES)
    for one in changes[:cut]:
        again.replay(one)
    again = Switchboard.restore(json.loads(json.dumps(again.snapshot())), RULES)
    for one in changes[cut:]:
        again.replay(one)
    again.sweep(now)
    assert again.bindings == board.bindings
    assert again.history == board.history
    assert again.sequence == board.sequence
    assert again.snapshot() == board.snapshot()
    for x in board.numbers:
        assert again.clashes(x, PHONES, now) == board.clashes(x, PHONES, now)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_parties_on_one_x_are_disjoint(steps: list[tuple[Any, ...]]) -> None:
    board, _, _ = play([step for step in steps if step[0] != "change"])
    for ids in board._by_dial.values():
        assert len(ids) == 1


def test_least_used_first() -> None:
    board = Switchboard(NxSwitches(parties_disjoint=False).rules())
    for number in ("447401264117", "447401264118", "447401264119"):
        board.add_number(number, START)
    picked = []
    for n in range(6):
        x = board.pick(board.numbers, (), START)
        assert x is not None
        picked.append(x[-1])
        board.bind(Binding(str(n), Mode.AXB, PHONES[0], x, x, START, phone_b=PHONES[1]))
    assert picked == list("789789")


def test_country_codes() -> None:
    known = {
        "1": "12025550123",
        "7": "79991234567",
        "44": "447700900001",
        "852": "85235753351",
        "91": "918806",
        "998": "998901234567",
    }
    assert {code: country_code(number) for code, number in known.items()} == {code: code for code in known}
    assert [country_code(number) for number in ("0447700900001", "", "28", "999", "89123", "85")] == [
        None,
        None,
        None,
        "999",
        None,
        None,
    ]
