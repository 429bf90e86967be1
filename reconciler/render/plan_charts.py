"""What plans do to people and money as charts, and who is nearest to their limit, for the pages of plans and drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.budget import Unknown
from reconciler.core.describe import names_for
from reconciler.core.people.effects import PersonEffect
from reconciler.core.people.standing import Standing
from reconciler.core.people.sums import GroupExposure, LimitCount
from reconciler.core.plan.plan import Plan
from reconciler.core.snapshot import Unlimited
from reconciler.money import format_usd, format_usd_short
from reconciler.render.charts import BARS_SHOWN, NEAR, BarChart, Comparison, DotChart, Person, bar_chart, dot_chart
from reconciler.render.overview import signed_usd
from reconciler.render.table import Column, Row, Table
from reconciler.render.text import spend_text
from reconciler.words import NO_LIMIT, count, count_people

NEAREST_SHOWN = 15
MARKS_SHOWN = 6
MARKS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000)
"""What is marked, in US dollars, between the lowest limit and the highest of people who have many."""


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


def _spenders(plans: Sequence[Plan]) -> Iterator[tuple[PersonEffect, Person]]:
    """Yield who has a limit after the plans and a spend that is known, and their dot in the chart."""
    for person in (person for plan in plans for person in plan.effects.people):
        limit, spend = person.after.limit_micros, person.spend_after_micros
        if not isinstance(limit, Unlimited) and not isinstance(spend, Unknown):
            yield person, Person(name=person.username, limit_micros=limit, spend_micros=spend)


def dot_charts(plans: Sequence[Plan], title: str) -> tuple[DotChart, ...]:
    """Return spend against the limit after the plans, a dot a person."""
    spenders = list(_spenders(plans))
    people = [dot for _, dot in spenders]
    if not people:
        return ()
    limits = [person.limit_micros for person in people]
    marks = sorted({limit for limit in limits if limit})
    if len(marks) > MARKS_SHOWN:
        low, *_, high = marks
        marks = [low, *(usd * 1_000_000 for usd in MARKS if low < usd * 1_000_000 < high), high]
    columns = [(format_usd_short(micros), micros) for micros in marks]
    over, near = sum(person.share >= 1 for person in people), sum(NEAR <= person.share < 1 for person in people)
    summary = (
        f"Spend against the limit of {count_people(len(people))}: {over:,} at or over it, {near:,} from 80 % on. "
        "The table of who is nearest has the names."
    )
    stay = sum(person.standing_before is person.standing_after is Standing.BLOCKED for person, _ in spenders)
    hint = (
        f"a dot a person whose limit changes; across: the limit, up: the share of it spent; {over:,} at or over it"
        + (f", {stay:,} of them blocked already" if stay else "")
    )
    return (dot_chart(title, hint, people, columns=columns, summary=summary),)


def nearest_table(plans: Sequence[Plan], limit: str) -> tuple[Table, ...]:
    """Return who is nearest to the limit after the plans; `limit` is what that is called."""
    people = sorted((dot for _, dot in _spenders(plans)), key=lambda person: (-person.share, person.name))
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
