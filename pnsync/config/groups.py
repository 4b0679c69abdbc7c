"""Groups as written -> `Group`: what their phones are, by word or by use, and the rules one group can break.

A group holds `numbers` (X to pick from) or `people` (who may dial). Where the file does not say, its use does:
`phone_x: {group: G}` or an axg's `group: G`; unused, its phones are taken for people, who are personal.
"""

from collections.abc import Collection
from collections.abc import Mapping as MappingLike
from dataclasses import dataclass, replace
from typing import Final

from pnsync.config import complaints, schema
from pnsync.config.bindings import Defaults
from pnsync.config.complaints import looks_secret
from pnsync.config.entries import INVISIBLE, File, Places, read_section
from pnsync.config.findings import Findings, quoted
from pnsync.config.numbers import NOTHING, Book, Resolved
from pnsync.config.scalars import phone_digits
from pnsync.config.schema import GroupShape
from pnsync.model import CAPABILITIES, Group, Holds, ProviderConfig
from pnsync.phone import Phone, country_code
from pnsync.yamlfile import Mapping, Sequence

ALL_EXTENSIONS: Final = (0, 999)


@dataclass(frozen=True, slots=True)
class Use:
    """The names of the groups that bindings pick X from, and of those that are an axg's people."""

    numbers: Collection[str]
    people: Collection[str]


class GroupReader:
    """Reads the groups of one file after the other."""

    def __init__(
        self,
        providers: MappingLike[str, ProviderConfig | None],
        use: Use,
        places: Places,
        findings: Findings,
        book: Book | None = None,
    ) -> None:
        self._book = book
        self.groups: dict[str, Group] = {}
        self._providers, self._use = providers, use
        self._places, self._findings = places, findings

    def read(self, file: File, defaults: Defaults) -> None:
        """Reads the groups of a file."""
        section = read_section(file, self._places, self._findings)
        if section is None:
            return
        named = [self._resolve(node) for node in section.nodes]
        checked = schema.check(GroupShape, section.nodes)
        checked.faults = [
            one
            for one in checked.faults
            if not (one.path[:1] == ("phones",) and set(one.path[1:]) & named[one.entry].missing)
        ]
        addresses = [self._places.address(name) for name in section.names]
        complaints.report_faults(checked, GroupShape, section.nodes, addresses, self._findings)
        for i, name in enumerate(section.names):
            if name is not None:
                group = self._build(
                    name, section.nodes[i], checked.shapes[i], checked.wrong_keys(i), defaults
                )
                if group is not None:
                    every = len(named[i].names) == len(group.phones or ())
                    self.groups[name] = replace(group, named=True) if every and group.phones else group

    def _resolve(self, node: Mapping) -> Resolved:
        phones = node.get("phones")
        if self._book is None or not isinstance(phones, Sequence):
            return NOTHING
        return self._book.resolve(phones, dict.fromkeys(range(len(phones)), "a phone"), self._findings)

    def _report(
        self, code: str, summary: str, place: tuple[str, str], label: str = "", advice: str = ""
    ) -> None:
        """Notes a finding at a key of a group, or at the group's name."""
        name, key = place
        span = self._places.span(name, key)
        self._findings.report(code, summary, span, label=label, advice=advice, address=f"groups.{name}")

    def _build(
        self, name: str, node: Mapping, shape: GroupShape, wrong: frozenset[str], defaults: Defaults
    ) -> Group | None:
        provider = self._provider(
            name, shape.provider or (None if "provider" in wrong else defaults.shape.provider), wrong
        )
        holds = self._holds(name, shape.holds)
        phones = self._phones(name, node, shape.phones, "phones")
        drain = self._phones(name, node, shape.drain, "drain")
        extensions = self._extensions(name, node, shape)
        sound = self._check_texts(name, node, shape)
        if holds is Holds.PEOPLE:
            for key in ("drain", "extensions"):
                if key in node and key not in wrong:
                    sound = False
                    self._report(
                        "E222",
                        f"a group of people takes no {key}",
                        (name, key),
                        "it is for groups of numbers",
                    )
        if shape.drain and shape.phones and phones is not None:
            for i, one in enumerate(shape.drain):
                if phone_digits(one) not in phones:
                    self._report_item(
                        "W405", "a number to drain is not in the group", name, (node, "drain", i)
                    )
        if wrong or provider is None or holds is None or extensions is None or not sound:
            return None
        if phones is None or drain is None:
            return None
        span, reserve = extensions
        return Group(
            name=name,
            provider=provider.name,
            holds=holds,
            phones=None if shape.phones is None else tuple(map(Phone, phones)),
            group_name=shape.group_name or name,
            group_id=shape.group_id,
            remark=shape.remark or "",
            protect=bool(shape.protect),
            drain=frozenset(drain),
            extension_range=span,
            reserved_extensions=frozenset(reserve),
            span=self._places.name_span(name),
        )

    def _report_item(
        self, code: str, summary: str, name: str, place: tuple[Mapping, str, int], label: str = ""
    ) -> None:
        node, key, item = place
        holder = node[key]
        assert isinstance(holder, Sequence)
        self._findings.report(code, summary, holder.span_of_item(item), label=label, address=f"groups.{name}")

    def _provider(self, name: str, wanted: str | None, wrong: frozenset[str]) -> ProviderConfig | None:
        if wanted is None:
            if "provider" not in wrong:
                self._report("E201", "the group has no provider", (name, ""), "add provider: NAME")
            return None
        if wanted not in self._providers and (self._providers or not self._findings.incomplete):
            self._report(
                "E304",
                f"there is no provider {quoted(wanted)}",
                (name, "provider"),
                self._findings.nearest(wanted, self._providers),
            )
        provider = self._providers.get(wanted)
        if provider is not None and not CAPABILITIES[provider.type].groups:
            self._report(
                "E311",
                f"{provider.type} has no groups",
                (name, "provider"),
                "it has number pools: pool_number on a binding",
            )
            return None
        return provider

    def _holds(self, name: str, written: str | None) -> Holds | None:
        """What the group's phones are; None where its words and its uses contradict each other."""
        if written is not None:
            return Holds(written)
        picked, dialled = name in self._use.numbers, name in self._use.people
        if picked and dialled:
            self._report(
                "E307",
                "a group is used for numbers and for people",
                (name, ""),
                "phone_x picks from it, and an axg rings it",
                "make two groups of it, one with holds: numbers, one with holds: people",
            )
            return None
        return Holds.NUMBERS if picked else Holds.PEOPLE

    def _phones(self, name: str, node: Mapping, written: list[str] | None, key: str) -> list[str] | None:
        """The phones of a list as digits; None where one of them is wrong."""
        phones: dict[str, int] = {}
        sound = True
        for i, one in enumerate(written or ()):
            digits = phone_digits(one)
            if not country_code(digits):
                sound = False
                self._report_item(
                    "E206", "a phone begins with no country code", name, (node, key, i),
                    "write the number as from abroad, without 00 or a leading 0",
                )  # fmt: skip
            if phones.setdefault(digits, i) != i:
                sound = False
                self._report_item(
                    "E247", "a phone stands twice in the list", name, (node, key, i), "delete one of the two"
                )
        return list(phones) if sound else None

    def _extensions(
        self, name: str, node: Mapping, shape: GroupShape
    ) -> tuple[tuple[int, int], list[str]] | None:
        extensions = shape.extensions
        if extensions.range is None:
            return ALL_EXTENSIONS, extensions.reserve or []
        first, last = (int(one) for one in extensions.range.replace(" ", "").split("-"))
        if first > last:
            inner = node["extensions"]
            assert isinstance(inner, Mapping)
            self._findings.report(
                "E248", "the range ends before it begins", inner.span_of_value("range"),
                label=f"write {last:03}-{first:03}", address=f"groups.{name}",
            )  # fmt: skip
            return None
        return (first, last), extensions.reserve or []

    def _check_texts(self, name: str, node: Mapping, shape: GroupShape) -> bool:
        sound = True
        if shape.group_name and INVISIBLE.search(shape.group_name):
            sound = False
            self._report(
                "E229",
                "group_name holds a control or bidirectional character",
                (name, "group_name"),
                "only remarks may",
            )
        for key, text in (("remark", shape.remark), ("group_name", shape.group_name)):
            if text and looks_secret(text):
                sound = False
                self._findings.report(
                    "E228", f"{key} looks like a credential", node.span_of_value(key), address=f"groups.{name}",
                    secret=True, label="credentials never stand in a file",
                    advice="delete it; revoke the credential if it was real",
                )  # fmt: skip
        return sound
