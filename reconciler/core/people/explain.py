"""Why somebody's limit is what it is: the rule of effective.py for one person, step by step, and who says each step.

`explain` only puts facts in the order of the rule: the override, then every group of theirs from the highest budget to
none, and which of them wins. A member who explains their own limit may read nobody else, so most names of a policy
cannot be looked up with their token; only what could be is asked for here.

Other organizations. A token that may not read all of them cannot say what an override of somebody else hides, or what
limits them where the server does not confirm it; of oneself everything can be read.

Hidden members. Coder shows everybody their own memberships, so for the person who asks about themself no group can hide
that they are in it; for anybody else it can (effective.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from reconciler.core.activity import Session, Tokens, UserSpend
from reconciler.core.budget import Budget, Unknown
from reconciler.core.desired import Listed, ResolvedPolicy
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.people.agreement import MAYBE_ELSEWHERE, UNCONFIRMED, not_enforced, unconfirmed, unseen_budgets
from reconciler.core.people.effective import NOT_READ, EffectiveLimits
from reconciler.core.people.explanation import Activity, Candidate, Explanation, PolicyEntry, Usage
from reconciler.core.people.forecast import days_of
from reconciler.core.policy import Entry, UserOverrideEntry
from reconciler.core.snapshot import Effective, Snapshot, Unlimited


def explain(
    user: User, snapshot: Snapshot, activity: Activity, policies: Iterable[ResolvedPolicy] = (), *, is_self: bool
) -> Explanation:
    """Explain the limit of one person; `is_self`: it is they who ask."""
    if is_self:
        snapshot = replace(snapshot, directory=replace(snapshot.directory, hidden_members={}))
    policies = tuple(policies)
    listed = tuple(listed for policy in policies for listed in policy.listed)
    spend, pace = activity.spend, activity.pace
    reported = (spend.effective if spend else None) or snapshot.reported.get(user.id)
    is_seen = (is_self and not snapshot.directory.failures) or snapshot.reads_all
    effective, fallback, is_sure = _limits_of(user, snapshot, reported, is_seen=is_seen)
    groups = groups_of(user, snapshot)
    return Explanation(
        at=activity.at,
        user=user,
        effective=effective,
        reported=reported,
        override=snapshot.user_overrides.get(user.id, NOT_READ),
        override_entries=_entries_of(user, listed),
        fallback=fallback,
        candidates=tuple(_candidate(group, fallback, snapshot, listed) for group in _in_order(groups, snapshot)),
        spend=spend.spend if spend else Unknown("the server does not say what they spent"),
        period_start=spend.period_start if spend else activity.since,
        unread=(*activity.unread, *not_enforced(snapshot), *(() if is_sure and groups else unseen_budgets(snapshot))),
        period_end=spend.period_end if spend else None,
        usage=None if activity.sessions is None else add_up(activity.sessions),
        has_policies=bool(policies),
        pace=None if pace is None else days_of(pace),
        per_day_micros=None if pace is None else pace.per_day_micros(user.id),
        reaches_at=_reaches_at(user, reported or effective, spend, activity),
        ties_by_name=not snapshot.deployment.offers.bulk_reads,
    )


def _limits_of(
    user: User, snapshot: Snapshot, reported: Effective | None, *, is_seen: bool
) -> tuple[Effective | Unknown, Effective | Unknown, bool]:
    """Return what limits a person, what their groups alone would, and whether no budget that is not seen can matter.

    `reported` is what the server says limits them; `is_seen`: every organization that they may be in was read.
    """
    limits = EffectiveLimits(
        snapshot.directory,
        snapshot.group_budgets,
        snapshot.user_overrides,
        ties_by_name=not snapshot.deployment.offers.bulk_reads,
    )
    effective, fallback = limits.of(user.id), limits.fallback(user.id)
    has_override = isinstance(snapshot.user_overrides.get(user.id), Budget)
    is_sure = is_seen or has_override or reported == effective
    if not is_seen and has_override:
        return effective, Unknown(MAYBE_ELSEWHERE), is_sure
    if not is_seen and reported is None and user.id in unconfirmed(snapshot):
        return Unknown(UNCONFIRMED), Unknown(UNCONFIRMED), is_sure
    if reported is not None and _is_higher_elsewhere(reported, effective, snapshot.directory):
        return reported, Unknown(MAYBE_ELSEWHERE), is_sure
    return effective, fallback, is_sure


def _is_higher_elsewhere(reported: Effective, ours: Effective | Unknown, directory: Directory) -> bool:
    """Whether the server reports the budget of a group that the token may not read, and the rule allows it to win."""
    if reported.by_override or reported.group.id in directory.groups or isinstance(ours, Unknown):
        return False
    limit, own = reported.limit_micros, ours.limit_micros
    return not ours.by_override and not isinstance(limit, Unlimited) and (isinstance(own, Unlimited) or own <= limit)


def _reaches_at(user: User, limit: Effective | Unknown, spend: UserSpend | None, activity: Activity) -> datetime | None:
    """Return when a person who can work reaches their limit, if that is before the period ends."""
    pace = activity.pace
    if pace is None or spend is None or isinstance(limit, Unknown) or isinstance(limit.limit_micros, Unlimited):
        return None
    if spend.spend >= limit.limit_micros:
        return None
    reaches_at = pace.reaches_at(user.id, limit.limit_micros, spend.spend, at=activity.at)
    return reaches_at if reaches_at is not None and reaches_at < spend.period_end else None


def groups_of(user: User, snapshot: Snapshot) -> tuple[Group, ...]:
    """Return the groups of a person, Everyone included, as far as they can be seen; sorted by address."""
    directory = snapshot.directory
    groups = (group for group in directory.groups.values() if user.id in directory.members.get(group.id, ()))
    return tuple(sorted(groups, key=lambda group: group.address))


def add_up(sessions: Iterable[Session]) -> tuple[Usage, ...]:
    """Add sessions up by client, provider and model; one that used several names them all."""
    by_kind: dict[tuple[str, str, str], list[Session]] = {}
    for session in sessions:
        key = session.client, ", ".join(session.providers), ", ".join(session.models)
        by_kind.setdefault(key, []).append(session)
    usage = [
        Usage(client=client, provider=provider, model=model, sessions=len(of_kind), tokens=_sum(of_kind))
        for (client, provider, model), of_kind in by_kind.items()
    ]
    return tuple(sorted(usage, key=lambda row: (-row.tokens.input - row.tokens.output, row.client, row.model)))


def _sum(sessions: list[Session]) -> Tokens:
    return Tokens(
        input=sum(session.tokens.input for session in sessions),
        output=sum(session.tokens.output for session in sessions),
        cache_read=sum(session.tokens.cache_read for session in sessions),
        cache_write=sum(session.tokens.cache_write for session in sessions),
    )


def _in_order(groups: Iterable[Group], snapshot: Snapshot) -> list[Group]:
    def rank(group: Group) -> tuple[int, int, str]:
        reading = snapshot.group_budgets.get(group.id, NOT_READ)
        if isinstance(reading, Budget):
            return 0, -reading.limit_micros, group.address
        return 1 if isinstance(reading, Unknown) else 2, 0, group.address

    return sorted(groups, key=rank)


def _candidate(
    group: Group, fallback: Effective | Unknown, snapshot: Snapshot, listed: tuple[Listed, ...]
) -> Candidate:
    reading = snapshot.group_budgets.get(group.id, NOT_READ)
    wins = isinstance(reading, Budget) and isinstance(fallback, Effective) and fallback.group.id == group.id
    return Candidate(address=group.address, budget=reading, wins=wins, entries=_entries_of(group, listed))


def _entries_of(subject: Subject, listed: tuple[Listed, ...]) -> tuple[PolicyEntry, ...]:
    """Return the entries that list a subject."""
    return tuple(
        _policy_entry(entry.entry) for entry in listed if entry.subject is not None and entry.subject.id == subject.id
    )


def _policy_entry(entry: Entry) -> PolicyEntry:
    override = entry if isinstance(entry, UserOverrideEntry) else None
    return PolicyEntry(
        place=entry.place,
        limit=entry.limit,
        reason=entry.reason,
        tier=entry.tier,
        starts=override.starts if override else None,
        expires=override.expires if override else None,
    )
