"""The schema for editors: valid, the same as in docs/, true of the examples, and wrong where the files are."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from pnsync.cli.starter import root_text
from pnsync.config.editor_schema import editor_schema
from pnsync.yamlfile import Limits, load

REPOSITORY = Path(__file__).parents[1]
EXAMPLES = [
    one
    for one in sorted((REPOSITORY / "examples").rglob("*.yaml"))
    if one.name.startswith("pnsync") or "bindings" in one.parts
]
TABLE: dict[str, Any] = {"name": "c-{id}", "provider": "nx", "mode": "axb", "phone_x": {"group": "g"}}
FULL: dict[str, Any] = {
    "version": 1,
    "lineage": "7c4d1a2b",
    "tables": {"bindings/*.csv": TABLE | {"columns": {"phone_a": "Mobile"}}},
    "schedule": {"every": "6h", "late_by": 3600},
    "groups": {
        "g": {"provider": "nx", "phones": [85211111114], "extensions": {"range": "100-899", "reserve": [911]}}
    },
    "bindings": {
        "d": {"mode": "axb_extension", "extension": 101, "phone_x": {"group": "g"}, "expires_in": 86400}
    },
    "moved": [{"from": "a", "to": "b"}],
    "policy": {"max_unbind": "10%", "max_rebind": 7, "allowed_country_codes": [44]},
    "state": {"backend": "git", "ref": "refs/pnsync/prod", "encryption": {"recipients": ["age1x"]}},
}


def check(document: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(editor_schema())
    return ["/".join(map(str, one.absolute_path)) for one in validator.iter_errors(document)]


def test_it_is_a_schema_and_the_one_in_the_docs() -> None:
    jsonschema.Draft202012Validator.check_schema(editor_schema())
    published = REPOSITORY / "docs" / "schemas" / "files-v1.json"
    assert json.loads(published.read_text()) == editor_schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=[one.relative_to(REPOSITORY).as_posix() for one in EXAMPLES])
def test_the_examples_hold(path: Path) -> None:
    assert check(YAML(typ="safe").load(path)) == []


def test_every_key_is_known_and_every_property_described() -> None:
    assert check(FULL) == []
    for name, one in editor_schema()["$defs"].items():
        for key, value in one["properties"].items():
            assert value.get("description"), (name, key)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("bindings/d", {"mode": "axbb"}),
        ("bindings/d", {"phone": 1}),
        ("bindings/d", {"phone_a": "a b"}),
        ("bindings/d", {"recording": "yes"}),
        ("groups/g", {"holds": "things"}),
        ("policy", {"max_unbind": "lots"}),
        ("state", {"backend": "ftp"}),
        ("tables/x", {"nme": "x"}),
    ],
)
def test_what_is_wrong_is_found(place: str, value: Any) -> None:
    document: Any = value
    for step in reversed(place.split("/")):
        document = {step: document}
    assert check(document)


PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCKS = [
    (page.relative_to(REPOSITORY).as_posix(), i, block)
    for page in PAGES
    for i, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    if not load(block.encode(), "x", Limits())[1]  # else it leaves something out, or shows several ways
    and not block.startswith("jobs:")  # a workflow's
]


@pytest.mark.parametrize("block", [one[2] for one in BLOCKS], ids=[f"{page}-{i}" for page, i, _ in BLOCKS])
def test_the_yaml_of_the_pages_holds(block: str) -> None:
    quoted = re.sub(r"\d{4}-\d\d-\d\dT\S+Z", r"'\g<0>'", block)  # text in YAML 1.2, as editors read it
    assert check(YAML(typ="safe").load(quoted)) == []


@pytest.mark.parametrize("recipients", [(), ("age1x",)], ids=["clear", "sealed"])
def test_what_init_writes_holds(recipients: tuple[str, ...]) -> None:
    text = root_text("7c4d1a2b", "state/pnsync.state.json", recipients)
    assert check(YAML(typ="safe").load(text)) == []
