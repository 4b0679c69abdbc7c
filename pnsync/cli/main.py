"""The program: its commands by name, and the one boundary where every error becomes a message and an exit code.

Promises: a command's module is imported when the command is used, so that `pnsync version` costs no more than
click; whatever happens, the exit code is a documented one and the verdict is written where `--result` asks.
"""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from pnsync.cli.command import PREFIX, Invocation, verbose_option, written_result
from pnsync.cli.output import Output, occupy_standard_streams

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("init", "Write a starter pnsync.yaml."),
    "validate": ("project", "Check the files, offline."),
    "fmt": ("fmt", "Bring the files into canonical form."),
    "diff": ("diff", "Compare what two commits declare, offline."),
    "plan": ("plan", "Compute what would change; changes nothing."),
    "show": ("plan", "Show a saved plan, or the state."),
    "apply": ("apply", "Make the vendor calls of a plan."),
    "destroy": ("apply", "Unbind all that this state made."),
    "renew": ("apply", "Renew, recover and finish what is down."),
    "refresh": ("observe", "Record in the state what the vendors list."),
    "verify": ("observe", "Compare the vendors' listings with the files."),
    "status": ("status", "Show what is down, unknown, failing or locked, offline."),
    "forecast": ("status", "Show what is renewed, ends and would lapse, by day."),
    "doctor": ("doctor", "Check keys, clocks, listings, state, lock and schedule."),
    "hold": ("holds", "Unbind a binding and keep it so, whatever the files say."),
    "release": ("holds", "End a hold."),
    "freeze": ("holds", "Refuse every apply until unfreeze."),
    "unfreeze": ("holds", "End a freeze."),
    "import": ("importing", "Take live bindings into the state."),
    "groups": ("observe", "Show number groups, their use and free extensions."),
    "who": ("who", "Tell who rings when a number is dialled."),
    "output": ("publish", "Write numbers and ends for applications; nothing personal."),
    "directory": ("publish", "Write a directory of numbers and extensions for people."),
    "numbers": ("numbers", "The files that map names to phones."),
    "find": ("numbers", "Tell which addresses use a phone."),
    "state": ("state", "Look at the state, and mend it."),
    "unlock": ("state", "Break the lock of a run that hangs."),
    "sandbox": ("sandbox", "The simulated vendors."),
    "schema": ("project", "Print the JSON Schema of the files, for editors."),
    "explain": ("project", "Explain an error code."),
    "completion": ("project", "Print the completion script of a shell."),
    "version": ("version", "Print the version."),
}
"""Every command: the module that holds it, and its line in the help."""


class Program(click.Group):
    """The group of all commands, which are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module = import_module(f"pnsync.cli.{COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name + "_" * iskeyword(cmd_name))
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a name that is none is answered with the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail("There is no such command." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The help's list, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and exit with a documented code; without `standalone_mode` return what the command returns."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        sys.exit(self._run(sys.argv[1:] if args is None else list(args)))

    def _run(self, args: list[str]) -> int:
        forbid_core_dumps()
        invocation = Invocation(os.environ, Output(os.environ), result=written_result(args))
        try:
            ended = super().main(
                args,
                prog_name="pnsync",
                standalone_mode=False,
                obj=invocation,
                auto_envvar_prefix=PREFIX,
                max_content_width=100,
            )
            quiet = not (invocation.result or invocation.json_lines or "GITHUB_ACTIONS" in os.environ)
            if isinstance(ended, int) and quiet:
                return _closed(invocation, int(ended))
        except (Exception, KeyboardInterrupt) as error:  # the one boundary
            # click puts an Abort of its own in the place of an interruption, which tells the signal.
            ended = (error.__cause__ or error) if isinstance(error, click.Abort) else error
        from pnsync.cli.ending import conclude

        return _closed(invocation, conclude(invocation, ended))


def _closed(invocation: Invocation, code: int) -> int:
    """The exit code once everything is written: a full disk behind standard output is a failure."""
    invocation.output.close()
    lost = invocation.output.failure
    if lost is not None and code == 0:
        invocation.output.err(f"error: the output could not be written\n  {lost.strerror}")
        return 1
    return code


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C", "--chdir", "folder", metavar="DIR", default="", show_envvar=False, help="Work in this folder."
)
@click.option(
    "-c",
    "--config",
    "root",
    metavar="FILE",
    default="pnsync.yaml",
    help="The root file in that folder (pnsync.yaml).",
)
@click.pass_context
def program(ctx: click.Context, folder: str, root: str) -> None:
    """Keep privacy-number bindings at telecom vendors equal to what a repository declares."""
    invocation = ctx.ensure_object(Invocation)
    invocation.folder = Path(folder)
    invocation.root = root
    if folder and not invocation.folder.is_dir():
        raise click.BadParameter("there is no such folder", param_hint="-C")


program.params.append(verbose_option())


def forbid_core_dumps() -> None:
    """Keep keys and numbers out of a dump of the process."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def main() -> NoReturn:
    """The console script."""
    occupy_standard_streams()
    os.umask(0o077)
    program.main()
    raise AssertionError("Program.main exits")
