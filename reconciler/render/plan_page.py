"""Plans as a page: who gets more and less, what it costs, who is stopped, and every change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.gate.danger import Danger
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.snapshot import Deployment
from reconciler.errors import Place
from reconciler.money import format_usd_short
from reconciler.render.changes import ChangeRow, change_rows
from reconciler.render.effects import to_know
from reconciler.render.outlook import outlook_sentences, replay_tables
from reconciler.render.overview import (
    Overview,
    counted_twice,
    headline,
    overview_of,
    signed_usd,
)
from reconciler.render.page import Alert, Page, Tile
from reconciler.render.plan_charts import bar_charts, dot_charts, nearest_table
from reconciler.render.problem import Severity
from reconciler.render.problems import folded, problems_of
from reconciler.render.source import deployment_text
from reconciler.render.spend import spent_text
from reconciler.render.table import Column, Row, Table
from reconciler.render.text import day
from reconciler.words import count, count_people, listed, spoken

GROUPS_SHOWN = 50


def plan_page(plans: Sequence[Plan]) -> Page:
    """Return the page of plans that were made side by side."""
    overview = overview_of(plans)
    return Page(
        title=f"AI budgets: {headline(overview)}",
        subtitles=tuple(subtitle(plan.deployment, plan.digest) for plan in plans),
        tiles=_tiles(overview) if overview.changes else (),
        alerts=(*_alerts(plans), *_outlook(plans)),
        bar_charts=bar_charts(plans, "grey: now, colour: after"),
        dot_charts=dot_charts(plans, "Spend so far against the limit after this plan"),
        tables=(*_change_table(plans), *nearest_table(plans, "limit after"), *replay_tables(plans, GROUPS_SHOWN)),
        footer=sources_text(plans),
    )


def subtitle(deployment: Deployment, digest: str) -> str:
    return f"{deployment_text(deployment)} · digest {digest[:DIGEST_SHOWN]}"


def sources_text(plans: Sequence[Plan]) -> str:
    files = sorted({source.path for plan in plans for source in plan.sources})
    return f"Made by reconciler from {listed(files)}." if files else "Made by reconciler."


def _tiles(overview: Overview) -> tuple[Tile, ...]:
    exposure = overview.exposure
    before, after = format_usd_short(exposure.before_micros), format_usd_short(exposure.after_micros)
    blocked = len(overview.blocked)
    names = listed([_overspent(person.username, person.spend_after_micros) for person in overview.blocked], most=3)
    return (
        Tile(
            name="Changes",
            value=f"{overview.changes:,}",
            more=f"{overview.creates:,} to create, {overview.updates:,} to update, {overview.deletes:,} to delete",
        ),
        Tile(
            name=f"May be spent in a month ({overview.concerned})",
            value=f"{before} → {after}" if exposure.people else "not known",
            more=signed_usd(overview.delta_micros) if exposure.people else "",
        ),
        Tile(
            name="Limits",
            value=f"{overview.higher:,} ▲  {overview.lower:,} ▼",
            more="people with a higher, a lower limit",
        ),
        Tile(
            name="Without any limit",
            value=f"{exposure.unlimited_before:,} → {exposure.unlimited_after:,}",
            more="people",
            tone="bad" if exposure.unlimited_after > exposure.unlimited_before else "",
        ),
        Tile(name="Blocked at once", value=count_people(blocked), more=names, tone="bad" if blocked else ""),
    )


def _overspent(username: str, spend: object) -> str:
    name = spoken(username)
    return f"{name} (spent {spent_text(spend)})" if isinstance(spend, int) else name


def _alerts(plans: Sequence[Plan]) -> Iterable[Alert]:
    problems = folded(problems_of(plans))
    reasons = tuple(sentence(row.message, row.hint, row.place) for row in problems if row.is_reason)
    if reasons:
        dangers = [danger for plan in plans for danger in plan.verdict.uncovered]
        names = listed(sorted({danger.organization for danger in dangers if danger.organization}))
        yield Alert(
            title="Refused: nothing is written",
            lines=reasons,
            tone="bad",
            paste_title=f"If it is meant, add to a policy file of {names}:" if names else "If it is meant:",
            paste="\n\n".join(_consents(dangers)),
        )
    others = [row for row in problems if not row.is_reason and row.severity is not Severity.NOTICE]
    if others:
        title = "Needs attention; the plan is not refused for this" if reasons else "Needs attention"
        yield Alert(title=title, lines=tuple(sentence(row.message, row.hint, row.place) for row in others), tone="bad")
    notices = tuple(sentence(row.message, row.hint, row.place) for row in problems if row.severity is Severity.NOTICE)
    notices += tuple(sentence for plan in plans for sentence in to_know(plan.effects, has_nearest=True))
    notices += tuple(filter(None, (counted_twice(overview_of(plans)),)))
    if notices:
        yield Alert(title="To know", lines=notices)


def _consents(dangers: Sequence[Danger]) -> Iterator[str]:
    """Yield the lines to paste, those of each organization together.

    No policy can consent where the organization is not known, so there the options of `apply` are what to paste.
    """
    organizations = sorted({danger.organization for danger in dangers if danger.organization is not None})
    for organization in organizations:
        title = [f"# {organization}"] if len(organizations) > 1 else []
        rows = [
            f"  - {{hazard: {danger.hazard}, up_to: {danger.count}, reason: say why}}"
            for danger in dangers
            if danger.organization == organization
        ]
        yield "\n".join([*title, "allow:", *rows])
    unknown = [f"--allow {danger.consent}" for danger in dangers if danger.organization is None]
    if unknown:
        yield f"# organization not known\nreconciler apply {' '.join(unknown)}"


def _outlook(plans: Sequence[Plan]) -> Iterable[Alert]:
    sentences = tuple(sentence for plan in plans for sentence in outlook_sentences(plan))
    if sentences:
        has_replay = any(plan.replay for plan in plans)
        yield Alert(title=f"In days to come{', and in the month replayed' if has_replay else ''}", lines=sentences)


def sentence(message: str, hint: str, place: Place | None) -> str:
    where = f"{place}: " if place and str(place) not in message else ""
    return f"{where}{message}{f' ({hint})' if hint else ''}"


def _change_table(plans: Sequence[Plan]) -> tuple[Table, ...]:
    rows = tuple(_change_row(row) for plan in plans for row in change_rows(plan))
    if not rows:
        return ()
    columns = (
        Column(name="change", is_short=True), Column(name="who"), Column(name="now", is_number=True),
        Column(name="after", is_number=True), Column(name="people", is_number=True), Column(name="why", is_long=True),
        Column(name="where", is_long=True),
    )  # fmt: skip
    return (Table(title=count(len(rows), "change"), columns=columns, rows=rows, hint=_SIGNS),)


_SIGNS = "▲ people get a higher limit, ▼ a lower limit"


def _change_row(row: ChangeRow) -> Row:
    booked = f" ({row.group})" if row.group else ""
    ends = f"until {day(row.ends)}" if row.ends else ""
    return Row(
        cells=(
            f"{row.sign} {row.kind}",
            f"{row.address}{booked}",
            row.before,
            f"{row.arrow} {row.after}".strip(),
            f"{row.people:,}" if row.people else "",
            "; ".join(filter(None, (row.why, ends, row.note))),
            f"{row.place.file}:{row.place.line}" if row.place else "",
        ),
        tone="bad" if row.after_micros == 0 else "",
    )
