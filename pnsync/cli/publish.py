"""`pnsync output`, `pnsync directory`: the numbers to dial, for applications and for people. Offline, from the state."""

import time
from typing import Any

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.offline import read_offline
from pnsync.errors import ExitCode
from pnsync.render.text import json_text


@command("output")
@click.argument("selectors", metavar="[SEL]...", nargs=-1)
@click.option(
    "--format",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="How it is written.",
)
@click.pass_obj
def output(invocation: Invocation, /, *, selectors: tuple[str, ...], format: str) -> int:
    """Write the bindings' numbers, labels, ends and status, for applications; no personal number is in it."""
    found = _published(invocation, selectors)
    if format == "csv":
        from pnsync.render.directory import csv_text

        invocation.output.out(csv_text(found), end="")
    else:
        invocation.output.out(json_text({"bindings": found}))
    return ExitCode.DONE


@command("directory")
@click.argument("selectors", metavar="[SEL]...", nargs=-1)
@click.option(
    "--format",
    type=click.Choice(["markdown", "html"]),
    default="markdown",
    show_default=True,
    help="How it is written.",
)
@click.pass_obj
def directory(invocation: Invocation, /, *, selectors: tuple[str, ...], format: str) -> int:
    """Write who is reached by which number and extension, by name: for people, and for stickers."""
    from pnsync.render.directory import directory_html, directory_markdown

    found = _published(invocation, selectors)
    invocation.output.out(directory_html(found) if format == "html" else directory_markdown(found))
    return ExitCode.DONE


def _published(invocation: Invocation, selectors: tuple[str, ...]) -> list[dict[str, Any]]:
    """What of these bindings may be told to everybody, from the state as it lies."""
    from pnsync.reports.publishing import published

    return [one.document() for one in published(read_offline(invocation).state, selectors, now=time.time())]
