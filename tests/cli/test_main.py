"""The program around its commands: help, the error boundary, exit codes, the verdict's file, broken streams."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pnsync.cli import main
from pnsync.cli.command import Invocation, command, grants
from pnsync.cli.main import COMMANDS, program
from pnsync.cli.signals import Stopped
from pnsync.errors import ExitCode, Locked, PnsyncError
from pnsync.verdict import Verdict
from tests.cli.conftest import Run, Spawn, argv, environment
from tests.cli.projects import SEVEN, write

SECRET = "447700900123"


def every_command() -> list[tuple[str, click.Command]]:
    found = []
    with click.Context(program) as context:
        for name in COMMANDS:
            one = program.get_command(context, name)
            assert one is not None
            found.append((name, one))
            if isinstance(one, click.Group):
                found += [(f"{name} {sub}", under) for sub, under in one.commands.items()]
    return found


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Make `pnsync version` end with something."""

    def make(ending: object) -> None:
        @command("version")
        @click.pass_obj
        def version(invocation: Invocation) -> object:
            if isinstance(ending, BaseException):
                raise ending
            return ending

        monkeypatch.setattr("pnsync.cli.version.version", version)

    return make


def test_version(run: Run) -> None:
    found = run("version")
    assert (found.exit_code, found.stdout) == (0, "pnsync 0.1.0\n")


def test_the_version_is_the_package_s() -> None:
    from pnsync.cli import VERSION

    project = Path(__file__).parents[2] / "pyproject.toml"
    assert f'\nversion = "{VERSION}"\n' in project.read_text()


def test_version_imports_nothing_heavy(spawn: Spawn) -> None:
    code = (
        "import sys; from pnsync.cli.main import program\n"
        "try: program.main(['version'])\n"
        "except SystemExit: pass\n"
        "heavy = {'httpx', 'pydantic', 'rich', 'ruamel', 'deepdiff', 'asyncio', 'importlib.metadata'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), check=True)
    assert found.stdout.splitlines()[-1] == b"[]"


@pytest.mark.parametrize(
    "args", [("-v", "version"), ("version", "-v"), ("-v", "version", "-vv"), ("-vv", "version")]
)
def test_v_stands_before_and_after_the_command(run: Run, args: tuple[str, ...]) -> None:
    assert run(*args).exit_code == 0


@pytest.mark.parametrize(
    "args",
    [
        ("nope",),
        ("version", "--nope"),
        ("explain", "a", "b"),
        ("-C", "nowhere", "version"),
        ("completion", "tcsh"),
        (),
    ],
)
def test_wrong_usage_is_exit_8(run: Run, args: tuple[str, ...]) -> None:
    found = run(*args)
    assert (found.exit_code, found.stdout) == (8, "")
    assert found.stderr.startswith("error: " if args else "Usage: pnsync")


@pytest.mark.parametrize(
    "args", [("find",), ("plan",), ("validate", "--format"), ("state", "rm", "a", "--result")]
)
def test_a_phone_that_was_typed_is_not_repeated(run: Run, args: tuple[str, ...]) -> None:
    """Standard error is what a CI job keeps, and a person's phone is no argument of any command."""
    found = run(*args, *(["x", "--nope"] if "--result" in args else []), "447700900123")
    assert found.exit_code == 8
    assert "447700900123" not in found.output


def test_a_phone_in_an_address_s_place_is_masked(run: Run, tmp_path: Path) -> None:
    write(tmp_path, SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    for args in (("plan", "--target"), ("state", "rm"), ("state", "mv")):
        refused = run(*args, "447700900123", *(["b"] if "mv" in args else []))
        assert (refused.exit_code, "44••••23" in refused.stderr) == (8, True), args
        assert "447700900123" not in refused.output
    assert "know order-66666666." in run("plan", "--target", "order-66666666").stderr


def test_a_name_that_is_none_is_answered_with_the_nearest(run: Run) -> None:
    assert "Did you mean version?" in run("versoin").stderr


def test_every_command_has_its_line_and_says_what_it_does() -> None:
    for name, one in every_command():
        assert one.help, name
        assert one.get_short_help_str(200).rstrip(".")


@pytest.mark.parametrize("name", ["apply", "destroy", "renew"])
def test_the_defaults_of_what_calls_vendors(name: str) -> None:
    """One call at a time, all that can be done is done, five minutes for what is not known, compared at the end."""
    found = program.get_command(click.Context(program), name).make_context(name, []).params  # type: ignore[union-attr]
    expected = {"parallelism": 1, "fail_fast": False, "settle": 300, "no_verify": False, "lock_timeout": None}
    assert {one: found[one] for one in expected} == expected


def test_every_option_is_named_as_its_environment_variable() -> None:
    for name, one in every_command():
        for option in one.params:
            if isinstance(option, click.Option) and option.expose_value:
                longest = max(option.opts, key=len).lstrip("-").replace("-", "_")
                assert option.name == longest, f"{name} {option.opts}"


def test_what_grants_something_comes_from_the_command_line_alone() -> None:
    granting = [
        (name, option)
        for name, one in every_command()
        for option in one.params
        if isinstance(option, click.Option)
        and any(named == "--reveal" or named.startswith("--allow-") for named in option.opts)
    ]
    expected = {
        *((name, f"allow_{kind}") for name in ("plan", "apply", "renew") for kind in ("unbind", "rebind", "missing")),
        ("plan", "reveal"), ("apply", "allow_older"),
    }  # fmt: skip
    assert expected <= {(name, option.name) for name, option in granting}
    for name, option in granting:
        assert grants(option) and not option.allow_from_autoenv, name
        assert option.envvar is None


@pytest.mark.parametrize("name", ["ALLOW_UNBIND", "ALLOW_REBIND", "ALLOW_MISSING", "ALLOW_OLDER"])
def test_the_environment_grants_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"PNSYNC_APPLY_{name}", "1")
    monkeypatch.setenv("PNSYNC_APPLY_PARALLELISM", "3")
    command = program.get_command(click.Context(program), "apply")
    assert command is not None
    parent = click.Context(program, info_name="pnsync", auto_envvar_prefix="PNSYNC")
    found = command.make_context("apply", [], parent=parent).params
    assert found["parallelism"] == 3 and not found[name.lower()]


def test_every_command_writes_its_verdict() -> None:
    for name, one in every_command():
        if not isinstance(one, click.Group):
            assert any("--result" in option.opts for option in one.params), name


def test_the_verdict_of_success(run: Run, tmp_path: Path) -> None:
    assert run("version", "--result", "verdict.json").exit_code == 0
    body = json.loads((tmp_path / "verdict.json").read_text())
    assert (body["format"], body["version"], body["command"], body["exit"]) == (
        "pnsync-result",
        1,
        "version",
        0,
    )


@pytest.mark.parametrize(
    "args",
    [
        ("version", "--nope", "--result", "v.json"),
        ("version", "--result=v.json", "extra"),
        ("nope", "--result", "v.json"),
    ],
)
def test_the_verdict_of_wrong_usage(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    assert run(*args).exit_code == 8
    assert json.loads((tmp_path / "v.json").read_text())["exit"] == 8


def test_the_verdict_s_file_from_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNSYNC_VERSION_RESULT", "v.json")
    assert run("version").exit_code == 0
    assert (tmp_path / "v.json").exists()
    (tmp_path / "v.json").unlink()
    assert run("version", "--nope").exit_code == 8
    assert json.loads((tmp_path / "v.json").read_text())["exit"] == 8


def test_a_verdict_that_cannot_be_written_fails_the_command(run: Run) -> None:
    found = run("version", "--result", "no/such/folder/v.json")
    assert found.exit_code == 1
    assert "the verdict could not be written" in found.stderr


def test_relative_files_stand_in_the_folder_of_c(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert run("-C", "sub", "version", "--result", "v.json").exit_code == 0
    assert (tmp_path / "sub" / "v.json").exists()


def test_a_foreseen_failure(run: Run, failing, tmp_path: Path) -> None:
    failing(
        Locked(
            "the state is locked",
            "maria on ci-runner-7 (pid 4411) has held it for 12 minutes, running pnsync apply.",
            "Wait for it, or, if that process is gone:",
            command="pnsync unlock 3f2c9a10",
        )
    )
    found = run("version", "--result", "v.json")
    assert found.exit_code == 6
    assert found.stdout == ""
    assert found.stderr == (
        "error: the state is locked\n"
        "  maria on ci-runner-7 (pid 4411) has held it for 12 minutes, running pnsync apply.\n"
        "  Wait for it, or, if that process is gone:\n"
        "      pnsync unlock 3f2c9a10\n"
    )
    body = json.loads((tmp_path / "v.json").read_text())
    assert (body["exit"], body["error"]["summary"]) == (6, "the state is locked")


def test_what_others_wrote_is_escaped_in_messages(run: Run, failing) -> None:
    failing(PnsyncError("it broke", "name \x1b[31m\x9b2J \u202e::add-mask::x"))
    assert run("version").stderr == "error: it broke\n  name \\u{1b}[31m\\u{9b}2J \\u{202e}::add-mask::x\n"


def test_no_line_of_a_message_commands_a_runner(run: Run, failing) -> None:
    """A file may be called like a command; in a log it would be one, after any white space at the start of its line."""
    failing(
        PnsyncError(
            "it broke",
            "::error file=x::boo",
            "one\n \t::stop-commands::x\n##[group]y",
            command="::add-mask::z",
        )
    )
    lines = run("version").stderr.splitlines()
    assert len(lines) == 6 and not any(line.lstrip().startswith("::") or "##[" in line for line in lines)


def test_no_name_of_a_file_commands_a_runner(run: Run, tmp_path: Path) -> None:
    name = "::error title=x::boo ##vso[x].yaml"
    (tmp_path / name).write_text("bindings:   {}\n")
    (tmp_path / "pnsync.yaml").write_text(f"version: 1\ninclude: ['{name}']\nbindings: {{a: {{mode: x}}}}\n")
    for words in (
        ("fmt", "--check"),
        ("fmt", name),
        ("validate",),
        ("validate", "--format", "json"),
        ("validate", "--format", "gitlab"),
        ("fmt", f"{name}x"),
        ("show", name),
        ("plan",),
    ):
        found = run(*words)
        lines = found.output.splitlines()
        assert not [line for line in lines if line.lstrip().startswith("::") or "##vso[" in line], words


def test_an_unforeseen_failure_tells_no_data(run: Run, failing) -> None:
    failing(RuntimeError(f"phone {SECRET}"))
    for args in (("version",), ("version", "-vv")):
        found = run(*args)
        assert found.exit_code == 1
        assert "This is a bug in pnsync" in found.stderr
        assert "RuntimeError at " in found.stderr
        assert SECRET not in found.output
        assert str(Path(__file__).parents[2]) not in found.output


def test_a_traceback_only_for_those_who_mend(run: Run, failing) -> None:
    failing(RuntimeError())
    assert "Calls, the last one first" not in run("version").stderr
    assert "pnsync/cli/main.py" in run("-v", "version", "-v").stderr


def test_an_unwritable_file_is_no_bug(run: Run, failing) -> None:
    failing(PermissionError(13, "Permission denied", "plan.pnsplan"))
    found = run("version")
    assert (found.exit_code, found.stderr) == (
        1,
        "error: a file could not be read or written\n  Permission denied: plan.pnsplan\n",
    )


@pytest.mark.parametrize(
    ("ending", "code"), [(KeyboardInterrupt(), 130), (Stopped(2), 130), (Stopped(15), 143)]
)
def test_interrupted(run: Run, failing, tmp_path: Path, ending: BaseException, code: int) -> None:
    failing(ending)
    assert run("version", "--result", "v.json").exit_code == code
    assert json.loads((tmp_path / "v.json").read_text())["exit"] == code


@pytest.mark.parametrize(("ending", "code"), [(None, 0), (ExitCode.DIFFERENCES, 2), (ExitCode.DOWN, 12)])
def test_a_code_is_returned_as_it_is(run: Run, failing, ending: object, code: int) -> None:
    failing(ending)
    assert run("version").exit_code == code


def test_a_verdict_decides_the_code(run: Run, failing, tmp_path: Path) -> None:
    failing(Verdict("apply", (ExitCode.UNSETTLED, ExitCode.DOWN), done=3, down=("bindings.a",)))
    assert run("version", "--result", "v.json").exit_code == 12
    body = json.loads((tmp_path / "v.json").read_text())
    assert (body["exit"], body["done"], body["down"]) == (12, 3, ["bindings.a"])


@pytest.mark.parametrize("locale", ["C", "POSIX", "xx_YY.latin1"])
def test_utf_8_whatever_the_locale(spawn: Spawn, tmp_path: Path, locale: str) -> None:
    (tmp_path / "pnsync.yaml").write_text(
        "version: 1\nproviders: {nx: {type: nxcloud, app_id: 447700900123}}\n"
    )
    env = environment(LC_ALL=locale, LANG=locale, PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    found = spawn("validate", env=env)
    assert found.returncode == 8
    assert "44••••••••23" in found.stderr.decode("utf-8")


def test_without_home_and_with_an_odd_terminal(spawn: Spawn) -> None:
    env = environment(TERM="nonsense", COLUMNS="-5")
    env.pop("HOME", None)
    assert spawn("version", env=env).stdout == b"pnsync 0.1.0\n"


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run(
        argv("explain"),
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    os.close(writer)
    assert (found.returncode, found.stderr) == (0, b"")


@pytest.mark.parametrize("closed", ["1", "2", "0", "1,2", "0,1,2"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    closing = "".join(f" {number}>&-" for number in closed.split(","))
    line = f'exec "$0" -m pnsync version --result v.json{closing}'
    found = subprocess.run(
        ["/bin/sh", "-c", line, sys.executable],
        capture_output=True,
        env=environment(),
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert found.returncode == 0
    assert json.loads((tmp_path / "v.json").read_text())["exit"] == 0
    assert b"Traceback" not in found.stderr


def test_no_file_of_ours_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "from pnsync.cli.output import occupy_standard_streams\n"
        "occupy_standard_streams()\n"
        "with open('number', 'w') as file: file.write(str(file.fileno()))"
    )
    line = f'exec "$0" -c "{code}" <&- >&- 2>&-'
    subprocess.run(
        ["/bin/sh", "-c", line, sys.executable], env=environment(), cwd=tmp_path, timeout=30, check=True
    )
    assert int((tmp_path / "number").read_text()) > 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_a_failure(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            argv("version"),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=tmp_path,
            timeout=30,
            check=False,
        )
    assert found.returncode == 1
    assert found.stderr.startswith(b"error: the output could not be written\n")


@pytest.mark.parametrize("args", [("explain", "E999"), ("numbers", "rm", "x"), ("numbers", "list")])
def test_a_command_that_helps_names_the_folder_once(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "sub").mkdir()
    for text in ("a: [", "version: 1\nnumbers: numbers.yaml\n"):
        (tmp_path / "sub" / "pnsync.yaml").write_text(text)
        told = run("-C", "sub", *args).stderr
        assert told.count("-C sub") == told.count("\n      pnsync ")


def test_what_the_program_sees_to_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """That no file of it gets the number of a closed stream, and none that it makes is anybody else's to read."""
    order: list[str] = []

    def ends() -> None:
        order.append("the command")
        raise SystemExit(0)

    monkeypatch.setattr(main, "occupy_standard_streams", lambda: order.append("streams"))
    monkeypatch.setattr(os, "umask", lambda mask: order.append(f"umask {mask:03o}"))
    monkeypatch.setattr(main.program, "main", ends)
    with pytest.raises(SystemExit):
        main.main()
    assert order == ["streams", "umask 077", "the command"]
