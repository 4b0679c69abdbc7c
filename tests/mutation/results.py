"""What mutmut left in its folder: every mutant with its change and its end."""

import json
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

KILLED = {
    1: "killed",
    3: "killed",
    36: "timeout",
    -24: "timeout",
    24: "timeout",
    152: "timeout",
    255: "timeout",
}
KILLED |= {-9: "timeout"}
UNTESTED = {5, 33}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: the function it is in, the lines it takes out and those it puts in."""

    name: str
    function: str
    old: str
    new: str
    exit_code: int | None

    @property
    def killed(self) -> bool:
        """Whether a test failed on it, or ran out of time."""
        return self.exit_code in KILLED

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it whatever else changes in the file."""
        return (self.function, self.old, self.new)

    def __str__(self) -> str:
        mark = " (no test reaches it)" if self.exit_code in UNTESTED else ""
        return f"- {_code(self.function)}: {_code(self.old)} → {_code(self.new)}{mark}"


def _code(text: str) -> str:
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}"


def mutants_of(folder: Path, file: str) -> list[Mutant]:
    """Every mutant of a file, in the order in which mutmut numbered them."""
    generated = folder / "mutants" / file
    meta = json.loads(generated.with_name(generated.name + ".meta").read_text("utf-8"))
    spans = json.loads(generated.with_name(generated.name + ".spans").read_text("utf-8"))["spans"]
    lines = generated.read_text("utf-8").splitlines()
    found = []
    for name, exit_code in meta["exit_code_by_key"].items():
        short = name.rpartition(".")[2]
        mangled = short.rpartition("__mutmut_")[0]
        function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        old, new = _change(_body(lines, spans[f"{mangled}__mutmut_orig"]), _body(lines, spans[short]))
        found.append(Mutant(name, function, old, new, exit_code))
    return found


def _body(lines: list[str], span: list[int]) -> list[str]:
    """A function's lines without its name, which mutmut changed."""
    found = lines[span[0] - 1 : span[1]]
    at = next(
        position for position, line in enumerate(found) if line.lstrip().startswith(("def ", "async def "))
    )
    before, _, after = found[at].partition("(")
    return [f"{before.split('def ')[0]}def ({after}", *found[at + 1 :]]


def _change(old: list[str], new: list[str]) -> tuple[str, str]:
    changed = [
        one for one in unified_diff(old, new, n=0, lineterm="") if one[:3] not in ("---", "+++", "@@ ")
    ]
    gone = " ".join(one[1:].strip() for one in changed if one.startswith("-"))
    come = " ".join(one[1:].strip() for one in changed if one.startswith("+"))
    return gone or "nothing", come or "nothing"


def forget_survivors(folder: Path, file: str) -> None:
    """Let the next run try again what no test noticed."""
    path = folder / "mutants" / f"{file}.meta"
    if not path.exists():
        return
    meta = json.loads(path.read_text("utf-8"))
    for name, exit_code in meta["exit_code_by_key"].items():
        if exit_code not in KILLED:
            meta["exit_code_by_key"][name] = None
    path.write_text(json.dumps(meta), "utf-8")
