"""Signatures where the machine has its own mind of digests; the vendors' published values are in test_golden.py."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from pnsync.providers.laaffic import signing as la_signing
from pnsync.providers.nxcloud import signing as nx_signing

CALLS: dict[str, Callable[[], dict[str, str]]] = {
    "laaffic": lambda: la_signing.headers("key", "secret", 1_800_000_000.5),
    "nxcloud": lambda: nx_signing.headers(
        "key", "bindAXB", 1_800_000_000.5, b"{}", "secret", algorithm="md5"
    ),
}


@pytest.mark.parametrize("vendor", CALLS)
def test_requests_are_signed_where_md5_is_forbidden_for_security(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An OpenSSL of a FIPS build refuses MD5 unless it is told that nothing secret depends on it."""
    usual = CALLS[vendor]()
    md5, new = hashlib.md5, hashlib.new

    def refusing(made: Callable[..., Any]) -> Callable[..., Any]:
        def digest(*given: Any, usedforsecurity: bool = True) -> Any:
            if usedforsecurity:
                raise ValueError("[digital envelope routines] unsupported")
            return made(*given, usedforsecurity=False)

        return digest

    monkeypatch.setattr(hashlib, "md5", refusing(md5))
    monkeypatch.setattr(hashlib, "new", refusing(new))
    assert CALLS[vendor]() == usual
