"""A file of numbers as it is kept -> plain YAML: clear text, an age file (`….age`), or one of SOPS.

Promises: plain text comes from memory and pipes only; a SOPS file that names anything but age keys is refused before
the program sees it, so that no file can make a run ask a server. Must not read or write a file of the project.
"""

from collections.abc import Mapping as MappingLike
from typing import Final

from pnsync import yamlfile
from pnsync.errors import UsageError
from pnsync.sealing.identity import Identity, NoKey, Unopened
from pnsync.sealing.sops import METADATA, foreign_keys, is_sops, open_sops
from pnsync.yamlfile import Limits, Mapping

SEALED: Final = ".age"


class Opener:
    """What a run opens files of numbers with."""

    def __init__(self, environ: MappingLike[str, str]) -> None:
        self.identity = Identity(environ)
        self._environ = environ

    def open(self, name: str, data: bytes) -> bytes:
        """The plain YAML of a file. Raises UsageError, NoKey where there is no identity at all."""
        if name.endswith(SEALED):
            return self._open_age(name, data)
        metadata = sops_metadata(data, name)
        if metadata is None:
            return data
        foreign = foreign_keys(metadata)
        if foreign:
            raise UsageError(
                "a SOPS file names other keys than age keys",
                f"{name} names {', '.join(one for one in foreign if one.isidentifier()) or 'unknown ones'}: to open it "
                "would ask a service that the file names.",
                "Encrypt it to age recipients alone.",
            )
        return open_sops(data, name, self.identity, self._environ)

    def _open_age(self, name: str, data: bytes) -> bytes:
        if not self.identity.given:
            raise NoKey(
                "an age identity is needed",
                f"{name} is sealed, and no identity opens it here.",
                "Set PNSYNC_AGE_IDENTITY, or PNSYNC_AGE_IDENTITY_FILE to the file that age-keygen wrote.",
            )
        try:
            return self.identity.open(data)
        except Unopened:
            raise UsageError(
                "a file of numbers cannot be opened",
                f"{name} is sealed to others than the identity of this run, or was cut off.",
                "Its owner can add you:",
                command=f"pnsync numbers edit --file {name}",
            ) from None


def sops_metadata(data: bytes, name: str) -> Mapping | None:
    """What SOPS keeps in a file; None where the file is none of SOPS.

    Raises UsageError for one that two readers could understand differently: what is judged here must be what sops reads.
    """
    if not is_sops(data):
        return None
    node, found = yamlfile.load(data, name, Limits())
    metadata = None if node is None else node.get(METADATA)
    if not isinstance(metadata, Mapping):
        return None
    if found:
        raise UsageError(
            "a SOPS file is not plain YAML",
            f"{name}, line {found[0].span.line if found[0].span else 1}: {found[0].summary}. sops did not see it.",
        )
    return metadata


def sealed(data: bytes, name: str) -> bool:
    """Whether a file's bytes are not its plain text."""
    return name.endswith(SEALED) or sops_metadata(data, name) is not None
