"""Every document as text for a terminal: documents one below the other, with an empty line between them.

A document's lines are made by the function `page_lines` of its own module, which is loaded when there is such a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from reconciler.formats.documents import Value, document_of
from reconciler.render.formats import Facts
from reconciler.render.text import Line, text_of

_ROOMS = {"snapshot": "recording", "error": "failure"}
"""Module of a document in render/, where it has another name."""


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents as text, in colour if the facts say so."""
    return "\n\n".join(text_of(lines(value, facts), has_color=facts.has_color) for value in values)


def lines(value: Value, facts: Facts) -> list[Line]:
    """Return the lines of one document."""
    name = document_of(value).name
    room = import_module(f"reconciler.render.{_ROOMS.get(name, name)}")
    made: list[Line] = room.page_lines(value, facts)
    return made
