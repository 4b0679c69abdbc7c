"""The mutants fit the source they are made of, and docs/mutants.md tells of each of them."""

import ast
from pathlib import Path

import pytest

from tests.mutants.copies import DoesNotFit, patched
from tests.mutants.judging import SCENARIOS
from tests.mutants.mutants import MUTANTS
from tests.mutants.page import PAGE, layers, named

ROOT = Path(__file__).resolve().parents[1]


def test_every_mutant_fits_and_is_a_program() -> None:
    """Alone, with its layers off, and those layers alone: all three are tried."""
    for mutant in MUTANTS:
        covering = [patch for layer in mutant.off for patch in layer.patches]
        for patches in (mutant.patches, [*mutant.patches, *covering], covering):
            for path, text in patched(patches).items():
                ast.parse(text, path)


def test_a_patch_that_does_not_fit_is_no_mutant() -> None:
    with pytest.raises(DoesNotFit, match="holds 0 times"):
        patched([("applying.py", "what stands nowhere", "")])
    with pytest.raises(DoesNotFit, match=r"holds [1-9]"):
        patched([("applying.py", "self", "")])
    with pytest.raises(DoesNotFit, match="holds 0 times"):
        patched([("no_such_file.py", "self", "")])


def test_the_tests_that_should_notice_are_there() -> None:
    for mutant in MUTANTS:
        for name in (*mutant.tests, *SCENARIOS):
            file, _, test = name.partition("::")
            assert not test or f"def {test.partition('[')[0]}(" in (ROOT / file).read_text("utf-8"), name
            assert (ROOT / file).is_file(), name


def test_the_page_tells_of_every_mutant() -> None:
    made = [(mutant.name, layers(mutant)) for mutant in MUTANTS]
    assert len({name for name, _ in made}) == len(made) >= 25
    assert named(PAGE.read_text("utf-8")) == made


def test_the_page_tells_of_none_that_lives() -> None:
    assert "**nothing**" not in PAGE.read_text("utf-8")
