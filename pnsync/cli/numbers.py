"""`pnsync numbers …` and `pnsync find -`: real numbers by name, and where one is used; none is shown or asked for in clear."""

import re
import sys
from typing import Final

import click

from pnsync.cli.command import Family, Invocation, command
from pnsync.errors import ExitCode, UsageError

_WORDS: Final = frozenset({"null", "true", "false"})

file_option: Final = click.option(
    "--file", "file", metavar="FILE", help="Which file, where there are several."
)


def phone_from_input(invocation: Invocation) -> str:
    """The digits of a phone from standard input; a terminal is asked without echo. Raises UsageError."""
    from pnsync.config.scalars import PHONE, phone_digits
    from pnsync.phone import country_code

    if invocation.output.err_is_terminal and sys.stdin.isatty():
        text = str(click.prompt("Phone", hide_input=True, err=True))
    else:
        text = sys.stdin.buffer.read(200).decode("ascii", "replace")
    if not re.fullmatch(PHONE, text.strip()) or not country_code(phone_digits(text.strip())):
        raise UsageError(
            "that is no phone number", "Write it as from abroad: country code first, digits only."
        )
    return phone_digits(text.strip())


@click.group("numbers", cls=Family)
def numbers() -> None:
    """The files that map names to phones, plain or sealed."""


@numbers.command("list")
@click.pass_obj
def list_numbers(invocation: Invocation) -> int:
    """List the names, their phones masked."""
    from pnsync.cli.numberfiles import files, parsed, read, rooted
    from pnsync.config.opening import Opener
    from pnsync.phone import mask
    from pnsync.render.text import escape

    opener = Opener(invocation.environ)
    rows = [
        (name, mask(digits), file)
        for file in files(invocation, rooted(invocation))
        for name, digits in parsed(read(invocation, file, opener) or "", file).items()
    ]
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, shown, file in sorted(rows):
        invocation.output.out(f"{name:<{width}}  {shown:<12}  {escape(file)}")
    return ExitCode.DONE


@numbers.command("add")
@click.argument("name")
@file_option
@click.option("--recipient", multiple=True, metavar="AGE1", help="Whom a new sealed file is for.")
@click.pass_obj
def add(invocation: Invocation, name: str, file: str | None, recipient: tuple[str, ...]) -> int:
    """Add a number under NAME; the phone is read from standard input."""
    from pnsync.cli.numberfiles import chosen, parsed, read, rooted, write
    from pnsync.config.numbers import is_number_name
    from pnsync.config.opening import Opener

    if not is_number_name(name) or name.lower() in _WORDS:
        raise UsageError(
            "that cannot name a number",
            "Letters, digits, dots, underscores and hyphens; one letter at least.",
        )
    found, opener = rooted(invocation), Opener(invocation.environ)
    target = chosen(invocation, found, file)
    text = read(invocation, target, opener, to_write=True)
    if text is not None and recipient:
        raise UsageError(
            "--recipient is for a file that is made",
            f"{target} is there. Whom it is for is said in it, by lines `# recipient: age1…`:",
            command=f"pnsync numbers edit --file {target}",
        )
    if text is None:
        text = "".join(f"# recipient: {one}\n" for one in recipient)
    known = parsed(text, target)
    if name in known:
        raise UsageError(
            "there is a number of that name", "Remove it first:", command=f"pnsync numbers rm {name}"
        )
    digits = phone_from_input(invocation)
    between = "" if not text or text.endswith("\n") else "\n"
    made = f"{text}{between}{name}: {digits}\n"
    _expect(made, {**known, name: digits}, target)
    write(invocation, target, made, found, opener, recipient)
    invocation.output.out(f"{name} is in {target} now.")
    return ExitCode.DONE


@numbers.command("rm")
@click.argument("name")
@file_option
@click.pass_obj
def remove(invocation: Invocation, name: str, file: str | None) -> int:
    """Remove the number NAME."""
    from pnsync import yamlfile
    from pnsync.cli.numberfiles import chosen, files, parsed, read, rooted, write
    from pnsync.config.opening import Opener
    from pnsync.yamlfile import Limits

    found, opener = rooted(invocation), Opener(invocation.environ)
    looked = [chosen(invocation, found, file)] if file else files(invocation, found)
    for target in looked:
        text = read(invocation, target, opener) or ""
        known = parsed(text, target)
        if name not in known:
            continue
        read(invocation, target, opener, to_write=True)
        node, _ = yamlfile.load(text.encode(), target, Limits())
        assert node is not None
        lines = text.split("\n")
        del lines[node.span_of_key(name).line - 1]
        made = "\n".join(lines)
        _expect(made, {one: digits for one, digits in known.items() if one != name}, target)
        write(invocation, target, made, found, opener)
        invocation.output.out(f"{name} is no longer in {target}. Whether anything still names it is told by:")
        invocation.output.out(f"    {invocation.again('validate')}")
        return ExitCode.DONE
    raise UsageError("there is no number of that name", "All of them:", command="pnsync numbers list")


def _expect(made: str, numbers: dict[str, str], target: str) -> None:
    """Refuse a text that does not hold these numbers."""
    from pnsync.cli.numberfiles import parsed

    try:
        held = parsed(made, target) == numbers
    except UsageError:
        held = False
    if not held:
        raise UsageError(
            "the file is not written one number a line",
            "It was left as it is. Change it in an editor:",
            command=f"pnsync numbers edit --file {target}",
        )


@numbers.command("edit")
@file_option
@click.pass_obj
def edit(invocation: Invocation, file: str | None) -> int:
    """Open a file in $EDITOR; a sealed one is sealed again, and its plain copy wiped."""
    from pnsync.cli.editor import edited
    from pnsync.cli.numberfiles import chosen, read, rooted, write
    from pnsync.config.opening import Opener

    found, opener = rooted(invocation), Opener(invocation.environ)
    target = chosen(invocation, found, file)
    path = invocation.path(target)
    kept = path.read_bytes() if path.exists() else None
    before = read(invocation, target, opener, to_write=True)
    shown = before if before is not None else "# NAME: PHONE, one a line\n"
    after = edited(shown, invocation.environ, invocation.output.err)
    if after == shown:
        invocation.output.out("Nothing was changed.")
        return ExitCode.DONE
    if (path.read_bytes() if path.exists() else None) != kept:
        raise UsageError(
            "the file was changed by somebody else meanwhile", f"{target} holds theirs; nothing was written.",
            "Edit it again:", command=f"pnsync numbers edit --file {target}",
        )  # fmt: skip
    write(invocation, target, after, found, opener)
    invocation.output.out(f"Wrote {target}.")
    return ExitCode.DONE


@command("find")
@click.argument("source", metavar="-")
@click.pass_obj
def find(invocation: Invocation, source: str) -> int:
    """Read a phone from standard input; tell its pseudonym, and the addresses that use it."""
    if source != "-":
        raise UsageError(
            "the phone is read from standard input",
            "No history and no list of processes keeps it then. Type it after:",
            command="pnsync find -",
        )
    from pnsync.cli.offline import read_offline
    from pnsync.phone import Phone
    from pnsync.pseudonyms import masker_of
    from pnsync.render.text import escape

    phone = Phone(phone_from_input(invocation))
    known = read_offline(invocation)
    places: dict[str, list[str]] = {}
    names: set[str] = set()

    def note(address: str, what: str) -> None:
        places.setdefault(address, []).append(what)

    for one in known.desired.bindings.values():
        for key, value, name in (
            ("phone_a", one.phone_a, one.phone_a_name),
            ("phone_b", one.phone_b, one.phone_b_name),
        ):
            if value == phone:
                note(one.address, f"{key} in the files")
                names.update({name} if name else ())
    for group in known.desired.groups.values():
        if phone in (group.phones or ()):
            note(group.address, "phones in the files")
    for address, entry in known.state.bindings().items():
        for key, recorded in (("phone_a", entry.phone_a), ("phone_b", entry.phone_b)):
            if recorded == phone:
                note(address, f"{key} in the state")
    for address, made in known.state.groups().items():
        if phone in made.phones:
            note(address, "phones in the state")
    output = invocation.output
    shown = masker_of(known.state).show(phone)
    output.out(f"{shown} ({', '.join(sorted(names))})" if names else shown)
    width = max(map(len, places), default=0)
    for address, found in sorted(places.items()):
        output.out(f"  {escape(address):<{width}}  {', '.join(found)}")
    if not places:
        output.out("  No address uses it.")
    return ExitCode.DONE
