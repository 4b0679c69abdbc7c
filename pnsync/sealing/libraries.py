"""The optional libraries, imported when they are needed, and what is said where they are missing."""

from importlib import import_module
from typing import Any

from pnsync.errors import UsageError


def library(name: str) -> Any:
    """A module of `pnsync[age]`. Raises UsageError where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(
            "sealing needs further libraries",
            "The files ask for encrypted numbers, and cryptography or pyrage is not installed:",
            command="pip install 'pnsync[age]'",
        ) from None
