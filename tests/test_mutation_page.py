"""docs/mutation.md explains mutants that are still made: each names a function and a line that the file has."""

import ast
from pathlib import Path

import pytest

from tests.mutation.explained import PAGE, explained
from tests.mutation.modules import MODULES

ROOT = Path(__file__).resolve().parents[1]


def squeezed(text: str) -> str:
    """Text without its line breaks, and without what only they bring."""
    return "".join(text.split()).replace(",)", ")")


def functions(tree: ast.Module) -> dict[str, ast.AST]:
    """The functions and methods of a module, as the page names them."""
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{one.name}": one
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


@pytest.mark.parametrize("file", [one.file for one in MODULES.values()])
def test_what_is_explained_is_still_there(file: str) -> None:
    source = (ROOT / file).read_text("utf-8")
    made = functions(ast.parse(source))
    for function, old, new in explained(file, PAGE.read_text("utf-8")):
        assert function in made, f"{file} has no {function}"
        body = ast.get_source_segment(source, made[function])
        assert body is not None and old != new
        assert old == "nothing" or squeezed(old) in squeezed(body), f"{file}: {function} has no line {old}"


def test_a_list_is_read_as_it_is_written() -> None:
    page = "## `pnsync/a.py`\n\nBecause:\n\n- `f`: `a < b` → `a <= b`\n- ``g``: ``say `x` `` → `nothing`\n\n## Else\n- `h`: `1` → `2`\n"
    assert explained("pnsync/a.py", page) == {("f", "a < b", "a <= b"), ("g", "say `x` ", "nothing")}
    assert explained("pnsync/b.py", page) == set()
