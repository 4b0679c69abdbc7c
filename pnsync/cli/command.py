"""What every command shares: `-v` after its name, `--result FILE`, options from the environment.

`Invocation` is what the program knows before a command runs; it travels as click's `obj`. Promises: an option
named `--x-y` of `pnsync plan` is read from `PNSYNC_PLAN_X_Y`, but for what grants something (`--reveal`,
`--allow-…`), which is asked for on the command line or not at all. Must not import anything heavy.
"""

import errno
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from pnsync.cli.files import stands_in
from pnsync.cli.output import Output
from pnsync.render.text import json_text

PREFIX: Final = "PNSYNC"


@dataclass
class Invocation:
    """One run of the program: where, how loud, which command, and where its verdict goes."""

    environ: Mapping[str, str]
    output: Output
    folder: Path = field(default_factory=Path)
    root: str = "pnsync.yaml"
    verbosity: int = 0
    command: str = ""
    result: str | None = None
    json_lines: bool = False
    """Whether standard output is a stream of JSON events, whose last line is the verdict."""
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def path(self, given: str | os.PathLike[str]) -> Path:
        """A path of the command line: relative ones stand in the folder of `-C`."""
        return self.folder / given

    def target(self, given: str | os.PathLike[str]) -> Path:
        """A path that is written to. Raises OSError where it stands in the folder and a link leads out of it.

        The folder may be somebody else's branch: where its links point, nothing is written. What the command line
        itself names elsewhere (`/dev/stdout`, `../plan`) is the operator's own.
        """
        path = self.path(given)
        root = os.path.realpath(self.folder)
        here = Path.cwd()
        named = os.path.normpath(here / path)  # a `..` by its words, not by where links lead
        ours = any(Path(named).is_relative_to(one) for one in (root, os.path.normpath(here / self.folder)))
        if ours and not stands_in(path, self.folder):
            raise OSError(errno.ELOOP, "a symbolic link leads out of the folder", str(path))
        return path

    def again(self, rest: str) -> str:
        """A command line for the same folder and root file, to be shown to people."""
        parts = ["pnsync"]
        if self.folder != Path():
            parts += ["-C", _quoted(str(self.folder))]
        if self.root != "pnsync.yaml":
            parts += ["-c", _quoted(self.root)]
        return " ".join([*parts, rest])

    def event(self, body: Mapping[str, Any]) -> None:
        """Write one line of the event stream."""
        line = json_text(body, indent=None)
        with self._writing:
            self.output.out(line)


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)


class Command(click.Command):
    """A command with the options that all have. Its callback returns a Verdict, an exit code, or nothing for 0."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, verbose_option(), _result_option()]
        for one in self.params:
            if isinstance(one, click.Option) and grants(one):
                one.allow_from_autoenv = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the command, and where its verdict goes, before anything in its arguments can be refused."""
        invocation = ctx.find_object(Invocation)
        if invocation is not None:
            invocation.command = ctx.command_path.partition(" ")[2]
            invocation.result = written_result(args) or invocation.environ.get(
                f"{ctx.auto_envvar_prefix}_RESULT"
            )
            streams = any(isinstance(one, Stream) for one in self.params)
            invocation.json_lines = streams and "--json" in args
        return super().parse_args(ctx, args)


class Stream(click.Option):
    """`--json` of a command whose standard output it turns into a stream of events."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, callback=_set_stream, is_eager=True, **kwargs)


def _set_stream(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    invocation = ctx.find_object(Invocation)
    if invocation is not None:
        invocation.json_lines = value
    return value


def grants(option: click.Option) -> bool:
    """Whether an option permits what is otherwise refused, so that no environment may set it."""
    return any(name == "--reveal" or name.startswith("--allow-") for name in option.opts)


def verbose_option() -> click.Option:
    """`-v`: more is told; twice, for the people who mend pnsync."""
    return click.Option(
        ["-v", "--verbose"],
        count=True,
        expose_value=False,
        callback=_add_verbosity,
        help="Tell more (-vv: also for those who mend pnsync).",
    )


def _add_verbosity(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    invocation = ctx.find_object(Invocation)
    if invocation is not None:
        invocation.verbosity += value


def _result_option() -> click.Option:
    return click.Option(
        ["--result"],
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_set_result,
        help="Write the verdict as JSON to FILE, also when the command fails.",
    )


def _set_result(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    invocation = ctx.find_object(Invocation)
    if invocation is not None and value:
        invocation.result = value


def written_result(args: Sequence[str]) -> str | None:
    """The value of `--result` as it stands in the arguments, which may be refused for another reason."""
    found = None
    for i, one in enumerate(args):
        if one == "--":
            break
        if one.startswith("--result="):
            found = one.partition("=")[2]
        elif one == "--result" and i + 1 < len(args):
            found = args[i + 1]
    return found


class Family(click.Group):
    """A command of commands, such as `pnsync state`."""

    command_class = Command


def command(name: str, **attributes: Any) -> Callable[[Callable[..., object]], Command]:
    """The decorator of every command: `@command("plan")`."""
    return click.command(name, cls=Command, **attributes)
