"""Small projects at the simulated vendors, for tests that run whole commands."""

from pathlib import Path

ROOT = """\
version: 1
providers:
  nx: {{type: nxcloud, endpoint: sandbox, rate: 1000}}
defaults: {{provider: nx, expires_in: 1d}}
groups:
  hotline-pool: {{provider: nx, holds: numbers}}
bindings:
{bindings}
"""
LONDON = "desk-london: {mode: axb_extension, phone_a: 447700900123, phone_x: {group: hotline-pool}, extension: 101}"
SEVEN = "desk-7: {mode: axb_extension, phone_a: 447700900112, phone_x: 447401264117, extension: 107}"
RIDE = "ride-17: {mode: axb, phone_a: 447700900131, phone_b: 447700900132}"
REAL = ("447700900123", "447700900112", "447700900131", "447700900132")
"""The real numbers in these: none of them may stand in an output."""


def write(folder: Path, *bindings: str, extra: str = "") -> None:
    """Write a project with these bindings; at least one."""
    text = ROOT.format(bindings="\n".join(f"  {one}" for one in bindings))
    (folder / "pnsync.yaml").write_text(text + extra)
