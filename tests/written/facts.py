"""What a state says that no later version may read otherwise; plain values, for a JSON file."""

from typing import Any

from pnsync.state import Entry, State


def facts(state: State) -> dict[str, Any]:
    """Whom it binds, under which ids and until when, what is open, and what must not be used again."""
    return {
        "lineage": state.lineage,
        "serial": state.serial,
        "bindings": {
            address: {
                "provider": one.provider,
                "mode": one.mode.value,
                "phones": [phone.digits for phone in (one.phone_a, one.phone_b) if phone is not None],
                "x": [one.phone_x, one.phone_x_b, one.extension],
                "ids": [one.bind_id, one.customer_bind_id],
                "generation": one.generation,
                "ends": one.expires_at,
                "protect": one.protect,
                "labels": [list(pair) for pair in one.labels],
                "lifetime": [one.lifetime.lease_seconds, one.lifetime.until, one.lifetime.keep],
            }
            for address, one in sorted(state.entries.items())
            if isinstance(one, Entry)
        },
        "groups": {
            address: [one.group_id, one.group_name, [phone.digits for phone in one.phones]]
            for address, one in sorted(state.groups().items())
        },
        "pending": {
            name: [one.intent.address, one.intent.operation.value, one.standing.value, one.intent.not_before]
            for name, one in sorted(state.pending.items())
        },
        "superseded": sorted([one.provider, one.bind_id, one.address] for one in state.superseded.values()),
        "resting": sorted(
            [one.provider, one.phone_x, one.extension or "", one.until] for one in state.quarantine
        ),
        "accounts": {name: [one.host, one.fingerprint] for name, one in sorted(state.accounts.items())},
        "generations": dict(sorted(state.generations.items())),
        "unbound": sorted([str(key), at] for key, at in state.unbound.items()),
        "failures": {name: [one.since, one.count, one.code] for name, one in sorted(state.failures.items())},
        "notes": dict(sorted(state.notes.items())),
    }
