"""What a plan is asked for beside the files, and what `renew` asks for in their place. Pure."""

from dataclasses import dataclass, replace

from pnsync.model import Binding, Desired
from pnsync.policy.limits import Permissions
from pnsync.scope import Scope, Shard
from pnsync.state import State


@dataclass(frozen=True, slots=True)
class Question:
    """A part of the whole, permissions, and what to leave out.

    `replace` are addresses to rebind in any case. `renew_only` keeps to what time and interrupted runs make due;
    `desired` is then `desired_of_state`. Not `refreshed`: no vendor was asked, the state is believed.
    """

    scope: Scope = Scope()
    permissions: Permissions = Permissions()
    replace: frozenset[str] = frozenset()
    destroy: bool = False
    renew_only: bool = False
    refreshed: bool = True
    config_digest: str = ""
    approved: frozenset[str] | None = None
    """The addresses of an approved plan: drift elsewhere is left alone."""
    limit: int | None = None
    """How many changes of cause config may come; the rest is deferred."""
    shard: Shard | None = None
    """The part of all changes that comes, out of a plan of the whole; the others are other runs', which go on meanwhile."""
    moving: frozenset[str] = frozenset()
    """Addresses of other shards that their runs are at just now: nothing is concluded about them."""


def desired_of_state(desired: Desired, state: State) -> Desired:
    """What `renew` wants: exactly what the state holds, with the providers and policy of the files."""
    bindings = {}
    for address, entry in state.bindings().items():
        name = address.removeprefix("bindings.")
        bindings[name] = Binding(
            name=name,
            provider=entry.provider,
            mode=entry.mode,
            phone_a=entry.phone_a,
            phone_b=entry.phone_b,
            lifetime=entry.lifetime,
            phone_x=None if entry.x_chosen else entry.phone_x,
            extension=entry.extension,
            group=entry.group,
            pool_number=entry.pool_number,
            customer_bind_id=entry.declared_id,
            recording=entry.recording,
            protect=entry.protect,
            labels=entry.labels,
        )
    return replace(desired, bindings=bindings, moved=())
