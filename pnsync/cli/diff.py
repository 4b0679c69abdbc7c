"""`pnsync diff`: what two commits declare, offline: no state, no key, no network, so that it is safe for forks."""

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.options import detailed_exitcode_option, max_chars_option
from pnsync.errors import ConfigError, ExitCode, UsageError
from pnsync.render.text import escape, json_text

WORKING_TREE = "the working tree"


@command("diff")
@click.argument("rev")
@click.argument("other", metavar="[REV]", required=False)
@click.option(
    "--format",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@max_chars_option
@detailed_exitcode_option
@click.pass_obj
def diff(
    invocation: Invocation,
    /,
    *,
    rev: str,
    other: str | None,
    format: str,
    max_chars: int | None,
    detailed_exitcode: bool,
) -> int:
    """Compare what commit REV declares with another, or with the files as they are here. Works offline."""
    from pnsync.config import FolderSource, Reading, Source, load_source
    from pnsync.config.difference import Written, compare, document, written
    from pnsync.config.revisions import GitRevision
    from pnsync.masking import Masker, new_key
    from pnsync.model import Desired
    from pnsync.render.difference import MAX_CHARS, difference_markdown, difference_text

    if ".." in rev and other is None:
        first_name, _, second_name = rev.partition("..")
        raise UsageError(
            "two commits are two arguments",
            "A range does not say which files to compare.",
            command=f"pnsync diff {first_name.strip('.') or 'HEAD'} {second_name.strip('.') or 'HEAD'}",
        )
    path = invocation.environ.get("PATH")

    def side(name: str | None) -> tuple[str, Desired, Written]:
        source: Source
        if name is None:
            shown, source = WORKING_TREE, FolderSource(invocation.folder)
        else:
            source = GitRevision(invocation.folder, name, path=path)
            shown = name if name != source.commit else name[:12]
        try:
            desired = load_source(source, invocation.root, environ=invocation.environ, reading=Reading.NAMES)
        except ConfigError as error:
            if name is None:
                raise
            first = error.diagnostics[0]
            place = f"{first.span.file}:{first.span.line}: " if first.span else ""
            raise UsageError(
                f"the files of {escape(shown)} are not valid",
                f"{place}{first.code}: {first.summary}",
                "Check that commit out, and see all that is wrong:",
                command="pnsync validate",
            ) from None
        return shown, desired, written(source, desired)

    first, second = side(rev), side(other)
    found = compare(first[1], second[1], first[2], second[2])
    shown = document(found, (first[0], second[0]), Masker(new_key(), ""))
    match format:
        case "json":
            invocation.output.out(json_text(shown))
        case "markdown":
            invocation.output.out(difference_markdown(shown, max_chars=max_chars or MAX_CHARS), end="")
        case _:
            invocation.output.out(difference_text(shown))
    differs = bool(found.changed or found.settings or found.defaults or found.numbers)
    return ExitCode.DIFFERENCES if detailed_exitcode and differs else ExitCode.DONE
