"""Tables as written -> files of bindings: `tables` in the root says what the rows of each included CSV file are.

Promises: a row is judged by the same rules as an entry of a YAML file, with the line and column of its cell; cells are
read as written, but that true and false may be in capitals, as spreadsheets write them. An empty cell is an absent key,
for which the table's own keys and then the root's defaults stand.
"""

from typing import Final

from pnsync.config import complaints, scalars, schema
from pnsync.config.columns import COLUMN, column_keys
from pnsync.config.complaints import kind_of
from pnsync.config.entries import File, mapping_at
from pnsync.config.findings import Findings, quoted
from pnsync.config.patterns import Pattern, table_pattern
from pnsync.config.schema import FLAG_KEYS, DefaultsShape, TableShape
from pnsync.yamlfile import Limits, Mapping, Node
from pnsync.yamlfile.tables import Table, Unclosed, read_table, row_mapping

SUFFIX: Final = ".csv"
_FLAGS: Final = {"true": True, "false": False}
_OWN_KEYS: Final = ("phone_x", "extension", "group", "enabled", "expires_at")
"""Keys of a table that are no defaults: they are entered in each row that has no such cell."""


class Tables:
    """The tables that a root file describes."""

    def __init__(self, root: Mapping, findings: Findings) -> None:
        self._findings = findings
        self._patterns: dict[str, Mapping] = {}
        self._compiled: dict[str, Pattern] = {}
        self._used: set[str] = set()
        holder = mapping_at(root, "tables", findings)
        if holder is None:
            return
        self._holder = holder
        for pattern, node in holder.items():
            if not isinstance(node, Mapping):
                findings.report(
                    "E209", f"a table must be a mapping, got {kind_of(node)}", holder.span_of_key(pattern)
                )
                continue
            checked = schema.check(TableShape, [node])
            complaints.report_faults(checked, TableShape, [node], [None], findings)
            name = node.get("name")
            if not checked.wrong_keys(0) and not (isinstance(name, str) and COLUMN.search(name)):
                at = node.span_of_value("name") if "name" in node else holder.span_of_key(pattern)
                findings.report(
                    "E264",
                    "a table needs a name with a column in braces",
                    at,
                    label='like name: "courier-{id}"',
                )
            if checked.wrong_keys(0) or not isinstance(name, str) or not COLUMN.search(name):
                findings.incomplete = True
            self._patterns[pattern] = node
            self._compiled[pattern] = table_pattern(pattern)

    def read(self, data: bytes, name: str, limits: Limits) -> File | None:
        """The rows of a file as its bindings; None, reported, where it cannot be read as a whole."""
        names = name.split("/")
        pattern = next((one for one, compiled in self._compiled.items() if compiled.fits(names)), None)
        if pattern is not None:
            self._used.add(pattern)
        table, found = read_table(data, name, limits)
        self._findings.extend(found)
        if table is None:
            self._findings.incomplete = True
            return None
        if pattern is None:
            self._findings.incomplete = True
            self._findings.report(
                "E260",
                "a table has no entry under tables",
                table.span(0, table.header[-1][2] if table.header else 0),
                label=f'add tables: {{"{name}": {{name: "…{{column}}", provider: …}}}} to the root file',
            )
            return None
        node = self._patterns[pattern]
        keys = column_keys(table, node, self._findings)
        if keys is None:
            self._findings.incomplete = True
            return None
        rows = self._rows(table, node, keys)
        defaults = node.part(schema.KEYS[DefaultsShape])
        whole = (0, len(table.document.text))
        file = row_mapping(
            table.document, whole, [("bindings", (0, 0), rows, whole), ("defaults", (0, 0), defaults, (0, 0))]
        )
        return File(name, file)

    def finish(self) -> None:
        """Reports the patterns that fit no file."""
        for pattern in self._patterns.keys() - self._used:
            self._findings.report(
                "E266",
                "this pattern fits no included file",
                self._holder.span_of_key(pattern),
                label="name the file under include, too",
                advice="where its files are gone for good, delete this entry: the next plan names what stood in them",
            )

    def _rows(self, table: Table, node: Mapping, keys: list[str | None]) -> Mapping:
        """The rows by name."""
        parts = self._template(str(node["name"]), table)
        heads = [(start, end) for _, start, end in table.header]
        own = [(key, node[key]) for key in _OWN_KEYS if key in node]
        columns = [(i, key, heads[i]) for i, key in enumerate(keys) if key is not None]
        document, findings = table.document, self._findings
        entries: list[tuple[str, tuple[int, int], Node, tuple[int, int]]] = []
        names: dict[str, tuple[int, int]] = {}
        for start, end, found in table.rows():
            if isinstance(found, Unclosed):
                findings.report("E263", "a quoted cell is not closed", table.span(found.at, found.end))
                continue
            if len(found) != len(heads):
                findings.report(
                    "E262",
                    f"the row has {len(found)} {'cell' if len(found) == 1 else 'cells'}, and the header {len(heads)}",
                    table.span(start, end),
                    label="put quotes around a value that holds the separator",
                )
                continue
            name = "".join([one if isinstance(one, str) else found[one][0] for one in parts])
            first = next(one for one in parts if isinstance(one, int))
            place = found[first][1:]
            if any(isinstance(one, int) and not found[one][0] for one in parts):
                findings.report(
                    "E265", "the row has no name", table.span(start, end), label="its cell is empty"
                )
                continue
            if name in names:
                there = table.span(*names[name])
                findings.report(
                    "E300",
                    f"{quoted(name)} is declared twice in bindings",
                    table.span(*place),
                    label=f"the first one is at {there.file}:{there.line}",
                    address=f"bindings.{name}" if scalars.is_safe_name(name) else None,
                )
                continue
            names[name] = place
            row: list[tuple[str, tuple[int, int], Node, tuple[int, int]]] = [
                (key, head, _value(key, found[i][0]), found[i][1:]) for i, key, head in columns if found[i][0]
            ]
            if own:
                given = {one[0] for one in row}
                row += [(key, place, value, place) for key, value in own if key not in given]
            entries.append((name, place, row_mapping(document, (start, end), row), (start, end)))
        return row_mapping(document, (0, len(document.text)), entries)

    @staticmethod
    def _template(name: str, table: Table) -> list[str | int]:
        """A name's texts, and the numbers of its columns."""
        index = {text: i for i, (text, _, _) in enumerate(table.header)}
        parts = COLUMN.split(name)
        return [index[one] if i % 2 else one for i, one in enumerate(parts) if one]


def _value(key: str, cell: str) -> str | bool:
    """What a cell that is not empty says of a key."""
    return _FLAGS.get(cell.lower(), cell) if key in FLAG_KEYS else cell
