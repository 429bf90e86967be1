"""A month that is over, once more under other limits: who would have been stopped, on which day, and how much for.

A person is stopped on the first day at whose end their spend of the month so far has reached the limit, and a limit of
$0 by their first spend. The request that reaches a limit is still served, so what is over the limit at the end of the
month is the most that would not have been spent.

What it rests on, and what is printed with it: the memberships of today; all of a person's spend of that month, on
whichever group it was booked, counted on the group that is effective under the limits that are replayed. The limits
that really held in that month do not enter: who was stopped then has spent less, and is stopped later here.

Laws: a limit that nobody reached stops nobody. Of two limits the higher stops nobody whom the lower does not stop, and
nobody earlier, and leaves no more unspent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from reconciler.core.budget import GroupRef, Unknown, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.core.spend import DAY, Window, day_of
from reconciler.dataclass import dataclass
from reconciler.money import MICROS_PER_USD, Micros

CHOICES_USD = (10, 20, 50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000)
"""Limits that are tried for each group, so that a tier can be chosen."""
CHOICES_KEPT = 6
_SHARES = (50, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A person who would have been stopped."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    limit_micros: Micros
    """The limit that is replayed, in micro-dollars a month."""
    spent_micros: Micros
    """What they really spent in the month."""
    on: datetime
    """The first moment of the day (UTC) by whose end they had reached the limit; of several days read in one sum the
    last."""

    @property
    def unspent_micros(self) -> Micros:
        """What at most would not have been spent."""
        return Micros(max(self.spent_micros - self.limit_micros, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What one set of limits would have done in the month."""

    JSON_EXTRAS: ClassVar = ("stopped_people", "unspent_micros")

    stopped: tuple[Stopped, ...]
    """Who is stopped first comes first."""
    unlimited: int
    """People who spent something and whom nothing would have limited."""
    unknown: int
    """People who spent something and whose limit is not known, those who are gone included."""

    @property
    def stopped_people(self) -> int:
        """How many would have been stopped."""
        return len(self.stopped)

    @property
    def unspent_micros(self) -> Micros:
        """How much would at most not have been spent."""
        return Micros(sum(person.unspent_micros for person in self.stopped))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A limit that a group might have, and how many people who are limited by the group it would have stopped."""

    limit_micros: Micros
    """In micro-dollars a month."""
    stopped: int
    """How many people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReplay:
    """What the people of one group spent in the month, so that a tier can be chosen for them."""

    group: GroupRef
    """The group that would be effective for them under the policy."""
    people: int
    """Whose spend is booked on it, those who spent nothing included."""
    limit_micros: Micros | None
    """The group's own budget after the plan; null when it has none."""
    spent_micros: Micros
    """What they spent together."""
    half_micros: Micros
    """Half of them spent at most this much."""
    most_micros: Micros
    """Nine of ten of them spent at most this much."""
    highest_micros: Micros
    """What the person who spent most spent."""
    stopped: int
    """How many the policy would have stopped."""
    choices: tuple[Choice, ...]
    """Limits around what they spent, lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A month of real spend under the policy, and under today's limits beside it."""

    month: Window
    """The month."""
    windows: int
    """In how many parts it was read; with 1 only the sum of the month is known, and `on` is its last day."""
    spent_micros: Micros
    """What everybody in the organizations of the plan really spent in it."""
    people: int
    """How many people spent something."""
    after: Replayed
    """Under the policy."""
    before: Replayed
    """Under today's limits."""
    groups: tuple[GroupReplay, ...]
    """Most spend first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Real spend, read in parts."""

    window: Window
    parts: Sequence[tuple[Window, Mapping[UserId, Micros]]]
    """What each person spent in each part of the month, oldest first."""

    def totals(self) -> Mapping[UserId, Micros]:
        """Return what each person spent in the whole month."""
        totals: dict[UserId, Micros] = {}
        for _, spent in self.parts:
            for user_id, micros in spent.items():
                totals[user_id] = Micros(totals.get(user_id, 0) + micros)
        return totals


def replay_month(
    month: Month, directory: Directory, *, before: EffectiveLimits, after: EffectiveLimits, people: Iterable[UserId]
) -> Replay:
    """Replay a month under two sets of limits; `people` are the members of the organizations concerned."""
    totals = month.totals()
    return Replay(
        month=month.window,
        windows=len(month.parts),
        spent_micros=Micros(sum(totals.values())),
        people=sum(micros > 0 for micros in totals.values()),
        after=replay_limits(month, totals, directory=directory, limits=after),
        before=replay_limits(month, totals, directory=directory, limits=before),
        groups=_groups(totals, after, people),
    )


def replay_limits(
    month: Month, totals: Mapping[UserId, Micros], *, directory: Directory, limits: EffectiveLimits
) -> Replayed:
    """Replay a month under one set of limits."""
    reached: dict[UserId, Micros] = {}
    unlimited = unknown = 0
    for user_id, total in totals.items():
        effective = limits.of(user_id)
        if total <= 0:
            continue
        if isinstance(effective, Unknown):
            unknown += 1
        elif isinstance(effective.limit_micros, Unlimited):
            unlimited += 1
        elif total >= effective.limit_micros:
            reached[user_id] = effective.limit_micros
    stopped = tuple(
        Stopped(
            user_id=user_id,
            username=directory.users[user_id].username if user_id in directory.users else str(user_id),
            limit_micros=reached[user_id],
            spent_micros=totals[user_id],
            on=on,
        )
        for user_id, on in _days(month, reached).items()
    )
    return Replayed(
        stopped=tuple(sorted(stopped, key=lambda person: (person.on, person.username, person.user_id))),
        unlimited=unlimited,
        unknown=unknown,
    )


def _days(month: Month, reached: Mapping[UserId, Micros]) -> Mapping[UserId, datetime]:
    """Return the day by whose end each of these people had reached their limit."""
    days: dict[UserId, datetime] = {}
    remaining_micros = {user_id: max(limit, 1) for user_id, limit in reached.items()}
    for window, spent in month.parts:
        last_day = max(window.start, day_of(window.end) - DAY)
        for user_id in spent.keys() & remaining_micros.keys():
            remaining_micros[user_id] -= spent[user_id]
            if remaining_micros[user_id] <= 0:
                days[user_id] = last_day
                del remaining_micros[user_id]
    return days


def _groups(
    totals: Mapping[UserId, Micros], limits: EffectiveLimits, people: Iterable[UserId]
) -> tuple[GroupReplay, ...]:
    members: dict[GroupRef, list[tuple[Micros, Effective]]] = {}
    for user_id in people:
        effective = limits.of(user_id)
        if not isinstance(effective, Unknown):
            members.setdefault(effective.group, []).append((Micros(totals.get(user_id, 0)), effective))
    groups = [_group(group, rows) for group, rows in members.items()]
    return tuple(sorted(groups, key=lambda row: (-row.spent_micros, row.group.address)))


def _group(group: GroupRef, rows: Sequence[tuple[Micros, Effective]]) -> GroupReplay:
    spent = sorted(micros for micros, _ in rows)
    budgets = {effective.limit_micros for _, effective in rows if not effective.by_override}
    own = next((limit for limit in budgets if not isinstance(limit, Unlimited)), None)
    half, most = (spent[-(-len(spent) * share // 100) - 1] for share in _SHARES)
    return GroupReplay(
        group=group,
        people=len(spent),
        limit_micros=own,
        spent_micros=Micros(sum(spent)),
        half_micros=half,
        most_micros=most,
        highest_micros=spent[-1],
        stopped=sum(_is_stopped(micros, effective) for micros, effective in rows),
        choices=_choices([micros for micros, effective in rows if not effective.by_override]),
    )


def _is_stopped(spent: Micros, effective: Effective) -> bool:
    limit = effective.limit_micros
    return not isinstance(limit, Unlimited) and spent >= max(limit, 1)


def _choices(spent: Sequence[Micros]) -> tuple[Choice, ...]:
    """Return limits that differ in whom they stop: the highest that stop somebody, and the first that stops nobody."""
    choices = []
    for dollars in CHOICES_USD:
        limit = Micros(dollars * MICROS_PER_USD)
        stopped = sum(micros >= limit for micros in spent)
        choices.append(Choice(limit_micros=limit, stopped=stopped))
        if not stopped:
            break
    return tuple(choices[-CHOICES_KEPT:])
