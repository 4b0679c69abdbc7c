"""The workflows that pnsync ships: their hygiene, and their steps run in a repository from a branch to a recovery."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest
from ruamel.yaml import YAML

from pnsync.cli.pipelines import pipelines
from tests.e2e.conftest import account_name
from tests.e2e.forge import Ended, Forge, cancel
from tests.e2e.program import PATIENCE_SECONDS, REAL, REPOSITORY, Program
from tests.e2e.projects import HOTLINE, PHONES, Project, desk
from tests.e2e.tap import Fate, Tap, tapping
from tests.e2e.vendors import KEYS, Vendors

EXAMPLES = REPOSITORY / "examples"
FILES = {**pipelines("github", "7c4d1a2b")}
PINNED = re.compile(r"actions/(?:checkout|setup-python|upload-artifact|download-artifact)@[0-9a-f]{40}")


# -- as they are shipped -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "folder"), [("github", "github-actions"), ("gitlab", "gitlab-ci")])
def test_the_examples_are_what_init_writes(kind: str, folder: str) -> None:
    for path, text in pipelines(kind, "7c4d1a2b").items():
        assert (EXAMPLES / folder / path).read_text() == text


@pytest.mark.parametrize("path", FILES)
def test_hygiene(path: str) -> None:
    text = FILES[path]
    workflow: Any = YAML(typ="safe").load(text)
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in text
    assert workflow["concurrency"]["group"].startswith("pnsync-7c4d1a2b-")
    writes = path.endswith(("apply.yml", "renew.yml"))
    assert workflow["concurrency"]["cancel-in-progress"] is not writes
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] and job["permissions"]["contents"] == "read"
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if "uses" in step:
                assert PINNED.fullmatch(step["uses"])
                assert "cache" not in step.get("with", {})
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"fetch-depth": 0, "persist-credentials": False}
    for line in text.splitlines():
        assert "uses:" not in line or re.search(r" # v\d+\.\d+\.\d+$", line)


HANDED_ON = {"$ROLE", "$REGION", "$RUNNER_TEMP/identity", "$code", "true", "false"}
"""What steps hand on: the repository's own variables, a path, an exit code, fixed words; no text of a change."""


@pytest.mark.parametrize("path", FILES)
def test_what_a_step_hands_on_is_no_text_of_a_change(path: str) -> None:
    workflow: Any = YAML(typ="safe").load(FILES[path])
    for job in workflow["jobs"].values():
        # A job that meets keys is held by an environment, which says for which branches and after whose approval.
        assert "environment" in job or "secrets." not in json.dumps(job)
        for step in job["steps"]:
            script = step.get("run", "")
            kept = [
                line.strip() for line in script.splitlines() if re.search(r"GITHUB_(ENV|OUTPUT|PATH)", line)
            ]
            assert all(
                re.fullmatch(r'(?:\}|echo "\w+=[^"]*") >> "\$GITHUB_(?:ENV|OUTPUT)"', line) for line in kept
            )
            handed = re.findall(r'^\s*echo "\w+=([^"]*)"', script, re.MULTILINE) if kept else []
            assert set(handed) <= HANDED_ON and len(handed) >= len(kept)
            for name in ("ROLE", "REGION"):
                assert step.get("env", {}).get(name, "${{ vars.").startswith("${{ vars.")
            assert not re.search(r"\b(?:eval|source|xargs)\b|\bsh -c\b", script)


def test_an_auditor_of_workflows_finds_nothing(tmp_path: Path) -> None:
    """zizmor, offline; of its strictest findings only that jobs have no name beside their key."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for path, text in FILES.items():
        (tmp_path / path).write_text(text)
    ended = subprocess.run(
        [
            Path(sys.executable).with_name("zizmor"),
            "--offline",
            "--persona=auditor",
            "--format=json",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert len(list(folder.iterdir())) == ended.stderr.count("completed"), ended.stderr
    assert {one["ident"] for one in json.loads(ended.stdout)} == {"anonymous-definition"}
    (folder / "pnsync-plan.yml").write_text(
        FILES[".github/workflows/pnsync-plan.yml"].replace("on:\n  push:", "on:\n  pull_request_target:")
    )
    ended = subprocess.run(
        [Path(sys.executable).with_name("zizmor"), "--offline", "--format=json", tmp_path],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert "dangerous-triggers" in {one["ident"] for one in json.loads(ended.stdout)}


def test_a_fork_s_pull_request_meets_no_secret() -> None:
    for path, text in FILES.items():
        workflow: Any = YAML(typ="safe").load(text)
        if "pull_request" in workflow["on"]:
            assert path.endswith("check.yml")
            assert "secrets." not in text and "environment" not in text and "id-token" not in text


def test_the_pipeline_of_gitlab() -> None:
    [text] = pipelines("gitlab", "7c4d1a2b").values()
    pipeline: Any = YAML(typ="safe").load(text)
    assert pipeline["apply"]["resource_group"] == "pnsync-7c4d1a2b"
    assert pipeline["plan"]["rules"][0]["if"].endswith(
        "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
    )
    for name in ("check", "plan", "apply", "renew"):
        for script in pipeline[name]["script"]:
            done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
            assert done.returncode == 0, done.stderr


class GitLab(BaseHTTPRequestHandler):
    """The few answers of GitLab that the pipeline asks for; `notes` outlive a request, `plan` is an artifact."""

    notes: ClassVar[list[dict[str, Any]]] = []
    plan: ClassVar[bytes] = b""
    asked: ClassVar[list[tuple[str, str]]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "glpat-canary-1234"
        path = self.path.partition("?")[0].removeprefix("/api/projects/3")
        known: dict[str, Any] = {
            "/api/user": {"id": 7},
            "/merge_requests/4/notes": self.notes,
            "/repository/commits/merged/merge_requests": [{"iid": 4, "state": "merged"}],
            "/repository/commits/direct/merge_requests": [],
            "/merge_requests/4/pipelines": [{"id": 11}, {"id": 10}],
            "/pipelines/11/jobs": [{"id": 20, "name": "check"}, {"id": 21, "name": "plan"}],
        }
        self._answer(
            self.plan if path == "/jobs/21/artifacts/reviewed.pnsplan" else json.dumps(known[path]).encode()
        )

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["body"][0]
        self.asked.append((self.command, self.path.rpartition("/")[2]))
        if self.command == "POST":
            self.notes.append({"id": 50 + len(self.notes), "author": {"id": 7}, "body": body})
        else:
            [note] = [one for one in self.notes if str(one["id"]) == self.path.rpartition("/")[2]]
            note["body"] = body
        self._answer(b"{}")

    do_PUT = do_POST

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def gitlab() -> Iterator[str]:
    """The address of a pretend GitLab, where somebody else has written a note with our marker."""
    GitLab.notes = [{"id": 1, "author": {"id": 8}, "body": "<!-- pnsync-plan 7c4d1a2b -->"}]
    GitLab.plan, GitLab.asked = b"", []
    with ThreadingHTTPServer(("127.0.0.1", 0), GitLab) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join()


def test_the_jobs_of_gitlab(project: Project, gitlab: str, tmp_path: Path) -> None:
    [text] = pipelines("gitlab", "7c4d1a2b").values()
    pipeline: Any = YAML(typ="safe").load(text)
    forge = Forge(tmp_path / "forge", project.folder, {})
    project.desks([1])
    (project.folder / ".gitignore").write_text("/state/\n*.json\n*.md\n*.pnsplan\n")
    first = forge.commit("main")

    def job(name: str, **more: str) -> tuple[int, str]:
        out = ""
        for script in pipeline[name]["script"]:
            variables = KEYS | {
                "CI": "true",
                "GITLAB_CI": "true",
                "PNSYNC_LOCAL_STATE": "persistent",
                "CI_API_V4_URL": gitlab,
                "CI_PROJECT_ID": "3",
                "CI_PROJECT_DIR": str(project.folder),
                "CI_MERGE_REQUEST_IID": "4",
                "CI_MERGE_REQUEST_DIFF_BASE_SHA": first,
                "PNSYNC_GITLAB_TOKEN": "glpat-canary-1234",
                "PNSYNC_PLAN_KEY": "the-approvers-own-key",
            }
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", script],
                cwd=project.folder,
                env=forge.environment(**(variables | {"CI_COMMIT_SHA": "merged"} | more)),
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
            )
            out += done.stdout + done.stderr
            assert "glpat-canary" not in out and not REAL.search(out)
            if done.returncode:
                return done.returncode, out
        return 0, out

    project.desks([1, 2])
    forge.commit("change")
    code, out = job("check")
    assert code == 0, out
    assert "+ bindings.desk-2" in out
    assert json.loads((project.folder / "code-quality.json").read_text()) == []
    for _ in range(2):
        code, out = job("plan")
        assert code == 0, out
    assert GitLab.asked == [("POST", "notes"), ("PUT", "51")]
    assert len(GitLab.notes) == 2
    start = "<!-- pnsync-plan 7c4d1a2b -->\n### pnsync: 2 binds from this merge request\n"
    assert GitLab.notes[1]["body"].startswith(start)
    assert GitLab.notes[1]["body"].count("<!-- pnsync-plan") == 1
    assert not list(project.folder.parent.glob("*.curl"))
    reviewed = project.folder / "reviewed.pnsplan"
    GitLab.plan = reviewed.read_bytes()
    reviewed.unlink()
    code, out = job("apply", CI_COMMIT_SHA="direct")
    assert code == 1 and "no merge request" in out
    code, out = job("apply")
    assert code == 0, out
    assert project.live == 2
    assert job("apply")[0] == 5
    assert job("renew")[0] == 0
    (project.folder / "pnsync.yaml").write_text("version: 1\nbindings: {a: {}}\n")
    code, out = job("check")
    assert code == 8
    assert json.loads((project.folder / "code-quality.json").read_text())[0]["severity"] == "critical"
    assert job("plan")[0] == 8
    assert "there is none (exit 8)" in GitLab.notes[1]["body"]


def test_the_hooks_name_commands_that_are_there(project: Project) -> None:
    project.desks([1])
    hooks: Any = YAML(typ="safe").load(REPOSITORY / ".pre-commit-hooks.yaml")
    used: Any = YAML(typ="safe").load(EXAMPLES / "pre-commit" / ".pre-commit-config.yaml")
    ids = [one["id"] for repo in used["repos"] for one in repo["hooks"]]
    assert ids == [one["id"] for one in hooks]
    for one in hooks:
        assert one["pass_filenames"] is False
        project.program.run(*one["entry"].split()[1:], code=0)


def test_init_writes_them_and_nothing_over_them(project: Project) -> None:
    program = project.program
    found = program.run("init", "--github", "--gitlab", code=0)
    assert ".github/workflows/pnsync-apply.yml" in found.out
    lineage = program.state()["lineage"][:8]
    for kind in ("github", "gitlab"):
        for path, text in pipelines(kind, lineage).items():
            assert (project.folder / path).read_text() == text
    path = project.folder / ".gitlab-ci.yml"
    path.write_text("mine\n")
    assert "exists already" in program.run("init", "--gitlab", code=8).err
    assert path.read_text() == "mine\n"
    path.unlink()
    program.run("init", "--gitlab", code=0)
    assert f"pnsync-{lineage}" in path.read_text()


# -- a repository's life -------------------------------------------------------------------------------------------


class Team:
    """A repository with the workflows, and the people who work in it."""

    def __init__(self, home: Path, vendors: Vendors, name: str, url: str) -> None:
        self.folder = home / "numbers"
        self.folder.mkdir()
        self.project = Project(
            self.folder, Program(self.folder, dict(KEYS)), vendors.nx(name), vendors.la(name)
        )
        through = Vendors(url)
        self.project.endpoints = (through.nx(name).endpoint, through.la(name).endpoint)
        self.forge = Forge(home / "forge", self.folder, {**KEYS, "PNSYNC_PLAN_KEY": "the-approvers-own-key"})
        self.project.program.run("init", "--github", code=0)
        lineage = self.project.program.state()["lineage"]
        self.project.extra = f"lineage: {lineage}"
        self.project.desks([1, 2])
        with (self.folder / ".gitignore").open("a") as file:
            file.write("*.json\n*.md\n*.pnsplan\n")
        (self.folder / ".gitattributes").write_text("pnsync.yaml merge=union\n")
        self.first = self.forge.commit("main")

    @property
    def marker(self) -> str:
        """The hidden line by which the plan's comment is known."""
        text = (self.folder / ".github" / "workflows" / "pnsync-plan.yml").read_text()
        found = re.search("<!-- pnsync-plan [0-9a-f-]+ -->", text)
        assert found
        return found[0]

    @property
    def live(self) -> list[str]:
        return sorted(one["extension"] for one in self.project.nx.bindings())

    def change(self, number: int, *desks: int) -> str:
        """A branch from main with more desks, pushed and with a pull request; its head."""
        self.forge.git("checkout", "-q", "main")
        self.forge.git("checkout", "-q", "-b", f"change-{number}")
        self.read()
        self.project.desks(desks)
        head = self.forge.commit(f"change-{number}")
        self.forge.open(number, head)
        return head

    def read(self) -> None:
        """Know of the checkout's own bindings only."""
        text = (self.folder / "pnsync.yaml").read_text()
        names = [int(one) for one in re.findall(r"^  desk-(\d+):", text, re.MULTILINE)]
        self.project.bindings = {f"desk-{one}": desk(PHONES[one], HOTLINE[0], 100 + one) for one in names}

    def plan(self, head: str) -> Ended:
        return self.forge.job("pnsync-plan.yml", "plan", "push", head)

    def apply(self, sha: str, event: str = "push") -> tuple[Ended, Ended]:
        """The apply workflow: its two jobs."""
        first = self.forge.job("pnsync-apply.yml", "plan", event, sha)
        if first.failed:
            return first, Ended()
        return first, self.forge.job("pnsync-apply.yml", "apply", event, sha, needs={"plan": first})

    def comments(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.forge.load()["comments"].get(str(number), [])
        return found


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path, vendors: Vendors) -> Team:
    return Team(tmp_path, vendors, account_name(request), vendors.url)


@pytest.fixture
def watched(request: pytest.FixtureRequest, tmp_path: Path, vendors: Vendors) -> Iterator[tuple[Team, Tap]]:
    with tapping(vendors.url) as tap:
        yield Team(tmp_path, vendors, account_name(request), tap.url), tap


def test_from_a_branch_to_a_renewal(team: Team) -> None:
    forge, nx = team.forge, team.project.nx
    # What came with no pull request was reviewed by nobody, and is not applied; by hand it is planned and approved.
    first, second = team.apply(team.first)
    assert "no pull request" in first.out
    assert second.codes == {} and team.live == []
    first, second = team.apply(team.first, "workflow_dispatch")
    assert not first.failed and not second.failed, second.out
    assert team.live == ["101", "102"]

    # A branch: checked offline, planned, told in one comment that stays one.
    head = team.change(7, 3)
    check = forge.job("pnsync-check.yml", "check", "pull_request", head, base=team.first)
    assert not check.failed, check.out
    assert "bindings.desk-3" in check.summary and "### pnsync diff: 1 added" in check.summary
    store = forge.load()
    mine = {"id": 5, "user": {"id": 99}, "body": f"{team.marker}\nnot the bot's"}
    store["comments"]["7"] = [mine]
    forge.save(store)
    planned = team.plan(head)
    assert not planned.failed, planned.out
    other, ours = team.comments(7)
    assert other == mine
    assert ours["body"].startswith(f"{team.marker}\n### pnsync: 1 bind from this pull request\n")
    assert ours["body"].count("<!-- pnsync-plan") == 1
    assert "**1 call**, about 1 s at 1000 calls/s" in ours["body"]
    assert f"Commit `{head}`, exit code 2." in ours["body"]
    team.project.desks([4])
    head = forge.commit("change-7")
    forge.open(7, head)
    assert not team.plan(head).failed
    assert len(team.comments(7)) == 2
    assert "2 bind" in team.comments(7)[1]["body"] and team.comments(7)[1]["id"] == ours["id"]
    assert team.live == ["101", "102"]

    # Merged: the reviewed plan, once.
    merged = forge.merge(7)
    first, second = team.apply(merged)
    assert not first.failed and not second.failed, second.out
    assert team.live == ["101", "102", "103", "104"]
    _, second = team.apply(merged)
    assert second.codes["Apply"] == 5

    # Two merges, and the first one's apply never ran: the second one's plan is stale.
    a = team.change(8, 5)
    b = team.change(9, 6)
    for one in (a, b):
        assert not team.plan(one).failed
    forge.merge(8)
    merged = forge.merge(9)
    _, second = team.apply(merged)
    assert second.codes["Apply"] == 5
    assert "bindings.desk-5" in second.out
    assert team.live == ["101", "102", "103", "104"]
    first, second = team.apply(merged, "workflow_dispatch")
    assert not second.failed, second.out
    assert team.live == ["101", "102", "103", "104", "105", "106"]

    # Drift: somebody deletes a binding at the vendor's console; a plan says so, and a person has it put right.
    nx.edit(remove=nx.bindings()[0]["bind_id"])
    assert len(team.live) == 5
    head = team.change(10, 7)
    assert not team.plan(head).failed
    assert "drift" in team.comments(10)[0]["body"].lower()
    first, second = team.apply(forge.merge(10))
    assert not second.failed, second.out
    assert len(team.live) == 7

    # Most of a day later: the scheduled run renews, and nothing else.
    before = {one["bind_id"] for one in nx.bindings()}
    nx.advance(23 * 3600)
    forge.ahead(23 * 3600)
    renewed = forge.job("pnsync-renew.yml", "renew", "schedule", forge.git("rev-parse", "main"))
    assert not renewed.failed, renewed.out
    assert "All is alive." in renewed.out
    assert len(team.live) == 7
    assert not before & {one["bind_id"] for one in nx.bindings()}
    assert nx.made_twice() == []


def test_a_pull_request_that_is_opened_after_its_push(team: Team) -> None:
    forge = team.forge
    forge.git("checkout", "-q", "-b", "change-7")
    team.project.desks([3])
    head = forge.commit("change-7")
    planned = team.plan(head)
    assert not planned.failed and "No pull request is open" in planned.out
    forge.open(7, head)

    def opened(repository: str, action: str = "opened") -> Ended:
        forge.event = {
            "github.event.action": action,
            "github.event.number": "7",
            "github.event.pull_request.head.sha": head,
            "github.event.pull_request.head.repo.full_name": repository,
        }
        return forge.job("pnsync-check.yml", "comment", "pull_request", head)

    assert opened("a-stranger/numbers").codes == {} and opened("team/numbers", "synchronize").codes == {}
    assert team.comments(7) == []
    assert not opened("team/numbers").failed
    [comment] = team.comments(7)
    assert comment["body"].startswith(team.marker) and "3 binds from this pull request" in comment["body"]
    # One comment stays one: by whoever is told first, and by every later push.
    assert "makes its comment itself" in opened("team/numbers").out
    team.project.desks([4])
    head = forge.commit("change-7")
    forge.open(7, head)
    assert not team.plan(head).failed
    [again] = team.comments(7)
    assert again["id"] == comment["id"] and "4 binds" in again["body"]


@pytest.mark.parametrize("fate", [Fate.DROPPED, Fate.ANSWER_LOST])
def test_a_cancelled_apply_is_recovered(watched: tuple[Team, Tap], fate: Fate) -> None:
    team, tap = watched
    forge = team.forge
    head = team.change(7, 3, 4)
    assert not team.plan(head).failed
    merged = forge.merge(7)
    first = forge.job("pnsync-apply.yml", "plan", "push", merged)
    assert not first.failed
    workflow: Any = YAML(typ="safe").load(team.folder / ".github/workflows/pnsync-apply.yml")
    [step] = [one for one in workflow["jobs"]["apply"]["steps"] if one.get("name") == "Apply"]
    run = forge.home / "cancelled"
    run.mkdir()
    context = {f"secrets.{key}": value for key, value in forge.secrets.items()}
    tap.hold("bindAXBExtension", 2, fate)
    process = subprocess.Popen(
        forge.shell(step, run),
        cwd=team.folder,
        env=forge.step_environment(step, context, run, merged),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    tap.wait()
    cancel(process)
    tap.release()
    out = process.stdout.read().decode() if process.stdout else ""
    assert process.returncode in (130, 143, -signal.SIGKILL), out
    # The scheduled run learns what became of the call that may have got through, and binds nothing that is new.
    renewed = forge.job("pnsync-renew.yml", "renew", "schedule", merged)
    assert not renewed.failed, renewed.out
    assert len(team.live) == (1 if fate is Fate.DROPPED else 2)
    # What was left is planned and approved anew; no binding is lost or made twice.
    _, second = team.apply(merged, "workflow_dispatch")
    assert not second.failed, second.out
    assert team.live == ["101", "102", "103", "104"]
    assert team.project.nx.made_twice() == []
    team.project.program.empty()
