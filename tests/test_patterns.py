"""Patterns of paths: what they mean, and that none keeps a run busy."""

import itertools
import os
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from pnsync.config import FolderSource, Source, SourceRefused
from pnsync.config.patterns import pattern, table_pattern
from pnsync.config.revisions import GitRevision

DEEP = [*"d" * 28, "y.yaml"]


def meant(steps: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """What a pattern means, step by step and name by name."""
    if not steps:
        return not names
    if steps[0] == "**":
        further = bool(names) and not names[0].startswith(".") and meant(steps, names[1:])
        return further or meant(steps[1:], names)
    if not names or (names[0].startswith(".") and not steps[0].startswith(".")):
        return False
    return fnmatchcase(names[0], steps[0]) and meant(steps[1:], names[1:])


def test_every_short_pattern_means_the_same_for_every_short_path() -> None:
    paths = [one for n in (1, 2, 3, 4) for one in itertools.product(("a", "ab", ".h"), repeat=n)]
    for count in (1, 2, 3):
        for steps in itertools.product(("**", "*", "a", ".h", "?", "[a]*"), repeat=count):
            if steps[-1] != "**":
                compiled = pattern("/".join(steps))
                assert [compiled.fits(one) for one in paths] == [meant(steps, one) for one in paths], steps


@pytest.mark.parametrize("text", ["**/" * 30 + "x.yaml", "**/*d/" * 15 + "x", "*d*" * 14 + "/**/x"])
def test_no_pattern_is_tried_in_every_way(text: str) -> None:
    assert not pattern(text).fits(DEEP)
    assert not table_pattern(text).fits(DEEP)


def test_no_name_is_tried_in_every_way() -> None:
    assert not table_pattern("*a" * 100 + "b").fits(["a" * 255])


def test_a_tables_brackets_and_dots_are_plain() -> None:
    assert table_pattern("*/[a].csv").fits([".b", "[a].csv"])
    assert not table_pattern("[a].csv").fits(["a.csv"])


@pytest.fixture(params=["a folder", "a commit"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Files in 28 folders, one in another."""
    file = tmp_path.joinpath(*DEEP)
    file.parent.mkdir(parents=True)
    file.write_text("{}\n")
    if request.param == "a folder":
        return FolderSource(tmp_path)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True, cwd=tmp_path, env=env)
    return GitRevision(tmp_path, "HEAD")


def test_many_folders_and_many_stars_are_one_walk(source: Source) -> None:
    assert source.glob("**/" * 30 + "x.yaml") == []
    assert source.glob("**/" * 20 + "*.yaml") == ["/".join(DEEP)]
    assert source.glob("d/" * 20 + "**") == ["/".join(DEEP)]


def test_all_patterns_of_a_run_look_at_so_much_and_no_more(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_left", 90)
    with pytest.raises(SourceRefused, match="too many files"):
        for _ in range(100):
            source.glob("**/*.yaml")
