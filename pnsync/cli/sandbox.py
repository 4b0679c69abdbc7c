"""`pnsync sandbox`: the simulated vendors for programs that speak HTTP."""

import errno
from typing import Final

import click

from pnsync.cli.command import Family, Invocation
from pnsync.errors import ExitCode, PnsyncError

DEFAULT_PORT: Final = 8571


@click.group("sandbox", cls=Family)
def sandbox() -> None:
    """The simulated vendors."""


@sandbox.command("serve")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="N",
    help="The port on loopback; 0 takes a free one.",
)
@click.pass_obj
def serve(invocation: Invocation, port: int) -> int:
    """Serve both simulated vendors on loopback, until interrupted; accounts are kept in state/."""
    from pnsync.sandbox.server import serve as serve_until_stopped

    folder = invocation.target("state")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def bound(number: int) -> None:
        output = invocation.output
        output.out(f"nxcloud  http://127.0.0.1:{number}/nxcloud/api/pns/")
        output.out(f"laaffic  http://127.0.0.1:{number}/laaffic/v3/number")
        output.out("Both take sandbox as key and as secret. Stop with Ctrl-C.")

    try:
        serve_until_stopped(port, folder, on_bound=bound)
    except KeyboardInterrupt:
        return ExitCode.SIGINT
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PnsyncError(
            f"port {port} cannot be taken",
            f"{error.strerror}. Another one, or any that is free:",
            command="pnsync sandbox serve --port 0",
        ) from None
    return ExitCode.DONE
