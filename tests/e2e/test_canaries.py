"""A thousand real numbers and the keys, searched for in eight encodings in everything that pnsync writes.

The numbers share a beginning, so each encoding is found by that beginning, wherever in the text it stands. The state
and the sandbox's account hold numbers and are left out; their modes are checked elsewhere.
"""

import base64
from pathlib import Path
from urllib.parse import quote

from tests.e2e.encodings import Search
from tests.e2e.program import Program

PREFIX = "447700900"
X_NUMBERS = ("447401264117", "447401264118", "447401264119")
KEYS = {"NXCLOUD_ACCESS_KEY": "canarykey0nx", "NXCLOUD_ACCESS_SECRET": "canarysecret0nx"}


SEARCH = Search((PREFIX, *KEYS.values()))

COMMANDS = [
    ("validate",),
    ("plan", "-vv"),
    ("plan", "--format", "json"),
    ("plan", "--format", "markdown"),
    ("plan", "--format", "html"),
    ("plan", "--json", "-vv"),
    ("plan", "--out", "p.pnsplan"),
    ("show", "p.pnsplan"),
    ("apply", "p.pnsplan", "-vv", "--parallelism", "4"),
    ("show", "--format", "json"),
    ("state", "list"),
    ("state", "list", "--json"),
    ("state", "show", "bindings.desk-7"),
    ("plan", "--destroy", "-v"),
    ("verify", "-vv"),
    ("refresh", "-vv", "--json"),
    ("who", "--dial", X_NUMBERS[0], "--ext", "007"),
    ("groups", "--json"),
    ("status", "--json"),
    ("forecast", "--json"),
    ("output", "--format", "json"),
    ("output", "--format", "csv"),
    ("directory", "--format", "markdown"),
    ("directory", "--format", "html"),
    ("doctor", "--json"),
    ("renew", "--auto-approve", "-vv"),
    ("destroy", "--auto-approve", "-vv", "--json"),
]


def test_every_encoding_is_found() -> None:
    number = PREFIX + "123"
    made = [
        number, f"call 07700900{123}", "+44 7700 900123", quote("+" + number), base64.b64encode(f"a{number}".encode()).decode(),
        base64.b64encode(f"ab{number}".encode()).decode(), "".join(f"\\u{ord(one):04x}" for one in number), number.encode().hex(),
        number[::-1],
    ]  # fmt: skip
    for text in made:
        assert SEARCH.found(text), text
    assert len(made) == 9
    assert not SEARCH.found("44••••23~k3f9x2a 447401264117 +44 7401 264117")


def test_no_canary_in_any_output(tmp_path: Path) -> None:
    lines = [
        "version: 1",
        "providers:",
        "  nx: {type: nxcloud, endpoint: sandbox, rate: 10000}",
        "defaults: {provider: nx, expires_in: 1d}",
        "policy: {max_unbind: 1000}",
        "bindings:",
    ]
    for number in range(1000):
        lines.append(
            f"  desk-{number}: {{mode: axb_extension, phone_a: {PREFIX}{number:03}, phone_x: {X_NUMBERS[number % 3]},"
            f" extension: {number:03}}}"
        )
    (tmp_path / "pnsync.yaml").write_text("\n".join(lines) + "\n")
    program = Program(tmp_path, env=KEYS)
    for args in COMMANDS:
        found = program.run(*args, "--result", "verdict.json", leaks=True)
        assert found.code in (0, 2, 3), str(found)[:2000]
        written = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "state"]
        texts = {"stdout": found.out, "stderr": found.err}
        texts |= {path.name: path.read_text() for path in written if path.name != "pnsync.yaml"}
        for where, text in texts.items():
            assert not SEARCH.found(text), f"{SEARCH.found(text)} in {where} of {' '.join(args)}"
