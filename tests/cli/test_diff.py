"""`pnsync diff`: what two commits declare, from Git's objects alone."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from markdown_it import MarkdownIt

Run = Callable[..., Result]
ROOT = """\
version: 1
include: ["bindings/*"]
providers:
  nx: {type: nxcloud}
defaults: {provider: nx, mode: axb, expires_in: 1d}
tables: {"bindings/*.csv": {name: "c-{id}", expires_in: 2d}}
groups: {people: {provider: nx, holds: people, phones: [447700900801, 447700900802]}}
"""
BIG = 300


def git(*words: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *who, *words], env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def axb(i: int, more: str = "") -> str:
    return f"{{phone_a: 447700{i:06}, phone_b: 447701{i:06}{more}}}"


def commit(**files: str) -> str:
    for name, text in files.items():
        path = Path(name.replace("__", "/").replace("_yaml", ".yaml").replace("_csv", ".csv"))
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    git("add", "-A", ".")
    git("commit", "-qm", "x", "--allow-empty")
    return git("rev-parse", "HEAD")


@pytest.fixture
def repository(run: Run) -> Run:
    """A repository with one commit."""
    git("init", "-q", "-b", "main")
    rides = "bindings:\n" + "".join(f"  r-{i}: {axb(i)}\n" for i in range(BIG))
    commit(
        pnsync_yaml=ROOT,
        bindings__rides_yaml=rides,
        bindings__own_yaml=f"bindings:\n  own: {axb(900, ', expires_in: 3d')}\n  gone: {axb(901)}\n",
        bindings__c_csv="id,phone_a,phone_b\n1,447700900951,447700900952\n",
    )
    return run


def document(run: Run, *args: str) -> dict[str, Any]:
    ended = run("diff", *args, "--format", "json")
    assert ended.exit_code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_nothing_differs(repository: Run) -> None:
    ended = repository("diff", "HEAD", "--detailed-exitcode")
    assert (ended.exit_code, ended.stdout) == (0, "HEAD → the working tree: no difference\n")


def test_bindings_groups_and_settings(repository: Run) -> None:
    own = f"bindings:\n  own: {axb(900, ', expires_in: 3d, recording: true')}\n  new: {axb(902)}\n"
    root = ROOT.replace("447700900802", "447700900803") + "policy: {max_unbind: 5}\n"
    commit(
        pnsync_yaml=root,
        bindings__own_yaml=own,
        bindings__c_csv="id,phone_a,phone_b\n1,447700900951,447700900953\n",
    )
    found = document(repository, "HEAD~1", "HEAD")
    assert found["summary"] == {"added": 1, "removed": 1, "changed": 3, "moved": 0, "unchanged": BIG}
    assert found["settings"] == ["policy"]
    by = {one["address"]: one for one in found["changes"]}
    assert by["bindings.own"]["before"] == {} or by["bindings.own"]["after"]["recording"] is True
    assert by["bindings.gone"]["action"] == "removed"
    assert by["bindings.c-1"]["source"] == {"file": "bindings/c.csv", "line": 2}
    assert set(by["groups.people"]["after"]) == {"phones"}
    text = repository("diff", "HEAD~1", "HEAD", "--detailed-exitcode")
    assert text.exit_code == 2
    for out in (json.dumps(found), text.stdout):
        assert "447700" not in out and "447701" not in out
    assert (
        text.stdout.index("- bindings.gone")
        < text.stdout.index("~ bindings.own")
        < text.stdout.index("+ bindings.new")
    )
    assert "\n      expires_in: 1d\n" in text.stdout, "as files write it"


def test_a_changed_default_says_how_many_bindings_it_reaches(repository: Run) -> None:
    commit(pnsync_yaml=ROOT.replace("expires_in: 1d", "expires_in: 12h"))
    found = document(repository, "HEAD~1", "HEAD")
    assert found["defaults"] == [
        {"file": "pnsync.yaml", "key": "expires_in", "before": "1d", "after": "12h", "bindings": BIG + 1}
    ]
    assert all(one["by_default"] for one in found["changes"])
    assert repository("diff", "HEAD~1", "HEAD").stdout == (
        f"HEAD~1 → HEAD: {BIG + 1} changed\n"
        f"  ~ pnsync.yaml: defaults.expires_in 1d → 12h, which reaches {BIG + 1} bindings\n"
        f"  {BIG + 1} bindings changed by these defaults alone\n"
    )


def test_a_default_of_a_file_reaches_its_own_bindings(repository: Run) -> None:
    text = Path("bindings/own.yaml").read_text()
    commit(bindings__own_yaml="defaults: {recording: true, expires_in: 5d}\n" + text)
    found = document(repository, "HEAD~1", "HEAD")
    reach = {one["key"]: one["bindings"] for one in found["defaults"]}
    assert reach == {"recording": 2, "expires_in": 1}


def test_a_default_of_the_root_does_not_reach_where_a_file_has_its_own(repository: Run) -> None:
    text = Path("bindings/own.yaml").read_text()
    commit(bindings__own_yaml="defaults: {expires_in: 5d}\n" + text)
    commit(
        pnsync_yaml=ROOT.replace("expires_in: 1d", "expires_in: 12h"),
        bindings__own_yaml="defaults: {expires_in: 6d}\n" + text,
    )
    found = document(repository, "HEAD~1", "HEAD")
    assert {one["file"]: one["bindings"] for one in found["defaults"]} == {
        "pnsync.yaml": BIG,
        "bindings/own.yaml": 1,
    }


def test_a_key_of_a_table_reaches_its_rows_that_have_no_such_cell(repository: Run) -> None:
    head = "id,phone_a,phone_b,expires_in\n"
    rows = "".join(f"{i},4477009{i:05},4477019{i:05},{'5d' if i % 10 == 0 else ''}\n" for i in range(1, 101))
    commit(bindings__c_csv=head + rows)
    commit(pnsync_yaml=ROOT.replace("expires_in: 2d", "expires_in: 3d"))
    found = document(repository, "HEAD~1", "HEAD")
    assert found["defaults"] == [
        {"file": "bindings/c.csv", "key": "expires_in", "before": "2d", "after": "3d", "bindings": 90}
    ]
    assert all(one["by_default"] for one in found["changes"]) and len(found["changes"]) == 90
    text = repository("diff", "HEAD~1", "HEAD").stdout
    assert "  ~ bindings/c.csv: tables.expires_in 2d → 3d, which reaches 90 bindings\n" in text
    assert len(text.splitlines()) == 3


def test_markdown_fits_and_cannot_be_broken_out_of(repository: Run) -> None:
    many = "".join(f"  x-{i}: {axb(10_000 + i, ', labels: {a: EVIL}')}\n" for i in range(3000))
    commit(
        bindings__more_yaml="bindings:\n" + many.replace("EVIL", '"| </details> @everyone `x` [a](http://x)"')
    )
    ended = repository("diff", "HEAD~1", "HEAD", "--format", "markdown", "--max-chars", "20000")
    assert ended.exit_code == 0
    assert len(ended.stdout) <= 20_000
    assert "**Not shown for want of room: 2," in ended.stdout
    html = MarkdownIt("commonmark").enable("table").render(ended.stdout)
    assert "<table>" in html
    assert "</details>" not in html and "<a " not in html
    assert all("@everyone" not in part.split("</code>")[-1] for part in html.split("<code>"))


def test_a_folder_below_the_repository_s_top(repository: Run) -> None:
    small = f"version: 1\nproviders: {{nx: {{type: nxcloud}}}}\nbindings:\n  a: {axb(5, ', provider: nx, mode: axb, expires_in: 1d')}\n"
    commit(sub__pnsync_yaml=small)
    ended = repository("-C", "sub", "diff", "HEAD")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.endswith("no difference\n")


def test_what_cannot_be_compared(repository: Run) -> None:
    assert "there is no such commit" in repository("diff", "nowhere").output
    assert repository("diff", "--", "--output=x").exit_code == 8
    assert "pnsync diff main HEAD\n" in repository("diff", "main..").output
    assert "pnsync diff main HEAD\n" in repository("diff", "main...HEAD").output
    assert not Path("x").exists()
    commit(bindings__own_yaml="bindings:\n  bad: {provider: nx}\n")
    ended = repository("diff", "HEAD", "HEAD~1")
    assert ended.exit_code == 8
    assert "the files of HEAD are not valid" in ended.output
    assert "bindings/own.yaml:2" in ended.output


def test_a_link_in_a_commit_is_not_followed(repository: Run) -> None:
    Path("bindings/link.yaml").symlink_to("/etc/passwd")
    commit()
    ended = repository("diff", "HEAD~1", "HEAD")
    assert ended.exit_code == 8
    assert "this is not a regular file: bindings/link.yaml" in ended.output


def test_no_state_no_key_no_hook(repository: Run) -> None:
    hook = Path(".git/hooks/post-checkout")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    git("config", "core.fsmonitor", "touch ran")
    assert repository("diff", "HEAD").exit_code == 0
    assert not Path("ran").exists()
    assert not Path("state").exists()


def test_outside_a_repository(run: Run) -> None:
    ended = run("diff", "HEAD")
    assert ended.exit_code == 8


# -- numbers apart from bindings -------------------------------------------------------------------------------------

NAMED = """\
version: 1
numbers: [numbers.yaml, west.yaml.age, east.sops.yaml]
providers:
  nx: {type: nxcloud}
defaults: {provider: nx, mode: axb, expires_in: 1d}
policy: {numbers: named}
groups: {people: {provider: nx, holds: people, phones: [alice, carol]}}
bindings:
  ride: {phone_a: alice, phone_b: bob}
  desk: {mode: axb_extension, phone_a: bob, phone_x: 447401264117, extension: 101}
  ring: {mode: axg, phone_a: bob, group: people, phone_b: alice, phone_x: 85235753351}
"""


def test_no_key_and_no_number_is_needed(repository: Run) -> None:
    """The files of numbers are not in Git, or sealed: a fork's pull request is compared all the same."""
    commit(pnsync_yaml=NAMED, bindings__own_yaml="", bindings__rides_yaml="")
    named = NAMED.replace("phone_b: bob", "phone_b: dave").replace("[alice, carol]", "[alice, erin]")
    commit(pnsync_yaml=named)
    found = document(repository, "HEAD~1", "HEAD")
    assert {one["address"]: (one["before"], one["after"]) for one in found["changes"]} == {
        "bindings.ride": ({"phone_b": "bob"}, {"phone_b": "dave"}),
        "groups.people": ({"phones": ["alice", "carol"]}, {"phones": ["alice", "erin"]}),
    }
    assert (found["numbers"], found["summary"]["unchanged"]) == ([], 2)
    Path("numbers.yaml").write_text("alice: 447700900123\nbob: 447700900124\n")
    assert document(repository, "HEAD")["changes"] == []
    literal = NAMED.replace("phone_b: bob", "phone_b: 447700900777")
    commit(pnsync_yaml=literal)
    text = repository("diff", "HEAD~1").stdout
    assert "phone_b: dave → 44••••77" in text


def test_what_a_file_of_numbers_says_otherwise(repository: Run) -> None:
    files = {"bindings__own_yaml": "", "bindings__rides_yaml": ""}
    commit(
        pnsync_yaml=NAMED, numbers_yaml="alice: 447700900123\nbob: 447700900124\nzoe: 447700900125\n", **files
    )
    Path("west.yaml.age").write_bytes(b"one")
    commit()
    Path("west.yaml.age").write_bytes(b"two")
    Path("east.sops.yaml").write_text("carol: ENC[x]\nsops: {mac: x}\n")
    commit(numbers_yaml="alice: 447700900129\nbob: +44 7700 900124\ndave: 447700900126\n")
    found = document(repository, "HEAD~1", "HEAD")
    assert found["changes"] == []
    assert [(one["file"], one["action"], one["name"], one["bindings"]) for one in found["numbers"]] == [
        ("east.sops.yaml", "added", None, None),
        ("numbers.yaml", "changed", "alice", 2),
        ("west.yaml.age", "changed", None, None),
    ]
    ended = repository("diff", "HEAD~1", "HEAD", "--detailed-exitcode")
    assert ended.exit_code == 2
    assert "HEAD~1 → HEAD: 3 changes of numbers\n" in ended.stdout
    assert "→ 44••••29" in ended.stdout and ", which reaches 2 bindings\n" in ended.stdout
    assert "  ~ west.yaml.age: changed; it is sealed, so that no more is told\n" in ended.stdout
    written = repository("diff", "HEAD~1", "HEAD", "--format", "markdown").stdout
    assert "**2 bindings**" in written
    assert "4477009" not in ended.stdout + written + json.dumps(found)
