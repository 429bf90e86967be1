"""A page as data: tiles, alerts, charts and tables of plain text, which a template draws and escapes."""

from __future__ import annotations

from reconciler.dataclass import dataclass
from reconciler.render.charts import BarChart, DotChart
from reconciler.render.table import Table


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
