"""What `--result` holds, whole; and which code counts."""

import pytest

from pnsync.errors import ExitCode
from pnsync.verdict import Failed, Uncertain, Verdict, Verified, report_document


def test_every_figure_of_a_verdict_is_in_its_file() -> None:
    failed = Failed("bindings.a", "bind", "nx", "A121", "1002", "r-7", "a parameter is wrong", "correct it")
    found = Verdict(
        "apply", (ExitCode.PARTIAL,), done=1, failed=2, not_tried=3, unknown=4, deferred=5, down=("bindings.d",),
        x_changed=("bindings.x",), failures=(failed,), serial=(6, 7), counts=(("bound", 1),),
        unverified=("bindings.u",), seconds=1.23456, calls=9,
    )  # fmt: skip
    assert found.document() == {
        "format": "pnsync-result", "version": 1, "command": "apply", "exit": 3, "done": 1, "failed": 2, "not_tried": 3,
        "unknown": 4, "deferred": 5, "down": ["bindings.d"], "x_changed": ["bindings.x"],
        "failures": [
            {"address": "bindings.a", "code": "A121", "vendor_code": "1002", "request_id": "r-7", "next": "correct it"}
        ],
        "serial": [6, 7], "counts": {"bound": 1}, "unverified": ["bindings.u"], "seconds": 1.235,
    }  # fmt: skip
    assert Verdict("plan").document()["serial"] is None


@pytest.mark.parametrize(
    ("codes", "counts"),
    [
        ((), 0), ((1, 7), 7), ((2, 1), 2), ((7, 3), 3), ((3, 4), 4), ((4, 10), 10), ((10, 11), 11), ((11, 12), 12),
        ((12, 9), 9), ((9, 130), 130), ((9, 143), 143), ((143, 130), 130),
    ],
    ids=lambda one: None if isinstance(one, int) else "-".join(map(str, one)) or "none",
)  # fmt: skip
def test_of_several_codes_the_first_in_their_order_counts(codes: tuple[int, ...], counts: int) -> None:
    for order in (codes, codes[::-1]):
        assert Verdict("apply", tuple(map(ExitCode, order))).exit == counts


def test_a_report_is_one_json_object() -> None:
    assert report_document(Verified(2, ("bindings.a",))) == {
        "event": "verified", "checked": 2, "missing": ["bindings.a"],
    }  # fmt: skip
    told = report_document(Uncertain("bindings.a", "bind", "nx", "no answer", "2026-11-22T00:00:00Z"))
    assert told["event"] == "uncertain" and told["not_before"] == "2026-11-22T00:00:00Z"
