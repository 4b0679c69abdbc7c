"""The real disk: what it opens and makes, whatever the process's mask and whatever was swapped in meanwhile."""

import os
import stat
from pathlib import Path

import pytest

from pnsync.backends import disk as module
from pnsync.backends.disk import SystemDisk


@pytest.mark.parametrize(
    "flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_APPEND]
)
@pytest.mark.parametrize("there", [True, False])
def test_no_link_is_opened_that_came_after_a_look(tmp_path: Path, flags: int, there: bool) -> None:
    """A look tells nothing of the moment after it: opening itself refuses, and makes nothing behind a link."""
    victim, link = tmp_path / "victim", tmp_path / "link"
    if there:
        victim.write_text("mine")
    link.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        SystemDisk().open(str(link), flags)
    assert victim.exists() == there


def test_what_is_made_is_private_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        disk = SystemDisk()
        disk.mkdir(str(tmp_path / "state"))
        disk.close(disk.open(str(tmp_path / "state" / "file"), os.O_WRONLY | os.O_CREAT))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "file").stat().st_mode) == 0o600


def test_a_descriptor_is_not_handed_to_other_programs(tmp_path: Path) -> None:
    disk = SystemDisk()
    number = disk.open(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT)
    try:
        assert not os.get_inheritable(number)
    finally:
        disk.close(number)


def test_room_is_reserved_behind_a_file_that_stays_as_long_as_it_is(tmp_path: Path) -> None:
    disk = SystemDisk()
    number = disk.open(str(tmp_path / "file"), os.O_RDWR | os.O_CREAT)
    try:
        disk.write(number, b"abc")
        disk.allocate(number, 3, 1 << 16)
        assert disk.fstat(number).size == 3
        with pytest.raises(OSError, match=r"[Ss]pace|too large"):
            disk.allocate(number, 3, 1 << 60)
    finally:
        disk.close(number)


def test_a_failure_to_reserve_is_told(tmp_path: Path) -> None:
    """Whatever it is, as a quota: what comes later would fail for it in the middle of an apply."""
    (tmp_path / "file").write_bytes(b"abc")
    disk = SystemDisk()
    number = disk.open(str(tmp_path / "file"), os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="descriptor"):
            disk.allocate(number, 3, 1)
    finally:
        disk.close(number)


def test_where_no_room_can_be_reserved_the_room_there_is_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_keep_size", lambda *_: False)
    disk = SystemDisk()
    number = disk.open(str(tmp_path / "file"), os.O_RDWR | os.O_CREAT)
    try:
        disk.allocate(number, 0, 1)
        with pytest.raises(OSError, match="space"):
            disk.allocate(number, 0, 1 << 60)
    finally:
        disk.close(number)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/state", "nfs4"), ("/srv/state/deep", "nfs4"), ("/srv/stately", "ext4"), ("/my state/x", "cifs"), ("/", "ext4")],
)  # fmt: skip
def test_a_folder_lies_on_what_is_mounted_nearest_above_it(
    monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    mounts = "a /srv/state nfs4 rw 0 0\nb / ext4 rw 0 0\nbroken\nc /my\\040state cifs rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: mounts)
    assert SystemDisk().file_system(path) == kind


def test_where_mounts_are_not_told_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(self: Path, **_: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert SystemDisk().file_system("/srv") == ""
