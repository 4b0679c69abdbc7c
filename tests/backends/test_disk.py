"""The real disk: what it opens and makes, whatever the process's mask and whatever was swapped in meanwhile."""

import os
import stat
from pathlib import Path

import pytest

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
