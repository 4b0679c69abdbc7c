"""`pnsync version`: by itself, so that it imports nothing."""

import click

from pnsync.cli import VERSION
from pnsync.cli.command import Invocation, command


@command("version")
@click.pass_obj
def version(invocation: Invocation) -> int:
    """Print the version."""
    invocation.output.out(f"pnsync {VERSION}")
    return 0
