"""The rule of effective.py held against the server: law 8. Where the two differ, or may, nothing is claimed.

Four things can be wrong with our view of a person, and none of them shows in what we read of them:

    a disagreement   the server reports another limit: its rule is not ours, or something moved between two reads
    unconfirmed      the server reports limits and leaves this person out: it masks an effective group that lies in an
                     organization which this token may not read (coder-api.md 3.3)
    outbid           somebody is also in an organization that cannot be read. No budget there is above what
                     limits them now, if the server reports that; so once their limit here falls, a budget there may
                     decide. A limit that rises, or was none at all, leaves no doubt
    unseen           a token without a site role reads only its own organizations: what a person would fall back to in
                     another one, or on 2.35 and older even what limits them now, may be a budget there; it is said

An override ends the second and third doubt: it wins over budgets anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.core.budget import Absent, Unknown, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import Disagreement
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.words import spoken

DISPUTED = "Coder reports a different limit for them than we compute"
UNCONFIRMED = "the server does not say what limits them; it may be a budget in an organization that cannot be read"
ELSEWHERE = "a budget in an organization that cannot be read, or only in part, may limit them afterwards"
MAYBE_ELSEWHERE = "they may have a budget in an organization that cannot be read"
UNSEEN = "This token may not read every organization; budgets that people have elsewhere are not counted."
NOT_ENFORCED = "This Coder is older than 2.35: it stores group budgets, and does not enforce them yet."


def not_enforced(snapshot: Snapshot) -> list[str]:
    """Say that budgets limit nobody yet, where that is so."""
    return [] if snapshot.deployment.offers.enforces_budgets else [NOT_ENFORCED]


def unseen_budgets(snapshot: Snapshot) -> list[str]:
    """Say whose budgets are not counted because an organization was not read; empty where all were."""
    directory = snapshot.directory
    failed = [
        f"The groups of organization {spoken(organization.name)} could not be read ({failure.reason.rstrip('.')}); "
        "budgets that people have there are not counted."
        for organization in directory.unlisted
        if (failure := directory.failures.get(organization.id))
    ]
    is_hidden = not snapshot.deployment.reads_all or len(failed) < len(directory.unlisted)
    return [*failed, UNSEEN] if is_hidden else failed


def disagreements(before: EffectiveLimits, snapshot: Snapshot) -> tuple[tuple[Disagreement, ...], int]:
    """Compare wherever we claim anything. Return who differs, sorted by username, and how many were compared."""
    rows: list[Disagreement] = []
    checked = 0
    for user_id, reported in snapshot.reported.items():
        ours = before.of(user_id)
        if isinstance(ours, Effective):
            checked += 1
            if ours != reported:
                rows.append(
                    Disagreement(
                        user_id=user_id, username=username(snapshot.directory, user_id), ours=ours, reported=reported
                    )
                )
    return tuple(sorted(rows, key=lambda row: (row.username, row.user_id))), checked


def unconfirmed(snapshot: Snapshot) -> frozenset[UserId]:
    """Return who was read without an override and is left out by a server that reports limits.

    Of a server that reports none, it is who is also in an organization that cannot be read.
    """
    if snapshot.reads_all:
        return frozenset()
    reports, elsewhere = snapshot.deployment.offers.bulk_reads, snapshot.directory.elsewhere
    return frozenset(
        user_id
        for user_id, reading in snapshot.user_overrides.items()
        if isinstance(reading, Absent) and (user_id not in snapshot.reported if reports else user_id in elsewhere)
    )


def outbid(before: EffectiveLimits, after: EffectiveLimits, snapshot: Snapshot) -> frozenset[UserId]:
    """Return the people whom a budget elsewhere may limit after a plan."""
    return frozenset(
        user_id
        for user_id in snapshot.directory.elsewhere
        if _may_be_outbid(before.of(user_id), after.of(user_id), snapshot, is_reported=user_id in snapshot.reported)
    )


def _may_be_outbid(
    before: Effective | Unknown, after: Effective | Unknown, snapshot: Snapshot, *, is_reported: bool
) -> bool:
    if not isinstance(before, Effective) or not isinstance(after, Effective) or before == after or after.by_override:
        return False
    if before.by_override or not is_reported:
        return True
    if isinstance(before.limit_micros, Unlimited):
        return False
    if isinstance(after.limit_micros, Unlimited) or after.limit_micros < before.limit_micros:
        return True
    groups = snapshot.directory.groups
    is_tie = after.limit_micros == before.limit_micros
    return is_tie and groups[before.group.id].organization_id != groups[after.group.id].organization_id


def overtaking(
    before: EffectiveLimits, after: EffectiveLimits, snapshot: Snapshot, unclear: Collection[UserId]
) -> Mapping[UserId, Effective]:
    """Return the limit after a plan of people whose limit now is not known: what they spent tells if it blocks them.

    Only `unclear` people can be among them. An override wins over all; else, of somebody whom something elsewhere
    limits now, only a limit that rises can win. Empty where spend is not offered.
    """
    if not snapshot.deployment.offers.bulk_reads:
        return {}
    masked = unconfirmed(snapshot)
    limits = ((user_id, before.of(user_id), after.of(user_id)) for user_id in unclear)
    return {
        user_id: limit_after
        for user_id, limit_before, limit_after in limits
        if isinstance(limit_after, Effective)
        if isinstance(limit_before, Unknown)
        or (limit_after.by_override and limit_before != limit_after)
        or (user_id in masked and _rises(limit_before, limit_after))
    }


def _rises(before: Effective, after: Effective) -> bool:
    """Whether a limit rises; none before counts as the lowest, since what is elsewhere limits them then."""
    if isinstance(after.limit_micros, Unlimited):
        return False
    return isinstance(before.limit_micros, Unlimited) or after.limit_micros > before.limit_micros


def username(directory: Directory, user_id: UserId) -> str:
    """Return the username; the id of a person who is in no organization that can be read."""
    user = directory.users.get(user_id)
    return user.username if user is not None else str(user_id)
