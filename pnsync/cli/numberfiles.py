"""Files of numbers as people change them: read, checked, sealed again, written; no plain text but where one is asked for.

A sealed file is a plain age file around YAML: age's own program opens what is written here, and the other way round. age
does not tell whom a file is sealed to; so lines `# recipient: age1…` inside it say it, else the root file's
`state: encryption: recipients:`.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pnsync import yamlfile
from pnsync.cli.command import Invocation
from pnsync.cli.files import replace_file, stands_in
from pnsync.config.numbers import GLOB, KEY, blank, is_number_name
from pnsync.config.opening import SEALED, Opener, sops_metadata
from pnsync.config.recipients import recipient_fault
from pnsync.config.scalars import PHONE, phone_digits
from pnsync.config.sources import LIMIT_BYTES, FolderSource, SourceRefused, check_path
from pnsync.errors import UsageError
from pnsync.phone import country_code
from pnsync.sealing.identity import Unopened, seal_to
from pnsync.yamlfile import Limits

_RECIPIENT: Final = re.compile(r"#[ \t]*recipient:[ \t]*(\S+)[ \t]*")
_MEANT: Final = re.compile(r"#.*(?:recip\w*[ \t]*[:=]|age1[a-z0-9]{8})", re.IGNORECASE)
"""A comment that is meant to name a recipient, whether it does or not."""


@dataclass(frozen=True, slots=True)
class Rooted:
    """What the root file says of numbers: files or patterns, and whom sealed ones are for."""

    patterns: tuple[str, ...]
    recipients: tuple[str, ...]


def rooted(invocation: Invocation) -> Rooted:
    """Read of the root file no more than this, so that numbers can be mended while bindings are wrong."""
    source = FolderSource(invocation.folder)
    try:
        node, _ = yamlfile.load(source.read(invocation.root, LIMIT_BYTES), invocation.root, Limits())
    except SourceRefused as error:
        raise UsageError(
            "the root file cannot be read",
            f"{invocation.root}: {error}.",
            "Name the folder with -C and the root file with -c, or begin one with:",
            command="pnsync init",
        ) from None
    if node is None:
        raise UsageError("the root file is no YAML", "What is wrong is told by:", command="pnsync validate")
    value, state = node.get(KEY), node.get("state")
    patterns = value if isinstance(value, list) else [value]
    encryption = state.get("encryption") if isinstance(state, Mapping) else None
    named = encryption.get("recipients") if isinstance(encryption, Mapping) else None
    return Rooted(
        tuple(one for one in patterns if isinstance(one, str)),
        tuple(one for one in named if isinstance(one, str)) if isinstance(named, list) else (),
    )


def files(invocation: Invocation, found: Rooted) -> list[str]:
    """The files that there are."""
    source = FolderSource(invocation.folder)
    try:
        return list(dict.fromkeys(name for one in found.patterns for name in source.glob(one)))
    except SourceRefused as error:
        raise UsageError("the files of numbers cannot be found", f"{error}: {error.label}.") from None


def chosen(invocation: Invocation, found: Rooted, given: str | None) -> str:
    """The file that is meant: the one that is given, or the only one there can be."""
    if given is None:
        only = files(invocation, found) or [one for one in found.patterns if not GLOB.search(one)]
        if len(only) == 1:
            return only[0]
        told = ", ".join(found.patterns) if found.patterns else "none; add `numbers: numbers.yaml` to it"
        raise UsageError(
            "which file of numbers is meant?", f"The root file names: {told}.", "Name one with --file."
        )
    try:
        check_path(given)
    except SourceRefused as error:
        raise UsageError("the path of the file is refused", f"{error}: {error.label}.") from None
    return given


def read(invocation: Invocation, name: str, opener: Opener, *, to_write: bool = False) -> str | None:
    """The plain text of a file; None where it does not exist. `to_write` refuses what is not ours to write."""
    path = invocation.path(name)
    if not os.path.lexists(path):
        return None
    try:
        data = FolderSource(invocation.folder).read(name, LIMIT_BYTES)
        if len(data) > LIMIT_BYTES:
            raise UsageError("the file of numbers is too large", f"{name} has more than 64 MiB.")
        if to_write and not name.endswith(SEALED) and sops_metadata(data, name) is not None:
            raise UsageError(
                "a SOPS file is changed with sops",
                f"{name} was left as it is. Open it:",
                command=f"sops {name}",
            )
        return opener.open(name, data).decode()
    except SourceRefused as error:
        raise UsageError("the file of numbers cannot be read", f"{name}: {error}.") from None
    except UnicodeDecodeError:
        raise UsageError("the file of numbers is no text", f"{name} is not UTF-8.") from None


def parsed(text: str, name: str) -> dict[str, str]:
    """Names and digits of a text. Raises UsageError, which tells lines and no numbers."""
    if blank(text):
        return {}
    node, found = yamlfile.load(text.encode(), name, Limits())
    if node is None or found:
        line = next((one.span.line for one in found if one.span), 1)
        raise UsageError(
            "the numbers are no YAML that pnsync reads", f"{name}, line {line}: {found[0].summary}."
        )
    made: dict[str, str] = {}
    for key, value in node.items():
        line = node.span_of_key(key).line
        if not is_number_name(key) or not isinstance(value, str) or not re.fullmatch(PHONE, value):
            raise UsageError(
                "a line names no number", f"{name}, line {line}: write NAME: PHONE, a letter in the name."
            )
        made[key] = phone_digits(value)
        if not country_code(made[key]):
            raise UsageError("a number begins with no country code", f"{name}, line {line}.")
    return made


def recipients_in(text: str, name: str) -> tuple[str, ...]:
    """Whom the lines of a file name. Raises UsageError for one that is meant so and is none, whom sealing would forget."""
    found: list[str] = []
    for i, line in enumerate(text.splitlines(), 1):
        match = _RECIPIENT.fullmatch(line.strip())
        if match is not None:
            fault = recipient_fault(match[1])
            if fault:
                raise UsageError("a recipient is not one", f"{name}, line {i}: {fault}.")
            found.append(match[1])
        elif _MEANT.match(line.strip()):
            raise UsageError(
                "a line seems to name a recipient, and does not",
                f"{name}, line {i}: it would be sealed without them. Write it as:",
                command="# recipient: age1…",
            )
    return tuple(found)


def write(
    invocation: Invocation, name: str, text: str, found: Rooted, opener: Opener, extra: Sequence[str] = ()
) -> None:
    """Put a text into its file, sealed where its name says so, and only where this run can open it again."""
    parsed(text, name)
    path = invocation.path(name)
    if not stands_in(path.parent, invocation.folder):
        raise UsageError(
            "the path of the file is refused", f"{name}: a symbolic link leads out of the folder."
        )
    data = text.encode()
    if name.endswith(SEALED):
        recipients = recipients_in(text, name) or tuple(extra) or found.recipients
        if not recipients:
            raise UsageError(
                "nobody is named whom the file is for",
                "Name recipients in `state: encryption: recipients:`, or in lines `# recipient: age1…` in the file.",
            )
        for one in recipients:
            fault = recipient_fault(one)
            if fault:
                raise UsageError("a recipient is not one", f"{fault}.")
        data = seal_to(data, recipients, armoured=True)
        try:
            opener.identity.open(data)
        except Unopened:
            raise UsageError(
                "this run could not open the file again",
                "Its identity is none of the recipients; nothing was written.",
            ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, data, mode=None if path.exists() else 0o600)
