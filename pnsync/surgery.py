"""Careful hands on a state: rename, remove, accept an account, put another state in place, move it elsewhere,
rebuild a lost one.

What `pnsync state ...` does. Every operation is recorded under the lock; a vendor is only ever read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pnsync.adoption import entry_of_row
from pnsync.errors import StateError, UsageError
from pnsync.holder import Holder
from pnsync.identity import address_hash, identify
from pnsync.journal import Accepted, Doubled, Noted, Recorded, Resolved, Verdict
from pnsync.masking import derive, new_key
from pnsync.model import Binding, Desired, LiveBinding, Observed
from pnsync.phone import typed
from pnsync.planning import World, check_accounts, read_listings
from pnsync.pseudonyms import pseudonym_key
from pnsync.sealing.codec import SealingCodec
from pnsync.state import Entry, Head, State
from pnsync.statefile import document
from pnsync.statefile.codes import REBUILD, refusal
from pnsync.store.history import MOVED_NOTE
from pnsync.store.store import KEY_NOTE, Store


def move(world: World, source: str, target: str, *, timeout: float = 0.0) -> State:
    """Rename an address in the state; no call is made."""
    with world.store.hold(world.holder, timeout=timeout) as session:
        entry = session.state.entries.get(source)
        if entry is None:
            raise _absent(source)
        if target in session.state.entries:
            raise UsageError(f"{target} is in the state already", "Remove or rename that one first.")
        if source.split(".", maxsplit=1)[0] != target.split(".", maxsplit=1)[0]:
            raise UsageError("an address keeps its kind", f"{source} cannot become {target}.")
        session.record(Recorded(source, None), Recorded(target, entry))
        return session.finish()


def remove(world: World, addresses: Iterable[str], *, timeout: float = 0.0) -> State:
    """Forget addresses; what is live at the vendor stays there and is unmanaged from now on."""
    with world.store.hold(world.holder, timeout=timeout) as session:
        state = session.state
        for address in addresses:
            attempts = [name for name, one in state.pending.items() if one.intent.address == address]
            doubles = [name for name, one in state.superseded.items() if one.address == address]
            if address not in state.entries and not attempts and not doubles:
                raise _absent(address)
            now = int(world.clock.now())
            session.record(
                Recorded(address, None),
                *(Resolved(name, Verdict.ABSENT, now) for name in attempts),
                *(Doubled(name, None) for name in doubles),
            )
        return session.finish()


def accept_account(world: World, name: str, *, timeout: float = 0.0) -> State:
    """Record the account that a provider is configured with now in place of the one recorded before."""
    provider = world.providers.get(name)
    if provider is None:
        known = ", ".join(sorted(world.providers))
        raise UsageError(f"there is no provider {name}", f"The files declare: {known}.")
    with world.store.hold(world.holder, timeout=timeout) as session:
        session.record(Accepted(name, provider.account(derive(pseudonym_key(session.state), "account"))))
        return session.finish()


def push(world: World, data: bytes, *, timeout: float = 0.0) -> State:
    """Put a state file in the state's place; what was there is kept as a backup.

    Raises StateError where the file is damaged, older than the state, or of another lineage.
    """
    store = world.store
    try:
        found = document.loads(data, store.codec, name="the file")
    except StateError as error:
        if error.command != REBUILD:
            raise
        raise StateError(
            "the file is no state that could be put in the state's place",
            error.detail[0],
            "Nothing was changed. Take one that `pnsync state pull` has written.",
            code=error.code,
        ) from None
    try:
        held = store.hold(world.holder, timeout=timeout)
    except StateError:
        held = store.hold_unreadable(world.holder, timeout=timeout)
    with held as session:
        if found.serial < session.state.serial:
            raise StateError(
                "the file is older than the state",
                f"It has serial {found.serial}, and the state {session.state.serial}: what was recorded since",
                "would be forgotten, and bindings made again. Take the state that ran last.",
            )
        return session.replace(found)


def migrate(source: Store, target: Store, holder: Holder, *, timeout: float = 0.0) -> State:
    """Move a state, with all that is pending in it, to another place; the old one then refuses and names the new.

    The copy is read back and compared before the old place is retired, so that a run that ends in between leaves the
    old one in use and may be repeated. Raises StateError where another state is at the new place.
    """
    if source.backend.location == target.backend.location:
        raise UsageError("the state is at that place already", f"{source.backend.location} is where it lies.")
    with source.hold(holder, timeout=timeout) as old:
        if not old.exists:
            raise UsageError("there is no state yet", f"{source.backend.location} does not exist.")
        state = old.state
        with target.hold(holder, timeout=timeout, moved_allowed=True) as new:
            found = new.state
            if new.exists and MOVED_NOTE not in found.notes and _content(found) != _content(state):
                raise refusal(
                    "S919",
                    f"{target.backend.location} holds serial {found.serial} of lineage {found.lineage}.",
                    "Migrate to a place that is empty.",
                )
            if not new.exists or _content(found) != _content(state):
                new.replace(state)
        copied = target.load()
        if copied is None or _content(copied) != _content(state):
            raise refusal("S972", f"{source.backend.location} is still the state; nothing was changed there.")
        old.record(Noted(MOVED_NOTE, target.backend.location))
        old.finish()
        return copied


def _content(state: State) -> State:
    """A state without what belongs to its place."""
    return replace(state, serial=0, head=Head())


def _absent(address: str) -> UsageError:
    return UsageError(
        f"{typed(address)} is not in the state", "What it holds is shown by:", command="pnsync state list"
    )


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A state recreated from listings: what was taken, and the declared bindings that could only be guessed."""

    state: State
    taken: tuple[str, ...]
    proposals: tuple[str, ...]
    """LAAFFIC has no client id: bindings that equal a declared one, to be taken with `pnsync import --match`."""


def rebuild(world: World, *, lineage: str | None = None, timeout: float = 0.0) -> Rebuilt:
    """Recreate a lost or unreadable state from the vendors' listings; refused where a readable one exists.

    NXCloud's bindings are known by their ids, exactly; LAAFFIC's are only proposed. The lineage is the one that the
    listed ids show; with several, `lineage` must name one.
    """
    with world.store.hold_unreadable(world.holder, timeout=timeout) as session:
        empty = session.state
        observed = read_listings(world, empty, scans=2)
        for failure in observed.failures.values():
            raise failure
        chosen = lineage or world.desired.lineage or _lineage_of(observed)
        base = replace(empty, lineage=chosen or empty.lineage, generation_base=int(world.clock.now()))
        built = reconstruct(world.desired, base, observed)
        state = session.replace(built.state)
        return replace(built, state=state)


def _lineage_of(observed: Observed) -> str | None:
    found = {
        one.lineage
        for listing in observed.listings.values()
        for row in listing.bindings
        if (one := identify(row.customer_bind_id)) is not None
    }
    if len(found) > 1:
        raise StateError(
            "the listed bindings belong to several lineages",
            f"They show: {', '.join(sorted(found))}.",
            "Name the one that this state is to have:",
            command="pnsync state rebuild --lineage LINEAGE",
            code="A160",
        )
    return found.pop() if found else None


def reconstruct(desired: Desired, base: State, observed: Observed) -> Rebuilt:
    """The entries that the listings prove to be ours under this lineage. Pure."""
    declared = {one.address: one for one in desired.bindings.values()}
    named = {address_hash(address): address for address in declared}
    for one in desired.moved:
        named.setdefault(address_hash(one.source), one.target)
    by_declared_id = {
        one.customer_bind_id: address for address, one in declared.items() if one.customer_bind_id is not None
    }
    entries: dict[str, Entry] = {}
    proposals: list[str] = []
    for listing in observed.listings.values():
        for row in listing.bindings:
            address, generation = _address_of(row, base.lineage, named, by_declared_id, declared)
            if address is None:
                proposals.extend(_equal(row, declared, entries))
                continue
            known = entries.get(address)
            if known is None or known.generation < generation:
                entries[address] = entry_of_row(row, None, declared.get(address), generation)
    state = replace(base, entries=dict(entries), generations={a: e.generation for a, e in entries.items()})
    return Rebuilt(state, tuple(sorted(entries)), tuple(sorted(set(proposals) - set(entries))))


def _address_of(
    row: LiveBinding,
    lineage: str,
    named: dict[str, str],
    by_declared_id: dict[str, str],
    declared: dict[str, Binding],
) -> tuple[str | None, int]:
    found = identify(row.customer_bind_id)
    if found is not None:
        if found.lineage != lineage[: len(found.lineage)]:
            return None, 0
        lost = f"bindings.lost-{found.address_hash}"
        return named.get(found.address_hash, lost), found.generation
    text = row.customer_bind_id
    if text is None:
        return None, 0
    stem, dot, count = text.rpartition(".")
    if text in by_declared_id:
        address, generation = by_declared_id[text], 1
    elif dot and count.isdigit() and stem in by_declared_id:
        address, generation = by_declared_id[stem], int(count)
    else:
        return None, 0
    binding = declared[address]
    same = binding.provider == row.provider and (binding.phone_a, binding.phone_b) == (
        row.phone_a,
        row.phone_b,
    )
    return (address, generation) if same else (None, 0)


def _equal(row: LiveBinding, declared: dict[str, Binding], entries: dict[str, Entry]) -> list[str]:
    return [
        address
        for address, one in declared.items()
        if address not in entries
        and one.provider == row.provider
        and (one.phone_a, one.phone_b) == (row.phone_a, row.phone_b)
        and one.extension in (None, row.extension)
        and one.phone_x in (None, row.phone_x)
    ]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A state whose sealing is as the root file asks: its keys by id, the current one first, and whether any changed."""

    state: State
    key_ids: tuple[str, ...]
    recipients: int
    changed: bool


def rekey(world: World, *, rotate: bool, retire: bool, timeout: float = 0.0) -> Rekeyed:
    """Seal the state to the recipients of the root file; a plain one is sealed whatever `enforced` says.

    A recipient that is gone, or `rotate`, brings a new key; `retire` forgets the older ones. A plain state also gets a
    new key of pseudonyms, as the old one stood in clear, and the accounts are recorded anew under it.
    """
    store, codec = world.store, world.store.codec
    if not isinstance(codec, SealingCodec):
        raise UsageError(
            "the root file asks for no encryption",
            "Name who may read the state in `state: encryption: recipients:`.",
        )
    codec.accepts_plain = True
    with store.hold(world.holder, timeout=timeout) as session:
        if not session.exists:
            raise UsageError(
                "there is no state yet", "The first apply makes it, sealed.", command="pnsync apply"
            )
        state, plain = session.state, not codec.settled
        check_accounts(world, state)
        ready = codec.prepare(state.lineage, rotate=rotate, retire=retire)
        if plain:
            key = new_key()
            accounts = {
                name: one.account(derive(key, "account"))
                for name, one in world.providers.items()
                if name in state.accounts
            }
            state = replace(state, notes={**state.notes, KEY_NOTE: key.hex()}, accounts=accounts)
        final = session.rekey(state if ready else None)
        return Rekeyed(final, codec.key_ids, len(codec.recipients), ready)
