"""When a binding is due: leases, renewals and ends, as arithmetic on epoch seconds.

A lease is one bind's lifetime; neither vendor can prolong one, so a binding that is kept alive is renewed by an
unbind and a bind. Pure; the clock is an argument.
"""

from zlib import crc32

from pnsync.model import HOUR, NEVER, Capabilities, Lifetime, Schedule

TOLERANCE_SECONDS = 30
"""A vendor stamps a bind when it handles it, up to a call's time and a clock's step after us (docs/vendors.md, 3)."""


def lease_seconds(lifetime: Lifetime, now: float, capabilities: Capabilities) -> int:
    """The seconds to ask for at a call made `now`; 0 means without end (NXCloud's expireSecond 0).

    The shortest of the declared lease, the vendor's maximum and what remains until `expires_at`; at least 1.
    """
    bounds = [
        bound for bound in (lifetime.lease_seconds, capabilities.max_lease_seconds) if bound is not None
    ]
    if lifetime.until is not None:
        bounds.append(max(1, int(lifetime.until - now)))
    return min(bounds) if bounds else 0


def over(lifetime: Lifetime, now: float) -> bool:
    """Whether the declared end has passed, so that nothing is due any more."""
    return lifetime.until is not None and now >= lifetime.until


def due_at(lifetime: Lifetime, expires_at: int, address: str, schedule: Schedule | None) -> int | None:
    """When a live binding that ends at `expires_at` is to be renewed; None: never.

    A binding that is bound once, that never ends, or that already lasts to its declared end is not renewed.
    `renew_before` is the earliest instant; `spread_seconds` tells how much later it may be, by its address.
    """
    if not lifetime.keep or expires_at >= NEVER:
        return None
    if lifetime.until is not None and expires_at >= lifetime.until - TOLERANCE_SECONDS:
        return None
    early = expires_at - lifetime.renew_before_seconds
    return early + spread_seconds(lifetime, schedule) * crc32(address.encode()) // 0xFFFFFFFF


def spread_seconds(lifetime: Lifetime, schedule: Schedule | None) -> int:
    """The part of the window before the end over which addresses share their renewals.

    So that what was bound together is not renewed together. At least 60 % of the window remains, and every + late_by +
    1 h: the next run comes in time even when it is as late as the schedule allows. Without a schedule nothing tells
    how often runs come, so that the declared margin is left whole.
    """
    if schedule is None:
        return 0
    window = lifetime.renew_before_seconds
    least = schedule.every_seconds + schedule.late_by_seconds + HOUR
    return max(0, window - max(-(-window * 6 // 10), least))


def outlives(lifetime: Lifetime, expires_at: int, bound_at: float) -> bool:
    """Whether a live binding would last longer than its declaration allows, so that waiting does not mend it.

    `bound_at` is when it was bound by the vendor's clock, or now where that is not known.
    """
    if lifetime.until is not None:
        return expires_at > lifetime.until + TOLERANCE_SECONDS
    if lifetime.lease_seconds is None:
        return False
    return expires_at > bound_at + lifetime.lease_seconds + TOLERANCE_SECONDS


def wanted_again(lifetime: Lifetime, now: float) -> bool:
    """Whether a binding that has expired is to be bound again."""
    return lifetime.keep and not over(lifetime, now)
