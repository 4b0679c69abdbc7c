"""A provider's two keys, read from the environment or from files it names; never from configuration.

`Secret` shows itself as dots in every text form and refuses to be pickled; only the signers unwrap it.
Messages name the variable, never its value.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from pnsync.errors import UsageError
from pnsync.model import ProviderConfig, VendorType

HIDDEN: Final = "••••"
_FILE_LIMIT_BYTES: Final = 4096


class Secret:
    """A text that no message, log or traceback shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; for signers and for fingerprints under a key."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key with its secret, and warnings about where they were found."""

    key: Secret
    secret: Secret
    warnings: tuple[str, ...] = ()


NAMES: Final[Mapping[VendorType, tuple[tuple[str, str], tuple[str, str]]]] = {
    VendorType.NXCLOUD: (
        ("access_key", "NXCLOUD_ACCESS_KEY"),
        ("access_secret", "NXCLOUD_ACCESS_SECRET"),
    ),
    VendorType.LAAFFIC: (("api_key", "LAAFFIC_API_KEY"), ("api_secret", "LAAFFIC_API_SECRET")),
}
"""The setting and the default variable of each vendor's key and secret."""


def read_credentials(config: ProviderConfig, environ: Mapping[str, str]) -> Credentials:
    """The credentials of a provider. Raises UsageError (exit 8), which names what to set."""
    if config.sandbox:
        return Credentials(Secret("sandbox"), Secret("sandbox"))
    warnings: list[str] = []
    found: list[Secret] = []
    missing: list[str] = []
    for setting, default in NAMES[config.type]:
        reference = config.credentials.get(setting)
        name = reference.env if reference else default
        value = _read(name, environ, warnings)
        if value is None:
            missing.append(name)
        else:
            found.append(Secret(value))
    if missing:
        raise UsageError(
            "a provider's credentials are not set",
            f'Provider "{config.name}" needs {" and ".join(missing)} in the environment,'
            f" or {' and '.join(f'{name}_FILE' for name in missing)} naming a file that holds it.",
            "Without them the vendor can be neither read nor called.",
            f"Set {'them' if len(missing) > 1 else 'it'}, or use `endpoint: sandbox` to try pnsync without an account.",
        )
    return Credentials(found[0], found[1], tuple(warnings))


def _read(name: str, environ: Mapping[str, str], warnings: list[str]) -> str | None:
    value, path = environ.get(name), environ.get(f"{name}_FILE")
    if value and path:
        raise UsageError(
            "a credential is set twice",
            f"Both {name} and {name}_FILE are set, and they may differ.",
            "Unset one of them.",
        )
    if path:
        value, name = _read_file(name, path, warnings), f"{name}_FILE"
    if not value:
        return None
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(
            "a credential holds characters that no key has",
            f"{name} contains a space, a line break or a character outside ASCII.",
            "Copy the key again, without quotes or line breaks.",
        )
    return value


def _read_file(name: str, path: str, warnings: list[str]) -> str:
    try:
        with Path(path).open("rb") as file:
            mode = stat.S_IMODE(Path(path).stat().st_mode)
            content = file.read(_FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "a credential's file cannot be read",
            f"{name}_FILE names a file that cannot be read: {error.strerror or type(error).__name__}.",
            "Check the path and the file's permissions.",
        ) from None
    if mode & 0o077:
        warnings.append(f"the file that {name}_FILE names can be read by others; chmod 600 it")
    try:
        value = content.decode("utf-8").strip()
    except UnicodeDecodeError:
        value = ""
    if not value or len(content) > _FILE_LIMIT_BYTES:
        raise UsageError(
            "a credential's file holds no key",
            f"The file that {name}_FILE names is empty, not text, or longer than {_FILE_LIMIT_BYTES} bytes.",
            "It should hold the key alone.",
        )
    return value
