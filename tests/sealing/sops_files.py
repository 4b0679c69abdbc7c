"""SOPS files by their published format: a second reading of it, and a stand-in for the program where there is none.

Each value is `ENC[AES256_GCM,data:..,iv:..,tag:..,type:..]` under a data key, bound to its path; the MAC is SHA-512 over all
values in order, itself such a value bound to `lastmodified`; the data key is wrapped with age to each recipient. Run as
a program it decrypts its standard input as `sops --decrypt /dev/stdin` does, with the same exit codes.
"""

import base64
import hashlib
import os
import re
import secrets
import sys
from collections.abc import Mapping

import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ruamel.yaml import YAML

MODIFIED = "2026-11-22T00:00:00Z"
IV_BYTES, TAG_BYTES = 32, 16
_VALUE = re.compile(r"ENC\[AES256_GCM,data:(.*),iv:(.*),tag:(.*),type:(\w+)\]")


def encrypted_value(key: bytes, text: str, kind: str, about: str) -> str:
    """One value as it stands in a file."""
    iv = secrets.token_bytes(IV_BYTES)
    sealed = AESGCM(key).encrypt(iv, text.encode(), about.encode())
    parts = (base64.b64encode(one).decode() for one in (sealed[:-TAG_BYTES], iv, sealed[-TAG_BYTES:]))
    return "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{}]".format(*parts, kind)


def decrypted_value(key: bytes, text: str, about: str) -> str:
    """The text of a value; raises InvalidTag."""
    found = _VALUE.fullmatch(text)
    if found is None:
        raise InvalidTag
    data, iv, tag = (base64.b64decode(one) for one in found.groups()[:3])
    return AESGCM(key).decrypt(iv, data + tag, about.encode()).decode()


def digest(values: Mapping[str, str]) -> str:
    """What the MAC covers."""
    return hashlib.sha512("".join(values.values()).encode()).hexdigest().upper()


def encrypted(numbers: Mapping[str, str], *recipients: str, mac: str = "", more: str = "") -> bytes:
    """A file of numbers as sops writes it, numbers as integers; `mac` another one, `more` lines of metadata."""
    key = secrets.token_bytes(32)
    lines = [f"{name}: {encrypted_value(key, value, 'int', f'{name}:')}" for name, value in numbers.items()]
    lines += ["sops:", "    age:"]
    for one in recipients:
        wrapped = pyrage.encrypt(key, [pyrage.x25519.Recipient.from_str(one)], armored=True).decode()
        lines += [f"        - recipient: {one}", "          enc: |"]
        lines += [f"            {line}" for line in wrapped.splitlines()]
    sealed = encrypted_value(key, mac or digest(numbers), "str", MODIFIED)
    lines += [f'    lastmodified: "{MODIFIED}"', f"    mac: {sealed}", "    unencrypted_suffix: _unencrypted"]
    return ("\n".join(lines) + "\n    version: 3.11.0\n" + more).encode()


def main() -> int:
    """Decrypt standard input; the exit codes of sops."""
    if sys.argv[1:] != ["--decrypt", "--input-type", "yaml", "--output-type", "yaml", "/dev/stdin"]:
        return 100
    tree = YAML(typ="safe", pure=True).load(sys.stdin.read())
    metadata = tree.pop("sops")
    lines = [
        one for one in os.environ.get("SOPS_AGE_KEY", "").splitlines() if one.startswith("AGE-SECRET-KEY-")
    ]
    identities = [pyrage.x25519.Identity.from_str(one) for one in lines]
    key = b""
    for one in metadata["age"]:
        try:
            key = pyrage.decrypt(one["enc"].encode(), identities) if identities else b""
        except pyrage.DecryptError:
            continue
    if not key:
        return 128
    try:
        plain = {name: decrypted_value(key, value, f"{name}:") for name, value in tree.items()}
    except InvalidTag:
        return 25
    modified = metadata["lastmodified"]
    if "mac" not in metadata or decrypted_value(key, metadata["mac"], str(modified)) != digest(plain):
        return 51
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in plain.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
