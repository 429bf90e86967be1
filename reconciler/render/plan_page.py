"""Plans as a page: who gets more and less, what it costs, who is stopped, and every change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.budget import Unknown
from reconciler.core.describe import names_for
from reconciler.core.gate.danger import Danger
from reconciler.core.people.sums import GroupExposure, LimitCount
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.snapshot import Deployment, Unlimited
from reconciler.errors import Place
from reconciler.money import format_usd, format_usd_short
from reconciler.render.changes import ChangeRow, change_rows
from reconciler.render.charts import BARS_SHOWN, NEAR, BarChart, Comparison, DotChart, Person, bar_chart, dot_chart
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
from reconciler.render.problems import Severity, folded, problems_of
from reconciler.render.source import deployment_text
from reconciler.render.spend import spent_text
from reconciler.render.table import Column, Row, Table
from reconciler.render.text import day, spend_text
from reconciler.words import NO_LIMIT, count, count_people, listed, spoken

NEAREST_SHOWN = 15
GROUPS_SHOWN = 50
MARKS_SHOWN = 6
MARKS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000)
"""Limits in US dollars that are marked on the axis, where people have more limits than are marked."""


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
    whose = "everybody" if overview.is_total else f"{count_people(exposure.people)} concerned"
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
            name=f"May be spent in a month ({whose})",
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


def bar_charts(plans: Sequence[Plan], hint: str, *, is_drift: bool = False) -> tuple[BarChart, ...]:
    """Return exposure by group and people per limit, each before and after; `hint` says what the two are.

    With `is_drift` they go from the policy to live: what the plans would do, turned round.
    """
    groups = [_turned_group(row) if is_drift else row for plan in plans for row in plan.effects.groups]
    limits = [_turned_limit(row) if is_drift else row for plan in plans for row in plan.effects.limits]
    charts = []
    if groups:
        rows = _to_show(groups)
        names = names_for(row.group for row in groups if row.group)
        pairs = [
            Comparison(
                label=f"{names(row.group) if row.group else row.label} ({count_people(row.people_after)})",
                before=row.before_micros,
                after=row.after_micros,
                shown=_moved(row.before_micros, row.after_micros),
            )
            for row in rows
        ]
        more = f"; {count(len(groups) - len(rows), 'more group')} not shown" if len(groups) > len(rows) else ""
        summary = f"What may be spent by group that limits, of {count(len(groups), 'group')}: " + "; ".join(
            f"{pair.label} {pair.shown}" for pair in pairs[:3]
        )
        title = "What may be spent in a month, by group that limits"
        charts.append(bar_chart(title, f"{hint}{more}", pairs, summary=summary))
    if limits:
        pairs = _limit_pairs(limits)
        summary = "People per limit: " + "; ".join(f"{pair.label} {pair.shown}" for pair in pairs)
        charts.append(bar_chart("People per limit", hint, pairs, summary=summary))
    return tuple(charts)


def _to_show(groups: Sequence[GroupExposure]) -> list[GroupExposure]:
    """Return as many groups as are shown: those that change most, then the largest; sorted by size."""

    def size(row: GroupExposure) -> tuple[int, str]:
        return -max(row.before_micros, row.after_micros), row.label

    shown = sorted(groups, key=lambda row: (-abs(row.after_micros - row.before_micros), *size(row)))[:BARS_SHOWN]
    return sorted(shown, key=size)


def _turned_group(row: GroupExposure) -> GroupExposure:
    return GroupExposure(
        group=row.group,
        people_before=row.people_after,
        people_after=row.people_before,
        before_micros=row.after_micros,
        after_micros=row.before_micros,
    )


def _turned_limit(row: LimitCount) -> LimitCount:
    return LimitCount(limit_micros=row.limit_micros, people_before=row.people_after, people_after=row.people_before)


def _limit_pairs(limits: Sequence[LimitCount]) -> list[Comparison]:
    """People per limit, added up over plans; neighbours are joined where there are too many limits."""
    amounts: dict[int | None, list[int]] = {}
    for row in limits:
        sums = amounts.setdefault(None if isinstance(row.limit_micros, Unlimited) else row.limit_micros, [0, 0])
        sums[0] += row.people_before
        sums[1] += row.people_after
    unlimited = amounts.pop(None, None)
    ordered = sorted((micros, sums) for micros, sums in amounts.items() if micros is not None)
    size = -(-len(ordered) // BARS_SHOWN) or 1
    pairs = []
    for i in range(0, len(ordered), size):
        chunk = ordered[i : i + size]
        first, last = chunk[0][0], chunk[-1][0]
        label = format_usd_short(first) if first == last else f"{format_usd_short(first)} to {format_usd_short(last)}"
        before, after = (sum(sums[side] for _, sums in chunk) for side in (0, 1))
        pairs.append(Comparison(label=label, before=before, after=after, shown=_people_moved(before, after)))
    if unlimited:
        before, after = unlimited
        pairs.append(Comparison(label=NO_LIMIT, before=before, after=after, shown=_people_moved(before, after)))
    return pairs


def _people_moved(before: int, after: int) -> str:
    return count_people(after) if before == after else f"{before:,} → {count_people(after)}"


def _moved(before: int, after: int) -> str:
    if before == after:
        return format_usd_short(after)
    return f"{format_usd_short(after)} ({signed_usd(after - before)})"


def _spenders(plans: Sequence[Plan]) -> list[Person]:
    return [
        Person(name=person.username, limit_micros=person.after.limit_micros, spend_micros=person.spend_after_micros)
        for plan in plans
        for person in plan.effects.people
        if not isinstance(person.after.limit_micros, Unlimited) and not isinstance(person.spend_after_micros, Unknown)
    ]


def dot_charts(plans: Sequence[Plan], title: str) -> tuple[DotChart, ...]:
    """Return spend against the limit after the plans, a dot a person."""
    people = _spenders(plans)
    if not people:
        return ()
    limits = [person.limit_micros for person in people]
    marks = sorted({limit for limit in limits if limit})
    if len(marks) > MARKS_SHOWN:
        marks = [usd * 1_000_000 for usd in MARKS if marks[0] <= usd * 1_000_000 <= marks[-1]][:MARKS_SHOWN]
    columns = [(format_usd_short(micros), micros) for micros in marks]
    over, near = sum(person.share >= 1 for person in people), sum(NEAR <= person.share < 1 for person in people)
    summary = (
        f"Spend against the limit of {count_people(len(people))}: {over:,} at or over it, {near:,} from 80 % on. "
        "The table of who is nearest has the names."
    )
    hint = f"a dot a person whose limit changes; across: the limit, up: the share of it spent; {over:,} at or over it"
    return (dot_chart(title, hint, people, columns=columns, summary=summary),)


def nearest_table(plans: Sequence[Plan], limit: str) -> tuple[Table, ...]:
    """Return who is nearest to the limit after the plans; `limit` is what that is called."""
    people = sorted(_spenders(plans), key=lambda person: (-person.share, person.name))
    near = [person for person in people if person.share >= NEAR / 2][:NEAREST_SHOWN]
    if not near:
        return ()
    rows = tuple(
        Row(
            cells=(
                person.name,
                spend_text(person.spend_micros),
                format_usd(person.limit_micros),
                f"{100 * person.share:.0f} %" if person.limit_micros else "blocked",
            ),
            tone="bad" if person.share >= 1 else "",
        )
        for person in near
    )
    columns = (Column(name="who"), *(Column(name=name, is_number=True) for name in ("spent", limit, "share")))
    return (
        Table(
            title="Nearest to their limit",
            columns=columns,
            rows=rows,
            hint="of the people whose limit changes",
            name="nearest",
        ),
    )


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
