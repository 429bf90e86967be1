"""A page as data: tiles, alerts, charts and tables of plain text, which a template draws and escapes."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.render.charts import BarChart, DotChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    name: str
    value: str
    more: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    title: str
    lines: tuple[str, ...]
    tone: str = ""
    paste_title: str = ""
    paste: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    is_number: bool = False
    is_short: bool = False
    """Whether it is never broken: a sign and a verb."""
    is_long: bool = False
    """Whether a word in it may be broken anywhere: reasons and paths."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    title: str
    subtitles: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()
    alerts: tuple[Alert, ...] = ()
    bar_charts: tuple[BarChart, ...] = ()
    dot_charts: tuple[DotChart, ...] = ()
    tables: tuple[Table, ...] = ()
    texts: tuple[str, ...] = ()
    footer: str = ""
