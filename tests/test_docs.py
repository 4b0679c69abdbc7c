"""Every console block of the documentation runs as printed.

A block is a session: lines that begin with `$ ` are commands, what follows is their standard output. All blocks of a
page run in one shell, in an empty folder, or in a copy of the page's own folder for an example. What differs from run
to run is compared by its form alone (see FORMS); a line `…` stands for any lines. Everything else is compared as it is.
What is named outside such blocks does not run, but every command and option of it is looked for.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from pnsync.cli.main import program
from pnsync.cli.pages import page as explained
from pnsync.cli.pages import titles
from tests import forking

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted(
    [REPOSITORY / "README.md", *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("examples/*/README.md")]
)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "---- end of command, exit "

MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
FORMS = {
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "moment": rf"\d{{1,2}} (?:{MONTHS}) (?:\d{{4}} )?\d\d:\d\d(?::\d\d)?Z",
    "took": r"(?<=[ ·] )(?:<0\.1|\d+(?:\.\d)?) s$",
    "pseudonym": r"(?<=~)[0-9a-hjkmnp-tv-z]{7}(?![0-9a-z])",
    "lineage": r"(?<=lineage )[0-9a-f]{8}",
    "id": r"\b[0-9a-f]{32}\b",
    "digest": r"(?<=sha256:)[0-9a-f]{64}",
}
"""What differs from run to run."""

SAME = frozenset({"pseudonym", "lineage", "id"})
"""Of these, what is printed twice must be written twice, and what differs must differ."""

ANY_FORM = re.compile("|".join(f"(?P<{name}>{form})" for name, form in FORMS.items()), re.MULTILINE)


def commands(page: Path) -> list[tuple[str, str]]:
    """The commands of a page with the output that it prints for each."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command += "\n" + more
            found.append((command, output))
    return found


class Comparison:
    """Printed outputs against written ones, over one session."""

    def __init__(self) -> None:
        self._written: dict[str, str] = {}

    def __call__(self, printed: str, written: str) -> bool:
        """Whether an output is as printed."""
        names: dict[str, str] = {}
        lines = [
            r"(?:.*\n)*?" if line == "…" else self._pattern(line, names) + r"\n" for line in tidy(printed)
        ]
        found = re.fullmatch("".join(lines), "".join(f"{line}\n" for line in tidy(written)), re.MULTILINE)
        if found is None:
            return False
        self._written |= {value: found[group] for value, group in names.items()}
        return len(set(self._written.values())) == len(self._written)

    def _pattern(self, line: str, names: dict[str, str]) -> str:
        parts, end = [], 0
        for found in ANY_FORM.finditer(line):
            parts.append(re.escape(line[end : found.start()]))
            parts.append(self._form(str(found.lastgroup), found[0], names))
            end = found.end()
        return "".join(parts) + re.escape(line[end:])

    def _form(self, name: str, value: str, names: dict[str, str]) -> str:
        if name not in SAME:
            return f"(?:{FORMS[name]})"
        if value in self._written:
            return re.escape(self._written[value])
        if value in names:
            return f"(?P={names[value]})"
        names[value] = f"same{len(names)}"
        return f"(?P<{names[value]}>{FORMS[name]})"


TOOK = re.compile(r" {2,}(?:<0\.1|\d+(?:\.\d)?) s$")
"""How long one change took, at the end of its line, where it took any time that is worth telling."""


def tidy(text: str) -> list[str]:
    """The lines of an output without what a change took, and with runs of spaces made equal: columns are as wide as
    their widest moment."""
    lines = [TOOK.sub("", line.rstrip()) for line in text.rstrip("\n").split("\n")]
    return [re.sub(r"(?<=\S) {2,}", "  ", line) for line in lines]


def session(page: Path, folder: Path) -> list[str]:
    """What each command of a page writes to standard output, in one shell."""
    if page.parent.parent.name == "examples":
        shutil.copytree(page.parent, folder, ignore=shutil.ignore_patterns("state", "*.pnsplan"))
    else:
        folder.mkdir()
    tools = folder.parent / "bin"
    tools.mkdir()
    program = tools / "pnsync"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(forking.command("-m", "pnsync"))} "$@"\n')
    program.chmod(0o755)
    end = f'\nprintf "%s%s\\n" "{MARK}" "$?"\n'
    script = "".join(f"{command}{end}" for command, _ in commands(page))
    env = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(folder.parent),
        "LANG": "C.UTF-8",
    }
    ended = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    outputs = re.split(rf"{re.escape(MARK)}\d+\n", ended.stdout)
    assert len(outputs) == len(commands(page)) + 1, ended.stderr
    return outputs[:-1]


@pytest.mark.parametrize("page", PAGES, ids=[str(one.relative_to(REPOSITORY)) for one in PAGES])
def test_console_blocks_run_as_printed(page: Path, tmp_path: Path) -> None:
    printed = commands(page)
    if not printed:
        return
    equal = Comparison()
    for (command, expected), actual in zip(printed, session(page, tmp_path / page.parent.name), strict=True):
        assert equal(expected, actual), f"$ {command}\n--- printed\n{expected}\n--- written\n{actual}"


def test_every_block_is_one_that_runs() -> None:
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            assert block.startswith("$ "), page


def test_what_differs_is_compared_by_its_form() -> None:
    one = (
        "  + a  44••••01~k3f9x2a ⇄ 44••••02~m2x7c1q  until 9 Dec 18:00Z  f.yaml:1\nApplied: 1 bound · 0.4 s\n"
    )
    two = "  + a  44••••01~aaaaaaa ⇄ 44••••02~bbbbbbb   until 24 Dec 18:00:05Z  f.yaml:1\nApplied: 1 bound · 12 s\n"
    assert Comparison()(one, two)
    for other in (
        two.replace("bbbbbbb", "aaaaaaa"),
        two.replace("f.yaml:1", "f.yaml:2"),
        two.replace("1 bound", "2 bound"),
        two.replace("••••01", "••••03"),
        two.replace("  + a", " + a"),
        two.replace("12 s", "12 m"),
        two + "more\n",
    ):
        assert not Comparison()(one, other), other


def test_what_is_the_same_stays_the_same_over_a_session() -> None:
    equal = Comparison()
    assert equal("~k3f9x2a", "~aaaaaaa")
    assert equal("~k3f9x2a ~m2x7c1q", "~aaaaaaa ~bbbbbbb")
    assert not equal("~k3f9x2a", "~bbbbbbb")
    assert not equal("~0000000", "~aaaaaaa")


def test_an_ellipsis_stands_for_any_lines() -> None:
    assert Comparison()("a\n…\nb", "a\nx\ny\nb")
    assert Comparison()("a\n…\nb", "a\nb")
    assert Comparison()("…", "")
    assert not Comparison()("a\n…\nb", "a\nx\ny")


# -- what does not run -------------------------------------------------------------------------------------------------

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LANGUAGES = frozenset({"console", "yaml", "json", "sql", "text", "sh"})
NAMED = re.compile(r"(?:^(?: {4}|\$ )|`)(pnsync (?:[^`#\n]|(?<=\S)#)*)", re.MULTILINE)
"""Commands that a page names: in an indented or fenced block, or in a span of code."""
LABEL = re.compile(r"pnsync [a-z ]+ \d")
"""What looks like a command: the label of a derived key."""


def test_a_page_without_a_session_names_none() -> None:
    """No page is passed over: where a prompt stands, it stands in a block that runs."""
    for page in PAGES:
        for language, block in FENCE.findall(page.read_text()):
            assert language in LANGUAGES, f"{page}: ```{language}"
            if language != "console":
                assert not re.search(r"^\$ ", block, re.MULTILINE), page
        outside = FENCE.sub("", page.read_text())
        assert not re.search(r"^ *\$ ", outside, re.MULTILINE), page


def texts() -> dict[str, str]:
    """Pages, and what the pages of codes print, by where they stand."""
    found = {str(one.relative_to(REPOSITORY)): one.read_text() for one in PAGES}
    for code in titles():
        known = explained(code)
        assert known is not None
        found[code] = f"{known.text}\n    {known.example}"
    return found


def unknown(line: str) -> str:
    """What a command line names that is not there; "" where all is."""
    words = [one for one in re.split(r"[\s|]+", line) if one][1:]
    command: click.Command = program
    while words and words[0] in ("-C", "-c"):
        words = words[2:]
    while isinstance(command, click.Group) and words:
        if not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            return ""
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return words[0]
        command, words = found, words[1:]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    for word in words:
        name = re.match(r"--[a-z][a-z-]*(?![a-z-]|…)", word)
        if name and name[0] not in known:
            return name[0]
    return ""


@pytest.mark.parametrize(("where", "text"), texts().items(), ids=list(texts()))
def test_every_command_and_option_that_is_named_is_there(where: str, text: str) -> None:
    for line in NAMED.findall(text):
        assert LABEL.fullmatch(line) or not unknown(line), f"{where}: {line}"


def test_what_is_not_there_is_found() -> None:
    assert unknown("pnsync plan --out FILE --no-such") == "--no-such"
    assert unknown("pnsync state unmake") == "unmake"
    assert unknown("pnsync -C x apply plan.pnsplan --auto-approve | head") == ""
    assert NAMED.findall("see `pnsync plan --at X`, and\n    pnsync apply   # now") == [
        "pnsync plan --at X",
        "pnsync apply   ",
    ]
