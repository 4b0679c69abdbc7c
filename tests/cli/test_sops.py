"""SOPS files of numbers: read by the program where it is, refused with their cause else; never a word of them on disk."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from pnsync.errors import UsageError
from pnsync.sealing import sops
from pnsync.sealing.identity import Identity, NoKey
from tests.cli.conftest import Run
from tests.processes import ended
from tests.sealing.keyholders import Holder
from tests.sealing.sops_files import digest, encrypted

ANNA, BEN = Holder(), Holder()
NUMBERS = {"alice": "447700900123", "bob": "447700900456"}
ROOT = """\
version: 1
numbers: [numbers.sops.yaml]
providers: {nx: {type: nxcloud, endpoint: sandbox, rate: 1000}}
defaults: {provider: nx, expires_in: 1d}
policy: {numbers: named}
bindings:
  desk: {mode: axb_extension, phone_a: alice, phone_b: bob, phone_x: 447401264117, extension: 101}
"""
REAL = shutil.which(
    "sops", path=f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
)


def script(folder: Path, text: str) -> Path:
    """A program called sops in a folder of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / "sops"
    path.write_text(text)
    path.chmod(0o755)
    return folder


def stand_in(folder: Path) -> Path:
    """The stand-in, as a program."""
    place = Path(__file__).parents[2]
    return script(
        folder,
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(place)!r})\n"
        "from tests.sealing.sops_files import main\nsys.exit(main())\n",
    )


@pytest.fixture(params=["stand-in", "real"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with a sops program: what stands for one, and the real one."""
    if request.param == "real":
        assert REAL is not None, "the extra `test` brings a sops program"
        return str(Path(REAL).parent)
    return str(stand_in(tmp_path_factory.mktemp("bin")))


def opened(data: bytes, path: str, holder: Holder | None = ANNA, **environ: str) -> bytes:
    values = {"PATH": path} | ({} if holder is None else holder.environ) | environ
    return sops.open_sops(data, "numbers.sops.yaml", Identity(values), values)


def refused(data: bytes, path: str, holder: Holder | None = ANNA, **environ: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        opened(data, path, holder, **environ)
    told = " ".join((caught.value.summary, *caught.value.detail, caught.value.command))
    assert not any(one in told for one in (*NUMBERS.values(), ANNA.secret, BEN.secret))
    return caught.value


def test_what_the_format_says_is_read(path: str) -> None:
    assert opened(encrypted(NUMBERS, ANNA.recipient, BEN.recipient), path) == (
        b"alice: 447700900123\nbob: 447700900456\n"
    )
    assert opened(encrypted(NUMBERS, BEN.recipient, ANNA.recipient), path, BEN)


def test_another_key_and_no_key_are_told_apart(path: str, tmp_path: Path) -> None:
    data = encrypted(NUMBERS, ANNA.recipient)
    wrong = refused(data, path, BEN)
    assert "others than the age identity of this run" in wrong.detail[0]
    assert not isinstance(wrong, NoKey)
    none = refused(data, path, None, HOME=str(tmp_path))
    assert "sops found none" in none.detail[0]
    assert isinstance(none, NoKey)


def test_the_program_s_own_keys_serve_where_pnsync_has_none(path: str, tmp_path: Path) -> None:
    data = encrypted(NUMBERS, ANNA.recipient)
    assert opened(data, path, None, SOPS_AGE_KEY=ANNA.secret, HOME=str(tmp_path))


@pytest.mark.parametrize("change", ["mac", "value", "moved", "gone", "swapped"])
def test_what_was_altered_is_told(path: str, change: str) -> None:
    data = encrypted(NUMBERS, ANNA.recipient)
    lines = data.decode().splitlines(keepends=True)
    match change:
        case "mac":
            data = encrypted(NUMBERS, ANNA.recipient, mac=digest({"alice": "1"}))
        case "value":
            at = data.index(b"data:") + 5
            data = data[:at] + (b"B" if data[at] == ord("A") else b"A") + data[at + 1 :]
        case "moved":
            data = data.replace(b"alice", b"alicf")
        case "gone":
            data = "".join(lines[1:]).encode()
        case _:
            data = "".join([lines[1], lines[0], *lines[2:]]).encode()
    assert refused(data, path).summary == "a SOPS file was altered"


def test_a_damaged_file_is_told(path: str) -> None:
    data = encrypted(NUMBERS, ANNA.recipient)
    assert refused(data[: len(data) // 2], path).exit_code == 8


def test_the_program_is_looked_for_in_absolute_folders_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PATH with `.` or an empty part would run what a pull request brought along."""
    stand_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    data = encrypted(NUMBERS, ANNA.recipient)
    for path in ("", ".", ":", f"bin:{tmp_path / 'none'}"):
        assert refused(data, path).summary == "the sops program is needed"
    assert isinstance(refused(data, "", None), NoKey)


def test_a_program_that_hangs_floods_or_cannot_run_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encrypted(NUMBERS, ANNA.recipient)
    monkeypatch.setattr(sops, "TIMEOUT_SECONDS", 2)
    monkeypatch.setattr(sops, "LIMIT_BYTES", 100_000)
    noted = tmp_path / "child"
    hangs = f"#!/bin/sh\n/bin/sleep 60 & echo $! > {noted}\nwait\n"
    began = time.monotonic()
    assert "did not answer in time" in refused(data, str(script(tmp_path / "a", hangs))).detail[0]
    assert time.monotonic() - began < 30, "long before it ends by itself"
    assert ended(int(noted.read_text()))
    closes = "#!/bin/sh\nexec >&-\n/bin/sleep 60\n"
    assert "did not answer in time" in refused(data, str(script(tmp_path / "b", closes))).detail[0]
    monkeypatch.setattr(sops, "TIMEOUT_SECONDS", 20)
    floods = "#!/bin/sh\nwhile :; do echo 'alice: 447700900123 alice: 447700900123'; done\n"
    assert "gave more than" in refused(data, str(script(tmp_path / "c", floods))).detail[0]
    assert "cannot be run" in refused(data, str(script(tmp_path / "d", "#!/nowhere\n"))).summary
    deaf = "#!/bin/sh\nexec <&-\nexit 128\n"
    assert refused(data * 50, str(script(tmp_path / "e", deaf))).summary == "a SOPS file cannot be opened"


def test_it_gets_no_secret_and_no_folder_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    place = script(
        tmp_path / "bin", f"#!/bin/sh\n/usr/bin/env > {seen}\npwd >> {seen}\n/bin/cat > /dev/null\n"
    )
    monkeypatch.setenv("VAULT_TOKEN", "s.1")
    opened(b"x", str(place), NXCLOUD_ACCESS_SECRET="s3cr3t", VAULT_TOKEN="s.1", HOME="/h", AWS_PROFILE="p")
    lines = seen.read_text().splitlines()
    names = {one.partition("=")[0] for one in lines if "=" in one} - {"PWD", "_", "OLDPWD", "SHLVL"}
    assert names == {"PATH", "LC_ALL", "SOPS_AGE_KEY"}
    assert lines[-1] == "/"


def test_with_keys_of_its_own_it_gets_no_secret_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    place = script(tmp_path / "bin", f"#!/bin/sh\n/usr/bin/env > {seen}\n/bin/cat > /dev/null\n")
    environ = {
        "PATH": str(place),
        "HOME": "/h",
        "NXCLOUD_ACCESS_SECRET": "s",
        "VAULT_TOKEN": "s",
        "PNSYNC_PLAN_KEY": "k",
    }
    sops.open_sops(b"x", "numbers.sops.yaml", Identity({}), environ)
    names = {one.partition("=")[0] for one in seen.read_text().splitlines()} - {"PWD", "_", "OLDPWD", "SHLVL"}
    assert names == {"PATH", "LC_ALL", "HOME"}


# -- in commands -----------------------------------------------------------------------------------------------------


def numbers_file(folder: Path, data: bytes, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    (folder / "pnsync.yaml").write_text(ROOT)
    (folder / "numbers.sops.yaml").write_bytes(data)
    monkeypatch.setenv("PNSYNC_AGE_IDENTITY", ANNA.secret)
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}/usr/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "home"))


def test_bindings_are_made_from_a_sops_file_and_no_number_is_left(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (tmp_path / "p").mkdir()
    monkeypatch.chdir(tmp_path / "p")
    numbers_file(tmp_path / "p", encrypted(NUMBERS, ANNA.recipient), monkeypatch, path)
    assert "alice" in run("numbers", "list").output
    ended = run("apply", "--auto-approve")
    assert ended.exit_code == 0, ended.output
    found = [
        str(one)
        for one in tmp_path.rglob("*")
        if one.is_file()
        and any(number.encode() in one.read_bytes() for number in NUMBERS.values())
        and not one.name.startswith(("sandbox-", "pnsync.state"))
    ]
    assert not found
    before = (tmp_path / "p/numbers.sops.yaml").read_bytes()
    for words in (("add", "carol", "--file", "numbers.sops.yaml"), ("rm", "alice"), ("edit",)):
        told = run("numbers", *words, input="447700900789")
        assert told.exit_code == 8
        assert "sops numbers.sops.yaml" in told.output
    assert (tmp_path / "p/numbers.sops.yaml").read_bytes() == before
    assert "there is no number" in run("numbers", "rm", "carol").output


@pytest.mark.parametrize(
    "more",
    [
        "    hc_vault:\n        - vault_address: http://127.0.0.1:9\n",
        "    kms:\n        - arn: arn:aws:kms:eu-west-1:1:key/1\n",
        "    pgp:\n        - fp: A\n",
        "    key_groups:\n        - hc_vault: [{vault_address: 'http://127.0.0.1:9'}]\n",
        "    something_new: [1]\n",
    ],
)
def test_a_file_cannot_make_a_run_ask_a_server(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    ran = tmp_path / "ran"
    place = script(tmp_path / "bin", f"#!/bin/sh\n: > {ran}\n")
    numbers_file(tmp_path, encrypted(NUMBERS, ANNA.recipient, more=more), monkeypatch, str(place))
    for words in (("validate",), ("plan",), ("numbers", "list")):
        told = run(*words)
        assert told.exit_code == 8, told.output
        assert "names other keys than age keys" in told.output
    assert not ran.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "sops: {hc_vault: [{vault_address: 'http://127.0.0.1:9'}]}\n",
        lambda text: text + '"s\\u006fps": {hc_vault: [{vault_address: "http://127.0.0.1:9"}]}\n',
        lambda text: text + "---\nsops: {hc_vault: [{vault_address: 'http://127.0.0.1:9'}]}\n",
        lambda text: text.replace(
            "    age:", "    hc_vault: &x [{vault_address: 'http://127.0.0.1:9'}]\n    age:"
        ),
    ],
)
def test_what_two_readers_could_understand_differently_is_not_given_to_sops(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: object
) -> None:
    ran = tmp_path / "ran"
    place = script(tmp_path / "bin", f"#!/bin/sh\n: > {ran}\n")
    assert callable(change)
    text = change(encrypted(NUMBERS, ANNA.recipient).decode())
    numbers_file(tmp_path, text.encode(), monkeypatch, str(place))
    assert run("plan").exit_code == 8
    assert run("numbers", "list").exit_code == 8
    assert not ran.exists()


def test_a_file_that_lost_its_metadata_is_known_as_such(run: Run, tmp_path: Path) -> None:
    data = encrypted(NUMBERS, ANNA.recipient)
    (tmp_path / "pnsync.yaml").write_text(ROOT)
    (tmp_path / "numbers.sops.yaml").write_bytes(data[: data.index(b"sops:")])
    told = run("validate").output
    assert "a value of SOPS" in told
    assert "was cut off" in told


def test_a_line_that_is_no_number_shows_none_of_the_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    data = encrypted(NUMBERS | {"carol": "999447700900789"}, ANNA.recipient)
    numbers_file(tmp_path, data, monkeypatch, path)
    told = run("validate")
    assert told.exit_code == 8
    assert "E206" in told.output
    assert "447700" not in told.output


def test_without_a_key_the_files_are_validated_by_their_names(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    numbers_file(tmp_path, encrypted(NUMBERS, ANNA.recipient), monkeypatch, path)
    monkeypatch.delenv("PNSYNC_AGE_IDENTITY")
    monkeypatch.setenv("HOME", str(tmp_path))
    told = run("validate")
    assert told.exit_code == 0, told.output
    assert "W411" in told.output
    assert run("plan").exit_code == 8


def test_what_sops_itself_writes_is_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own output, with a comment, a quoted number and one with spaces; and the second reading opens it too."""
    import subprocess

    assert REAL is not None
    plain = '# team west\nalice: 447700900123\nbob: "+44 7700 900456" # his desk\n'
    words = [
        REAL,
        "--encrypt",
        "--age",
        ANNA.recipient,
        "--input-type",
        "yaml",
        "--output-type",
        "yaml",
        "/dev/stdin",
    ]
    made = subprocess.run(words, input=plain.encode(), capture_output=True, check=True).stdout
    assert b"4477" not in made
    numbers_file(tmp_path, made, monkeypatch, str(Path(REAL).parent))
    told = run("plan", "-v")
    assert told.exit_code == 0, told.output
    assert "(alice)" in told.output
    place = stand_in(tmp_path / "bin")
    simple = subprocess.run(words, input=b"alice: 447700900123\n", capture_output=True, check=True).stdout
    assert opened(simple, str(place)) == b"alice: 447700900123\n"
