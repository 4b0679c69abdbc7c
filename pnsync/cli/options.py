"""Options that several commands share, and the types of their values."""

from collections.abc import Callable
from typing import Any, Final

import click

from pnsync.cli.command import Stream

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of click only
    """`0`, `90s`, `15m`, `24h`, `3d`, `2w`, or seconds; as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds."""
        from pnsync.config.scalars import duration

        if isinstance(value, int):
            return value
        try:
            return 0 if value == "0" else duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Instant(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of click only
    """An RFC 3339 instant; as epoch seconds."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch seconds."""
        from pnsync.config.scalars import instant

        if isinstance(value, int):
            return value
        try:
            return instant(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Deadline(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of click only
    """A duration from now, or an RFC 3339 instant; as seconds from now."""

    name = "deadline"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from now, 0 where the instant has passed."""
        from time import time

        from pnsync.config.scalars import duration, instant

        if isinstance(value, int | float):
            return float(value)
        try:
            return float(duration(value))
        except ValueError:
            pass
        try:
            return max(0.0, instant(value) - time())
        except ValueError:
            self.fail("write a duration (25m) or an RFC 3339 instant", param, ctx)


class Rate(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of click only
    """Calls a second, more than 0."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Calls a second."""
        try:
            found = float(value)
        except ValueError:
            found = 0.0
        if not 0 < found <= 10_000:
            self.fail("write calls a second, more than 0: 5, 0.5", param, ctx)
        return found


class ShardType(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of click only
    """`i/n`: the i-th of n runs, from 0; None for the only one, which is a run like any other."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A Shard, None for 0/1."""
        from pnsync.scope import Shard, read_shard

        if isinstance(value, Shard):
            return value
        try:
            found = read_shard(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return found if found.count > 1 else None


DURATION: Final = Duration()
INSTANT: Final = Instant()
DEADLINE: Final = Deadline()
RATE: Final = Rate()


def together(*decorators: Decorator) -> Decorator:
    """Several decorators as one, in the order in which the help shows them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for one in reversed(decorators):
            function = one(function)
        return function

    return decorate


scope_options: Final = together(
    click.option(
        "--target",
        metavar="SEL",
        multiple=True,
        help="Only this: an address, a glob, label=value or provider=NAME. May stand several times.",
    ),
    click.option("--exclude", metavar="SEL", multiple=True, help="Not this; as --target."),
)

limit_option: Final = click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="At most N changes of the files' in this run; the rest waits for the next.",
)

shard_option: Final = click.option(
    "--shard",
    type=ShardType(),
    metavar="I/N",
    help="Be the I-th of N runs (0/4 to 3/4) that share the work and the rate; for PostgreSQL and object stores.",
)

lock_timeout_option: Final = click.option(
    "--lock-timeout", type=DURATION, metavar="T", help="How long to wait for another run (0s; 15m in CI)."
)

allow_options: Final = together(
    click.option(
        "--allow-unbind", type=click.IntRange(0), metavar="N", help="Permit exactly N unbinds over the limit."
    ),
    click.option(
        "--allow-rebind", type=click.IntRange(0), metavar="N", help="Permit exactly N rebinds over the limit."
    ),
    click.option(
        "--allow-missing",
        type=click.IntRange(0),
        metavar="N",
        help="Permit exactly N bindings that the vendor no longer lists.",
    ),
)

json_option: Final = click.option(
    "--json", is_flag=True, cls=Stream, help="Write one JSON event a line; the last is the verdict."
)

detailed_exitcode_option: Final = click.option(
    "--detailed-exitcode", is_flag=True, help="Exit 2 where there are differences."
)

max_chars_option: Final = click.option(
    "--max-chars",
    type=click.IntRange(1_500),
    metavar="N",
    help="The room of a comment for --format markdown (60000); what is left out is counted.",
)
marker_option: Final = click.option(
    "--marker",
    metavar="KEY",
    default="",
    help="For --format markdown: what the hidden first line names, to find the comment again (the lineage).",
)
