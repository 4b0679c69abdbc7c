"""The named entries of a section over all files: their names checked, their places known.

Promises: an entry with a wrong name is still checked for everything else, and a name that stands twice is told
with both places. Must not read what an entry holds.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from pnsync.config import scalars
from pnsync.config.complaints import kind_of
from pnsync.config.findings import Findings, quoted
from pnsync.errors import SourceSpan
from pnsync.yamlfile import Mapping

INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
"""Control, bidirectional and zero-width characters, which only a remark may hold."""


@dataclass(slots=True)
class File:
    """One file that was read: its name and its content."""

    name: str
    node: Mapping


@dataclass(slots=True)
class Section:
    """The entries of one section of one file. A name that cannot be used is None in `names`."""

    holder: Mapping
    keys: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    nodes: list[Mapping] = field(default_factory=list)


@dataclass(slots=True)
class Places:
    """Where the entries of one kind stand, over all files, by name."""

    kind: str
    """`bindings`, `groups` or `providers`."""
    found: dict[str, tuple[Mapping, Mapping]] = field(default_factory=dict)

    def address(self, name: str | None) -> str | None:
        """`bindings.NAME`."""
        return None if name is None else f"{self.kind}.{name}"

    def name_span(self, name: str) -> SourceSpan:
        """Where an entry's name stands."""
        return self.found[name][0].span_of_key(name)

    def span(self, name: str, key: str) -> SourceSpan:
        """Where the value of an entry's key stands; its name where the entry has no such key."""
        holder, node = self.found[name]
        return node.span_of_value(key) if key in node else holder.span_of_key(name)


def mapping_at(node: Mapping, key: str, findings: Findings) -> Mapping | None:
    """The mapping under a key; None where the key is absent or empty, and, reported, where it is something else."""
    value = node.get(key)
    if value is None or isinstance(value, Mapping):
        return value
    findings.incomplete = True
    findings.report("E209", f"{key} must be a mapping, got {kind_of(value)}", node.span_of_value(key))
    return None


def read_section(file: File, places: Places, findings: Findings) -> Section | None:
    """The entries of a file's section, their names entered in `places`."""
    holder = mapping_at(file.node, places.kind, findings)
    if holder is None:
        return None
    section = Section(holder)
    for key, node in holder.items():
        if not isinstance(node, Mapping):
            findings.report(
                "E209",
                f"an entry of {places.kind} must be a mapping, got {kind_of(node)}",
                holder.span_of_key(key),
                label="write its keys below it",
                address=places.address(key) if scalars.is_safe_name(key) else None,
            )
            if scalars.is_safe_name(key):
                findings.incomplete = True
            continue
        section.keys.append(key)
        section.nodes.append(node)
        section.names.append(_usable_name(key, node, holder, places, findings))
    return section


def _usable_name(key: str, node: Mapping, holder: Mapping, places: Places, findings: Findings) -> str | None:
    if not scalars.is_safe_name(key):
        if scalars.is_name(key):
            findings.report(
                "E205",
                "a name that may be a phone number is refused",
                holder.span_of_key(key),
                label="names stand in logs and plans: put a letter in, like order-…",
            )
        else:
            findings.report(
                "E204",
                "a name must be 1 to 100 letters, digits, dots, underscores and hyphens",
                holder.span_of_key(key),
                label="letters, digits, . _ - only"
                if key.isascii()
                else "ASCII letters and digits, . _ - only",
            )
        return None
    first = places.found.setdefault(key, (holder, node))
    if first[1] is not node:
        there = first[0].span_of_key(key)
        findings.report(
            "E300",
            f"{quoted(key)} is declared twice in {places.kind}",
            holder.span_of_key(key),
            label=f"the first one is at {there.file}:{there.line}",
            advice="rename one of the two, or delete it",
            address=places.address(key),
        )
        return None
    return key
