"""What NXCloud's writing operations do to an account: binds, unbinds, groups, with the code of every refusal.

The order of the checks is ours where the pages give none: shape, parties, the customer's id, the pair, then numbers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pnsync.sandbox.answers import Refused
from pnsync.sandbox.numbering import country_code
from pnsync.sandbox.records import Binding, Group, Mode
from pnsync.sandbox.switchboard import Switchboard
from pnsync.sandbox.switches import NxSwitches

_EXTENSION = re.compile(r"[0-9]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NxWrites:
    """The writing operations at one instant; each takes the checked fields of its request."""

    board: Switchboard
    switches: NxSwitches
    now: float

    def bind_axb(self, given: Mapping[str, Any]) -> Binding:
        """bindAXB: the platform picks X, the number of the country with the most room where A and B are new."""
        a, b = given["phoneA"], given["phoneB"]
        self._check_parties(a, b)
        code = country_code(a)
        if code is None or not b.startswith(code):
            raise Refused(10004, "A and B do not share a country code")
        return self._known(given, Mode.AXB) or self._make(given, Mode.AXB, self._axb_number(code, (a, b)))

    def bind_extension(self, given: Mapping[str, Any]) -> Binding:
        """bindAXBExtension: X and extension are the customer's choice, and one binding has them."""
        a, b, x, extension = given["phoneA"], given.get("phoneB", ""), given["phoneX"], given["extension"]
        if self.switches.extension_needs_b and not b:
            raise Refused(10001, "phoneB is missing")
        self._check_parties(a, b)
        if not _EXTENSION.fullmatch(extension):
            raise Refused(1002, "extension is not 3 digits")
        self._check_x(x, (a, b))
        known = self._known(given, Mode.AXB_EXTENSION)
        if known:
            return known
        if self.switches.extension_scope == "x":
            scope: Iterable[str] = (x,)
        else:
            scope = (*self.board.numbers, x)
        if any(self.board.extension_taken(one, extension, self.now) for one in scope):
            raise Refused(self.switches.extension_taken_code, "extension is taken")
        if not self.board.has_room(x):
            raise Refused(10010, "X carries as many bindings as it can")
        return self._make(given, Mode.AXB_EXTENSION, x)

    def bind_axg(self, given: Mapping[str, Any]) -> Binding:
        """bindAXG: members of the group reach A through X; A reaches phoneB, where it names one."""
        a, b, x = given["phoneA"], given.get("phoneB", ""), given.get("phoneX", "")
        self._check_parties(a, b)
        group = self.board.groups.get(given["groupId"])
        if group is None:
            raise Refused(self.switches.group_missing_code, "no such group")
        if b and b not in group.phones:
            raise Refused(1002, "phoneB is not a member of the group")
        parties = (a, *group.phones)
        if x:
            self._check_x(x, (a, b))
        known = self._known(given, Mode.AXG)
        if known:
            return known
        if not x:
            code = country_code(a)
            if code is None or (b and not b.startswith(code)):
                raise Refused(10004, "A or B lacks the country code of X")
            return self._make(given, Mode.AXG, self._axb_number(code, parties))
        if self.board.clashes(x, parties, self.now):
            raise Refused(self.switches.party_clash_code, "a party already calls through X")
        if not self.board.has_room(x):
            raise Refused(10010, "X carries as many bindings as it can")
        return self._make(given, Mode.AXG, x)

    def unbind(self, given: Mapping[str, Any]) -> None:
        """unbindAXB, by bindId or customerBindId."""
        bind_id, client_id = given.get("bindId", ""), given.get("customerBindId", "")
        if not bind_id and not client_id:
            raise Refused(1002, "bindId or customerBindId is needed")
        if bind_id and client_id and self.switches.both_ids == "refuse":
            raise Refused(1002, "bindId and customerBindId are both given")
        if not bind_id:
            found = self.board.with_client_id(client_id)
            bind_id = found[0].bind_id if found else ""
        if bind_id not in self.board.bindings:
            if bind_id in self.board.freed_ids and self.switches.unbind_ended == "ok":
                return
            raise Refused(10013, "binding not exist")
        self.board.end(bind_id, self.now)

    def create_group(self, given: Mapping[str, Any]) -> str:
        """createGroup; the new group's id."""
        group_id = self.board.next_token("group")[:18]
        phones = tuple(dict.fromkeys(given["phones"].split(",")))
        self.board.put_group(
            Group(group_id, given.get("groupName") or group_id, phones, given.get("remark", "")), self.now
        )
        return group_id

    def update_group(self, given: Mapping[str, Any]) -> None:
        """updateGroup: 0 adds, 1 removes, 2 replaces the phones."""
        group = self._group(given)
        phones = dict.fromkeys(given["phones"].split(","))
        match given["operateType"]:
            case 0:
                kept = tuple(dict.fromkeys(group.phones) | phones)
            case 1:
                kept = tuple(one for one in group.phones if one not in phones)
            case 2:
                kept = tuple(phones)
            case _:
                raise Refused(1002, "operateType is not 0, 1 or 2")
        self.board.put_group(Group(group.group_id, group.name, kept, group.remark), self.now)

    def delete_group(self, given: Mapping[str, Any]) -> None:
        """deleteGroup."""
        group = self._group(given)
        if self.switches.group_in_use == "refuse" and any(
            one.group_id == group.group_id for one in self.board.bindings.values()
        ):
            raise Refused(self.switches.group_in_use_code, "the group is in use")
        self.board.drop_group(group.group_id, self.now)

    # -- checks ------------------------------------------------------------------------------------------

    def _group(self, given: Mapping[str, Any]) -> Group:
        group = self.board.groups.get(given["groupId"])
        if group is None:
            raise Refused(self.switches.group_missing_code, "no such group")
        return group

    def _check_parties(self, a: str, b: str) -> None:
        if a == b:
            raise Refused(10002, "A equals B")

    def _check_x(self, x: str, parties: Iterable[str]) -> None:
        code = country_code(x)
        if code is None:
            raise Refused(10007, "X lacks a country code")
        if any(one and not one.startswith(code) for one in parties):
            raise Refused(10004, "A or B lacks the country code of X")
        if x not in self.board.numbers and self.switches.foreign_x == "refuse":
            raise Refused(self.switches.foreign_x_code, "X is not a number of this account")

    def _check_life(self, given: Mapping[str, Any]) -> None:
        seconds, most = given["expireSecond"], self.switches.max_expire_seconds
        if seconds < 0 or (most is not None and not 1 <= seconds <= most):
            raise Refused(1002, "expireSecond is out of range")
        if given.get("flag", 0) < 0:
            raise Refused(1002, "flag is negative")
        if len(given.get("customerBindId", "")) > self.switches.client_id_length:
            raise Refused(1002, "customerBindId is too long")

    def _known(self, given: Mapping[str, Any], mode: Mode) -> Binding | None:
        """The live binding that this bind is answered with instead of a new one, as the switches say."""
        self._check_life(given)
        switches = self.switches
        client_id = given.get("customerBindId", "")
        if client_id:
            holders = self.board.with_client_id(client_id)
            if holders and switches.duplicate_client_id == "same":
                return holders[0]
            if holders and switches.duplicate_client_id == "refuse":
                raise Refused(switches.duplicate_client_id_code, "customerBindId is in use")
            if not holders and not switches.client_id_reusable and client_id in self.board.client_ids_used:
                raise Refused(switches.duplicate_client_id_code, "customerBindId was used before")
        if switches.same_pair == "new":
            return None
        pair = [one for one in self.board.of_phone(given["phoneA"]) if _same_pair(one, given, mode)]
        if not pair:
            return None
        if switches.same_pair == "refuse":
            raise Refused(switches.same_pair_code, "the pair is bound already")
        bind_id = pair[0].bind_id
        self.board.prolong(bind_id, self.now, expires_at=self._end_of(given), client_id=client_id)
        return self.board.bindings[bind_id]

    def _axb_number(self, code: str, parties: tuple[str, ...]) -> str:
        """An X of country `code` for `parties`; a new one of the sandbox's own where none is left and the switch allows."""
        board = self.board
        if not board.numbers and not self.switches.synthetic_numbers:
            raise Refused(10008, "the account owns no number")
        of_country = [one for one in board.numbers if one.startswith(code)]
        picked = board.pick(of_country, parties, self.now)
        if picked is not None:
            return picked
        if self.switches.synthetic_numbers:
            # A national part in zeros is dialled nowhere, so that no real number comes out of a simulation.
            number = f"{code}0000{board.next_number():05d}"
            board.add_number(number, self.now)
            return number
        if not of_country:
            raise Refused(10004, "no number of this country")
        raise Refused(10010, "numbers are exhausted")

    def _end_of(self, given: Mapping[str, Any]) -> float:
        return self.now + given["expireSecond"] if given["expireSecond"] else 0

    def _make(self, given: Mapping[str, Any], mode: Mode, x: str) -> Binding:
        client_id = given.get("customerBindId", "")
        binding = Binding(
            bind_id=self.board.next_token(client_id, given["phoneA"]),
            mode=mode,
            phone_a=given["phoneA"],
            x_a=x,
            x_b=x,
            bound_at=self.now,
            expires_at=self._end_of(given),
            phone_b=given.get("phoneB", ""),
            extension=given.get("extension", ""),
            group_id=given.get("groupId", ""),
            client_id=client_id,
            flag=given.get("flag", 0),
        )
        self.board.bind(binding)
        return binding


def _same_pair(binding: Binding, given: Mapping[str, Any], mode: Mode) -> bool:
    if binding.mode != mode:
        return False
    match mode:
        case Mode.AXB:
            return {binding.phone_a, binding.phone_b} == {given["phoneA"], given["phoneB"]}
        case Mode.AXG:
            return bool(binding.phone_a == given["phoneA"] and binding.group_id == given["groupId"])
        case _:
            named = (given["phoneA"], given.get("phoneB", ""), given["phoneX"], given["extension"])
            return (binding.phone_a, binding.phone_b, binding.x_a, binding.extension) == named
