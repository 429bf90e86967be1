"""Whose effective limit a plan changes, and of whom that is not known: before and after, person by person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.action import Action, organization_of
from reconciler.core.budget import Absent, Budget, State, Unknown, UserId
from reconciler.core.directory import Directory, Group, User
from reconciler.core.people.agreement import ELSEWHERE, UNCONFIRMED, username
from reconciler.core.people.effective import EffectiveLimits, unread_override
from reconciler.core.people.effects import Unclear
from reconciler.core.people.needs import touched
from reconciler.core.snapshot import Effective, Snapshot
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """A person whose effective limit changes, before spend is known."""

    user_id: UserId
    username: str
    before: Effective
    after: Effective


def limits_after(snapshot: Snapshot, actions: tuple[Action, ...]) -> EffectiveLimits:
    """Return everybody's limit once these actions are done."""
    group_budgets = {action.subject.id: action.after for action in actions if isinstance(action.subject, Group)}
    overrides = {action.subject.id: action.after for action in actions if isinstance(action.subject, User)}
    otherwise = unread_override(snapshot.deployment.offers)
    return EffectiveLimits(
        snapshot.directory,
        {**snapshot.group_budgets, **group_budgets} if group_budgets else snapshot.group_budgets,
        {**snapshot.user_overrides, **overrides} if overrides else snapshot.user_overrides,
        otherwise=otherwise,
        ties_by_name=not snapshot.deployment.offers.bulk_reads,
    )


def compare(
    disputed: Mapping[UserId, str],
    actions: tuple[Action, ...],
    *,
    directory: Directory,
    before: EffectiveLimits,
    after: EffectiveLimits,
) -> tuple[tuple[LimitChange, ...], tuple[Unclear, ...]]:
    """Find who changes, and who is touched but cannot be computed, with the worst that may happen to them.

    Both sorted by username.
    """
    losing = touched((action for action in actions if isinstance(action.after, Absent)), directory)
    zeroing = touched((action for action in actions if _blocks(action.after)), directory)
    owners = _owners(actions, directory)
    changes: list[LimitChange] = []
    unclear: list[Unclear] = []
    for name, user_id in sorted((username(directory, id_), id_) for id_ in owners):
        limit_before, limit_after = before.of(user_id), after.of(user_id)
        becomes_unlimited, becomes_blocked = user_id in losing, user_id in zeroing
        if user_id in disputed:
            reason = disputed[user_id]
            if reason == ELSEWHERE and isinstance(limit_after, Effective):
                becomes_unlimited, becomes_blocked = limit_after.is_unlimited, True
            elif reason == UNCONFIRMED and isinstance(limit_after, Effective) and limit_after.by_override:
                becomes_unlimited, becomes_blocked = False, limit_after.limit_micros == 0  # it wins over all
        elif isinstance(limit_after, Unknown):
            reason = limit_after.reason
            becomes_unlimited &= not after.has_group_budget(user_id)
            becomes_blocked |= user_id in directory.elsewhere
        elif isinstance(limit_before, Unknown):
            reason = limit_before.reason
            becomes_unlimited, becomes_blocked = limit_after.is_unlimited, limit_after.limit_micros == 0
        else:
            if limit_before is not limit_after and limit_before != limit_after:
                changes.append(LimitChange(user_id=user_id, username=name, before=limit_before, after=limit_after))
            continue
        unclear.append(
            Unclear(
                user_id=user_id,
                username=name,
                reason=reason,
                may_become_unlimited=becomes_unlimited,
                may_become_blocked=becomes_blocked,
                organization=owners[user_id],
            )
        )
    return tuple(changes), tuple(unclear)


def _owners(actions: Iterable[Action], directory: Directory) -> Mapping[UserId, str | None]:
    """Return the people whom the actions touch, with the organization of these actions; None if there are several."""
    by_owner: dict[str | None, list[Action]] = {}
    for action in actions:
        by_owner.setdefault(organization_of(action, directory), []).append(action)
    owners: dict[UserId, str | None] = {}
    for owner, theirs in by_owner.items():
        people = touched(theirs, directory)
        shared = owners.keys() & people
        owners |= dict.fromkeys(people, owner)
        owners |= dict.fromkeys(shared)
    return owners


def _blocks(state: State) -> bool:
    """Whether a budget of $0 stands here; an absence blocks nobody."""
    return isinstance(state, Budget) and state.limit_micros == 0
