"""Taking the state for a command that writes, and telling who has to wait for another run whom for."""

from pnsync.errors import Interrupted, Locked
from pnsync.planning import World
from pnsync.scope import Shard
from pnsync.sharding.sharded import Held, hold
from pnsync.verdict import Warned


def held(world: World, timeout: float, shard: Shard | None = None) -> Held:
    """Take the state, or a shard's part; who has to wait for another run is told for whom.

    Raises Locked and what loading raises.
    """
    try:
        return hold(world.store, shard, world.holder, timeout=0.0)
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
        return hold(world.store, shard, world.holder, timeout=timeout)
    except Locked:
        if world.interrupt.signal is not None:
            raise Interrupted(world.interrupt.signal) from None
        raise
