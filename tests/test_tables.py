"""Tables: rows are bindings, cells are read as written, and everything wrong is told at its cell."""

import json
import time
from pathlib import Path

import pytest

from pnsync.config import PAGES, load
from pnsync.errors import ConfigError
from pnsync.model import Desired, Mode, VendorType

ROOT = """\
version: 1
include: ["bindings/**/*.csv"]
providers:
  nx: {type: nxcloud, endpoint: sandbox}
  la: {type: laaffic, endpoint: sandbox, app_id: 4luaKsL2}
"""
NX = 'tables: {"bindings/*.csv": {name: "courier-{id}", provider: nx, mode: axb, expires_in: 3d}}\n'
HEAD = "id,phone_a,phone_b"
GOOD = "1,447700900111,447700900112"


def write(folder: Path, text: str, root: str = ROOT + NX, file: str = "bindings/c.csv") -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / "pnsync.yaml").write_text(root)
    (folder / file).write_bytes(text.encode())


def loaded(folder: Path, text: str, root: str = ROOT + NX) -> Desired:
    write(folder, text, root)
    return load(folder, environ={})


def test_rows_are_bindings_with_the_table_s_keys(tmp_path: Path) -> None:
    text = (
        f"{HEAD},recording,expires_in\r\n"
        '007,"+44 7700 900111", 447700900112 ,true,\r\n\r\n'
        "8,447700900113,447700900114,,1d\r\n"
    )
    desired = loaded(tmp_path, "\ufeff" + text)
    first, second = desired.bindings.values()
    assert (first.name, second.name) == ("courier-007", "courier-8")
    assert first.phone_a.digits == "447700900111"
    assert first.phone_b is not None and first.phone_b.digits == "447700900112"
    assert (first.recording, second.recording) == (True, False)
    assert (first.lifetime.lease_seconds, second.lifetime.lease_seconds) == (259_200, 86_400)
    assert first.mode is Mode.AXB and first.provider == "nx"
    assert first.span is not None
    assert (first.span.file, first.span.line, first.span.column) == ("bindings/c.csv", 2, 1)
    assert desired.files == ("pnsync.yaml", "bindings/c.csv")


@pytest.mark.parametrize(
    ("cell", "says"), [("TRUE", True), ("True", True), ("FALSE", False), ("False", False), ('"fAlSe"', False)]
)
def test_true_and_false_in_any_letter_case(tmp_path: Path, cell: str, says: bool) -> None:
    [one] = loaded(tmp_path, f"{HEAD},recording,enabled\n{GOOD},{cell},{cell}\n").bindings.values()
    assert (one.recording, one.enabled) == (says, says)


def test_true_is_a_word_like_others_where_no_flag_stands(tmp_path: Path) -> None:
    table = 'tables: {"bindings/*.csv": {name: "c-{id}", provider: la, mode: axb, expires_in: 3d}}\n'
    [one] = loaded(tmp_path, f"{HEAD},pool_number\n{GOOD},TRUE\n", ROOT + table).bindings.values()
    assert one.pool_number == "TRUE"


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(tmp_path: Path, separator: str) -> None:
    assert list(loaded(tmp_path, f"{HEAD}\n{GOOD}\n".replace(",", separator)).bindings) == ["courier-1"]


def test_columns_of_an_export_are_named_and_the_others_left_out(tmp_path: Path) -> None:
    table = (
        'tables: {"bindings/**/*.csv": {name: "c-{No}", columns: {phone_a: Mobile, phone_b: Customer}, '
        "provider: la, mode: axxb, pool_number: 918806, expires_in: 3d, labels: {team: west}, enabled: false}}\n"
    )
    desired = loaded(
        tmp_path, 'No,Name,Mobile,Customer\n17,"Smith, J ""Jo""",9188067701,9188067799\n', ROOT + table
    )
    [one] = desired.bindings.values()
    assert (one.name, one.pool_number, one.labels, one.enabled) == (
        "c-17",
        "918806",
        (("team", "west"),),
        False,
    )
    assert desired.providers[one.provider].type is VendorType.LAAFFIC


def test_an_x_from_a_group_and_automatic_extensions(tmp_path: Path) -> None:
    root = ROOT + (
        "groups: {pool: {provider: nx, holds: numbers}}\n"
        'tables: {"bindings/c.csv": {name: "d-{id}", provider: nx, mode: axb_extension, phone_x: {group: pool}, '
        "extension: auto, expires_in: never}}\n"
    )
    one, other = loaded(
        tmp_path, "id,phone_a,extension\n1,447700900111,\n2,447700900112,007\n", root
    ).bindings.values()
    assert (one.x_group, one.extension_auto, one.extension) == ("pool", True, None)
    assert (other.x_group, other.extension_auto, other.extension) == ("pool", False, "007")


WRONG = [
    ("E202", f"{HEAD}\n1,«4.477E+11»,447700900112\n", NX),
    ("E262", f"{HEAD}\n«1,447700900111»\n", NX),
    ("E263", f'{HEAD}\n1,«"447700900111,447700900112»\n', NX),
    ("E265", f"{HEAD}\n«,447700900111,447700900112»\n", NX),
    ("E300", f"{HEAD}\n{GOOD}\n«1»,447700900113,447700900114\n", NX),
    ("E208", f"{HEAD}\n1,447700900111,«447700900111»\n", NX),
    ("E261", f"{HEAD},«recordng»\n{GOOD},true\n", NX),
    ("E261", f"{HEAD},«phone_b»\n{GOOD},447700900113\n", NX),
    ("E261", f"{HEAD},«»\n{GOOD},\n", NX),
    ("E261", "«»", NX),
    ("E260", f"«{HEAD}»\n{GOOD}\n", ""),
    ("E204", f"{HEAD}\n«a/b»,447700900111,447700900112\n", NX),
    ("E222", f"{HEAD},extension\n{GOOD},«101»\n", NX),
]


@pytest.mark.parametrize(
    ("code", "text", "table"), WRONG, ids=[f"{one[0]}-{i}" for i, one in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_at_its_cell(tmp_path: Path, code: str, text: str, table: str) -> None:
    before, _, rest = text.partition("«")
    inside, _, after = rest.partition("»")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    write(tmp_path, before + inside + after, ROOT + table)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, environ={})
    [found] = raised.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.file) == (code, "bindings/c.csv")
    assert (found.span.line, found.span.column, found.span.end_column) == (line, column, column + len(inside))
    assert "447700900" not in repr(found)
    assert "4.477E" not in found.summary + found.label


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (
            "1,4.477E+11,447700900112,",
            "a spreadsheet has changed this number: give the column the format text",
        ),
        (
            '1,"4,477E+11",447700900112,',
            "a spreadsheet has changed this number: give the column the format text",
        ),
        (
            "1,447700900111.0,447700900112,",
            "a spreadsheet has changed this number: give the column the format text",
        ),
        ("1,447700900111,447700900112,YES", "write true"),
        ("1,447700900111,447700900112,ja", "write true or false"),
        ("1", "the row has 1 cell, and the header 4"),
    ],
)
def test_what_spreadsheets_do_is_told_as_what_it_is(tmp_path: Path, cells: str, told: str) -> None:
    write(tmp_path, f"{HEAD},recording\n{cells}\n")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, environ={})
    [found] = raised.value.diagnostics
    assert told in (found.label, found.summary)


@pytest.mark.parametrize(
    ("code", "table"),
    [
        ("E264", "{provider: nx, mode: axb, expires_in: 1d}"),
        ("E264", "{name: courier, provider: nx, mode: axb, expires_in: 1d}"),
        ("E264", '{name: "c-{phone_a}", provider: nx, mode: axb, expires_in: 1d}'),
        ("E264", '{name: "c-{idd}", provider: nx, mode: axb, expires_in: 1d, columns: {phone_a: phone_a}}'),
        ("E261", '{name: "c-{id}", provider: nx, mode: axb, expires_in: 1d, columns: {phone_a: Mobil}}'),
        ("E261", '{name: "c-{id}", provider: nx, mode: axb, expires_in: 1d, columns: {}}'),
        ("E200", '{name: "c-{id}", provder: nx, mode: axb, expires_in: 1d}'),
        ("E209", "nx"),
    ],
)
def test_what_is_wrong_with_the_table_s_entry_is_told_in_the_root(
    tmp_path: Path, code: str, table: str
) -> None:
    write(tmp_path, f"{HEAD}\n{GOOD}\n", f'{ROOT}tables: {{"bindings/*.csv": {table}}}\n')
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, environ={})
    first = next(one for one in raised.value.diagnostics if one.span and one.span.file == "pnsync.yaml")
    assert first.code == code
    assert first.code in PAGES
    assert first.span is not None and first.span.line == 6


def test_a_pattern_that_fits_nothing(tmp_path: Path) -> None:
    more = NX.replace("}}", '}, "bindings/d*.csv": {name: "d-{id}"}}')
    write(tmp_path, f"{HEAD}\n{GOOD}\n", ROOT + more)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, environ={})
    assert [one.code for one in raised.value.diagnostics] == ["E266"]


def test_forty_thousand_rows_are_fast(tmp_path: Path) -> None:
    rows = "".join(f'{i:05},447{i:09},"448{i:09}",{"true" if i % 2 else ""}\n' for i in range(40_000))
    write(tmp_path, f"{HEAD},recording\n{rows}")
    began = time.process_time()
    assert len(load(tmp_path, environ={}).bindings) == 40_000
    assert time.process_time() - began < 5


def test_a_file_that_vanished_is_named_in_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from pnsync.cli.main import program

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    rows = "".join(f"{i},44770090011{i},44770090012{i}\n" for i in range(3))
    write(tmp_path, f"{HEAD}\n{rows}")
    write(tmp_path, f"{HEAD}\n9,447700900131,447700900132\n", file="bindings/d.csv")
    run = CliRunner()
    assert run.invoke(program, ["apply", "--auto-approve"]).exit_code == 0
    (tmp_path / "bindings" / "c.csv").unlink()
    ended = run.invoke(program, ["plan", "--format", "json"])
    reasons = {one["address"]: one["reason"] for one in json.loads(ended.stdout)["changes"]}
    assert reasons == {
        f"bindings.courier-{i}": "no longer declared: bindings/c.csv is gone" for i in range(3)
    }
    assert "bindings/c.csv is gone" in run.invoke(program, ["plan"]).output
    write(tmp_path, f"{HEAD}\n0,447700900110,447700900120\n")
    ended = run.invoke(program, ["plan", "--format", "json"])
    assert {one["reason"] for one in json.loads(ended.stdout)["changes"]} == {"no longer declared"}


def test_a_header_without_end_is_refused_at_once(tmp_path: Path) -> None:
    """Each column would be looked at and told: a hundred thousand of them for hours."""
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"{HEAD}{',ph' * 300_000}\n{GOOD}\n")
    assert time.process_time() - began < 3
    (found,) = [one for one in caught.value.diagnostics if one.code == "E261"]
    assert found.summary == "a table has more than 1000 columns"
