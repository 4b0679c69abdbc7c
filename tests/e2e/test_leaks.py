"""No real number, key or signature leaves pnsync: not in any output of any command, at any verbosity, in any file.

The state file alone holds numbers, for its owner only.
"""

import json
import stat
import subprocess
from pathlib import Path

import click

from pnsync.cli.main import program
from tests.cli.test_terminal_session import plain, terminal
from tests.e2e.conftest import Tapped
from tests.e2e.encodings import Search
from tests.e2e.program import REAL, REPOSITORY, kill
from tests.e2e.projects import HOTLINE, PHONES, Project, desk, flow
from tests.e2e.tap import Fate, Tap
from tests.e2e.test_kills import after, before
from tests.e2e.vendors import KEYS

COMMANDS = [
    ("validate",),
    ("fmt", "--check"),
    ("diff", "HEAD", "-v"),
    ("diff", "HEAD", "--format", "json"),
    ("plan", "-vv"),
    ("plan", "--format", "json", "-vv"),
    ("plan", "--format", "markdown"),
    ("plan", "--format", "html"),
    ("plan", "--json", "-vv"),
    ("plan", "--out", "p.pnsplan"),
    ("plan", "--destroy"),
    ("plan", "--no-refresh", "-v"),
    ("show", "p.pnsplan", "-vv"),
    ("apply", "p.pnsplan", "-vv", "--parallelism", "3"),
    ("show", "-vv"),
    ("show", "--format", "json"),
    ("state", "list", "--json"),
    ("state", "show", "changed", "--json"),
    ("state", "show", "groups.couriers"),
    ("state", "account"),
    ("groups", "--json"),
    ("verify", "-vv"),
    ("verify", "--call", "--auto-approve", "-vv"),
    ("status", "-vv"),
    ("status", "--metrics", "m.prom"),
    ("forecast", "-vv"),
    ("doctor", "-vv"),
    ("who", "--dial", HOTLINE[0], "--ext", "102", "-vv"),
    ("who", "--dial", HOTLINE[0], "--ext", "102", "--after-plan"),
    ("find", "-"),
    ("output", "--format", "json"),
    ("output", "--format", "csv"),
    ("directory", "--format", "markdown"),
    ("hold", "bindings.changed", "--reason", "an inquiry"),
    ("plan", "-v"),
    ("apply", "--auto-approve", "--allow-unbind", "1", "-vv"),
    ("release", "bindings.changed"),
    ("freeze", "--reason", "a release", "--allow", "renew"),
    ("apply", "--auto-approve", "-vv"),
    ("unfreeze",),
    ("apply", "--auto-approve", "--canary", "1", "-vv"),
    ("state", "mv", "bindings.new", "bindings.newer"),
    ("state", "mv", "bindings.newer", "bindings.new"),
    ("state", "rm", "bindings.ride"),
    ("import", "--match", "--dry-run", "-vv"),
    ("import", "--all", "--dry-run", "-vv"),
    ("import", "bindings.ride", "no-such-id", "-vv"),
    ("state", "rekey"),
    ("state", "pull", "state/pulled.json"),
    ("state", "push", "state/pulled.json", "-vv"),
    ("state", "rebuild", "-vv"),
    ("state", "migrate", "--to", "local:state/other.json"),
    ("numbers", "list"),
    ("numbers", "rm", "nobody"),
    ("unlock", "ab12cd34"),
    ("init",),
    ("schema",),
    ("explain", "P402"),
    ("completion", "bash"),
    ("version",),
    ("refresh", "-vv", "--json"),
    ("renew", "--auto-approve", "-vv"),
    ("destroy", "--auto-approve", "-vv", "--json"),
]
ELSEWHERE = {
    "numbers add": "tests/cli/test_numbers.py",
    "numbers edit": "tests/cli/test_numbers.py",
    "sandbox serve": "tests/sandbox/test_server.py",
}
"""Commands that need a person, a key file or a port: where their outputs are searched."""

SECRETS = {name: f"canary{i}secret{i}canary" for i, name in enumerate(KEYS)}
OTHERS = {
    "PNSYNC_PLAN_KEY": "canaryofplans-0123456789",
    "STATE_DSN": "postgresql://maria:canaryofstates@127.0.0.1/x",
}
"""Secrets of a run that no vendor is told."""
SEARCH = Search((PHONES[0][:9], *SECRETS.values(), OTHERS["PNSYNC_PLAN_KEY"], "canaryofstates"))


def search(tap: Tap, text: str, where: str) -> None:
    """See that a text holds nothing that must not leave."""
    assert not REAL.search(text), where
    assert not SEARCH.found(text), (where, SEARCH.found(text))
    for signature in tap.signatures:
        assert signature.lower() not in text.lower(), where


def search_files(tap: Tap, folder: Path) -> None:
    """See that no file holds anything but the state its numbers, and that others cannot read those."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.name == "pnsync.yaml" or ".git" in path.parts:
            continue
        text = path.read_bytes().decode(errors="replace")
        if path.parent.name == "state":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            text = REAL.sub("", text)
        search(tap, text, str(path))


def test_no_output_of_any_command_tells_a_number_or_a_secret(tapped: Tapped) -> None:
    project, tap = tapped
    before(project)
    tap.keys = SECRETS
    project.program.env = SECRETS | OTHERS
    project.program.apply("-vv")
    after(project)
    project.bindings["told"] = desk(
        PHONES[90], "447401264118", 190, labels="{team: west}", remark='"a remark"'
    )
    del project.bindings["told"]
    project.write()
    (project.folder / ".gitignore").write_text("/state/\n")
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (("add", "pnsync.yaml"), (*who, "commit", "-qm", "files")):
        subprocess.run(["git", *words], cwd=project.folder, check=True)
    for args in COMMANDS:
        found = project.program.run(*args, "--result", "v.json", stdin=f"{PHONES[3]}\n".encode())
        assert found.code in CODES.get(args, (0, 2, 8)), str(found)
        search(tap, found.out + found.err, " ".join(args))
        search(tap, (project.folder / "v.json").read_text(), " ".join(args))
    search_files(tap, project.folder)
    assert tap.signatures
    assert project.live == 0


CODES = {
    ("doctor", "-vv"): (0, 8, 10),
    ("find", "-"): (0,),
    ("apply", "--auto-approve", "-vv"): (4,),
    ("state", "rebuild", "-vv"): (9,),
    ("unlock", "ab12cd34"): (8, 9),
}
"""How these end; all others with 0, 2 or, where a thing is not there, 8."""


def leaves(command: click.Command, name: str = "") -> set[str]:
    """Every command below one, by its words."""
    if not isinstance(command, click.Group):
        return {name}
    context = click.Context(command)
    found: set[str] = set()
    for key in command.list_commands(context):
        one = command.get_command(context, key)
        assert one is not None
        found |= leaves(one, f"{name} {key}".strip())
    return found


def test_every_command_is_searched() -> None:
    searched = {" ".join(args[:2]) for args in COMMANDS} | {args[0] for args in COMMANDS}
    assert leaves(program) - searched == set(ELSEWHERE)
    for file in ELSEWHERE.values():
        assert (REPOSITORY / file).exists()


def test_failures_tell_nothing_either(tapped: Tapped) -> None:
    project, tap = tapped
    tap.keys = SECRETS
    project.program.env = dict(SECRETS)
    before(project)
    echo = json.dumps({"code": 1002, "msg": f"bad phone {PHONES[1]}", "requestId": "1"})
    for fault in (
        {"name": "html"},
        {"name": "none", "reply": "text", "effect": "never", "text": echo},
        {"name": "none", "reply": "text", "effect": "never", "text": f"<p>{PHONES[1]}</p>"},
        {"name": "truncated"},
    ):
        project.nx.fault(**fault, operation="bindAXBExtension")
        found = project.program.run("apply", "--auto-approve", "-vv", "--settle", "0", "--result", "v.json")
        assert found.code in (0, 1, 3, 7), str(found)
        search(tap, found.out + found.err + (project.folder / "v.json").read_text(), str(fault))
        project.nx.quiet()
    wrong = {"NXCLOUD_ACCESS_SECRET": "canaryofawrongsecret"}
    found = project.program.run("plan", "-vv", env=wrong, code=10)
    search(tap, found.out + found.err, "refused credentials")
    assert "canaryofawrongsecret" not in found.out + found.err
    search_files(tap, project.folder)


def test_findings_mask_the_lines_they_show(project: Project) -> None:
    project.bindings["a"] = flow(mode="axb", phone_a=PHONES[1], phone_b=PHONES[1])
    project.bindings["b"] = flow(
        mode="axb", phone_a='"+44 7700-900 003 x"', phone_b=PHONES[2], phone_c=PHONES[4]
    )
    project.bindings["c"] = flow(mode="axb_extension", phone_a=PHONES[5], phone_x=PHONES[5], extension="7")
    project.write()
    for format in ("text", "json", "github"):
        found = project.program.run("validate", "--format", format, code=8)
        assert (found.out + found.err).count("E") >= 3


def test_the_process_list_tells_nothing(tapped: Tapped) -> None:
    project, tap = tapped
    tap.keys = SECRETS
    project.program.env = dict(SECRETS)
    before(project)
    tap.hold("bindAXBExtension", 1, Fate.DROPPED)
    process = project.program.start("apply", "--auto-approve", anew=True)
    tap.wait()
    found = subprocess.run(["ps", "-o", "args", "-p", str(process.pid)], capture_output=True, text=True)
    assert "pnsync" in found.stdout
    search(tap, found.stdout, "ps")
    kill(process)
    process.communicate()
    tap.release()


def test_revealing_needs_a_terminal(project: Project) -> None:
    project.desks([1])
    project.program.run("plan", "--reveal", code=8)
    with terminal(project.folder, "plan", "--reveal", **KEYS) as shown:
        assert shown.end() == 0
        assert PHONES[1] in plain(shown.shown)
    # In CI a terminal is kept as a log; and the environment, which a workflow sets, grants nothing.
    with terminal(project.folder, "plan", "--reveal", CI="true", **KEYS) as shown:
        assert shown.end() == 8
        assert not REAL.search(plain(shown.shown))
    with terminal(project.folder, "plan", PNSYNC_PLAN_REVEAL="1", **KEYS) as shown:
        assert shown.end() == 0
        assert not REAL.search(plain(shown.shown))
