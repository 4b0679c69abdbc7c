"""Marks of the highest serial seen, where somebody else wrote them or where they lie."""

import stat
from pathlib import Path

import pytest

from pnsync.errors import StateError, UsageError
from pnsync.sealing.mark import LEAST, Mark

LINEAGE = "7c4d1a2b"


def mark(folder: Path) -> Mark:
    return Mark({"XDG_STATE_HOME": str(folder)})


def test_a_mark_is_private_and_only_rises(tmp_path: Path) -> None:
    mark(tmp_path / "a").pass_(LINEAGE, 5)
    folder = tmp_path / "a" / "pnsync"
    path = folder / f"{LINEAGE}.serial"
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(path.stat().st_mode)) == (0o700, 0o600)
    mark(tmp_path / "a").keep(LINEAGE, 3)
    assert path.read_text() == "5\n"
    with pytest.raises(StateError) as caught:
        mark(tmp_path / "a").pass_(LINEAGE, 4)
    assert caught.value.code == "S932"
    assert [one.name for one in folder.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"-1", b"1e9", b"9" * 21, "٥".encode(), b"5\n6\n", b"0x10", b"x" * 100_000]
)
def test_what_is_no_mark_is_written_anew(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "pnsync" / f"{LINEAGE}.serial"
    path.parent.mkdir()
    path.write_bytes(data)
    mark(tmp_path).pass_(LINEAGE, 5)
    assert path.read_text() == "5\n"


def test_a_mark_is_not_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    for content in ("mine\n", "3\n", None):
        path = tmp_path / "pnsync" / f"{LINEAGE}.serial"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        victim.unlink(missing_ok=True)
        if content is not None:
            victim.write_text(content)
        path.symlink_to(victim)
        mark(tmp_path).pass_(LINEAGE, 5)
        assert (victim.read_text() if victim.exists() else None) == content
        assert path.read_text() == "5\n" and not path.is_symlink()


def test_a_mark_that_somebody_raised_stops_the_run_and_no_more(tmp_path: Path) -> None:
    mark(tmp_path).pass_(LINEAGE, 5)
    path = tmp_path / "pnsync" / f"{LINEAGE}.serial"
    path.write_text("999999\n")
    with pytest.raises(StateError) as caught:
        mark(tmp_path).pass_(LINEAGE, 6)
    assert any(str(path) in line for line in caught.value.detail)
    assert path.read_text() == "999999\n"


def test_where_there_is_no_home_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for environ in ({}, {"XDG_STATE_HOME": "relative"}, {"HOME": ""}):
        Mark(environ).pass_(LINEAGE, 5)
    assert list(tmp_path.iterdir()) == []
    for text in ("x", "-1", "٥", "1.5"):
        with pytest.raises(UsageError):
            Mark({LEAST: text})


def test_a_mark_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "pnsync").write_text("no folder")
    mark(tmp_path).pass_(LINEAGE, 5)
    mark(tmp_path).keep(LINEAGE, 6)
    assert (tmp_path / "pnsync").read_text() == "no folder"
