"""`pnsync numbers` and `find -` with what goes wrong: cut files, mistyped recipients, editors that die, full disks."""

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run, argv, environment
from tests.cli.test_numbers import ANNA, BEN, NUMBER, clear, ok, project
from tests.sealing.keyholders import Holder

SEALED = "numbers.yaml.age"


@pytest.fixture(autouse=True)
def anna(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("VISUAL", raising=False)
    (tmp_path / "runtime").mkdir(mode=0o700)


@pytest.fixture
def sealed(run: Run, tmp_path: Path) -> Path:
    """A sealed file with one number."""
    project(tmp_path)
    ok(run("numbers", "add", "alice", input="447700900123"))
    return tmp_path / SEALED


def refused(run: Run, *words: str, code: int = 8, **more: str) -> str:
    ended = run(*words, **more)
    assert ended.exit_code == code, ended.output
    assert "This is a bug" not in ended.output
    assert not NUMBER.search(ended.output.encode())
    return ended.output


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = folder / "editor.py"
    path.write_text(f"import os, pathlib, signal, sys, time\npath = pathlib.Path(sys.argv[1])\n{text}\n")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {path}")


@pytest.mark.parametrize("part", [0, 1, 30, 200, -100, -20])
def test_a_sealed_file_that_was_cut_off(run: Run, sealed: Path, part: int) -> None:
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:part])
    for words in (("list",), ("add", "bob"), ("rm", "alice"), ("edit",)):
        refused(run, "numbers", *words, input="447700900456")
        assert sealed.read_bytes() == whole[:part]
    refused(run, "find", "-", input="447700900123")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"# recipient: {BEN.recipient[:-1]}", "has 61"),
        (
            f"# recipient: {BEN.recipient[:20]}{'q' if BEN.recipient[20] != 'q' else 'p'}{BEN.recipient[21:]}",
            "checksum",
        ),
        (f"# recipient: {BEN.secret}", "this is an identity"),
        (f"# recipients: {BEN.recipient}", "seems to name a recipient"),
        (f"#recipient {BEN.recipient}", "seems to name a recipient"),
        (f"# Recipient = {BEN.recipient} # Ben", "seems to name a recipient"),
        ("# recipient:", "seems to name a recipient"),
    ],
    ids=["cut", "typo", "secret", "plural", "colon", "sign", "empty"],
)
def test_a_recipient_that_is_mistyped_is_not_forgotten(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch, line: str, told: str
) -> None:
    """Sealed without it, the file would be closed to somebody whom the team meant."""
    before = sealed.read_bytes()
    editor(sealed.parent, monkeypatch, f"path.write_text({line!r} + '\\n' + path.read_text())")
    output = refused(run, "numbers", "edit")
    assert told in output and "line 1" in output
    assert BEN.secret not in output
    assert sealed.read_bytes() == before


def test_the_recipients_of_a_file_that_is_there_are_not_changed_by_the_way(run: Run, sealed: Path) -> None:
    before = sealed.read_bytes()
    assert "--recipient is for a file that is made" in refused(
        run, "numbers", "add", "bob", "--recipient", BEN.recipient, input="447700900456"
    )
    assert sealed.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "path.write_text('bob: 447700900456'); sys.exit(3)",
        "path.unlink()",
        "path.unlink(); path.mkdir()",
        "path.write_bytes(b'\\xff\\xfe')",
        "path.write_text(path.read_text() + path.read_text())",
        "(path.parent / 'deep').mkdir(); (path.parent / 'deep/copy').write_text(path.read_text()); "
        "os.symlink('/etc/passwd', path.parent / 'link'); os.mkfifo(path.parent / 'pipe'); sys.exit(1)",
    ],
    ids=["killed", "failed", "gone", "folder", "bytes", "twice", "copies"],
)
def test_an_editor_that_dies_or_leaves_rubbish(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    before = sealed.read_bytes()
    editor(sealed.parent, monkeypatch, text)
    refused(run, "numbers", "edit")
    assert sealed.read_bytes() == before
    assert not any((sealed.parent / "runtime").iterdir())
    assert Path("/etc/passwd").read_bytes()


@pytest.mark.parametrize("command", ["/nowhere/editor", " ", "'"], ids=["missing", "blank", "quote"])
def test_an_editor_that_is_none(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("EDITOR", command)
    refused(run, "numbers", "edit")
    assert not any((sealed.parent / "runtime").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_in_the_editor(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """What a kill leaves lies in memory, for its owner alone, until the next edit."""
    before, runtime = sealed.read_bytes(), sealed.parent / "runtime"
    editor(sealed.parent, monkeypatch, "(path.parent / 'open').touch(); time.sleep(30)")
    names = ("EDITOR", "PNSYNC_AGE_IDENTITY", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")
    given = environment(**{name: os.environ[name] for name in names})
    process = subprocess.Popen(
        argv("numbers", "edit"), cwd=sealed.parent, env=given, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        ends = time.monotonic() + 20
        while not list(runtime.glob("*/open")):
            assert time.monotonic() < ends
            time.sleep(0.02)
        (folder,) = runtime.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert clear(sealed.parent) == [str((folder / "numbers.yaml").relative_to(sealed.parent))]
        process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait()
            os.killpg(process.pid, signal.SIGKILL)
        _, told = process.communicate(timeout=20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert sealed.read_bytes() == before
    if number is signal.SIGKILL:
        assert len(list(runtime.iterdir())) == 1
        editor(sealed.parent, monkeypatch, "pass")
        assert "Nothing was changed" in ok(run("numbers", "edit"))
    else:
        assert process.returncode == (130 if number is signal.SIGINT else 143)
        assert b"Traceback" not in told and b"bug" not in told
    assert not any(runtime.iterdir())
    assert clear(sealed.parent) == []


def test_two_who_edit_at_once_do_not_lose_each_other_s_numbers(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"{' '.join(argv('numbers', 'add', 'carol'))}"
    editor(
        sealed.parent,
        monkeypatch,
        f"import subprocess; subprocess.run({other.split()!r}, input=b'447700900789', check=True)\n"
        "path.write_text(path.read_text() + 'bob: 447700900456\\n')",
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    assert "changed by somebody else" in refused(run, "numbers", "edit")
    assert [one.split()[0] for one in ok(run("numbers", "list")).splitlines()] == ["alice", "carol"]


@pytest.mark.parametrize("name", ["numbers.yaml", SEALED])
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_file_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, call: str
) -> None:
    project(tmp_path, name)
    ok(run("numbers", "add", "alice", input="447700900123"))
    before = (tmp_path / name).read_bytes()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fails(*_: object, **__: object) -> None:
        raise full

    if call == "write":
        real = os.fdopen

        def opened(number: int, *words: object, **more: object) -> object:
            file = real(number, *words, **more)  # type: ignore[call-overload]
            if words[:1] == ("wb",):
                os.close(os.dup(number))
                return _Full(file)
            return file

        monkeypatch.setattr(os, "fdopen", opened)
    elif call == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
    else:
        monkeypatch.setattr(Path, "replace", fails)
    for words in (("add", "bob"), ("rm", "alice")):
        assert "No space left on device" in refused(run, "numbers", *words, code=1, input="447700900456")
        assert (tmp_path / name).read_bytes() == before
    assert not list(tmp_path.glob(".*.tmp"))
    assert clear(tmp_path) == ([] if name == SEALED else [name])


class _Full:
    """A file on a disk that is full."""

    def __init__(self, file: object) -> None:
        self.file = file

    def __enter__(self) -> "_Full":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()  # type: ignore[attr-defined]

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_memory_leaves_no_copy(run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(sealed.parent, monkeypatch, "pass")
    real = os.open

    def opens(path: object, *words: object, **more: object) -> int:
        if str(path).endswith("numbers.yaml"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", opens)
    assert "No space left" in refused(run, "numbers", "edit", code=1)
    assert not any((sealed.parent / "runtime").iterdir())


def test_where_there_is_no_memory_it_is_told(run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pnsync.cli import editor as module

    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(module, "_MEMORY", ())
    monkeypatch.setenv("TMPDIR", str(sealed.parent / "home"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (sealed.parent / "home").mkdir()
    editor(sealed.parent, monkeypatch, "pass")
    assert "There is no place in memory" in ok(run("numbers", "edit"))
    assert clear(sealed.parent) == []


@pytest.mark.parametrize(
    "given",
    ["\udcff", "447700900123\n447700900456", "٤٤٧٧٠٠٩٠٠١٢٣", "4" * 500, "\x00", "+"],
    ids=["bytes", "two", "arabic", "long", "nul", "sign"],
)
def test_what_is_no_phone_on_standard_input(run: Run, sealed: Path, given: str) -> None:
    data = given.encode("utf-8", "surrogateescape")
    before = sealed.read_bytes()
    for words in (
        ("numbers", "add", "bob"),
        ("find", "-"),
        ("who", "--dial", "447401264117", "--caller", "-"),
    ):
        if words[0] == "who" and "\n" in given:
            continue  # it takes one line
        ended = run(*words, input=data)  # type: ignore[arg-type]
        assert ended.exit_code == 8, ended.output
        assert "bug" not in ended.output
    assert sealed.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{alice: 447700900123}\n", ("add", "bob")),
        ("{alice: 447700900123, carol: 447700900789}\n", ("rm", "alice")),
        ("alice: >-\n  447700900123\n", ("rm", "alice")),
        ("alice: 447700900123\n...\n", ("add", "bob")),
    ],
    ids=["braces", "both", "folded", "ended"],
)
def test_a_file_that_is_not_one_number_a_line_is_left_to_an_editor(
    run: Run, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    project(tmp_path, "numbers.yaml")
    (tmp_path / "numbers.yaml").write_text(text)
    assert "numbers edit" in refused(run, "numbers", *words, input="447700900456")
    assert (tmp_path / "numbers.yaml").read_text() == text


def test_a_name_that_stands_twice_is_told_when_it_is_written(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sealed.read_bytes()
    editor(sealed.parent, monkeypatch, "path.write_text(path.read_text() + 'alice: 447700900456\\n')")
    assert "line 2" in refused(run, "numbers", "edit")
    assert sealed.read_bytes() == before


def test_links_that_lead_out_of_the_folder(run: Run, tmp_path: Path) -> None:
    """A repository of somebody else's must not decide where numbers are written."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    for one in (inside, outside):
        one.mkdir()
    project(inside, "numbers.yaml")
    (inside / "numbers.yaml").symlink_to(outside / "numbers.yaml")
    (inside / "folder").symlink_to(outside)
    for words in (
        ("add", "bob"),
        ("add", "bob", "--file", "folder/n.yaml"),
        ("rm", "bob"),
        ("edit",),
        ("list",),
    ):
        refused(run, "-C", str(inside), "numbers", *words, input="447700900456") if words != (
            "list",
        ) else None
    (outside / "numbers.yaml").write_text("alice: 447700900123\n")
    refused(run, "-C", str(inside), "numbers", "add", "bob", input="447700900456")
    assert [one.name for one in outside.iterdir()] == ["numbers.yaml"]
    assert (outside / "numbers.yaml").read_text() == "alice: 447700900123\n"


def test_a_stranger_s_identity_changes_nothing(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sealed.read_bytes()
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", Holder().secret)
    for words in (("list",), ("add", "bob"), ("rm", "alice"), ("edit",)):
        refused(run, "numbers", *words, input="447700900456")
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", "AGE-SECRET-KEY-1XYZ")
    assert "XYZ" not in refused(run, "numbers", "list")
    assert sealed.read_bytes() == before
