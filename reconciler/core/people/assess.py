"""From a plan's actions and a snapshot to their effects. Pure: what else must be read is an answer, not a call.

    Assessment(actions, snapshot)     a snapshot can be too small for it: needs.py says what it must hold
      assess(...)                     who changes, by the rule of effective.py before and after
      .spend_questions()              of whom, on which groups, spend must be known
      .effects(spend)                 the result (effects.py)

Nobody's limit is computed one by one but that of people whom the plan touches, except for the exposure of a whole
organization, which is counted when everything for it was read.

Causes. If somebody's effective limit changes, one of the sources it has before and after was acted on: were neither,
both budgets would stand unchanged in both worlds, and the same one would win twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from reconciler.core.action import Action, organization_of
from reconciler.core.budget import Budget, GroupId, OrganizationId, Unknown, UserId
from reconciler.core.directory import Group, User
from reconciler.core.notice import Notice
from reconciler.core.people.agreement import (
    DISPUTED,
    ELSEWHERE,
    UNCONFIRMED,
    disagreements,
    not_enforced,
    outbid,
    overtaking,
    unconfirmed,
    unseen_budgets,
)
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import Disagreement, Effects, EndEffect, PersonEffect, Unclear, Unseen
from reconciler.core.people.exposure import Exposed, expose
from reconciler.core.people.limit_changes import LimitChange, compare, limits_after
from reconciler.core.people.needs import touched
from reconciler.core.people.standing import Standing, standing
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.dataclass import dataclass
from reconciler.money import Micros
from reconciler.words import count, count_people, spoken

SpendAnswers = Mapping[GroupId, Mapping[UserId, Micros]]
"""Per group, what people booked on it this period; who could not be read is not in it."""

_NO_SPEND = Unknown("their spend could not be read")
_NO_LIMIT = Unknown("nothing limits them, so spend does not count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Who changes, and what else is known without asking for spend."""

    snapshot: Snapshot
    actions: tuple[Action, ...]
    before: EffectiveLimits
    after: EffectiveLimits
    changes: tuple[LimitChange, ...]
    """Sorted by username."""
    unclear: tuple[Unclear, ...]
    disagreements: tuple[Disagreement, ...]
    checked: int
    exposed: Exposed
    overtaking: Mapping[UserId, Effective]
    """What may limit people after the plan, of whom it is not known what limits them now."""

    def spend_questions(self) -> Mapping[GroupId, tuple[UserId, ...]]:
        """Return whose spend must be known, per group, both sorted: on each whose limit holds before or after."""
        questions: dict[GroupId, set[UserId]] = {}
        for change in self.changes:
            for side in (change.before, change.after):
                if not isinstance(side.limit_micros, Unlimited):
                    questions.setdefault(side.group.id, set()).add(change.user_id)
        for user_id, limit in self.overtaking.items():
            if not limit.is_unlimited:
                questions.setdefault(limit.group.id, set()).add(user_id)
        return {group_id: tuple(sorted(questions[group_id])) for group_id in sorted(questions)}

    def effects(self, spend: SpendAnswers, *, notices: tuple[Notice, ...] = ()) -> Effects:
        """Join the answers to `spend_questions`; the spend of a person who is not in them is unknown."""
        addresses = {str(action.subject.id): action.address for action in self.actions}
        owners = {action.address: organization_of(action, self.snapshot.directory) for action in self.actions}
        raised = {action.address for action in self.actions if _is_raise(action)}
        people = tuple(
            _person(change, spend, addresses=addresses, owners=owners, raised=raised) for change in self.changes
        )
        return Effects(
            people=people,
            unclear=tuple(self._with_spend(person, spend) for person in self.unclear),
            disagreements=self.disagreements,
            checked=self.checked,
            exposure=self.exposed.exposure,
            is_total=self.exposed.is_total,
            organizations=self.exposed.organizations,
            groups=self.exposed.groups,
            limits=self.exposed.limits,
            notices=notices,
            unknown=(
                *self._unknown_spend(people),
                *self._unchecked(),
                *self._unknown_members(),
                *self._unseen(people),
            ),
            ends=self._ends(owners),
            unseen=self._unseen_members(),
            nearing=tuple(person.username for person in people if person.nears_limit),
        )

    def _with_spend(self, person: Unclear, spend: SpendAnswers) -> Unclear:
        """Return an unclear person; a budget of ours that overtakes another blocks who spent so much on it before."""
        limit = self.overtaking.get(person.user_id)
        if limit is None or standing(limit, _spend_of(person.user_id, limit, spend)) is Standing.FREE:
            return person
        return replace(person, may_become_blocked=True)

    def _unknown_spend(self, people: tuple[PersonEffect, ...]) -> list[str]:
        in_doubt = sum(person.may_become_blocked for person in people)
        if not in_doubt:
            return []
        if not self.snapshot.deployment.offers.bulk_reads:
            return ["This server does not say what people have spent (2.36 does): not known who would be blocked now."]
        return [f"Spend of {count_people(in_doubt)} could not be read: not known whether they would be blocked now."]

    def _unchecked(self) -> list[str]:
        """Say of how many people law 8 could not be checked although the server could tell."""
        snapshot = self.snapshot
        if not snapshot.deployment.offers.effective_budgets:
            return []
        unclear = {person.user_id for person in self.unclear}
        left_out = touched(self.actions, snapshot.directory) - snapshot.reported.keys() - unclear
        if not left_out:
            return []
        return [f"Coder did not report the limits of {count_people(len(left_out))}; ours could not be checked."]

    def _unknown_members(self) -> list[str]:
        raises = (row for row in self._unseen_members() if row.is_raise)  # the others are a hazard of their own
        return [
            f"{spoken(row.address)} has {count(row.members, 'member')} whom this token may not read; "
            f"{'they are' if row.members > 1 else 'that person is'} not counted."
            for row in raises
        ]

    def _ends(self, owners: Mapping[str, str | None]) -> tuple[EndEffect, ...]:
        """Return what follows the overrides that the plan creates or changes, where that is known."""
        return tuple(
            EndEffect(
                user_id=action.subject.id,
                username=action.subject.username,
                address=action.address,
                at=action.expires,
                after=fallback,
                organization=owners[action.address],
            )
            for action in sorted(self.actions, key=lambda action: action.address)
            if isinstance(action.subject, User) and isinstance(action.after, Budget) and action.expires is not None
            if isinstance(fallback := self.after.fallback(action.subject.id), Effective)
            if fallback.is_unlimited or action.subject.id not in self.snapshot.directory.elsewhere
        )

    def _unseen_members(self) -> tuple[Unseen, ...]:
        hidden = self.snapshot.directory.hidden_members
        return tuple(
            Unseen(
                address=action.address,
                organization=action.subject.organization,
                members=hidden[action.subject.id],
                is_raise=_is_raise(action),
            )
            for action in sorted(self.actions, key=lambda action: action.address)
            if isinstance(action.subject, Group) and action.subject.id in hidden
        )

    def _unseen(self, people: tuple[PersonEffect, ...]) -> list[str]:
        return [*not_enforced(self.snapshot), *unseen_budgets(self.snapshot)] if people or self.unclear else []


def assess(
    actions: Iterable[Action], snapshot: Snapshot, *, organizations: Collection[OrganizationId] = ()
) -> Assessment:
    """Compute who changes; `organizations` are those of the plan, of which exposure is counted if all was read."""
    planned, directory = tuple(actions), snapshot.directory
    before = limits_after(snapshot, ())
    after = limits_after(snapshot, planned) if planned else before
    disagreeing, checked = disagreements(before, snapshot)
    disputed = dict.fromkeys(outbid(before, after, snapshot), ELSEWHERE)
    disputed |= dict.fromkeys(unconfirmed(snapshot), UNCONFIRMED) | {row.user_id: DISPUTED for row in disagreeing}
    changes, unclear = compare(disputed, planned, directory=directory, before=before, after=after)
    concerned = touched(planned, directory)
    exposed = expose(organizations, concerned, snapshot, before=before, after=after, disputed=disputed)
    return Assessment(
        snapshot=snapshot,
        actions=planned,
        before=before,
        after=after,
        changes=changes,
        unclear=unclear,
        disagreements=disagreeing,
        checked=checked,
        exposed=exposed,
        overtaking=overtaking(before, after, snapshot, [person.user_id for person in unclear]),
    )


def _person(
    change: LimitChange,
    spend: SpendAnswers,
    *,
    addresses: Mapping[str, str],
    owners: Mapping[str, str | None],
    raised: Collection[str],
) -> PersonEffect:
    """Join what is known of a person; `raised` are addresses of actions that raise a budget.

    What happens to the budget that somebody leaves for another acted-on one does nothing to them, and is not a cause,
    where it is a raise, or where they leave it for an override, which wins over both amounts.
    """
    sources = [_source(change.after, change.user_id), _source(change.before, change.user_id)]
    if sources[0] == sources[1]:
        del sources[1]
    causes = tuple([addresses[source] for source in sources if source in addresses])
    if len(causes) > 1 and (causes[1] in raised or change.after.by_override):
        causes = causes[:1]
    return PersonEffect(
        user_id=change.user_id,
        username=change.username,
        before=change.before,
        after=change.after,
        spend_before_micros=_spend_of(change.user_id, change.before, spend),
        spend_after_micros=_spend_of(change.user_id, change.after, spend),
        causes=causes,
        organization=owners[causes[0]],
    )


def _is_raise(action: Action) -> bool:
    before, after = action.before, action.after
    return isinstance(before, Budget) and isinstance(after, Budget) and after.limit_micros >= before.limit_micros


def _source(effective: Effective, user_id: UserId) -> str:
    """Return the id of the subject that supplies a limit; empty where nothing does."""
    if isinstance(effective.limit_micros, Unlimited):
        return ""
    return str(user_id if effective.by_override else effective.group.id)


def _spend_of(user_id: UserId, effective: Effective, spend: SpendAnswers) -> Micros | Unknown:
    if isinstance(effective.limit_micros, Unlimited):
        return _NO_LIMIT
    return spend.get(effective.group.id, {}).get(user_id, _NO_SPEND)
