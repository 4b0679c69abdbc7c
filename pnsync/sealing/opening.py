"""The codec that the root file asks for."""

from collections.abc import Mapping
from dataclasses import replace

from pnsync.sealing.codec import SealingCodec, SealingSettings
from pnsync.sealing.identity import Identity
from pnsync.sealing.libraries import library
from pnsync.sealing.mark import Mark
from pnsync.statefile.phonecodec import CLEAR, PhoneCodec


def open_codec(
    settings: Mapping[str, object], environ: Mapping[str, str], *, always: bool = False
) -> PhoneCodec:
    """The codec for the settings of `state:`; plain without `encryption`. Raises UsageError without the libraries.

    `always` for a place that others read, where no plain state is accepted whatever the settings say. Keys come from the snapshot that the store reads or makes; nothing is opened before.
    """
    asked = sealing_settings(settings)
    if asked is None:
        return CLEAR
    asked = replace(asked, enforced=asked.enforced or always)
    library("pyrage")
    library("cryptography.hazmat.primitives.ciphers.aead")
    return SealingCodec(asked, Identity(environ), mark=Mark(environ))


def sealing_settings(settings: Mapping[str, object]) -> SealingSettings | None:
    """What `state: encryption:` says."""
    found = settings.get("encryption")
    if not isinstance(found, Mapping):
        return None
    recipients = found.get("recipients")
    assert isinstance(recipients, list | tuple), "the configuration was checked"
    return SealingSettings(
        tuple(map(str, recipients)), enforced=found.get("enforced") is True, whole=found.get("whole") is True
    )
