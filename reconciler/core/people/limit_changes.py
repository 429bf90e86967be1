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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """Why it is not known whether a person's limit changes, and the worst that may happen to them."""

    reason: str
    may_become_unlimited: bool
    may_become_blocked: bool


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
        is_losing, is_zeroing = user_id in losing, user_id in zeroing
        if user_id in disputed:
            doubt = _dispute(disputed[user_id], limit_after, is_losing=is_losing, is_zeroing=is_zeroing)
        elif isinstance(limit_after, Unknown):
            doubt = _Doubt(
                reason=limit_after.reason,
                may_become_unlimited=is_losing and not after.has_group_budget(user_id),
                may_become_blocked=is_zeroing or user_id in directory.elsewhere,
            )
        elif isinstance(limit_before, Unknown):
            doubt = _worst_of(limit_after, limit_before.reason)
        else:
            if limit_before is not limit_after and limit_before != limit_after:
                changes.append(LimitChange(user_id=user_id, username=name, before=limit_before, after=limit_after))
            continue
        unclear.append(
            Unclear(
                user_id=user_id,
                username=name,
                reason=doubt.reason,
                may_become_unlimited=doubt.may_become_unlimited,
                may_become_blocked=doubt.may_become_blocked,
                organization=owners[user_id],
            )
        )
    return tuple(changes), tuple(unclear)


def _dispute(reason: str, limit_after: Effective | Unknown, *, is_losing: bool, is_zeroing: bool) -> _Doubt:
    """Return the worst where the server reports another limit, or none: what another organization gives may win."""
    if isinstance(limit_after, Effective):
        if reason == ELSEWHERE:
            return _Doubt(reason=reason, may_become_unlimited=limit_after.is_unlimited, may_become_blocked=True)
        if reason == UNCONFIRMED and limit_after.by_override:
            return _worst_of(limit_after, reason)  # an override wins over all
    return _Doubt(reason=reason, may_become_unlimited=is_losing, may_become_blocked=is_zeroing)


def _worst_of(limit_after: Effective, reason: str) -> _Doubt:
    """Return the worst where it is known what limits the person afterwards, and not what does now."""
    return _Doubt(
        reason=reason,
        may_become_unlimited=limit_after.is_unlimited,
        may_become_blocked=limit_after.limit_micros == 0,
    )


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
