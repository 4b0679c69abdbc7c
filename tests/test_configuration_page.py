"""docs/configuration.md names every key that the files may have, and its sample is valid."""

import re
from pathlib import Path

from pnsync.config import load
from pnsync.config.loading import ROOT_KEYS
from pnsync.config.schema import KEYS

PAGE = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()


def block(language: str) -> str:
    """The page's only block of a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_key_is_told() -> None:
    told = set(re.findall(r"`([a-z_]+)(?:: \w+)?`", PAGE))
    for shape, keys in KEYS.items():
        assert set(keys) <= told, shape.__name__
    assert set(ROOT_KEYS) <= told


def test_the_sample_is_valid(tmp_path: Path) -> None:
    (tmp_path / "bindings").mkdir()
    (tmp_path / "pnsync.yaml").write_text(block("yaml"))
    (tmp_path / "bindings" / "couriers.csv").write_text(block("text"))
    (tmp_path / "bindings" / "more.yaml").write_text("bindings: {}\n")
    found = load(tmp_path, environ={})
    assert [one for one in found.diagnostics if one.code != "W403"] == []
    assert {"order-66666666", "fleet-west", "driver-4", "courier-7", "courier-8"} <= set(found.bindings)
    assert len({(one.provider, one.mode) for one in found.bindings.values()}) == 4
