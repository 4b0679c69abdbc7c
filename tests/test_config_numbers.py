"""Numbers apart from bindings: names that become phones, and what is told of names."""

from pathlib import Path

import pytest

from pnsync.config import load, policy_findings
from pnsync.config.digest import config_digest
from pnsync.errors import ConfigError, Diagnostic, Severity, UsageError
from pnsync.model import Desired
from pnsync.phone import Phone
from pnsync.sealing.identity import seal_to
from tests.sealing.keyholders import Holder

ANNA, BEN = Holder(), Holder()
ROOT = """\
version: 1
numbers: {numbers}
providers:
  nx: {{type: nxcloud}}
defaults: {{provider: nx, expires_in: 1d}}
groups:
  couriers: {{holds: people, phones: [carol, {third}]}}
bindings:
  desk: {{mode: axb_extension, phone_a: {first}, phone_x: 447401264117, extension: 101}}
  ride: {{mode: axb, phone_a: {first}, phone_b: {second}}}
"""
NUMBERS = "alice: 447700900123\nbob: +44 7700 900456\ncarol: 447700900789\n"


def project(folder: Path, numbers: str = "numbers.yaml", root: str = ROOT, **names: str) -> None:
    values = {"first": "alice", "second": "bob", "third": "447700900111"} | names
    (folder / "pnsync.yaml").write_text(root.format(numbers=numbers, **values))


def found(folder: Path, **environ: str) -> tuple[Diagnostic, ...]:
    try:
        return load(folder, environ=environ).diagnostics
    except ConfigError as error:
        return error.diagnostics


def codes(folder: Path, **environ: str) -> list[tuple[str, str, int]]:
    return [
        (one.code, one.span.file if one.span else "", one.span.line if one.span else 0)
        for one in found(folder, **environ)
    ]


def loaded(folder: Path, **environ: str) -> Desired:
    return load(folder, environ=environ)


def test_names_become_numbers_and_stay_known(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    desired = loaded(tmp_path)
    ride = desired.bindings["ride"]
    assert (ride.phone_a, ride.phone_b) == (Phone("447700900123"), Phone("447700900456"))
    assert (ride.phone_a_name, ride.phone_b_name, ride.named) == ("alice", "bob", True)
    assert desired.groups["couriers"].phones == (Phone("447700900789"), Phone("447700900111"))
    assert not desired.groups["couriers"].named
    assert desired.diagnostics == ()


def test_a_name_or_its_number_are_the_same_declaration(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    named = loaded(tmp_path)
    project(tmp_path, first="447700900123", second="447700900456")
    literal = loaded(tmp_path)
    assert named.bindings["ride"] == literal.bindings["ride"]
    assert not literal.bindings["ride"].named
    assert config_digest(named, bytes(32)) == config_digest(literal, bytes(32))


@pytest.mark.parametrize("armoured", [True, False])
def test_a_sealed_file_reads_as_a_plain_one(tmp_path: Path, armoured: bool) -> None:
    project(tmp_path, numbers="numbers/*.yaml.age")
    (tmp_path / "numbers").mkdir()
    for i, line in enumerate(NUMBERS.splitlines()):
        sealed = seal_to(line.encode(), [ANNA.recipient], armoured=armoured)
        (tmp_path / f"numbers/team-{i}.yaml.age").write_bytes(sealed)
    assert loaded(tmp_path, **ANNA.environ).bindings["ride"].phone_b == Phone("447700900456")
    with pytest.raises(UsageError, match="cannot be opened") as caught:
        loaded(tmp_path, **BEN.environ)
    assert "numbers/team-0.yaml.age" in caught.value.detail[0]
    with pytest.raises(UsageError, match="identity is needed"):
        loaded(tmp_path)
    whole = (tmp_path / "numbers/team-1.yaml.age").read_bytes()
    for cut in (0, 1, 50, len(whole) // 2, len(whole) - 30):
        (tmp_path / "numbers/team-1.yaml.age").write_bytes(whole[:cut])
        with pytest.raises(UsageError, match="cannot be opened"):
            loaded(tmp_path, **ANNA.environ)


def test_a_missing_name_is_told_once_with_the_nearest(tmp_path: Path) -> None:
    project(tmp_path, first="alcie", third="dave")
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    told = [
        (one.span.line, one.code) for one in found(tmp_path) if one.span and one.span.file == "pnsync.yaml"
    ]
    assert sorted(told) == [(7, "E270"), (9, "E270"), (10, "E270")]
    labels = {one.label for one in found(tmp_path) if one.code == "E270"}
    assert any("alice" in one for one in labels)


def test_what_nothing_uses_is_a_warning(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "numbers.yaml").write_text(NUMBERS + "dave: 447700900999\n")
    (warning,) = loaded(tmp_path).diagnostics
    assert (warning.code, warning.severity) == ("W410", Severity.WARNING)
    assert "dave" in warning.summary


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    project(tmp_path, numbers="[numbers.yaml, more.yaml]")
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    (tmp_path / "more.yaml").write_text("alice: 447700900999\n")
    assert ("E272", "more.yaml", 1) in codes(tmp_path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("'447700900999': 447700900998\n", "E271"),
        ("dave: nobody\n", "E202"),
        ("dave:\n", "E202"),
        ("dave: {a: b}\n", "E202"),
        ("dave: 000447700900999\n", "E206"),
    ],
)
def test_a_line_that_is_no_number_is_told_without_it(tmp_path: Path, text: str, code: str) -> None:
    project(tmp_path, numbers="[numbers.yaml, more.yaml]")
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    (tmp_path / "more.yaml").write_text(text)
    assert code in [one[0] for one in codes(tmp_path)]
    assert any(one.severity is Severity.ERROR for one in found(tmp_path))
    assert "4477009009" not in "".join(f"{one.summary}{one.label}{one.advice}" for one in found(tmp_path))


def test_no_line_of_a_sealed_file_enters_a_snippet(tmp_path: Path) -> None:
    project(tmp_path, numbers="numbers.yaml.age")
    text = NUMBERS + "dave: 000447700900999\nerin: 447700900998\n'1234567': x\n[\n"
    for one in (text, text.removesuffix("[\n")):
        (tmp_path / "numbers.yaml.age").write_bytes(seal_to(one.encode(), [ANNA.recipient]))
        told = found(tmp_path, **ANNA.environ)
        assert any(each.span and each.span.file == "numbers.yaml.age" for each in told)
        assert all(each.secret for each in told if each.span and each.span.file == "numbers.yaml.age")


def test_no_file_and_a_path_that_leads_out_are_told(tmp_path: Path) -> None:
    project(tmp_path)
    assert codes(tmp_path) == [("E236", "pnsync.yaml", 2)]
    project(tmp_path, numbers="../numbers.yaml")
    assert codes(tmp_path) == [("E235", "pnsync.yaml", 2)]
    project(tmp_path, numbers="{a: b}")
    assert "E235" in [one[0] for one in codes(tmp_path)]


def test_the_policy_refuses_what_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "numbers.yaml").write_text(NUMBERS)
    root = ROOT + "policy: {{numbers: named}}\n"
    project(tmp_path, root=root, third="bob")
    assert policy_findings(loaded(tmp_path)) == ()
    project(tmp_path, root=root, second="447700900456")
    refused = [(one.code, one.address) for one in policy_findings(loaded(tmp_path))]
    assert refused == [("P505", "bindings.ride"), ("P505", "groups.couriers")]


def test_without_numbers_a_name_is_no_phone(tmp_path: Path) -> None:
    project(tmp_path, root=ROOT.replace("numbers: {numbers}\n", ""))
    assert {one[0] for one in codes(tmp_path)} == {"E202"}
