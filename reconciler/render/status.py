"""How things stand, as tables and sentences that text, Markdown and HTML share; and as text that fits a screen.

A table ends after some rows, however many people there are, and says how many more there are; CSV and JSON have all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.core.budget import Budget, GroupRef, Unknown
from reconciler.core.describe import names_for
from reconciler.core.people.census import GroupStatus, OverrideStatus, PersonStatus, Sums
from reconciler.core.people.leaks import Leaks
from reconciler.core.people.standing import NEAR_PERCENT
from reconciler.core.plan.status import SOON, Status
from reconciler.core.policy import GuardrailName
from reconciler.core.snapshot import Unlimited
from reconciler.money import format_usd, format_usd_short
from reconciler.render.formats import Facts
from reconciler.render.source import deployment_text, snapshot_text
from reconciler.render.spend import pace_text, spent_text
from reconciler.render.table import Column, Row, Table, text_table
from reconciler.render.text import Line, Role, day, harmless, lines_of, spend_text
from reconciler.words import NAMES_SHOWN, NO_LIMIT, count, count_people, listed, spoken

GROUPS_SHOWN = 12
PEOPLE_SHOWN = 10
BREACHES_SHOWN = 3
GROUPS_HINT = (
    "People count in the group whose budget limits them, or that their override is booked on. Limit: the group's "
    "budget for each. May spend: what they may spend a month together, overrides included."
)


def status_lines(status: Status) -> list[Line]:
    """Render a status for a terminal."""
    blocks = [
        lines_of(heading(status)),
        [Line(headline(status), Role.HEADING)],
        text_table(group_table(status, GROUPS_SHOWN)),
        text_table(nearest_table(status, PEOPLE_SHOWN)),
        lines_of(map(harmless, sentences(status))),
    ]
    return [line for index, block in enumerate(filter(None, blocks)) for line in ([Line("")] if index else []) + block]


def heading(status: Status) -> list[str]:
    """Return where and when, and what the pace rests on."""
    where = f"{deployment_text(status.deployment)}."
    if status.snapshot_at is not None:
        where = f"{where} {snapshot_text(status.snapshot_at)}"
    period = status.period
    left = count(max(0, (period.end - status.at).days), "day")
    pace = f" Pace: {pace_text(status.pace)}." if status.pace else ""
    return [where, f"Budget period {day(period.start)} to {day(period.end)}, {left} left.{pace}"]


def headline(status: Status) -> str:
    """`60 people may spend $12,625 a month and spent $1,834.10 (14 %): 2 over 85 %, 3 blocked, ...`."""
    total = status.total
    used = f" ({total.used_percent} %)" if total.used_percent is not None else ""
    spent = f", spent {spent_text(total.spent_micros)}{used}" if total.spend_unknown < total.people else ""
    if _knows_nobody(status):
        return without_limit(status)
    exposure = f"{count_people(limited(status))} may spend {format_usd_short(total.exposure_micros)} a month{spent}"
    apart = [
        f"{total.near:,} over {NEAR_PERCENT} %" if total.near else "",
        f"{total.blocked:,} blocked" if total.blocked else "",
        f"{total.reaching:,} will reach their limit by {day(status.period.end)}" if total.reaching else "",
    ]
    parts = [exposure, ", ".join(filter(None, apart))]
    return f"{'; '.join(filter(None, parts))}. {without_limit(status)}".rstrip()


def limited(status: Status) -> int:
    """Return how many people have a limit that is known: the exposure is theirs."""
    return status.total.people - status.total.unlimited - status.total.unknown


def _knows_nobody(status: Status) -> bool:
    """Whether nobody's limit is known, so that 0 people would be said of every group."""
    return 0 < status.total.people == status.total.unknown


def without_limit(status: Status) -> str:
    """`17 of 60 people have no limit and spent $310.`; empty where everybody has a limit."""
    total = status.total
    sentences = []
    if total.unlimited:
        verb = "has" if total.unlimited == 1 else "have"
        spent = f" and spent {spent_text(total.unlimited_spent_micros)}" if total.unlimited_spent_micros else ""
        sentences.append(f"{total.unlimited:,} of {count_people(total.people)} {verb} no limit{spent}.")
    if total.unknown:
        sentences.append(f"The limits of {count_people(total.unknown)} are not known.")
    return " ".join(sentences)


def group_table(status: Status, most: int) -> Table:
    """Return a row a group."""
    rows = tuple(Row(cells=_group_cells(group, status), tone=_tone(group.sums)) for group in status.groups[:most])
    hidden = status.groups[most:]
    hidden_people = sum(group.sums.people for group in hidden)
    return Table(
        title="By group",
        hint=GROUPS_HINT,
        columns=(
            Column(name="group"), Column(name="people", is_number=True), Column(name="limit", is_number=True),
            Column(name="may spend", is_number=True), Column(name="spent", is_number=True),
            Column(name="used", is_number=True), Column(name=f"over {NEAR_PERCENT} %", is_number=True),
            Column(name="blocked", is_number=True), Column(name="will reach", is_number=True),
            Column(name=NO_LIMIT, is_number=True),
        ),
        rows=rows,
        more_rows=f"{count(len(hidden), 'more group')} with {count_people(hidden_people)}: --json" if hidden else "",
    )  # fmt: skip


def _group_cells(group: GroupStatus, status: Status) -> tuple[str, ...]:
    sums = group.sums
    spent = sums.spent_micros + sums.unlimited_spent_micros
    is_known = sums.spend_unknown < sums.people
    return (
        _name(group.group, status),
        "" if _knows_nobody(status) else f"{sums.people:,}",
        format_usd_short(group.budget.limit_micros) if isinstance(group.budget, Budget) else _no_budget(group),
        format_usd_short(sums.exposure_micros) if sums.people > sums.unlimited else "",
        spent_text(spent) if is_known else "",
        f"{sums.used_percent} %" if sums.used_percent is not None and is_known else "",
        *(f"{number:,}" if number else "" for number in (sums.near, sums.blocked, sums.reaching, sums.unlimited)),
    )


def _no_budget(group: GroupStatus) -> str:
    return "not known" if isinstance(group.budget, Unknown) else "none"


def _tone(sums: Sums) -> str:
    return "bad" if sums.blocked else "warn" if sums.near else ""


def nearest_table(status: Status, most: int) -> Table:
    """Return a row for everybody who is over 85 % or will reach the limit; who reaches it first comes first."""
    people = status.nearest
    hidden = len(people) - most
    return Table(
        title="Nearest to their limit",
        hint=f"Who goes on as in {pace_text(status.pace)} reaches the limit on the day given." if status.pace else "",
        columns=(
            Column(name="person"), Column(name="group"), Column(name="spent", is_number=True),
            Column(name="of", is_number=True), Column(name="used", is_number=True),
            Column(name="a day", is_number=True), Column(name="reaches it on"),
        ),
        rows=tuple(Row(cells=_person_cells(person, status)) for person in people[:most]),
        more_rows=f"{count(hidden, 'more person', 'more people')}: --json" if hidden > 0 else "",
    )  # fmt: skip


def blocked_table(status: Status, most: int) -> Table:
    """Return a row for everybody who cannot work."""
    people = status.blocked
    hidden = len(people) - most
    return Table(
        title="Blocked now",
        columns=(
            Column(name="person"), Column(name="group"), Column(name="spent", is_number=True),
            Column(name="of", is_number=True),
        ),
        rows=tuple(Row(cells=_person_cells(person, status)[:4], tone="bad") for person in people[:most]),
        more_rows=f"{count(hidden, 'more person', 'more people')}: --json" if hidden > 0 else "",
    )  # fmt: skip


def _person_cells(person: PersonStatus, status: Status) -> tuple[str, ...]:
    effective = person.effective
    by = " (override)" if not isinstance(effective, Unknown) and effective.by_override else ""
    return (
        person.username,
        "" if isinstance(effective, Unknown) else f"{_name(effective.group, status)}{by}",
        "" if isinstance(person.spend_micros, Unknown) else spend_text(person.spend_micros),
        "" if person.limit_micros is None else format_usd(person.limit_micros),
        "" if person.used_percent is None else f"{person.used_percent} %",
        "" if person.per_day_micros is None else spend_text(person.per_day_micros),
        "" if person.reaches_at is None else f"{person.reaches_at:%Y-%m-%d}",
    )


def sentences(status: Status) -> list[str]:
    """Return blocked people, overrides, leaks, breaches and what is not known, a sentence each."""
    return [*notable_sentences(status), *breach_sentences(status, BREACHES_SHOWN), *status.unknown]


def notable_sentences(status: Status) -> list[str]:
    """Return blocked people, overrides and leaks, a sentence each."""
    return [*_blocked(status), *_overrides(status), *leak_sentences(status.leaks, status)]


def _blocked(status: Status) -> Iterator[str]:
    blocked = status.blocked
    if blocked:
        yield f"Blocked now: {_names([spoken(person.username) for person in blocked])}."


def _overrides(status: Status) -> Iterator[str]:
    sums = status.override_sums
    if not sums.total:
        return
    soon = [row for row in status.overrides if row.expires is not None and row.expires <= status.at + SOON]
    idle = [spoken(row.username) for row in status.overrides if row.changes_nothing]
    parts = [f"{sums.never_ending:,} never {'ends' if sums.never_ending == 1 else 'end'}"] if sums.never_ending else []
    if status.has_policies and sums.not_listed:
        parts.append(f"{sums.not_listed:,} in no policy")
    if soon:
        has_ended = any(row.expires is not None and row.expires <= status.at for row in soon)
        names = _names([_end_of(row, at=status.at) for row in soon])
        parts.append(f"{'ended or ' if has_ended else ''}ending within {SOON.days} days: {names}")
    if idle:
        parts.append(f"changing nothing: {_names(idle)}")
    apart = f"; {'; '.join(parts)}" if parts else ""
    hint = "" if status.has_policies else " Only a policy says when they end: pass --policies PATH."
    yield f"Overrides: {sums.total:,}{apart}.{hint}"


def _end_of(row: OverrideStatus, *, at: datetime) -> str:
    end = day(row.expires) if row.expires else ""
    if row.expires and row.expires <= at:
        end = f"ended {end}, still there"
    then = ""
    if not isinstance(row.fallback, Unknown):
        limit = row.fallback.limit_micros
        then = f", then {NO_LIMIT if isinstance(limit, Unlimited) else format_usd_short(limit)}"
    return f"{spoken(row.username)} ({end}{then})"


def leak_sentences(leaks: Leaks, status: Status) -> Iterator[str]:
    """Say what keeps budgets from binding; nothing where nothing does."""
    priceless = [row for row in leaks.unpriced or () if not row.is_free]
    for row in priceless[:NAMES_SHOWN]:
        yield (
            f"No price: {spoken(row.model)} ({spoken(row.provider)}) cost nothing for {row.tokens:,} tokens of "
            f"{count_people(row.people)}, so no budget limits it."
        )
    if leaks.unpriced_requests:
        yield (
            f"Without a price: {count(leaks.unpriced_requests, 'request')} of this period, by Coder's own count; "
            "they add nothing to anybody's spend."
        )
    if leaks.idle_groups:
        yield f"Budgets that limit nobody: {_names([spoken(_name(group, status)) for group in leaks.idle_groups])}."
    restarted = leaks.restarted or ()
    if restarted:
        often = sum(row.groups > 2 for row in restarted)
        shown = [
            f"{spoken(row.username)} counted {spent_text(row.counted_micros)}, spent {spent_text(row.spent_micros)}"
            for row in restarted[:NAMES_SHOWN]
        ]
        twice = f", {often:,} of them more than once" if often else ""
        people = f"{len(restarted):,} ({listed(shown, total=len(restarted))})"
        yield f"Started again in another group this period{twice}: {people}."


def breach_sentences(status: Status, most: int) -> Iterator[str]:
    """Say which guardrails do not hold; of each at most so many breaches, so that none hides another."""
    for name in GuardrailName:
        breaches = [breach for breach in status.breaches if breach.guardrail is name]
        for breach in breaches[:most]:
            yield f"{name}: {breach.message} ({spoken(str(breach.place))})."
        if len(breaches) > most:
            yield f"{name}: {count(len(breaches) - most, 'more breach', 'more breaches')}; --json lists all of them."


def _names(names: Sequence[str]) -> str:
    return f"{len(names):,} ({listed(names)})"


def _name(group: GroupRef, status: Status) -> str:
    return names_for(row.group for row in status.groups)(group)


def page_lines(status: Status, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return status_lines(status)
