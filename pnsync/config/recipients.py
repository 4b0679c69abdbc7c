"""age recipients, checked without a library: the Bech32 form of BIP 173, whose checksum finds every typing error."""

from typing import Final

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_HUMAN: Final = "age"
LENGTH: Final = 62
"""`age1`, 52 characters of key and 6 of checksum."""


def recipient_fault(text: str) -> str:
    """What is wrong with an X25519 recipient, in words that can stand under a snippet; "" where it is one."""
    if text.upper().startswith("AGE-SECRET-KEY"):
        return "this is an identity, which is secret; its recipient is told by age-keygen -y"
    if not text.startswith(f"{_HUMAN}1"):
        return "a recipient begins with age1, as age-keygen shows it"
    if len(text) != LENGTH:
        return f"a recipient has {LENGTH} characters, this has {len(text)}"
    values = [_CHARSET.find(one) for one in text[len(_HUMAN) + 1 :]]
    if -1 in values:
        return f"character {values.index(-1) + len(_HUMAN) + 2} does not occur in recipients"
    expanded = [ord(one) >> 5 for one in _HUMAN] + [0] + [ord(one) & 31 for one in _HUMAN]
    return "" if _polymod(expanded + values) == 1 else "its checksum is wrong: a character was mistyped"


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, one in enumerate(_GENERATOR):
            check ^= one if top >> i & 1 else 0
    return check
