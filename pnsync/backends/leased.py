"""A place without a lock of its own: the lease in store/ is the lock."""

from pnsync.interfaces import Exclusive


class Leased:
    """The lock of such a place, as every backend has to answer for one."""

    def exclusive(self, holder: bytes, timeout: float) -> Exclusive | None:
        """None: the lease is the lock."""
        return None

    def occupant(self) -> bytes | None:
        """None, as there is no lock of its own."""
        return None

    def evict(self, holder: bytes) -> bool:
        """False, as there is no lock of its own."""
        return False
