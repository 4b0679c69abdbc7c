"""Files that commands write: whole, durable, of the mode they had or should have, at no instant readable by others."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pnsync.cli.files import PRIVATE, SHARED, replace_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Nothing that the process's mask would hide."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("there", "asked", "left"),
    [(None, None, SHARED), (None, PRIVATE, 0o600), (0o600, None, 0o600), (0o640, None, 0o640), (0o644, PRIVATE, 0o600)],
)  # fmt: skip
def test_its_mode(tmp_path: Path, there: int | None, asked: int | None, left: int) -> None:
    path = tmp_path / "file"
    if there is not None:
        path.write_text("old")
        path.chmod(there)
    replace_file(path, b"new", mode=asked)
    assert (path.read_bytes(), mode(path)) == (b"new", left)
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_private_and_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_open, real_sync, real_replace = os.open, os.fsync, Path.replace

    def opening(name: Path, flags: int, *rest: int) -> int:
        number = real_open(name, flags, *rest)
        steps.append(f"open {stat.S_IMODE(os.fstat(number).st_mode):o} {bool(flags & os.O_EXCL)}")
        return number

    def syncing(number: int) -> None:
        steps.append(f"sync {os.fstat(number).st_size}")
        real_sync(number)

    def naming(self: Path, target: Path) -> Path:
        steps.append("name")
        return real_replace(self, target)

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(Path, "replace", naming)
    replace_file(tmp_path / "file", b"new")
    assert steps == ["open 600 True", "sync 3", "name"]


def test_where_it_fails_the_old_one_stays_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        replace_file(path, b"new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_behind_a_link_the_file_is_replaced_and_a_special_one_is_written_to(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    replace_file(link, b"new")
    assert link.is_symlink() and (real.read_bytes(), mode(real)) == (b"new", 0o600)
    replace_file(Path("/dev/null"), b"new")
    assert not Path("/dev/null").is_file()
