"""`pnsync verify --call`: the vendor's switch is asked who would ring. It may bill, so the count is shown and confirmed."""

import sys
from typing import TYPE_CHECKING, Any

from pnsync.cli.command import Invocation
from pnsync.errors import ExitCode, UsageError
from pnsync.render.units import counted
from pnsync.verdict import Verdict

if TYPE_CHECKING:
    from pnsync.cli.session import Opened


def verify_calls(
    invocation: Invocation, session: "Opened", *, wanted: tuple[str, ...], sample: int | None, approved: bool
) -> Verdict:
    """Ask from the point of view of A, B and a stranger; exit 2 where somebody else rings, or nobody."""
    from pnsync.pseudonyms import masker_of
    from pnsync.routing.probing import chosen, judge, probes
    from pnsync.routing.table import of_state
    from pnsync.state import State

    world = session.world
    state = world.store.load() or State(lineage="")
    entries = {address: one for address, one in state.bindings().items() if not one.down}
    names = tuple(one if one.startswith("bindings.") else f"bindings.{one}" for one in wanted)
    if unknown := [one for one in names if one not in entries]:
        raise UsageError(f"{unknown[0]} is not a live binding of the state", command="pnsync state list")
    addresses = chosen(entries, names, sample)
    configs = {name: one.config for name, one in world.providers.items()}
    table = of_state(state, world.clock.now())
    asked = probes([(one, entries[one]) for one in addresses], table, configs)
    left = len(addresses) - len({one.address for one in asked})
    if left:
        session.tell(f"{counted(left, 'binding')} cannot be asked about: their vendor has no such question.")
    if asked and not approved:
        _confirm(invocation, len(asked))
    masker = masker_of(state)
    found = []
    for number, probe in enumerate(asked, 1):
        provider = world.providers[probe.provider]
        reached = provider.query(caller=probe.caller, did=probe.dialled, extension=probe.extension)
        entry = entries[probe.address]
        parties = [one for one in (entry.phone_a, entry.phone_b) if one is not None]
        found.append(judge(probe, reached, parties))
        if invocation.output.err_is_terminal:
            invocation.output.err(f"Asked {number} of {len(asked)}")
    wrong = [one for one in found if one.wrong]
    document = {"event": "calls", "asked": len(found), "answers": [one.document(masker) for one in found]}
    if invocation.json_lines:
        invocation.event(document)
    else:
        for line in _lines(document["answers"]):
            invocation.output.out(line)
        invocation.output.out(f"Asked {counted(len(found), 'time')}: {counted(len(wrong), 'difference')}.")
    return Verdict("verify", (ExitCode.DIFFERENCES,) if wrong else ())


def _lines(answers: Any) -> list[str]:
    return [
        f"  ! {one['address']}  {one['view']} dials {one['dialled']}"
        + (f" ext {one['extension']}" if one["extension"] else "")
        + f": {one['wrong']}, expected {one['expected'] or 'nobody'}, rings {one['rings'] or 'nobody'}"
        for one in answers
        if one["wrong"]
    ]


def _confirm(invocation: Invocation, count: int) -> None:
    """Nothing is asked of a switch that may bill unless somebody said so."""
    if not (invocation.output.out_is_terminal and sys.stdin.isatty()):
        raise UsageError(
            f"{counted(count, 'call')} of the vendor's switch would be made, which it may bill",
            "Nobody can be asked here. If that is meant: --auto-approve.",
        )
    invocation.output.err(
        f"{counted(count, 'question')} to the vendor's switch, which it may bill. Only 'yes' goes on:"
    )
    if sys.stdin.readline().strip() != "yes":
        raise UsageError("nothing was asked")
