"""A pretend GitHub: one repository, its pull requests, comments and artifacts, and a runner that does a job's steps.

The runner executes the `run:` scripts as they stand, with bash and the program itself; of `uses:` it plays only the
artifacts. `gh` is a small program of the same name on the path, which answers from files of this folder.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests import forking
from tests.e2e.program import PATIENCE_SECONDS, REAL, REPOSITORY
from tests.profile import FULL

BOT = 41898282
SCALE = 1.0 if FULL else 0.1
"""How much faster than GitHub the runner loses its patience: it waits 7.5 s, then 2.5 s."""
GH = '''\
#!{python}
"""What the workflows ask of gh."""
import json, pathlib, re, shutil, subprocess, sys
home = pathlib.Path("{home}")
store = json.loads((home / "forge.json").read_text())
args = sys.argv[1:]
if args[:2] == ["run", "download"]:
    source = home / "artifacts" / args[2] / args[args.index("--name") + 1]
    shutil.copytree(source, args[args.index("--dir") + 1], dirs_exist_ok=True)
    sys.exit()
assert args.pop(0) == "api", args
query, method, body, path = None, "GET", None, None
while args:
    one = args.pop(0)
    if one == "--jq": query = args.pop(0)
    elif one == "-X": method = args.pop(0)
    elif one == "-F": body = pathlib.Path(args.pop(0).removeprefix("body=@")).read_text()
    elif not one.startswith("--"): path = one
if match := re.search(r"/commits/(\\w+)/pulls$", path):
    answer = [one for one in store["pulls"] if match[1] in (one["head"]["sha"], one["merge"])]
elif match := re.search(r"/issues/(\\d+)/comments$", path):
    comments = store["comments"].setdefault(match[1], [])
    if method == "POST":
        comments.append({{"id": 1000 + sum(map(len, store["comments"].values())), "user": {{"id": {bot}}}, "body": body}})
    answer = comments
elif match := re.search(r"/issues/comments/(\\d+)$", path):
    assert method == "PATCH"
    [answer] = [one for many in store["comments"].values() for one in many if one["id"] == int(match[1])]
    answer["body"] = body
elif match := re.search(r"pnsync-plan.yml/runs\\?head_sha=(\\w+)&status=(success|completed)$", path):
    answer = {{"workflow_runs": [one for one in reversed(store["runs"]) if one["head_sha"] == match[1]]}}
else:
    sys.exit(f"gh: {{path}}")
(home / "forge.json").write_text(json.dumps(store))
if query:
    subprocess.run(["jq", "-r", query], input=json.dumps(answer), text=True, check=True)
'''
PNSYNC = """\
#!/bin/sh
export PYTHONPATH={repository}
read -r ahead < {home}/ahead
[ "$ahead" = 0 ] && exec {program} "$@"
exec {shifted} "$ahead" "$@"
"""


@dataclass
class Ended:
    """A job that has run: its steps' exit codes by name, what they wrote, and the job's outputs."""

    codes: dict[str, int] = field(default_factory=dict)
    out: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def failed(self) -> bool:
        """Whether a step failed that counts."""
        return any(self.codes.values())


@dataclass
class Forge:
    """The host. `folder` is the runner's checkout, in which the state stays from job to job."""

    home: Path
    folder: Path
    secrets: Mapping[str, str]
    runs: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    """The repository's variables, which workflows read as `vars`."""
    event: dict[str, str] = field(default_factory=dict)
    """What the event tells, by the names that expressions give it."""
    runner: dict[str, str] = field(default_factory=dict)
    """More of what the runner gives every step."""

    def __post_init__(self) -> None:
        bin_ = self.home / "bin"
        bin_.mkdir(parents=True)
        words = {
            "python": sys.executable,
            "home": self.home,
            "bot": BOT,
            "repository": REPOSITORY,
            "program": shlex.join(forking.command("-m", "pnsync")),
            "shifted": shlex.join(forking.command("-m", "tests.e2e.shifted")),
        }
        for name, text in (("gh", GH.format(**words)), ("pnsync", PNSYNC.format(**words))):
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        self.ahead(0)
        self.save({"pulls": [], "comments": {}, "runs": []})
        self.git("init", "-q", "-b", "main")

    def ahead(self, seconds: float) -> None:
        """Let the program's clock be ahead from now on."""
        (self.home / "ahead").write_text(f"{seconds}\n")

    def load(self) -> dict[str, Any]:
        """What the host knows."""
        found: dict[str, Any] = json.loads((self.home / "forge.json").read_text())
        return found

    def save(self, store: Mapping[str, Any]) -> None:
        """Keep what the host knows."""
        (self.home / "forge.json").write_text(json.dumps(store))

    # -- the repository ------------------------------------------------------------------------------------

    def environment(self, **more: str) -> dict[str, str]:
        """What every process gets."""
        return {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
        } | more

    def git(self, *words: str) -> str:
        """Run git in the checkout."""
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *words],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, branch: str) -> str:
        """Commit all files on a branch, which is made where it is missing; its id."""
        if self.git("branch", "--show-current") != branch:
            known = self.git("branch", "--list", branch)
            self.git("checkout", "-q", *([] if known else ["-b"]), branch)
        self.git("add", "-A")
        self.git("commit", "-qm", "a change")
        return self.git("rev-parse", "HEAD")

    def open(self, number: int, head: str) -> None:
        """Open a pull request, or move its head."""
        store = self.load()
        for one in store["pulls"]:
            if one["number"] == number:
                one["head"]["sha"] = head
                break
        else:
            base = {"ref": "main", "sha": self.git("rev-parse", "main")}
            store["pulls"].append(
                {
                    "number": number,
                    "state": "open",
                    "merged_at": None,
                    "base": base,
                    "head": {"sha": head},
                    "merge": "",
                }
            )
        self.save(store)

    def merge(self, number: int) -> str:
        """Merge a pull request; the merge commit."""
        store = self.load()
        [pull] = [one for one in store["pulls"] if one["number"] == number]
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", pull["head"]["sha"])
        commit = self.git("rev-parse", "HEAD")
        pull |= {"state": "closed", "merged_at": "2026-11-22T00:00:00Z", "merge": commit}
        self.save(store)
        return commit

    # -- the runner ----------------------------------------------------------------------------------------

    def job(
        self,
        file: str,
        name: str,
        event: str,
        sha: str,
        *,
        needs: Mapping[str, Ended] | None = None,
        base: str = "",
    ) -> Ended:
        """Do a job of a workflow at a commit, its steps as they stand."""
        job = self.workflow(file)["jobs"][name]
        context = self.context(event, base)
        for other, ended in (needs or {}).items():
            context |= {f"needs.{other}.outputs.{key}": value for key, value in ended.outputs.items()}
        ended = Ended()
        if not holds(job.get("if"), context):
            return ended
        self.git("checkout", "-q", sha)
        self.runs += 1
        if file == "pnsync-plan.yml":
            store = self.load()
            store["runs"].append({"id": self.runs, "head_sha": sha})
            self.save(store)
        run = self.home / "runs" / str(self.runs)
        run.mkdir(parents=True)
        for one in (
            *self.folder.glob("*.pnsplan"),
            *self.folder.glob("*.md"),
            *self.folder.glob("plan.json"),
        ):
            one.unlink()
        for step in job["steps"]:
            self._step(step, context, ended, run, sha)
            if ended.failed:
                break
        ended.outputs = {key: filled(value, context) for key, value in job.get("outputs", {}).items()}
        return ended

    def _step(
        self, step: Mapping[str, Any], context: dict[str, str], ended: Ended, run: Path, sha: str
    ) -> None:
        if not holds(step.get("if"), context):
            return
        if "uses" in step:
            self._artifact(step)
            return
        if step["name"] == "Install":
            return
        done = subprocess.run(
            self.shell(step, run),
            cwd=self.folder,
            env=self.step_environment(step, context, run, sha),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        ended.codes[step["name"]] = 0 if step.get("continue-on-error") else done.returncode
        ended.out += done.stdout + done.stderr
        output, summary = run / "output", run / "summary"
        if "id" in step and output.exists():
            for line in output.read_text().splitlines():
                key, _, value = line.partition("=")
                context[f"steps.{step['id']}.outputs.{key}"] = value
        ended.summary = summary.read_text() if summary.exists() else ""
        assert not REAL.search(ended.out + ended.summary), "a real number stands in a log"
        for secret in self.secrets.values():
            assert len(secret) < 8 or secret not in ended.out + ended.summary

    def workflow(self, file: str) -> dict[str, Any]:
        """A workflow of the checkout."""
        found: dict[str, Any] = YAML(typ="safe").load(self.folder / ".github" / "workflows" / file)
        return found

    def context(self, event: str, base: str = "") -> dict[str, str]:
        """What expressions can name."""
        return {
            "github.event_name": event,
            "github.repository": "team/numbers",
            "github.token": "a-token",
            **self.event,
            "github.event.pull_request.base.sha": base,
            **{f"secrets.{key}": value for key, value in self.secrets.items()},
            **{f"vars.{key}": value for key, value in self.variables.items()},
        }

    def step(self, file: str, job: str, name: str) -> dict[str, Any]:
        """A step of a workflow by its name."""
        steps = self.workflow(file)["jobs"][job]["steps"]
        [found] = [one for one in steps if one.get("name") == name]
        return dict(found)

    def wanted(self, step: Mapping[str, Any], event: str) -> bool:
        """Whether a step's condition holds."""
        return holds(step.get("if"), self.context(event))

    def run_step(self, step: Mapping[str, Any], event: str, run: Path) -> "subprocess.CompletedProcess[str]":
        """Do one step alone."""
        return subprocess.run(
            self.shell(step, run),
            cwd=self.folder,
            env=self.step_environment(step, self.context(event), run, "0" * 40),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def shell(self, step: Mapping[str, Any], run: Path) -> list[str]:
        """The command that GitHub runs a script with."""
        script = run / "script.sh"
        script.write_text(step["run"])
        return ["bash", "-e", str(script)]

    def step_environment(
        self, step: Mapping[str, Any], context: Mapping[str, str], run: Path, sha: str
    ) -> dict[str, str]:
        """The variables of a step."""
        given = {key: filled(value, context) for key, value in step.get("env", {}).items()}
        exported = run / "env"
        if exported.exists():
            lines = exported.read_text().splitlines()
            given = dict(line.split("=", 1) for line in lines) | given
        given = self.runner | given
        return self.environment(
            CI="true",
            PNSYNC_LOCAL_STATE="persistent",
            GITHUB_ACTIONS="true",
            GITHUB_WORKSPACE=str(self.folder),
            GITHUB_REPOSITORY="team/numbers",
            GITHUB_SHA=sha,
            GITHUB_OUTPUT=str(run / "output"),
            GITHUB_STEP_SUMMARY=str(run / "summary"),
            GITHUB_ENV=str(run / "env"),
            RUNNER_TEMP=str(run),
            **given,
        )

    def _artifact(self, step: Mapping[str, Any]) -> None:
        uses, given = step["uses"], step.get("with", {})
        if uses.startswith("actions/upload-artifact@"):
            kept = self.home / "artifacts" / str(self.runs) / given["name"]
            kept.mkdir(parents=True)
            shutil.copy(self.folder / given["path"], kept)
        elif uses.startswith("actions/download-artifact@"):
            kept = self.home / "artifacts" / str(self.runs - 1) / given["name"]
            shutil.copytree(kept, self.folder, dirs_exist_ok=True)


def cancel(process: "subprocess.Popen[bytes]") -> None:
    """As GitHub cancels a job: SIGINT, after a while SIGTERM, then SIGKILL; to the step's own process alone."""
    for number, seconds in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 60)):
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(seconds * SCALE if number is not signal.SIGKILL else seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def filled(text: str, context: Mapping[str, str]) -> str:
    """A value with its expressions replaced; what is not set is empty."""
    return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: context.get(match[1], ""), str(text))


def holds(condition: str | None, context: Mapping[str, str]) -> bool:
    """Whether an `if:` of the comparisons that the workflows use holds."""
    if condition is None:
        return True

    def one(text: str) -> bool:
        match = re.fullmatch(r"\s*([\w.-]+) (==|!=) (?:'([^']*)'|([\w.-]+))\s*", text)
        assert match, text
        right = context.get(match[4], "") if match[4] else match[3]
        return (context.get(match[1], "") == right) is (match[2] == "==")

    return any(all(one(part) for part in either.split("&&")) for either in condition.split("||"))
