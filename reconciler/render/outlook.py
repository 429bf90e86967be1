"""What a plan means in days to come and would have meant in a month that is over, as sentences and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.describe import names_for
from reconciler.core.people.forecast import Forecast, Reach
from reconciler.core.people.replay import GroupReplay, Replay, Replayed
from reconciler.core.plan.plan import Plan
from reconciler.money import format_usd_short
from reconciler.render.spend import pace_text, spent_text
from reconciler.render.table import Column, Row, Table, text_table
from reconciler.render.text import Line, day, harmless
from reconciler.words import count_people, listed, spoken

REACHES_SHOWN = 4
GROUPS_SHOWN = 8


def outlook_lines(plan: Plan) -> list[Line]:
    """Return forecast and replay for a terminal; empty where there is nothing to say."""
    lines = [Line(harmless(text)) for text in outlook_sentences(plan)]
    return lines + (text_table(group_table(plan.replay, GROUPS_SHOWN)) if plan.replay else [])


def outlook_sentences(plan: Plan) -> list[str]:
    """Say who will reach their new limit, and what the policy would have done in the month that was asked for."""
    effects = plan.effects
    is_spend_read = all(isinstance(person.spend_after_micros, int) for person in effects.people)
    is_whole = is_spend_read and not effects.unclear and not effects.unseen
    sentences = list(_forecast(plan.forecast, is_whole=is_whole)) if plan.forecast else []
    return sentences + (list(_replay(plan.replay)) if plan.replay else [])


def _forecast(forecast: Forecast, *, is_whole: bool) -> Iterator[str]:
    """`At the pace of the last 7 days 4 people reach their new limit before 2026-12-01: ...`; silent about nobody.

    `is_whole`: limit and spend are known of everybody whom the plan concerns.
    """
    if forecast.pace is None or not (forecast.people or forecast.would_have):
        return
    reaches = [_reach(reach) for reach in forecast.people]
    named = f": {listed(reaches, most=REACHES_SHOWN)}" if reaches else ""
    nobody = "nobody" if is_whole else "nobody whose limit and spend are known"
    people = count_people(len(forecast.people)) if reaches else nobody
    verb = "reaches" if len(reaches) <= 1 else "reach"
    today = f" With today's limits: {forecast.would_have:,}." if forecast.would_have != len(reaches) else ""
    pace = f"At the pace of {pace_text(forecast.pace)}"
    yield f"{pace} {people} {verb} their new limit before {day(forecast.period_end)}{named}.{today}"


def _reach(reach: Reach) -> str:
    of = f"{spent_text(reach.spend_micros)} of {format_usd_short(reach.limit_micros)}"
    return f"{spoken(reach.username)} on {reach.reaches_at:%Y-%m-%d} ({of})"


def _replay(replay: Replay) -> Iterator[str]:
    """Say what it rests on, and what each set of limits would have done."""
    month = f"{replay.month.start:%Y-%m}"
    days = f"{replay.month.days} days" if replay.windows > 1 else "its sum alone"
    spent = f"{count_people(replay.people)} spent {spent_text(replay.spent_micros)}"
    yield (
        f"Replay of {month} ({days}; {spent}), with today's memberships, and all spend of a person counted on the "
        "group that would be effective:"
    )
    yield f"  this policy: {_replayed(replay.after, replay)}"
    yield f"  today's limits: {_replayed(replay.before, replay)}"


def _replayed(replayed: Replayed, replay: Replay) -> str:
    apart = "".join(
        f"; {number:,} {text}"
        for number, text in ((replayed.unlimited, "without a limit"), (replayed.unknown, "whose limit is not known"))
        if number
    )
    if not replayed.stopped:
        return f"nobody would have been stopped{apart}."
    first = replayed.stopped[0]
    when = f", first {spoken(first.username)} on {first.on:%Y-%m-%d}" if replay.windows > 1 else ""
    least = f"at most {spent_text(replayed.unspent_micros)} would not have been spent"
    return f"{count_people(len(replayed.stopped))} would have been stopped{when}; {least}{apart}."


def group_table(replay: Replay, most: int) -> Table:
    """Return a row a group: what its people spent, and how many some limits would have stopped."""
    names = names_for(group.group for group in replay.groups)
    rows = tuple(Row(cells=(names(group.group), *_cells(group))) for group in replay.groups[:most])
    hidden = len(replay.groups) - most
    return Table(
        title=f"What people of each group spent in {replay.month.start:%Y-%m}",
        hint="The last column says how many people without an override other limits of the group would have stopped.",
        columns=(
            Column(name="group"), Column(name="people", is_number=True), Column(name="limit", is_number=True),
            Column(name="spent", is_number=True), Column(name="half up to", is_number=True),
            Column(name="9 of 10 up to", is_number=True), Column(name="highest", is_number=True),
            Column(name="stopped", is_number=True), Column(name="would stop (overrides apart)"),
        ),
        rows=rows,
        more_rows=f"{hidden:,} more groups: --json" if hidden > 0 else "",
    )  # fmt: skip


def _cells(group: GroupReplay) -> tuple[str, ...]:
    return (
        f"{group.people:,}",
        "" if group.limit_micros is None else format_usd_short(group.limit_micros),
        *(
            spent_text(micros)
            for micros in (group.spent_micros, group.half_micros, group.most_micros, group.highest_micros)
        ),
        f"{group.stopped:,}" if group.stopped else "",
        ", ".join(f"{format_usd_short(choice.limit_micros)}: {choice.stopped:,}" for choice in group.choices),
    )


def replay_tables(plans: Sequence[Plan], most: int) -> list[Table]:
    """Return the tables of every plan that has a replay."""
    return [group_table(plan.replay, most) for plan in plans if plan.replay is not None]
