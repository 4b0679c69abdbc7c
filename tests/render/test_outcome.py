"""What an apply did, in words."""

import pytest

from pnsync.errors import ExitCode
from pnsync.render.colour import Palette
from pnsync.render.outcome import done_line, failed_lines, uncertain_line, verdict_text
from pnsync.verdict import Done, Failed, Uncertain, Verdict

PLAIN = Palette(False)


def test_done() -> None:
    report = Done("bindings.desk-7", "rebind", "nx", "rebound", 0.31, "447401264117", "107")
    assert done_line(report, 20, PLAIN) == (
        "  ± bindings.desk-7       rebound    447401264117 ext 107  0.3 s"
    )


def test_done_without_a_call() -> None:
    report = Done("bindings.a", "forget", "nx", "forgotten", 0.0, note="expired and no longer declared")
    assert done_line(report, 10, PLAIN) == "  × bindings.a  forgotten  expired and no longer declared"


def test_failed_tells_the_vendor_s_code_and_the_next_step() -> None:
    report = Failed(
        "bindings.a", "bind", "nx", "A124", "10008", "req-1", "no number is free", "order numbers"
    )
    assert failed_lines(report, 10, PLAIN) == [
        "  ! bindings.a  failed     10008: no number is free (request req-1) [A124]",
        "        order numbers",
    ]


def test_uncertain() -> None:
    report = Uncertain("bindings.a", "bind", "nx", "no answer in 20 s", "2026-11-22T02:09:30Z")
    assert uncertain_line(report, 10, "2026-11-22T02:00:00Z", PLAIN) == (
        "  ? bindings.a  unknown    no answer in 20 s; the listing tells after 22 Nov 02:09:30Z"
    )


def test_hostile_texts_are_escaped() -> None:
    report = Failed("bindings.a\x1b[2J", "bind", "nx", "A1", "\x07", "\x9b", "\u202e", "\r")
    text = "\n".join(failed_lines(report, 10, Palette(True)))
    assert not set(text) & set("\x07\x9b\u202e\r")
    assert "\x1b[2J" not in text


DONE = Verdict(
    "apply",
    done=6,
    counts=(("bound", 2), ("rebound", 2), ("renewed", 1), ("unbound", 1)),
    serial=(41, 42),
    seconds=4.8,
)


def test_all_done() -> None:
    assert verdict_text(DONE, PLAIN) == (
        "Applied: 2 bound, 2 rebound, 1 renewed, 1 unbound · 0 failed · serial 41 → 42 · 4.8 s"
    )


def test_down_stands_first_and_the_next_step_last() -> None:
    verdict = Verdict("apply", (ExitCode.PARTIAL, ExitCode.DOWN), 1, 2, 3, 4, 5, ("bindings.a", "bindings.b"))
    lines = verdict_text(verdict, PLAIN, "pnsync -C infra apply").splitlines()
    assert lines[0] == "Down: 2 bindings are down, nobody is reached: bindings.a, bindings.b"
    assert "2 failed · 3 not tried · 4 of unknown outcome · 5 later" in lines[1]
    assert lines[-1] == "    pnsync -C infra apply"


@pytest.mark.parametrize("code", [one for one in ExitCode if one in (3, 7, 12, 10, 11, 130, 143, 1)])
def test_every_unhappy_end_names_a_next_step(code: ExitCode) -> None:
    assert verdict_text(Verdict("apply", (code,)), PLAIN).splitlines()[-1].startswith("    pnsync ")


def test_many_addresses_are_counted() -> None:
    verdict = Verdict("apply", (ExitCode.DOWN,), down=tuple(f"bindings.d{i}" for i in range(1010)))
    assert "and 1,000 more" in verdict_text(verdict, PLAIN)


def test_what_people_must_be_told_of_x() -> None:
    verdict = Verdict("renew", x_changed=("bindings.driver-4",), unverified=("bindings.a",))
    text = verdict_text(verdict, PLAIN)
    assert "Another X than before: bindings.driver-4." in text
    assert "Acknowledged but not listed: bindings.a." in text


def test_what_was_not_tried_is_named() -> None:
    verdict = Verdict("apply", (ExitCode.PARTIAL,), done=1, not_tried=2)
    assert "Not tried: bindings.a, bindings.b" in verdict_text(
        verdict, PLAIN, not_tried=["bindings.a", "bindings.b"]
    )


def test_groups_are_counted_with_their_noun() -> None:
    counts = (("created", 1), ("updated", 2), ("bound", 17))
    text = verdict_text(Verdict("apply", (), done=20, counts=counts, seconds=1), PLAIN)
    assert text.startswith("Applied: 1 group created, 2 groups updated, 17 bound · 0 failed")
