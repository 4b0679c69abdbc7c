"""What a mutant is: one rule of the protocol taken out, which other rules may cover for it, and who should notice.

A mutant is judged twice. Alone it must fail a test, whatever layer still keeps the promise. With the layers off that
cover for it the simulation itself must see a promise broken, in a world in which those layers alone are not missed.
"""

from dataclasses import dataclass

DIRECTED, RULES, LISTINGS = (f"tests/simulation/test_directed{one}.py" for one in ("", "_rules", "_listings"))
"""Scenarios of the simulation."""

Patch = tuple[str, str, str]
"""The end of a path in pnsync/, what stands exactly once in the files of that name, and what stands there in the mutant."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A rule that covers for others, and how it is switched off."""

    name: str
    patches: tuple[Patch, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong version of the protocol."""

    name: str
    patches: tuple[Patch, ...]
    tests: tuple[str, ...] = ()
    """Tests of the rule itself, quick ones, as pytest names them: files, or single tests."""
    off: tuple[Layer, ...] = ()
    """The layers that cover for it; none where it does harm alone."""
    shown: tuple[int | str, ...] = ()
    """What showed the harm when it was last looked for, and is tried first: seeds of histories, names of scenarios."""
    unseen: str = ""
    """Why no history can show harm: what the rule is for, where no promise rests on it, or what is not simulated."""
