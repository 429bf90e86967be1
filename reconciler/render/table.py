"""A table as data: names of columns, and rows of plain text; a terminal shows it in columns, a page draws it."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.dataclass import dataclass
from reconciler.render.text import Line, Role, columns, harmless


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    is_number: bool = False
    is_short: bool = False
    """Whether it is never broken: a sign and a verb."""
    is_long: bool = False
    """Whether a word in it may be broken anywhere: reasons and paths."""
    is_sentence: bool = False
    """Whether the words are ours, so that what is to be typed stands apart; long, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    cells: tuple[str, ...]
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    hint: str = ""
    more_rows: str = ""
    name: str = ""
    """For the style sheet."""


def text_table(table: Table) -> list[Line]:
    """Render a table in columns, with the names of the columns above; nothing for an empty one."""
    if not table.rows:
        return []
    header = tuple(column.name for column in table.columns)
    cells = [header, *(tuple(map(harmless, row.cells)) for row in table.rows)]
    spaced = [tuple(f"  {cell}" for cell in row) for row in cells]
    numbers = frozenset(index for index, column in enumerate(table.columns) if column.is_number)
    texts: Iterable[str] = columns(spaced, right=numbers)
    roles = [Role.HEADING, *(Role.DANGER if row.tone == "bad" else Role.PLAIN for row in table.rows)]
    lines = [Line(text, role) for text, role in zip(texts, roles, strict=True)]
    return [Line(f"{table.title}:"), *lines, *([Line(f"  {table.more_rows}")] if table.more_rows else [])]
