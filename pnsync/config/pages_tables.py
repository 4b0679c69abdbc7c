"""The pages of E260 to E266: what can be wrong with a table."""

from typing import Final

from pnsync.explain import Page

_EXAMPLE = (
    'include: ["bindings/*.csv"]\n'
    'tables:\n  "bindings/*.csv": {name: "courier-{id}", provider: la, mode: axb, expires_in: 3d}'
)
TABLES: Final[dict[str, Page]] = {
    "E260": Page(
        "A table without its entry",
        "A CSV file holds rows without names and without what all rows share. `tables` in the root file says both, for "
        "every pattern of files; a file takes the first pattern that fits it.",
        _EXAMPLE,
    ),
    "E261": Page(
        "A column that says nothing",
        "Each column is a key of a binding, or stands in the name's braces. A column that is neither would be left out "
        "unseen. Name the columns that count under `columns`, and all others are left out on purpose.",
        "tables:\n  exports/*.csv: {name: 'courier-{No}', columns: {phone_a: Mobile, phone_b: Customer}}",
    ),
    "E262": Page(
        "A row of another length",
        "Every row has as many cells as the header, or it is not known which cell is which. A comma inside a value "
        "needs quotes around that value.",
        'id,phone_a,phone_b\n17,"+44 7700 900111",447700900112',
    ),
    "E263": Page(
        "A quoted cell that is not closed",
        "A cell that begins with a double quote ends with one on the same line, before the next separator; a quote "
        "inside it is written twice.",
        '"say ""hello""",447700900111',
    ),
    "E264": Page(
        "A table without a name for its rows",
        "A binding's address must stay the same while rows come and go, so it is made of cells, never of the row's "
        "number. The name holds at least one column in braces.",
        _EXAMPLE,
    ),
    "E265": Page(
        "A row without a name",
        "The cells that the name is made of are not empty, and together make 1 to 100 letters, digits, dots, "
        "underscores and hyphens with a letter among them.",
        'tables:\n  "bindings/*.csv": {name: "courier-{id}"}',
    ),
    "E266": Page(
        "A table that is not included",
        "The pattern fits no file that `include` names, so it has no effect; a misspelt one would leave its files "
        "without a name and provider.",
        _EXAMPLE,
    ),
}
