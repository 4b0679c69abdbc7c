"""Taking the state for a command that writes, and telling who has to wait for another run whom for."""

from pnsync.errors import Interrupted, Locked
from pnsync.planning import World
from pnsync.store import Session
from pnsync.verdict import Warned


def held(world: World, timeout: float) -> Session:
    """Take the state; who has to wait for another run is told for whom. Raises Locked and what loading raises."""
    try:
        return world.store.hold(world.holder, timeout=0.0)
    except Locked as locked:
        if timeout <= 0 or world.interrupt.signal is not None:
            raise
        world.report(
            Warned(
                "S940",
                f"the state is locked; waiting up to {timeout:g} s for the other run",
                locked.detail[0],
            )
        )
    try:
        return world.store.hold(world.holder, timeout=timeout)
    except Locked:
        if world.interrupt.signal is not None:
            raise Interrupted(world.interrupt.signal) from None
        raise
