"""`pnsync fmt`: the files in canonical form; what cannot be kept as it means is left as it is."""

from pathlib import Path

import click

from pnsync.cli.command import Invocation, command
from pnsync.cli.files import replace_file, stands_in
from pnsync.errors import ConfigError, Diagnostic, ExitCode, Severity, UsageError
from pnsync.render.text import escape
from pnsync.render.units import counted


@command("fmt")
@click.argument("file", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit 2 where a file is not in canonical form.")
@click.pass_obj
def fmt(invocation: Invocation, file: tuple[str, ...], check: bool) -> int:
    """Bring the files into canonical form: spaces, not words. Comments, order and quotes stay.

    Without FILE the root file and all YAML files that it includes.
    """
    from pnsync.yamlfile.editing import Unformattable, formatted

    names = list(file) or _all_files(invocation)
    written: list[tuple[Path, str, bytes]] = []
    found: list[Diagnostic] = []
    for name in names:
        path = invocation.path(name)
        if not path.is_file():
            raise UsageError("there is no such file", f"{escape(name)} is no file.")
        below = not Path(name).is_absolute() and ".." not in Path(name).parts
        if below and not stands_in(path, invocation.folder):
            raise UsageError(
                "a link leads out of its folder", f"{escape(name)} is left as it is; name the file itself."
            )
        data = path.read_bytes()
        try:
            text, problems = formatted(data, name)
        except Unformattable as error:
            raise UsageError(
                "a file cannot be formatted", f"{escape(name)} is left as it is: {error}."
            ) from None
        errors = [one for one in problems if one.severity is Severity.ERROR]
        found += errors
        if text is not None and not errors and text.encode() != data:
            written.append((path, name, text.encode()))
    if found:
        raise ConfigError(tuple(found))
    for path, name, text_bytes in written:
        if not check:
            replace_file(path, text_bytes)
        invocation.output.out(escape(name))
    files = counted(len(names), "file")
    done = f"{len(written)} of {files} {'not in canonical form' if check else 'formatted'}"
    invocation.output.err(done if written else f"{files} in canonical form")
    return ExitCode.DIFFERENCES if check and written else ExitCode.DONE


def _all_files(invocation: Invocation) -> list[str]:
    """The root file and what its patterns match, whatever else may be wrong with them."""
    from pnsync import yamlfile
    from pnsync.config.sources import LIMIT_BYTES, FolderSource, SourceRefused

    source = FolderSource(invocation.folder)
    try:
        data = source.read(invocation.root, LIMIT_BYTES)
        node, found = yamlfile.load(data, invocation.root, yamlfile.Limits())
        if node is None:
            raise ConfigError(tuple(found))
        patterns = node.get("include")
        names = {invocation.root: None}
        for pattern in patterns if isinstance(patterns, list) else ():
            names.update(dict.fromkeys(source.glob(str(pattern))))
    except SourceRefused as error:
        raise UsageError(error.summary, f"{escape(invocation.root)}: {error.label}") from None
    return [one for one in names if one.endswith((".yaml", ".yml"))]
