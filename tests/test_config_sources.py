"""`FolderSource`: what it finds, and that nothing leads it out of its folder."""

import os
import tracemalloc
from pathlib import Path

import pytest

from pnsync.config.sources import FolderSource, SourceRefused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.yaml").write_text("outside")
    inside = tmp_path / "project"
    for name in (
        "pnsync.yaml",
        "bindings/b.yaml",
        "bindings/a.yaml",
        "bindings/.hidden.yaml",
        "bindings/deep/c.yaml",
    ):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_text(name)
    return inside


def refusal(folder: Path, path: str) -> str:
    with pytest.raises(SourceRefused) as caught:
        FolderSource(folder).read(path, 100)
    return caught.value.code


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("bindings/*.yaml", ["bindings/a.yaml", "bindings/b.yaml"]),
        ("bindings/**/*.yaml", ["bindings/a.yaml", "bindings/b.yaml", "bindings/deep/c.yaml"]),
        ("**/*.yaml", ["bindings/a.yaml", "bindings/b.yaml", "bindings/deep/c.yaml", "pnsync.yaml"]),
        ("**", ["bindings/a.yaml", "bindings/b.yaml", "bindings/deep/c.yaml", "pnsync.yaml"]),
        ("bindings/.*.yaml", ["bindings/.hidden.yaml"]),
        ("bindings/[ab].yaml", ["bindings/a.yaml", "bindings/b.yaml"]),
        ("bindings/?.yaml", ["bindings/a.yaml", "bindings/b.yaml"]),
        ("pnsync.yaml", ["pnsync.yaml"]),
        ("bindings", []),
        ("*.yml", []),
        ("bindings/a.yaml/x", []),
    ],
)
def test_a_pattern_finds_files_sorted(folder: Path, pattern: str, found: list[str]) -> None:
    assert FolderSource(folder).glob(pattern) == found


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../secret.yaml", "bindings/../../secret.yaml", "a//b", "./a", "a/.", "~/x", "c:\\x", "a\\b",
     "file:///etc/passwd", "https://x/y", "", "a\0b", "a\nb", "/".join("a" * 33), "a" * 1001],
)  # fmt: skip
def test_a_path_that_is_not_plainly_below_is_refused(folder: Path, path: str) -> None:
    assert refusal(folder, path) == "E235"
    with pytest.raises(SourceRefused):
        FolderSource(folder).glob(path)


def test_a_link_out_is_refused_and_a_link_inside_followed(folder: Path) -> None:
    (folder / "out.yaml").symlink_to("../secret.yaml")
    (folder / "far").symlink_to("..")
    (folder / "in.yaml").symlink_to("bindings/a.yaml")
    assert refusal(folder, "out.yaml") == "E238"
    assert refusal(folder, "far/secret.yaml") == "E238"
    assert FolderSource(folder).read("in.yaml", 100) == b"bindings/a.yaml"
    assert FolderSource(folder).glob("far/*.yaml") == []
    assert "out.yaml" in FolderSource(folder).glob("*.yaml")  # so that reading it tells of it


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert FolderSource(tmp_path / "link").read("pnsync.yaml", 100) == b"pnsync.yaml"


def test_circles_of_links_end(folder: Path) -> None:
    (folder / "x").symlink_to("y")
    (folder / "y").symlink_to("x")
    for name in ("p", "q", "r"):
        (folder / name).symlink_to(".")
    assert refusal(folder, "x") == "E237"
    assert FolderSource(folder).glob("**/a.yaml") == ["bindings/a.yaml"]


def test_what_is_no_regular_file_is_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert refusal(folder, "pipe.yaml") == "E239"
    assert refusal(folder, "bindings") == "E239"
    assert refusal(folder, "pnsync.yaml/x") == "E239"
    assert refusal(folder, "missing.yaml") == "E237"


def test_a_link_that_is_swapped_in_after_the_check_is_not_followed(folder: Path, tmp_path: Path) -> None:
    class Swapping(FolderSource):
        def _open(self, steps: tuple[str, ...]) -> int:
            (folder / "bindings" / "a.yaml").unlink()
            (folder / "bindings" / "a.yaml").symlink_to(tmp_path / "secret.yaml")
            return super()._open(steps)

    with pytest.raises(SourceRefused) as caught:
        Swapping(folder).read("bindings/a.yaml", 100)
    assert caught.value.code == "E237"


def test_a_folder_that_is_swapped_for_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    class Swapping(FolderSource):
        def _open(self, steps: tuple[str, ...]) -> int:
            (folder / "bindings").rename(tmp_path / "away")
            (folder / "bindings").symlink_to(tmp_path / "away")
            return super()._open(steps)

    with pytest.raises(SourceRefused) as caught:
        Swapping(folder).read("bindings/a.yaml", 100)
    assert caught.value.code in ("E237", "E239")


def test_no_more_is_read_than_one_byte_over_the_limit(folder: Path) -> None:
    (folder / "big.yaml").write_bytes(b"x" * 1000)
    assert FolderSource(folder).read("big.yaml", 10) == b"x" * 11


def test_a_limit_takes_no_memory(folder: Path) -> None:
    tracemalloc.start()
    assert FolderSource(folder).read("pnsync.yaml", 1 << 30) == b"pnsync.yaml"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_pattern_that_looks_at_too_much_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pnsync.config.sources.MAX_ENTRIES", 3)
    with pytest.raises(SourceRefused) as caught:
        FolderSource(folder).glob("**/*.yaml")
    assert caught.value.code == "E236"
