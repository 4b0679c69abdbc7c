"""A thousand real numbers and the keys, searched for in eight encodings in everything that pnsync writes.

The numbers share a beginning, so each encoding is found by that beginning, wherever in the text it stands. The state
and the sandbox's account hold numbers and are left out; their modes are checked elsewhere.
"""

import base64
import re
from pathlib import Path
from urllib.parse import quote

from tests.e2e.program import Program

PREFIX = "447700900"
X_NUMBERS = ("447401264117", "447401264118", "447401264119")
KEYS = {"NXCLOUD_ACCESS_KEY": "canarykey0nx", "NXCLOUD_ACCESS_SECRET": "canarysecret0nx"}


def in_base64(text: str) -> list[str]:
    """The characters that a text has in base64 whatever stands before it."""
    found = []
    for offset in range(3):
        made = base64.b64encode(b"\0" * offset + text.encode() + b"\0\0").decode()
        first = -(-offset * 8 // 6)
        found.append(made[first : (offset + len(text)) * 8 // 6])
    return found


def encodings(text: str) -> dict[str, str]:
    """One pattern for each way in which a text could leave."""
    return {
        "as it is": re.escape(text),
        "national": re.escape("0" + text.removeprefix("44")) if text.startswith("44") else re.escape(text),
        "spaced": r"[\s\-.()]{1,2}".join(re.escape(one) for one in (text[:2], text[2:6], text[6:])),
        "url": re.escape(quote("+" + text, safe="")),
        "base64": "|".join(re.escape(one) for one in in_base64(text)),
        "json escapes": "".join(rf"\\u{ord(one):04x}" for one in text),
        "hex": text.encode().hex(),
        "reversed": re.escape(text[::-1]),
    }


NEEDLES = {
    f"{text[:3]}… {name}": re.compile(pattern, re.IGNORECASE)
    for text in (PREFIX, *KEYS.values())
    for name, pattern in encodings(text).items()
}

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
        assert any(needle.search(text) for needle in NEEDLES.values()), text


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
            for name, needle in NEEDLES.items():
                assert not needle.search(text), f"{name} in {where} of {' '.join(args)}"
