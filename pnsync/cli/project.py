"""The commands about the files themselves: validate, schema, explain, completion. None of them calls a vendor."""

import textwrap

import click

from pnsync.cli.actions import annotate, folder_in_repository
from pnsync.cli.command import Invocation, command
from pnsync.errors import ConfigError, Diagnostic, ExitCode, Severity, UsageError
from pnsync.render.units import counted

SHELLS = ("bash", "zsh", "fish")


@command("validate")
@click.option(
    "--format",
    type=click.Choice(["text", "json", "github", "sarif", "gitlab"]),
    default="text",
    show_default=True,
    help="How findings are written.",
)
@click.pass_obj
def validate(invocation: Invocation, format: str) -> int:
    """Check the files, offline: every finding in one run."""
    from pnsync.config import Reading, load

    try:
        desired = load(
            invocation.folder, invocation.root, environ=invocation.environ, reading=Reading.AVAILABLE
        )
        found, summary = desired.diagnostics, ""
        files = counted(len(desired.files), "file")
        parts = (
            counted(len(desired.bindings), "binding"),
            counted(len(desired.groups), "group"),
            counted(len(desired.providers), "provider"),
        )
        summary = f"ok: {', '.join(parts)} in {files}"
    except ConfigError as error:
        if format == "text":
            raise
        found, summary = error.diagnostics, ""
    _write_findings(invocation, format, found, summary)
    if format != "github":
        annotate(invocation, found)
    failed = any(one.severity is Severity.ERROR for one in found)
    return ExitCode.USAGE if failed else ExitCode.DONE


def _write_findings(invocation: Invocation, format: str, found: tuple[Diagnostic, ...], summary: str) -> None:
    from pnsync.render.diagnostics import as_github, as_json

    output = invocation.output
    match format:
        case "json":
            output.out(as_json(found), end="")
        case "github":
            output.annotations(as_github(found, folder=folder_in_repository(invocation)), error=False)
        case "sarif":
            from pnsync.cli import VERSION
            from pnsync.cli.pages import titles
            from pnsync.render.reports import as_sarif

            folder = folder_in_repository(invocation)
            written = as_sarif(found, version=VERSION, titles=titles(), root=invocation.root, folder=folder)
            output.out(written, end="")
        case "gitlab":
            from pnsync.render.reports import as_gitlab

            folder = folder_in_repository(invocation)
            output.out(as_gitlab(found, root=invocation.root, folder=folder), end="")
        case _:
            if found:
                from pnsync.cli.findings import findings_text

                output.out(findings_text(invocation, found, colour=output.out_colour) + "\n")
            output.out(summary)


@command("schema")
@click.option("--out", metavar="FILE", help="Write it to FILE instead of standard output.")
@click.pass_obj
def schema(invocation: Invocation, out: str | None) -> int:
    """Print the JSON Schema of the files, for editors."""
    import json

    from pnsync.cli.files import replace_file
    from pnsync.config.editor_schema import editor_schema

    text = json.dumps(editor_schema(), indent=2) + "\n"
    if out is None:
        invocation.output.out(text, end="")
    else:
        replace_file(invocation.target(out), text.encode())
    return ExitCode.DONE


@command("explain")
@click.argument("code", required=False)
@click.pass_obj
def explain(invocation: Invocation, code: str | None) -> int:
    """Explain an error code; without CODE list them all."""
    from pnsync.cli.pages import page, titles

    if code is None:
        invocation.output.out("\n".join(f"{one}  {title}" for one, title in titles().items()))
        return ExitCode.DONE
    found = page(code)
    if found is None:
        raise UsageError("there is no such code", "All of them:", command="pnsync explain")
    columns = min(invocation.output.columns or 100, 100)
    parts = [textwrap.fill(f"{code.strip().upper()}: {found.title}", columns)]
    told = found.text.removeprefix(found.title).removeprefix(".").strip()
    parts += [textwrap.fill(one, columns) for one in told.split("\n\n")]
    if found.example:
        parts.append(textwrap.indent(found.example.rstrip("\n"), "    "))
    invocation.output.out("\n\n".join(parts))
    return ExitCode.DONE


@command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the completion script of a shell, to be sourced by it."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    invocation = context.find_object(Invocation)
    assert invocation is not None
    script = found(context.find_root().command, {}, "pnsync", "_PNSYNC_COMPLETE")
    invocation.output.out(script.source(), end="")
    return ExitCode.DONE
