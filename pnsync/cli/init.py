"""`pnsync init`: a starter project, whose state exists from the first moment."""

import os
from pathlib import PurePath

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.files import replace_file
from pnsync.cli.starter import ignoring, root_text
from pnsync.errors import ExitCode, UsageError


@command("init")
@click.pass_obj
def init(invocation: Invocation) -> int:
    """Write a starter pnsync.yaml, with its state and .gitignore; overwrites nothing."""
    from pnsync.cli.session import new_holder, open_store
    from pnsync.cli.signals import Signals, SystemClock
    from pnsync.model import StateConfig

    root = invocation.path(invocation.root)
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
        replace_file(root, root_text(made.lineage, state).encode())
    output = invocation.output
    output.out(
        f"Wrote {root}, an empty state ({invocation.path(state)}) and .gitignore. See what it would do:"
    )
    output.out(f"    {invocation.again('plan')}")
    return ExitCode.DONE
