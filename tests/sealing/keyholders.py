"""Identities of the tests, and codecs that open with them."""

import pyrage

from pnsync.sealing.codec import SealingCodec, SealingSettings
from pnsync.sealing.identity import Identity
from pnsync.sealing.mark import Mark


class Holder:
    """Somebody with an age identity of their own."""

    def __init__(self) -> None:
        made = pyrage.x25519.Identity.generate()
        self.secret, self.recipient = str(made), str(made.to_public())

    @property
    def environ(self) -> dict[str, str]:
        """How a run of theirs is told the identity."""
        return {"PNSYNC_AGE_IDENTITY": self.secret}

    def codec(
        self, *recipients: str, enforced: bool = False, whole: bool = False, **environ: str
    ) -> SealingCodec:
        """A codec of their run; sealed to them alone where nobody is named."""
        settings = SealingSettings(recipients or (self.recipient,), enforced, whole)
        values = self.environ | environ
        return SealingCodec(settings, Identity(values), mark=Mark(values))
