"""Why somebody's limit is what it is, as text. Pure: an explanation in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reconciler.core.budget import Absent, Budget, Reading, Unknown
from reconciler.core.moment import instant
from reconciler.core.people.effective import alphabetical
from reconciler.core.people.explanation import Candidate, Explanation, PolicyEntry, Usage
from reconciler.core.people.standing import Standing, standing
from reconciler.core.snapshot import Unlimited
from reconciler.errors import Place
from reconciler.money import Micros, format_usd
from reconciler.render.authors import done_text
from reconciler.render.formats import Facts
from reconciler.render.spend import pace_text, spent_text
from reconciler.render.text import Line, columns, day, distance, harmless, lines_of, spend_text, why_text
from reconciler.words import NO_LIMIT, count, spoken

USAGE_SHOWN = 12


def explanation_lines(explanation: Explanation) -> list[Line]:
    """Render an explanation; an empty line between its parts."""
    at = explanation.at
    blocks = (
        [
            *_source(explanation),
            _headline(explanation),
            *_disputed(explanation),
            *_spent(explanation),
            *_account(explanation),
        ],
        [*_override(explanation, at), *_groups(explanation, at), *_why(explanation), *_remedy(explanation)],
        _usage(explanation),
    )
    return lines_of("\n\n".join("\n".join(block) for block in blocks if block).split("\n"))


def _source(explanation: Explanation) -> Iterator[str]:
    if explanation.snapshot_at is not None:
        yield f"From a snapshot of {day(explanation.snapshot_at)}; the server was not asked."


def _headline(explanation: Explanation) -> str:
    name = harmless(explanation.user.username)
    effective = explanation.effective
    if isinstance(effective, Unknown):
        return f"It is not known what limits {name}: {harmless(effective.reason)}."
    group = harmless(effective.group.address)
    if isinstance(effective.limit_micros, Unlimited):
        return f"{name} has {NO_LIMIT}; spend is booked on {group}."
    if effective.by_override:
        return f"{name} may spend {format_usd(effective.limit_micros)} a month, by an override booked on {group}."
    return f"{name} may spend {format_usd(effective.limit_micros)} a month, by the budget of {group}."


def _disputed(explanation: Explanation) -> Iterator[str]:
    if explanation.is_disputed and explanation.reported is not None:
        reported = explanation.reported
        limit = NO_LIMIT if isinstance(reported.limit_micros, Unlimited) else format_usd(reported.limit_micros)
        yield f"But Coder itself reports {limit}, booked on {harmless(reported.group.address)}. That limit holds."


def _spent(explanation: Explanation) -> Iterator[str]:
    """Say what they spent, what is left of it and how long that lasts; nothing of what is not known."""
    limit, spend = explanation.in_force, explanation.spend
    if isinstance(spend, Unknown):
        return
    since = f"Spent {spend_text(spend)} since {day(explanation.period_start)}"
    until = f", until {day(explanation.period_end)}" if explanation.period_end else ""
    if explanation.left_micros is None or isinstance(limit, Unknown):
        yield f"{since}."
        return
    if standing(limit, spend) is Standing.BLOCKED:
        yield (
            f"{since}; blocked{until}."
            if limit.limit_micros
            else f"{since}; blocked in every month, until the limit is raised."
        )
        return
    yield f"{since}; {format_usd(explanation.left_micros + spend % 10_000)} left{until}."
    yield from _pace(explanation)


def _account(explanation: Explanation) -> Iterator[str]:
    if explanation.user.is_suspended:
        yield "Their account is suspended: they cannot work until it is activated, with budget left or not."


def _pace(explanation: Explanation) -> Iterator[str]:
    """`At the pace of the last 7 days, $12.30 a day, it is used up on 2026-11-26.`"""
    if explanation.pace is None or not explanation.per_day_micros or explanation.period_end is None:
        return
    pace = f"At the pace of {pace_text(explanation.pace)}, {spent_text(explanation.per_day_micros)} a day"
    if explanation.reaches_at is not None:
        yield f"{pace}, it is used up on {explanation.reaches_at:%Y-%m-%d}."
    else:
        yield f"{pace}, it lasts until {day(explanation.period_end)}."


def _override(explanation: Explanation, at: datetime) -> Iterator[str]:
    match explanation.override:
        case Budget(limit_micros, group):
            then = _then(explanation)
            entries = _entries(explanation.override_entries, at, then)
            if explanation.has_policies and not entries:
                entries = " No policy file that was read lists it."
            if explanation.set_by is not None:
                entries += f" It was {done_text(explanation.set_by)}."
            yield f"Override: {format_usd(limit_micros)}, booked on {harmless(group.address)}.{entries}"
        case Unknown(reason):
            yield f"Override: not known ({harmless(reason)})."
        case Absent():
            yield f"Override: none.{_entries(explanation.override_entries, at, '')}"


def _then(explanation: Explanation) -> str:
    fallback = explanation.fallback
    if isinstance(fallback, Unknown):
        return ""
    if isinstance(fallback.limit_micros, Unlimited):
        return f"then {NO_LIMIT}"
    return f"then {format_usd(fallback.limit_micros)} by {harmless(fallback.group.address)}"


def _groups(explanation: Explanation, at: datetime) -> list[str]:
    if not explanation.candidates:
        return ["Groups: none that can be seen."]
    rows = [_row(candidate, at) for candidate in explanation.candidates]
    return ["Groups, in the order of the rule:", *columns(rows, right=frozenset({2}))]


def _row(candidate: Candidate, at: datetime) -> tuple[str, ...]:
    mark = "  > " if candidate.wins else "    "
    return (
        mark,
        f"{harmless(candidate.address)}  ",
        _amount(candidate.budget),
        f"  {_entries(candidate.entries, at, '')}",
    )


def _amount(reading: Reading) -> str:
    if isinstance(reading, Budget):
        return format_usd(reading.limit_micros)
    return "not known" if isinstance(reading, Unknown) else NO_LIMIT


def _entries(entries: Iterable[PolicyEntry], at: datetime, then: str) -> str:
    """` policies/acme.yaml:12:5 says $2,500.00: migration sprint; expires 2027-01-01, in 39 days`."""
    return "".join(f" {harmless(_entry(entry, at, then))}." for entry in entries)


def _entry(entry: PolicyEntry, at: datetime, then: str) -> str:
    limit = "none" if isinstance(entry.limit, Absent) else format_usd(entry.limit)
    why = why_text(entry.tier, entry.reason)
    parts = [f"{entry.place} says {limit}" + (f" ({why})" if why else "")]
    if entry.starts is not None and entry.starts > at:
        parts.append(f"starts {instant(entry.starts)}, {distance(entry.starts, at)}")
    if entry.expires is not None:
        verb = "expires" if entry.expires > at else "expired"
        parts.append(", ".join(filter(None, (f"{verb} {instant(entry.expires)}, {distance(entry.expires, at)}", then))))
    return "; ".join(parts)


def _why(explanation: Explanation) -> Iterator[str]:
    """One sentence; none where the headline says that it is not known."""
    effective = explanation.effective
    if isinstance(effective, Unknown):
        return
    if effective.by_override:
        yield "Why: an override wins over every group budget, be it higher or lower."
    elif isinstance(effective.limit_micros, Unlimited):
        yield "Why: they have no override, and none of their groups has a budget."
    elif not any(candidate.wins for candidate in explanation.candidates):
        yield "Why: Coder reports the budget of a group that this token may not read; the highest of a person's wins."
    else:
        yield f"Why: {_why_highest(explanation, effective.limit_micros)}"


def _why_highest(explanation: Explanation, highest: int) -> str:
    budgets = [candidate.budget for candidate in explanation.candidates if isinstance(candidate.budget, Budget)]
    equal = [candidate for candidate in explanation.candidates if _amount(candidate.budget) == format_usd(highest)]
    if len(equal) > 1:
        return f"the highest of their budgets; of {len(equal)} equal ones {_first(equal, explanation)}."
    return "it is their only budget." if len(budgets) == 1 else f"the highest of their {len(budgets)} budgets."


def _first(equal: Sequence[Candidate], explanation: Explanation) -> str:
    """Say which of several equal budgets wins; an address is `group/ORGANIZATION/NAME`."""
    if explanation.ties_by_name:
        names = [candidate.address.split("/", 2)[2] for candidate in equal]
        first = min(names, key=alphabetical)
        also = ", and of these the one with the lowest id" if names.count(first) > 1 else ""
        if first != min(names):
            also += f" ({spoken(min(names))}, if Coder's database sorts names by the codes of their characters)"
        return f"that of the group whose name is first in the alphabet{also}"
    organizations = [candidate.address.split("/", 2)[1] for candidate in equal]
    if len(set(organizations)) == 1:
        return "that of the group with the lowest id"
    winning = [candidate.address.split("/", 2)[1] for candidate in equal if candidate.wins]
    is_tied = any(organizations.count(organization) > 1 for organization in winning)
    also = ", and there of the group with the lowest id" if is_tied else ""
    return f"that of the organization they joined first{also}"


def _remedy(explanation: Explanation) -> Iterator[str]:
    """Say whom to ask, where a limit blocks a person: for an apply, for a line of the policy, or a role of Coder."""
    limit = explanation.in_force
    if isinstance(limit, Unknown) or explanation.user.is_suspended or explanation.left_micros != 0:
        return
    if says := _not_applied(explanation):
        yield f"To work again: ask for an apply of the policy: {harmless(says)}, which is not live."
        return
    entries = explanation.override_entries
    who = "an Owner or a User Admin of Coder"
    if not limit.by_override:
        entries = tuple(
            entry for row in explanation.candidates if row.address == limit.group.address for entry in row.entries
        )
        who = "an Owner, a User Admin or an Organization Admin of Coder"
    places = ", ".join(harmless(str(entry.place)) for entry in entries)
    yield (
        f"To work again: ask for a higher limit in {places}."
        if places
        else f"To work again: ask {who} for a higher limit."
    )


def _not_applied(explanation: Explanation) -> str:
    """Say which entry would let a blocked person work again once it is applied; empty where none would."""
    spend, at = explanation.spend, explanation.at
    if isinstance(spend, Unknown) or explanation.is_disputed:
        return ""
    of_groups = [entry for row in explanation.candidates for entry in row.entries]
    own = _limits_at(explanation.override_entries, at)
    has_override = bool(own) or isinstance(explanation.override, Budget)
    for place, limit in own if has_override else _limits_at(of_groups, at):
        if limit > spend:
            return f"{place} says {format_usd(limit)}"
    return ""


def _limits_at(entries: Iterable[PolicyEntry], at: datetime) -> list[tuple[Place, Micros]]:
    """Return the limits of the entries that have started and have not ended, and where they stand."""
    return [
        (entry.place, entry.limit)
        for entry in entries
        if not isinstance(entry.limit, Absent)
        and (entry.starts is None or entry.starts <= at)
        and (entry.expires is None or entry.expires > at)
    ]


def _usage(explanation: Explanation) -> list[str]:
    """Say what failed to be read, and the sessions; nothing where the server does not show them."""
    failed = [harmless(sentence) for sentence in explanation.unread]
    if not explanation.usage:
        return failed
    since = day(explanation.period_start)
    hidden = explanation.usage[USAGE_SHOWN:]
    remainder = [f"  and {count(sum(row.sessions for row in hidden), 'session')} of other kinds"] if hidden else []
    kinds = columns([_kind(row) for row in explanation.usage[:USAGE_SHOWN]])
    return [*failed, f"AI sessions since {since}:", *kinds, *remainder]


def _kind(usage: Usage) -> tuple[str, ...]:
    tokens = usage.tokens
    cached = tokens.cache_read + tokens.cache_write
    apart = f", {cached:,} cached" if cached else ""
    return (
        f"  {harmless(usage.client)}  ",
        f"{harmless(usage.provider)}  ",
        f"{harmless(usage.model)}  ",
        f"{count(usage.sessions, 'session')}  ",
        f"{tokens.input:,} tokens in, {tokens.output:,} out{apart}",
    )


def page_lines(explanation: Explanation, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return explanation_lines(explanation)
