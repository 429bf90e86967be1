"""How things stand, as a page of tiles, charts and tables for HTML, and as Markdown: one page for a finance reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.budget import Unknown
from reconciler.core.describe import names_for
from reconciler.core.people.standing import NEAR_PERCENT
from reconciler.core.plan.status import Status
from reconciler.money import format_usd_short
from reconciler.render.charts import BARS_SHOWN, BarChart, Comparison, DotChart, Person, bar_chart, dot_chart
from reconciler.render.markup import code, prose
from reconciler.render.page import Alert, Page, Tile
from reconciler.render.spend import spent_text
from reconciler.render.status import (
    blocked_table,
    breach_sentences,
    group_table,
    heading,
    headline,
    limited,
    nearest_table,
    notable_sentences,
    sentences,
)
from reconciler.render.table import Table
from reconciler.render.text import day
from reconciler.words import count_people

ROWS_SHOWN = 200
MARKDOWN_ROWS = 30


def status_page(statuses: Sequence[Status]) -> Page:
    """Return one page of one status or several."""
    return Page(
        title="AI budgets: status",
        subtitles=tuple(line for status in statuses for line in heading(status)),
        tiles=tuple(tile for status in statuses for tile in _tiles(status)),
        alerts=tuple(alert for status in statuses for alert in _alerts(status)),
        bar_charts=tuple(chart for status in statuses for chart in _bars(status)),
        dot_charts=tuple(chart for status in statuses for chart in _dots(status)),
        tables=tuple(table for status in statuses for table in _tables(status, ROWS_SHOWN)),
        footer="Made by reconciler.",
    )


def status_markdown(status: Status) -> list[str]:
    """Return the lines of a status in Markdown, below its title."""
    lines = [prose(headline(status)), "", *(prose(line) for line in heading(status)), ""]
    for table in _tables(status, MARKDOWN_ROWS):
        lines += pipes(table)
    return [*lines, *(f"- {prose(line)}" for line in sentences(status))]


def _tables(status: Status, most: int) -> list[Table]:
    tables = (group_table(status, most), nearest_table(status, most), blocked_table(status, most))
    return [table for table in tables if table.rows]


def _tiles(status: Status) -> Iterator[Tile]:
    total = status.total
    used = f"{total.used_percent} % used" if total.used_percent is not None else ""
    if limited(status) or not total.unknown:
        exposure, people = format_usd_short(total.exposure_micros), count_people(limited(status))
        yield Tile(name="may be spent a month", value=exposure, more=f"by {people} with a limit")
    if total.spend_unknown < total.people:
        yield Tile(name="spent this period", value=spent_text(total.spent_micros), more=used)
    yield Tile(name=f"over {NEAR_PERCENT} %", value=f"{total.near:,}", tone="warn" if total.near else "")
    yield Tile(name="blocked", value=f"{total.blocked:,}", tone="bad" if total.blocked else "")
    if status.pace is not None:
        yield Tile(name=f"will reach their limit by {day(status.period.end)}", value=f"{total.reaching:,}")
    besides = f"spent {spent_text(total.unlimited_spent_micros)} besides" if total.unlimited_spent_micros else ""
    tone = "warn" if total.unlimited else ""
    yield Tile(name="without a limit", value=f"{total.unlimited:,}", more=besides, tone=tone)


def _alerts(status: Status) -> Iterator[Alert]:
    breaches = [*breach_sentences(status, ROWS_SHOWN)]
    if breaches:
        yield Alert(title="Guardrails that do not hold", lines=tuple(breaches), tone="bad")
    if notable := tuple(notable_sentences(status)):
        yield Alert(title="Worth a look", lines=notable)
    if status.unknown:
        yield Alert(title="Not known", lines=status.unknown)


def _bars(status: Status) -> Iterator[BarChart]:
    groups = [group for group in status.groups if group.sums.exposure_micros][:BARS_SHOWN]
    if not groups:
        return
    names = names_for(row.group for row in status.groups)
    pairs = [
        Comparison(
            label=names(group.group),
            before=group.sums.exposure_micros,
            after=group.sums.spent_micros,
            shown=f"{spent_text(group.sums.spent_micros)} of {format_usd_short(group.sums.exposure_micros)}",
        )
        for group in groups
    ]
    summary = "; ".join(f"{pair.label}: {pair.shown}" for pair in pairs)
    yield bar_chart("Promised and spent", "by group: what may be spent a month, and what was", pairs, summary=summary)


def _dots(status: Status) -> Iterator[DotChart]:
    people = [
        Person(name=person.username, limit_micros=person.limit_micros, spend_micros=person.spend_micros)
        for person in status.people
        if person.limit_micros is not None and not isinstance(person.spend_micros, Unknown)
    ]
    if not people:
        return
    limits = sorted({person.limit_micros for person in people if person.limit_micros})
    marks = sorted({limits[0], limits[len(limits) // 2], limits[-1]}) if limits else []
    yield dot_chart(
        "Spend against the limit",
        "a dot a person: their limit across, the share of it that is spent upwards",
        people,
        columns=[(format_usd_short(limit), limit) for limit in marks],
        summary=f"{count_people(len(people))}; {status.total.near:,} over {NEAR_PERCENT} %, "
        f"{status.total.blocked:,} blocked",
    )


def pipes(table: Table) -> list[str]:
    """Return a table in Markdown."""
    head = " | ".join(column.name for column in table.columns)
    rule = "|".join("--:" if column.is_number else "---" for column in table.columns)
    rows = [
        f"| {' | '.join(_cell(cell, table, index) for index, cell in enumerate(row.cells))} |" for row in table.rows
    ]
    hint = [table.hint, ""] if table.hint else []
    remainder = [f"\n{table.more_rows}"] if table.more_rows else []
    return [f"**{table.title}**", "", *hint, f"| {head} |", f"|{rule}|", *rows, *remainder, ""]


def _cell(text: str, table: Table, index: int) -> str:
    return text if table.columns[index].is_number else code(text)
