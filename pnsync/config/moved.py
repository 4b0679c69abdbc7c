"""The `moved` list -> renames of addresses, chains followed to their ends.

Promises: one old name leads to one new name; circles and names that are still in use are refused. Must not look
into the state: whether an old name is known there is the planner's to find.
"""

from collections.abc import Collection, Sequence

from pnsync.config import complaints, scalars, schema
from pnsync.config.complaints import kind_of
from pnsync.config.entries import File, Places
from pnsync.config.findings import Findings, quoted
from pnsync.config.schema import MovedShape
from pnsync.errors import SourceSpan
from pnsync.model import Moved
from pnsync.yamlfile import Mapping


def read_moved(files: Sequence[File], places: Sequence[Places], findings: Findings) -> tuple[Moved, ...]:
    """The renames of all files in order; `places` know the bindings and groups that the files declare."""
    entries = _entries(files, findings)
    if not entries:
        return ()
    declared = {f"{kind.kind}.{name}" for kind in places for name in kind.found}
    steps: dict[str, tuple[str, SourceSpan]] = {}
    targets: dict[str, SourceSpan] = {}
    for node, source, target in entries:
        span = node.span_of_value("from")
        if source.partition(".")[0] != target.partition(".")[0]:
            findings.report(
                "E249", "a binding cannot become a group", node.span_of_value("to"), address=source
            )
        elif source in steps:
            first = steps[source][1]
            findings.report(
                "E315",
                f"{quoted(source)} is moved twice",
                span,
                label=f"the first one is at {first.file}:{first.line}",
            )
        elif target in targets:
            first = targets[target]
            findings.report(
                "E315",
                f"two names are moved to {quoted(target)}",
                node.span_of_value("to"),
                label=f"the first one is at {first.file}:{first.line}",
            )
        else:
            steps[source] = (target, span)
            targets[target] = node.span_of_value("to")
            if source in declared:
                findings.report(
                    "E313",
                    f"{quoted(source)} was moved, but is still declared",
                    span,
                    label="one binding cannot have two names"
                    if source.startswith("b")
                    else "declared elsewhere too",
                    advice="delete this rename, or the declaration of the old name",
                    address=source,
                )
    return _follow(steps, targets, declared, findings)


def _entries(files: Sequence[File], findings: Findings) -> list[tuple[Mapping, str, str]]:
    """Each rename with its addresses."""
    nodes: list[Mapping] = []
    for file in files:
        value = file.node.get("moved")
        if value is None:
            continue
        if not isinstance(value, list):
            findings.report(
                "E209",
                f"moved must be a list, got {kind_of(value)}",
                file.node.span_of_value("moved"),
                label="like [{from: old, to: new}]",
            )
            continue
        for i, one in enumerate(value):
            if isinstance(one, Mapping):
                nodes.append(one)
            else:
                span = value.span_of_item(i)
                findings.report(
                    "E249",
                    f"a rename must be a mapping, got {kind_of(one)}",
                    span,
                    label="like {from: old, to: new}",
                )
    checked = schema.check(MovedShape, nodes)
    complaints.report_faults(checked, MovedShape, nodes, [None] * len(nodes), findings)
    found = []
    for i, node in enumerate(nodes):
        ends = {"from": checked.shapes[i].source, "to": checked.shapes[i].target}
        addresses = []
        for key, text in ends.items():
            if text is None:
                if key not in checked.wrong_keys(i):
                    findings.report(
                        "E201", f"the rename has no {key}", node.span, label="like {from: old, to: new}"
                    )
                continue
            address = _address(text)
            if address is None:
                findings.report(
                    "E249",
                    f"{key} must be a name or an address",
                    node.span_of_value(key),
                    label="like desk-7 or groups.couriers",
                )
            else:
                addresses.append(address)
        if len(addresses) == len(ends):
            found.append((node, addresses[0], addresses[1]))
    return found


def _address(text: str) -> str | None:
    """The address that a word of a rename means: a binding's unless it says `groups.`."""
    kind, name = "bindings", text
    for prefix in ("bindings", "groups"):
        if text.startswith(f"{prefix}."):
            kind, name = prefix, text.removeprefix(f"{prefix}.")
    return f"{kind}.{name}" if scalars.is_safe_name(name) else None


def _follow(
    steps: dict[str, tuple[str, SourceSpan]],
    targets: dict[str, SourceSpan],
    declared: Collection[str],
    findings: Findings,
) -> tuple[Moved, ...]:
    """Each old address with the last of the names it was moved to; a circle is told at its first rename."""
    ends: dict[str, str] = {}
    circling: set[str] = set()
    for source, (_, span) in steps.items():
        path: list[str] = []
        here = source
        while here in steps and here not in ends and here not in circling and here not in path:
            path.append(here)
            here = steps[here][0]
        if here in path:
            circling.update(path)
            label = "follow them: they lead back here"
            findings.report("E314", "these renames go in a circle", span, label=label, address=source)
        else:
            ends.update(dict.fromkeys(path, ends.get(here, here)))
    for end in dict.fromkeys(ends.values()):
        if end not in declared and not findings.incomplete:
            findings.report(
                "W404",
                f"{quoted(end)} is not declared",
                targets[end],
                label=findings.nearest(end, declared) or "a rename to it means that it is to be deleted",
                address=end,
            )
    return tuple(Moved(source, ends[source], steps[source][1]) for source in steps if source in ends)
