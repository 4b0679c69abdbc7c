"""`pnsync init`: a starter project, whose state exists from the first moment."""

import os
from pathlib import PurePath
from typing import Final

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.files import PRIVATE, replace_file
from pnsync.cli.pipelines import pipelines
from pnsync.cli.starter import EXAMPLE, NUMBERS_FILE, SEALED_FILE, ignoring, numbers_text, root_text
from pnsync.config.recipients import recipient_fault
from pnsync.errors import ExitCode, UsageError
from pnsync.render.text import escape


@command("init")
@click.option("--github", is_flag=True, help="Also write workflows for GitHub Actions.")
@click.option("--gitlab", is_flag=True, help="Also write a pipeline for GitLab CI.")
@click.option(
    "--recipient",
    multiple=True,
    metavar="AGE1",
    help="Seal the state and the numbers to this age recipient, so that the numbers can be committed.",
)
@click.pass_obj
def init(invocation: Invocation, github: bool, gitlab: bool, recipient: tuple[str, ...]) -> int:
    """Write a starter pnsync.yaml, with its state, numbers and .gitignore; overwrites nothing.

    Where the root file is there already, --github and --gitlab write their files for it.
    """
    from pnsync.cli.session import new_holder, open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.model import StateConfig

    root = invocation.target(invocation.root)
    kinds = [kind for kind, wanted in (("github", github), ("gitlab", gitlab)) if wanted]
    for one in recipient:
        fault = recipient_fault(one)
        if fault:
            raise UsageError("a recipient is not one", f"{fault}.")
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
    settings: dict[str, object] = {"path": state}
    if recipient:
        settings["encryption"] = {"recipients": list(recipient), "enforced": True}
    numbers_file = SEALED_FILE if recipient else NUMBERS_FILE
    root.parent.mkdir(parents=True, exist_ok=True)
    with Signals(gentle=True) as signals:
        clock = SystemClock(signals)
        store = open_store(StateConfig("local", settings), None, invocation, clock)
        made = store.create(new_holder(invocation, clock))
        ignore = invocation.target(".gitignore")
        known = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
        if ignoring(known) != known:
            replace_file(ignore, ignoring(known).encode())
        numbers = root.with_name(numbers_file)
        kept = os.path.lexists(numbers)
        if not kept:
            replace_file(numbers, _numbers(recipient), mode=PRIVATE)
        replace_file(root, root_text(made.lineage, state, recipient).encode())
        if kinds:
            _write_pipelines(invocation, kinds, made.lineage)
    output = invocation.output
    output.out(
        f"Wrote {root}, {'' if kept else f'{numbers_file}, '}an empty state ({invocation.path(state)}) and .gitignore. "
        "See what it would do:"
    )
    if kept:
        output.err(
            f"{numbers_file} was there and is left as it is; the starter uses the name {EXAMPLE} of it:"
        )
        output.err(f"    {invocation.again(f'numbers add {EXAMPLE}')}")
    output.out(f"    {invocation.again('plan')}")
    return ExitCode.DONE


def _numbers(recipients: tuple[str, ...]) -> bytes:
    """The bytes of the file of numbers."""
    from pnsync.sealing.identity import seal_to

    text = numbers_text(clear=not recipients).encode()
    return seal_to(text, recipients, armoured=True) if recipients else text


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
            target = invocation.target(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, text.encode())
            invocation.output.out(f"Wrote {escape(path)}.")
        invocation.output.told(NEEDS[kind], "")
    _tell_of_numbers(invocation)


def _tell_of_numbers(invocation: Invocation) -> None:
    """What a pipeline lacks where numbers are kept in clear, which Git does not carry."""
    from pnsync.cli.numberfiles import rooted
    from pnsync.config.opening import SEALED

    clear = [one for one in rooted(invocation).patterns if not one.endswith(SEALED)]
    if clear and invocation.path(clear[0]).exists() and not _is_sops(invocation, clear[0]):
        invocation.output.told(
            f"{escape(clear[0])} is in clear and Git does not carry it, so that pipelines have no numbers. Seal it, commit the "
            "sealed file, name it under `numbers:`, and give the pipelines PNSYNC_AGE_IDENTITY:",
            "",
        )
        invocation.output.out(f"    age -a -r age1… -o {escape(clear[0])}.age {escape(clear[0])}")


def _is_sops(invocation: Invocation, name: str) -> bool:
    from pnsync.config.opening import sops_metadata

    return sops_metadata(invocation.path(name).read_bytes(), name) is not None


NEEDS: Final = {
    "github": "Make the environments pnsync-plan, pnsync-apply (with reviewers) and pnsync-renew, and give them the keys; "
    "keep the state off the runner (state: {backend: ..} in the root file).",
    "gitlab": "Protect the environments pnsync/plan, pnsync/apply and pnsync/renew, give them the keys and "
    "PNSYNC_GITLAB_TOKEN, and make a pipeline schedule; keep the state off the runner.",
}
