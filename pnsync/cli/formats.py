"""How a plan's document is written: by name, each format one renderer that is imported when it is used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from pnsync.render.terminal import Style
from pnsync.render.text import json_text

Document = Mapping[str, Any]
Renderer = Callable[[Document, Style], str]


def as_json(document: Document, style: Style) -> str:  # noqa: ARG001 - the other renderers look at it
    """The document itself."""
    return json_text(document)


def as_markdown(document: Document, style: Style) -> str:
    """A comment for a pull request, of at most `style.max_chars`."""
    from pnsync.render.markdown import MAX_CHARS, render_markdown

    room = style.max_chars or MAX_CHARS
    return render_markdown(
        document,
        max_chars=room,
        rate=style.rate,
        marker=style.marker,
        origin=style.origin,
        whole=style.whole,
    ).rstrip("\n")


def as_html(document: Document, style: Style) -> str:
    """One page with search and filters."""
    from pnsync.render.html import render_html

    return render_html(document, rate=style.rate)


FORMATS: Final[Mapping[str, str]] = {
    "text": "pnsync.render.terminal:plan_text",
    "json": "pnsync.cli.formats:as_json",
    "markdown": "pnsync.cli.formats:as_markdown",
    "html": "pnsync.cli.formats:as_html",
}
"""The function that renders each format: a document and a style to text without a final line end."""


def render(name: str, document: Document, style: Style) -> str:
    """The document in a format."""
    module, function = FORMATS[name].split(":")
    renderer: Renderer = getattr(import_module(module), function)
    return renderer(document, style)
