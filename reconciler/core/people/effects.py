"""What a plan does to people and money, as frozen data: who, from what to what, what it costs, and what nobody knows.

An *effect* is a change of a person's effective limit: its amount, its source (a group's budget or their override), or
the group on which their spend is booked. `Effects.people` holds one record per person for whom any of the three
changes; everything else that can be said of them is derived from these records, so that text, JSON and gate agree.

Spend counts per person *and effective group* (coder-api.md 3.7): Coder compares a limit with what was booked this
period on the group that is effective now. So moving somebody to another group stops the old spend from counting and
gives them a fresh allowance, even where the amount of the limit does not change; and it can block them by spend of
weeks ago that was booked on the new group. A record therefore carries two amounts: the spend that counts before, and
the spend that counts after.

Only what is known is here. A person whose limit cannot be computed is `unclear`, and nothing is claimed about them;
where the server itself reports a limit other than ours, the person is in `disagreements` and, if the plan touches them,
unclear. Law 8 (model). assess.py computes these values; nothing here decides whether a plan is allowed (gate.py does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from reconciler.core.budget import UserId
from reconciler.core.notice import Notice
from reconciler.core.people.standing import Spend, Standing, amount_or_any, is_near, standing
from reconciler.core.people.sums import Exposure, GroupExposure, LimitCount, OrganizationExposure
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.dataclass import dataclass
from reconciler.words import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEffect:
    """A person whose limit, source or effective group the plan changes."""

    JSON_EXTRAS: ClassVar = (
        "standing_before",
        "standing_after",
        "has_moved",
        "becomes_unlimited",
        "becomes_blocked",
        "becomes_unblocked",
    )

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    before: Effective
    """What limits them now."""
    after: Effective
    """What would limit them."""
    spend_before_micros: Spend
    """What counts against the limit now: booked on the group that is effective before. Unknown where there is none."""
    spend_after_micros: Spend
    """What will count: booked on the group that is effective after. Unknown where nothing limits them."""
    causes: tuple[str, ...]
    """Addresses of the actions behind it: first the one on their new source, then the one on their old. Never empty."""
    organization: str | None
    """Name of the organization of the first cause, whose policy may consent; None where it cannot be read."""

    def __post_init__(self) -> None:
        if not self.causes:
            raise ValueError(f"the effect on {spoken(self.username)} has no causes")

    @property
    def has_moved(self) -> bool:
        """Whether a limit on another group takes over: a fresh allowance, and `spend_before_micros` stops counting."""
        is_limited = not self.before.is_unlimited and not self.after.is_unlimited
        return is_limited and self.before.group != self.after.group

    @property
    def standing_before(self) -> Standing:
        """Whether they can work now. Follows from `before` and `spend_before`."""
        return standing(self.before, self.spend_before_micros)

    @property
    def standing_after(self) -> Standing:
        """Whether they could work. Follows from `after` and `spend_after`."""
        return standing(self.after, self.spend_after_micros)

    @property
    def becomes_unlimited(self) -> bool:
        """Whether they have a limit before and none after."""
        return isinstance(self.after.limit_micros, Unlimited) and not isinstance(self.before.limit_micros, Unlimited)

    @property
    def becomes_blocked(self) -> bool:
        """Whether they can work before, as far as anybody knows, and certainly not after."""
        return self.standing_after is Standing.BLOCKED and self.standing_before is not Standing.BLOCKED

    @property
    def becomes_unblocked(self) -> bool:
        """Whether they cannot work before, and can after."""
        return self.standing_after is Standing.FREE and self.standing_before is Standing.BLOCKED

    @property
    def nears_limit(self) -> bool:
        """Whether they can work, with a spend of 85 % of the limit or more, after the plan and not before."""
        return is_near(self.after, self.spend_after_micros) and not is_near(self.before, self.spend_before_micros)

    @property
    def may_become_blocked(self) -> bool:
        """Whether nobody knows if this stops them; an unmoved person whose limit does not fall is not stopped by it."""
        if self.standing_after is not Standing.UNKNOWN or self.standing_before is Standing.BLOCKED:
            return False
        return self.has_moved or amount_or_any(self.after) < amount_or_any(self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """A person whom the plan touches and about whom nothing is claimed. The gate counts whom it may harm."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    reason: str
    """Why nothing is claimed about them."""
    may_become_unlimited: bool
    """Whether the plan may make them unlimited."""
    may_become_blocked: bool
    """Whether the plan may stop their work."""
    organization: str | None
    """Name of the organization of the actions that touch them; None where it cannot be read, or there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A person whom the server limits otherwise than the rule says. Effect not known for them."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    ours: Effective
    """What the rule says limits them."""
    reported: Effective
    """What the server says limits them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndEffect:
    """What follows the end of an override that the plan creates or changes."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    address: str
    """Of the action."""
    at: datetime
    """When the override ends (UTC)."""
    after: Effective
    """What would limit them then, as budgets are after the plan."""
    organization: str | None
    """Name of the organization of the action; None where it cannot be read."""

    @property
    def becomes_unlimited(self) -> bool:
        return self.after.is_unlimited


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Members of a group whose budget the plan changes, and whom this token may not read."""

    address: str
    """Of the group."""
    organization: str
    """Name of the group's organization."""
    members: int
    """How many members of the group this token may not read."""
    is_raise: bool
    """Whether the budget only rises, which blocks nobody, so that it is not a hazard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Equal effects of several people, folded."""

    before: Effective
    after: Effective
    cause: str
    """Address of the first cause."""
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEffect:
    """What one action does. A person moved from one changed subject to another counts for both actions."""

    people: int
    transitions: tuple[Transition, ...]
    """Most people first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a plan does to people and money."""

    people: tuple[PersonEffect, ...]
    """Sorted by username."""
    unclear: tuple[Unclear, ...]
    """People whom the plan touches and about whom nothing is claimed, sorted by username."""
    disagreements: tuple[Disagreement, ...]
    """People whom the server limits otherwise than the rule says."""
    checked: int
    """People for whom our limit was compared with the one that the server reports."""
    exposure: Exposure
    """The sums of what people may spend."""
    is_total: bool
    """Whether `exposure` is of everybody in the organizations of the plan; otherwise only of whom the plan touches."""
    organizations: tuple[OrganizationExposure, ...]
    """Empty unless `is_total`."""
    groups: tuple[GroupExposure, ...]
    """The exposure by the group that limits, sorted by id, overrides last; of the same people as `exposure`."""
    limits: tuple[LimitCount, ...]
    """People per limit, lowest first, unlimited last; of the same people as `exposure`."""
    notices: tuple[Notice, ...]
    """What the reviewers of entries should know."""
    unknown: tuple[str, ...]
    """What could not be found out, a sentence each."""
    ends: tuple[EndEffect, ...] = ()
    """Sorted by username."""
    unseen: tuple[Unseen, ...] = ()
    """Sorted by address."""
    nearing: tuple[str, ...] = ()
    """Usernames of people whose spend reaches 85 % of their limit by the plan, without blocking them, sorted."""

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Everybody's effects, folded by limits, groups, sources and first cause; most people first."""
        return group_equal(self.people)

    @property
    def by_action(self) -> Mapping[str, ActionEffect]:
        """Effects per address of an action; an action without effect is not in it."""
        records: dict[str, list[PersonEffect]] = {}
        for person in self.people:
            for cause in person.causes:
                records.setdefault(cause, []).append(person)
        return {
            cause: ActionEffect(people=len(people), transitions=group_equal(people, cause=cause))
            for cause, people in records.items()
        }

    @property
    def blocked(self) -> tuple[PersonEffect, ...]:
        """Who would be stopped now."""
        return tuple(person for person in self.people if person.becomes_blocked)

    @property
    def unblocked(self) -> tuple[PersonEffect, ...]:
        return tuple(person for person in self.people if person.becomes_unblocked)

    @property
    def moved(self) -> tuple[PersonEffect, ...]:
        """Who starts with a fresh allowance: `spend_before_micros` stops counting."""
        return tuple(person for person in self.people if person.has_moved)

    @property
    def unlimited(self) -> tuple[PersonEffect, ...]:
        """Who becomes unlimited."""
        return tuple(person for person in self.people if person.becomes_unlimited)

    @property
    def later_unlimited(self) -> tuple[EndEffect, ...]:
        """Who becomes unlimited when an override ends that the plan creates or changes."""
        return tuple(end for end in self.ends if end.becomes_unlimited)

    @property
    def maybe_blocked(self) -> tuple[PersonEffect, ...]:
        """Of whom nobody knows whether they would be stopped."""
        return tuple(person for person in self.people if person.may_become_blocked)


def group_equal(people: Iterable[PersonEffect], *, cause: str | None = None) -> tuple[Transition, ...]:
    """Count equal effects. `cause` is the cause of all of them; None: each person's first cause."""
    counts = Counter((person.before, person.after, cause or person.causes[0]) for person in people)
    folded = [
        Transition(before=before, after=after, cause=by, people=count) for (before, after, by), count in counts.items()
    ]
    folded.sort(
        key=lambda transition: (
            -transition.people,
            transition.cause,
            *map(_sort_key, (transition.before, transition.after)),
        )
    )
    return tuple(folded)


def _sort_key(effective: Effective) -> tuple[float, str, bool]:
    return amount_or_any(effective), str(effective.group.id), effective.by_override
