"""`pnsync init`: a starter project, whose state exists from the first moment."""

import os
from pathlib import PurePath
from typing import Final

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.files import PRIVATE, replace_file
from pnsync.cli.pipelines import pipelines
from pnsync.cli.starter import NUMBERS, NUMBERS_FILE, ignoring, root_text
from pnsync.errors import ExitCode, UsageError
from pnsync.render.text import escape


@command("init")
@click.option("--github", is_flag=True, help="Also write workflows for GitHub Actions.")
@click.option("--gitlab", is_flag=True, help="Also write a pipeline for GitLab CI.")
@click.pass_obj
def init(invocation: Invocation, github: bool, gitlab: bool) -> int:
    """Write a starter pnsync.yaml, with its state and .gitignore; overwrites nothing.

    Where the root file is there already, --github and --gitlab write their files for it.
    """
    from pnsync.cli.session import new_holder, open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.model import StateConfig

    root = invocation.path(invocation.root)
    kinds = [kind for kind, wanted in (("github", github), ("gitlab", gitlab)) if wanted]
    if kinds and os.path.lexists(root):
        _write_pipelines(invocation, kinds, _lineage(invocation))
        return ExitCode.DONE
    _refuse_existing(invocation, kinds)
    if os.path.lexists(root):
        raise UsageError(
            "the root file exists already",
            f"{root} is left as it is.",
            "See what it would change:",
            command="pnsync plan",
        )
    state = f"state/{PurePath(invocation.root).stem}.state.json"
    root.parent.mkdir(parents=True, exist_ok=True)
    with Signals(gentle=True) as signals:
        clock = SystemClock(signals)
        store = open_store(StateConfig("local", {"path": state}), None, invocation, clock)
        made = store.create(new_holder(invocation, clock))
        ignore = invocation.path(".gitignore")
        known = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
        if ignoring(known) != known:
            replace_file(ignore, ignoring(known).encode())
        numbers = root.with_name(NUMBERS_FILE)
        if not os.path.lexists(numbers):
            replace_file(numbers, NUMBERS.encode(), mode=PRIVATE)
        replace_file(root, root_text(made.lineage, state).encode())
        if kinds:
            _write_pipelines(invocation, kinds, made.lineage)
    output = invocation.output
    output.out(
        f"Wrote {root}, {NUMBERS_FILE}, an empty state ({invocation.path(state)}) and .gitignore. See what it would do:"
    )
    output.out(f"    {invocation.again('plan')}")
    return ExitCode.DONE


def _lineage(invocation: Invocation) -> str:
    """The lineage that the files name; else a word that stands for the only state."""
    from pnsync.config import load

    return load(invocation.folder, invocation.root, environ=invocation.environ).lineage or "state"


def _refuse_existing(invocation: Invocation, kinds: list[str]) -> None:
    for kind in kinds:
        for path in pipelines(kind, ""):
            if os.path.lexists(invocation.path(path)):
                raise UsageError(
                    "a workflow file exists already",
                    f"{escape(path)} is left as it is, and nothing was written.",
                    "Move it away to have it written anew.",
                )


def _write_pipelines(invocation: Invocation, kinds: list[str], lineage: str) -> None:
    """Write the workflow files, none over another; say what they need."""
    _refuse_existing(invocation, kinds)
    for kind in kinds:
        for path, text in pipelines(kind, lineage).items():
            target = invocation.path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, text.encode())
            invocation.output.out(f"Wrote {escape(path)}.")
        invocation.output.out(NEEDS[kind])


NEEDS: Final = {
    "github": "Make the environments pnsync-plan, pnsync-apply (with reviewers) and pnsync-renew, and give them the keys; "
    "keep the state off the runner (state: {backend: ..} in the root file).",
    "gitlab": "Protect the environments pnsync/plan, pnsync/apply and pnsync/renew, give them the keys and "
    "PNSYNC_GITLAB_TOKEN, and make a pipeline schedule; keep the state off the runner.",
}
