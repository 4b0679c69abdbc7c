"""The answer to `who`: for one caller, and for everybody whom a number concerns."""

from pnsync.masking import Masker
from pnsync.model import Mode
from pnsync.phone import Phone
from pnsync.render.inquiry import inquiry_text
from pnsync.routing.inquiry import ANYONE, answers
from pnsync.routing.table import Rings, Route, Table
from tests.worlds import X2, X, phone

A, B, C, D = phone(1), phone(2), phone(3), phone(4)
MASKER = Masker(b"k" * 32, "lineage")


def table() -> Table:
    found = Table(
        [
            Route(Mode.AXB_EXTENSION, A, None, X, X, "101", address="bindings.open"),
            Route(Mode.AXB_EXTENSION, B, C, X, X, "102", address="bindings.closed"),
            Route(Mode.AXG, D, None, X2, X2, group="team", address="bindings.team"),
        ]
    )
    found.set_members("team", [A.digits, B.digits])
    return found


def heard(
    dialled: str, extension: str = "", caller: Phone | None = None
) -> list[tuple[str, str, str | None]]:
    return [
        (
            "" if one.caller is None else one.caller.digits[-1],
            one.extension,
            one.found.phone.digits[-1] if isinstance(one.found, Rings) else None,
        )
        for one in answers(table(), dialled, extension, caller)
    ]


def test_one_caller() -> None:
    assert heard(X, "102", C) == [("3", "102", "2")]
    assert heard(X, "102", D) == [("4", "102", None)]
    assert heard(X2, "", A) == [("1", "", "4")]


def test_everybody() -> None:
    assert heard(X) == [("", "101", "1"), ("3", "102", "2"), ("2", "102", "3")]
    assert heard(X, "102") == [("3", "102", "2"), ("2", "102", "3")]
    assert heard(X2) == [("1", "", "4"), ("2", "", "4")]


def test_nobody() -> None:
    for dialled, extension in ((X, "109"), ("447700900999", "")):
        (one,) = answers(table(), dialled, extension, None)
        told = one.document(MASKER)
        assert (told["rings"], told["caller"]) == (None, ANYONE)
        assert inquiry_text(dialled, [told]).startswith(f"anyone dials {dialled}")


def test_its_forms_are_masked() -> None:
    found = [one.document(MASKER) for one in answers(table(), X, "", None)]
    text = inquiry_text(X, found)
    assert text.splitlines()[0].startswith(f"anyone dials {X} ext 101 → 44••••01~")
    assert text.splitlines()[0].endswith("(bindings.open)")
    for one in (A, B, C, D):
        assert one.digits not in text + str(found)


def test_a_vendors_answer_has_no_address() -> None:
    told = {"caller": "44••••01", "extension": None, "rings": "44••••02", "reason": None}
    assert inquiry_text(X, [told]) == f"44••••01 dials {X} → 44••••02 rings"
    foreign = {**told, "shown": X, "address": None}
    assert inquiry_text(X, [foreign]) == f"44••••01 dials {X} → 44••••02 rings, shown {X}  (not ours)"
    silent = {**told, "rings": None}
    assert inquiry_text(X, [silent]).endswith("nobody rings; the vendor gave no reason")
