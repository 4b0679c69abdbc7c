"""The header of a table -> the key of a binding that each column holds, with what is wrong told at its place."""

import re
from typing import Final

from pnsync.config.findings import Findings, closest, quoted
from pnsync.config.schema import COLUMN_KEYS
from pnsync.yamlfile import Mapping
from pnsync.yamlfile.tables import Table

MOST_COLUMNS: Final = 1000
COLUMN: Final = re.compile(r"\{([^{}]*)\}")
"""A column in the name of a table's bindings."""


def column_keys(table: Table, node: Mapping, findings: Findings) -> list[str | None] | None:
    """The key of each column, None where it holds none; None, reported, where one is wrong."""
    before = findings.failed_count
    if not _has_columns(table, findings):
        return None
    _check_headers(table, findings)
    name, chosen = node.get("name"), node.get("columns")
    of_name = set(COLUMN.findall(name)) if isinstance(name, str) else set()
    _check_name(of_name, table, node, findings)
    if isinstance(chosen, Mapping):
        keys = _chosen(chosen, table, findings)
    else:
        keys = _headed(of_name, table, findings)
    return None if findings.failed_count != before or not isinstance(name, str) else keys


def _has_columns(table: Table, findings: Findings) -> bool:
    if not table.header:
        findings.report("E261", "a table needs a header", table.span(0, 0), label="the names of its columns")
    elif len(table.header) > MOST_COLUMNS:
        findings.report(
            "E261",
            f"a table has more than {MOST_COLUMNS} columns",
            table.span(*table.header[MOST_COLUMNS][1:]),
            label="leave out those that do not count",
        )
    return 0 < len(table.header) <= MOST_COLUMNS


def _check_headers(table: Table, findings: Findings) -> None:
    seen: set[str] = set()
    for text, start, end in table.header:
        if not text or text in seen:
            said = "a column has no name" if not text else f"{quoted(text)} heads two columns"
            findings.report("E261", said, table.span(start, end))
        seen.add(text)


def _check_name(of_name: set[str], table: Table, node: Mapping, findings: Findings) -> None:
    """Tells the columns that a name wants and the table has not, and a name that would tell who is called."""
    for one in sorted(of_name - set(_headers(table))):
        findings.report(
            "E264",
            f"the table's name wants a column {quoted(one)}",
            node.span_of_value("name"),
            label=_nearest(one, table),
        )
    phones, chosen = {"phone_a", "phone_b"}, node.get("columns")
    if isinstance(chosen, Mapping):
        phones = {str(chosen[key]) for key in phones if key in chosen}
    if of_name & phones:
        findings.report(
            "E264",
            "a name must not be made of phones",
            node.span_of_value("name"),
            label="names stand in logs and plans: take a column that is not personal",
        )


def _chosen(chosen: Mapping, table: Table, findings: Findings) -> list[str | None]:
    """The keys where `columns` names the header of each."""
    headers = _headers(table)
    wanted = {str(header): key for key, header in chosen.items()}
    for header, key in wanted.items():
        if header not in headers:
            findings.report(
                "E261",
                f"there is no column {quoted(header)}",
                chosen.span_of_value(key),
                label=_nearest(header, table),
            )
    return [wanted.get(text) for text in headers]


def _headed(of_name: set[str], table: Table, findings: Findings) -> list[str | None]:
    """The keys where the headers are keys, or columns of the name."""
    for text, start, end in table.header:
        if text and text not in COLUMN_KEYS and text not in of_name:
            findings.report(
                "E261",
                f"{quoted(text)} is no key of a binding",
                table.span(start, end),
                label=closest(text, COLUMN_KEYS) or "name the columns that count under columns",
            )
    return [text if text in COLUMN_KEYS else None for text in _headers(table)]


def _headers(table: Table) -> list[str]:
    return [text for text, _, _ in table.header]


def _nearest(header: str, table: Table) -> str:
    return closest(header, _headers(table)) or f"{table.document.file} has no such column"
