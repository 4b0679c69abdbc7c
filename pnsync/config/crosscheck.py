"""What bindings and groups break together: two claims on one thing, and references to what is not there.

Promises: every pair of entries is judged, the later one in file order gets the finding and names the earlier
one; bindings that are switched off claim nothing but their customer_bind_id. Linear in the number of bindings.
Must not judge an entry alone (`bindings.py`, `groups.py`) or what policy forbids (`policy.py`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from collections.abc import Mapping as MappingLike

from pnsync.config.entries import Places
from pnsync.config.findings import Findings, quoted
from pnsync.model import Binding, Group, Holds, Mode, ProviderConfig, VendorType
from pnsync.phone import Phone

_GENERATION = re.compile(r"(.+)\.[1-9][0-9]*")


def check_together(
    bindings: MappingLike[str, Binding],
    groups: MappingLike[str, Group],
    providers: MappingLike[str, ProviderConfig | None],
    *,
    places: Places,
    group_places: Places,
    findings: Findings,
) -> None:
    """Reports all that bindings and groups break together."""
    check = _Check(bindings, groups, providers, places=places, group_places=group_places, findings=findings)
    check.group_references()
    check.extensions()
    check.customer_bind_ids()
    check.pairs()
    check.numbers_that_are_people()
    check.routing()
    check.group_identities()


class _Check:
    """One run over all bindings and groups."""

    def __init__(
        self,
        bindings: MappingLike[str, Binding],
        groups: MappingLike[str, Group],
        providers: MappingLike[str, ProviderConfig | None],
        *,
        places: Places,
        group_places: Places,
        findings: Findings,
    ) -> None:
        self.bindings, self.groups = bindings, groups
        self.places, self.group_places, self.findings = places, group_places, findings
        laaffic = {name for name, one in providers.items() if one and one.type is VendorType.LAAFFIC}
        self.live = [one for one in bindings.values() if one.enabled]
        self.at_laaffic = [one for one in self.live if one.provider in laaffic] if laaffic else []
        self.members: dict[str, tuple[frozenset[Phone], Counter[str | None]]] = {}

    def report(
        self, code: str, summary: str, place: tuple[Binding, str], label: str, advice: str = ""
    ) -> None:
        """Notes a finding at a key of a binding."""
        binding, key = place
        span = self.places.span(binding.name, key)
        self.findings.report(code, summary, span, label=label, advice=advice, address=binding.address)

    def where(self, binding: Binding) -> str:
        """A binding with its place, for a label."""
        span = self.places.name_span(binding.name)
        return f"{binding.name} at {span.file}:{span.line}"

    def extensions(self) -> None:
        """Two bindings for one X and extension."""
        first: dict[tuple[str, str], Binding] = {}
        for one in self.live:
            if one.phone_x is not None and one.extension is not None:
                other = first.setdefault((one.phone_x, one.extension), one)
                if other is not one:
                    self.report(
                        "E301",
                        "two bindings for one X and extension",
                        (one, "extension"),
                        f"taken by {self.where(other)}",
                        "give one of them another extension, or extension: auto",
                    )

    def customer_bind_ids(self) -> None:
        """One customer_bind_id twice, or one that another's generations would come to: `ID.n`."""
        declared: dict[str, Binding] = {}
        with_id = [one for one in self.bindings.values() if one.customer_bind_id is not None]
        for one in with_id:
            declared.setdefault(one.customer_bind_id or "", one)
        if len(declared) == len(with_id) and not any("." in id_ for id_ in declared):
            return
        for one in with_id:
            assert one.customer_bind_id is not None
            other = declared[one.customer_bind_id]
            if other is not one:
                self.report(
                    "E303",
                    "one customer_bind_id twice",
                    (one, "customer_bind_id"),
                    f"also of {self.where(other)}",
                )
            elif "." in one.customer_bind_id:
                stem = _GENERATION.fullmatch(one.customer_bind_id)
                if stem and stem[1] in declared:
                    self.report(
                        "E303",
                        "this customer_bind_id is what another becomes",
                        (one, "customer_bind_id"),
                        f"a later binding of {self.where(declared[stem[1]])} is sent with a number after a dot",
                    )

    def pairs(self) -> None:
        """One pair twice at LAAFFIC, and a phone in two of its bindings."""
        pairs: dict[tuple[str, str], Binding] = {}
        phones: dict[str, Binding] = {}
        for one in self.at_laaffic:
            if one.phone_b is None:
                continue
            a, b = one.phone_a.digits, one.phone_b.digits
            other = pairs.setdefault((a, b) if a < b else (b, a), one)
            if other is not one:
                self.report(
                    "E302", "one pair twice at laaffic", (one, "phone_b"), f"also in {self.where(other)}",
                    "the vendor takes a pair once; delete one of the two",
                )  # fmt: skip
            for key, digits in (("phone_a", a), ("phone_b", b)):
                holder = phones.setdefault(digits, one)
                if holder is not one and holder is not other:
                    self.report(
                        "W401",
                        "a phone stands in two bindings at laaffic",
                        (one, key),
                        f"also in {self.where(holder)}",
                        "the vendor may refuse the second (-35: a binding of A or B exists)",
                    )

    def numbers_that_are_people(self) -> None:
        """A phone that is an A or B anywhere and an X, or in a group of numbers, elsewhere."""
        people = {one.phone_a.digits for one in self.bindings.values()}
        people.update(one.phone_b.digits for one in self.bindings.values() if one.phone_b)
        for group in self.groups.values():
            if group.holds is Holds.PEOPLE and group.phones:
                people.update(phone.digits for phone in group.phones)
        advice = (
            "an X is a virtual number of the vendor, shown in plans and logs; a real one must not stand there"
        )
        for one in self.bindings.values():
            if one.phone_x is not None and one.phone_x in people:
                self.report(
                    "E308", "this X is a real phone elsewhere", (one, "phone_x"),
                    "a phone A or B, or one of a group of people", advice,
                )  # fmt: skip
        for group in self.groups.values():
            if group.holds is Holds.NUMBERS:
                for phone in group.phones or ():
                    if phone.digits in people:
                        self.findings.report(
                            "E308",
                            "a group of numbers holds a real phone",
                            self.group_places.span(group.name, "phones"),
                            label="one of these is a phone A or B, or one of a group of people",
                            advice=advice,
                            address=group.address,
                        )

    def group_references(self) -> None:
        """Groups that are not there, are another provider's, hold the wrong thing or no phone of the country."""
        for one in self.bindings.values():
            name = one.group or one.x_group
            if name is None:
                continue
            for key, reference, holds in (
                ("group", one.group, Holds.PEOPLE),
                ("phone_x", one.x_group, Holds.NUMBERS),
            ):
                if reference is not None:
                    self._group_reference(one, key, reference, holds)

    def _group_reference(self, binding: Binding, key: str, name: str, holds: Holds) -> None:
        group = self.groups.get(name)
        if group is None:
            if name not in self.group_places.found and not self.findings.incomplete:
                self.report(
                    "E305", f"there is no group {quoted(name)}", (binding, key), self.findings.nearest(name, self.groups),
                    "declare it under groups; a group of the vendor that pnsync shall only read needs no phones",
                )  # fmt: skip
            return
        if group.provider != binding.provider:
            self.report(
                "E306",
                f"the group {quoted(name)} is another provider's",
                (binding, key),
                f"the group's provider is {group.provider}, the binding's {binding.provider}",
            )
        if group.holds is not holds:
            self.report(
                "E307",
                f"the group {quoted(name)} holds {group.holds}, not {holds}",
                (binding, key),
                "phone_x picks from numbers, an axg rings people",
            )
            return
        if not group.phones:
            return
        code = binding.phone_a.country_code
        members, countries = self._members(name, group.phones)
        here = countries[code]
        if here == 0 or (holds is Holds.PEOPLE and here < len(group.phones)):
            self.report(
                "E316",
                f"the group {quoted(name)} holds phones of another country",
                (binding, key),
                f"phone_a has country code {code}",
                "A, B and X of a binding share one country code",
            )
        if holds is Holds.PEOPLE and binding.phone_b is not None and binding.phone_b not in members:
            self.report(
                "E310",
                "phone_b is not in the binding's group",
                (binding, "phone_b"),
                f"not among the phones of {quoted(name)}",
            )

    def _members(self, name: str, phones: Collection[Phone]) -> tuple[frozenset[Phone], Counter[str | None]]:
        """A group's phones, and how many of them each country has; counted once, however many bindings ask."""
        found = self.members.get(name)
        if found is None:
            found = self.members[name] = (frozenset(phones), Counter(one.country_code for one in phones))
        return found

    def routing(self) -> None:
        """One phone twice on one declared X where the vendor routes by caller: who is meant, none can tell."""
        on_x: dict[str, list[Binding]] = defaultdict(list)
        for one in self.live:
            if one.mode is Mode.AXG and one.phone_x is not None and one.group is not None:
                on_x[one.phone_x].append(one)
        for bindings in on_x.values():
            if len(bindings) > 1:
                self._routing_on_one_x(bindings)

    def _routing_on_one_x(self, bindings: Iterable[Binding]) -> None:
        callers: dict[str, Binding] = {}
        groups: dict[str, Binding] = {}
        for one in bindings:
            key, other = "phone_a", callers.setdefault(one.phone_a.digits, one)
            assert one.group is not None
            if other is one:
                key, other = "group", groups.setdefault(one.group, one)
            if other is one:
                group = self.groups.get(one.group)
                for phone in (group.phones if group else None) or ():
                    other = callers.setdefault(phone.digits, one)
                    if other is not one:
                        break
            if other is not one:
                self.report(
                    "E309",
                    "one phone twice on one X, with different counterparts",
                    (one, key),
                    f"also on this X in {self.where(other)}",
                    "the vendor routes by caller, and could not tell which of the two is meant; use another X",
                )

    def group_identities(self) -> None:
        """Two groups that are one at the vendor."""
        first: dict[tuple[str, str, str], Group] = {}
        for group in self.groups.values():
            for key, text in (("group_id", group.group_id), ("group_name", group.group_name)):
                if text is None or (key == "group_name" and group.group_id is not None):
                    continue
                other = first.setdefault((group.provider, key, text), group)
                if other is not group:
                    span = self.group_places.name_span(other.name)
                    self.findings.report(
                        "E312",
                        f"two groups have one {key}",
                        self.group_places.span(group.name, key),
                        label=f"also {other.name} at {span.file}:{span.line}",
                        advice="the vendor would know one group for both",
                        address=group.address,
                    )
