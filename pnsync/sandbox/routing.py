"""Who rings: the truth about a call through a virtual number, in every mode.

Read-only over a switchboard. It serves queryAXB, and tests as an oracle of what a set of bindings means to callers.
"""

from dataclasses import dataclass, field

from pnsync.sandbox.numbering import country_code
from pnsync.sandbox.records import Binding, Mode
from pnsync.sandbox.switchboard import Switchboard


@dataclass(frozen=True, slots=True)
class Rings:
    """The call goes through: whose phone rings, the number it shows, and the binding that says so."""

    phone: str = field(repr=False)
    shown: str
    binding: Binding


@dataclass(frozen=True, slots=True)
class Unreached:
    """The call fails; `reason` is fixed text without numbers."""

    reason: str


def ring(
    board: Switchboard, caller: str, did: str, extension: str = "", *, strangers: bool = False
) -> Rings | Unreached:
    """Who rings when `caller` dials `did`, and `extension` after it.

    `caller` may lack its country code. `strangers` lets anybody who knows X and the extension reach A even where the
    binding names a B; where it names none everybody may (docs/vendors.md, 1.4 marks the latter as inference).
    """
    callers = [caller]
    code = country_code(did)
    if code is not None and not caller.startswith(code):
        callers.append(code + caller.lstrip("0"))
    if extension:
        return _by_extension(board, callers, did, extension, strangers)
    return _by_caller(board, callers, did)


def _by_extension(
    board: Switchboard, callers: list[str], did: str, extension: str, strangers: bool
) -> Rings | Unreached:
    found = board.dialled(did, "#" + extension)
    if not found:
        return Unreached("nothing is bound to this number and extension")
    binding = found[-1]
    if binding.phone_a in callers:
        if not binding.phone_b:
            return Unreached("A calls, and the binding names no B")
        return Rings(binding.phone_b, binding.x_a, binding)
    if binding.phone_b and binding.phone_b not in callers and not strangers:
        return Unreached("the caller is not a party of the binding")
    return Rings(binding.phone_a, binding.x_a, binding)


def _by_caller(board: Switchboard, callers: list[str], did: str) -> Rings | Unreached:
    for caller in callers:
        for binding in reversed(board.dialled(did, caller)):
            if binding.mode == Mode.AXG:
                if not binding.phone_b:
                    return Unreached("A calls, and the binding names no B")
                return Rings(binding.phone_b, did, binding)
            if caller == binding.phone_a and did == binding.x_a:
                return Rings(binding.phone_b, binding.x_b, binding)
            return Rings(binding.phone_a, binding.x_a, binding)
    for binding in reversed(board.groups_on(did)):
        group = board.groups.get(binding.group_id)
        if group and any(caller in group.phones for caller in callers):
            return Rings(binding.phone_a, did, binding)
    mine = {
        one.bind_id: one
        for caller in callers
        for one in board.of_phone(caller)
        if one.mode == Mode.AXB_EXTENSION and one.x_a == did
    }
    if len(mine) == 1:
        (binding,) = mine.values()
        return _by_extension(board, callers, did, binding.extension, False)
    if mine:
        return Unreached("the caller has several extensions on this number and dialled none")
    return Unreached("nothing is bound to this number for this caller")
