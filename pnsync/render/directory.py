"""Numbers to dial as people and programs take them: CSV, a Markdown table, a page with stickers to cut out.

Works on documents of reports/publishing.py, which hold nothing personal. Names and labels are others' texts: in CSV none can
begin a formula, in Markdown none leaves its cell, in HTML none leaves its element.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from html import escape as html_escape
from typing import Any, Final

from pnsync.render.markup import code
from pnsync.render.text import escape

Row = Mapping[str, Any]

COLUMNS: Final = ("address", "labels", "mode", "phone_x", "phone_x_b", "extension", "expires_at", "status")

_FORMULA: Final = re.compile(r"(^|;)([\s\"]*[=+\-@＝＋－＠])")
"""Where one could begin: at the start of a cell, and behind what separates cells where commas separate decimals."""
_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.6rem;list-style:none;padding:0}"
    "li{border:1px dashed;border-radius:.4rem;padding:.6rem .8rem;break-inside:avoid}"
    "b{display:block;overflow-wrap:anywhere}"
    ".dial{font-size:1.25rem;font-variant-numeric:tabular-nums}"
    "small{opacity:.75;overflow-wrap:anywhere}"
    "@media print{body{margin:0;max-width:none}h1,p{display:none}}"
)


def csv_text(rows: Sequence[Row]) -> str:
    """One line a binding under a line of names, as RFC 4180 has it; labels as `key=value` with `;` between."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        labels = ";".join(f"{key}={value}" for key, value in row["labels"].items())
        values = {**row, "labels": labels}
        writer.writerow([_cell(values[name]) for name in COLUMNS])
    return written.getvalue()


def _cell(value: object) -> str:
    """A value of which no spreadsheet takes any part for a formula."""
    return _FORMULA.sub(r"\1'\2", "" if value is None else escape(str(value)))


def directory_rows(rows: Sequence[Row]) -> list[Row]:
    """What belongs into a directory: live bindings with a number to dial."""
    return [row for row in rows if row["status"] in ("live", "unknown") and row["phone_x"] is not None]


def directory_markdown(rows: Sequence[Row]) -> str:
    """A table: name, number, extension, labels."""
    lines = ["| name | dial | extension | labels |", "| --- | --- | --- | --- |"]
    for row in directory_rows(rows):
        labels = " ".join(code(f"{key}={value}") for key, value in row["labels"].items())
        extension = code(row["extension"]) if row["extension"] else "none: from the parties' own phones"
        lines.append(f"| {code(_name(row))} | {code(row['phone_x'])} | {extension} | {labels} |")
    return "\n".join(lines)


def directory_html(rows: Sequence[Row]) -> str:
    """One self-contained page of stickers: name, number and extension, labels; printed without its heading."""
    found = directory_rows(rows)
    items = [
        f"<li><b>{_text(_name(row))}</b>"
        f'<span class="dial">{_text(row["phone_x"])}'
        + (f" ext&nbsp;{_text(row['extension'])}" if row["extension"] else "")
        + "</span>"
        + "".join(f"<br><small>{_text(key)}: {_text(value)}</small>" for key, value in row["labels"].items())
        + "</li>"
        for row in found
    ]
    head = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Directory</title>\n<style>{_STYLE}</style>\n"
    )
    count = f"{len(found):,} number{'' if len(found) == 1 else 's'} to dial."
    return f"{head}<h1>Directory</h1>\n<p>{count}</p>\n<ul>\n" + "\n".join(items) + "\n</ul>\n</html>"


def _name(row: Row) -> str:
    return str(row["address"]).removeprefix("bindings.")


def _text(value: object) -> str:
    return html_escape(escape(str(value)))
