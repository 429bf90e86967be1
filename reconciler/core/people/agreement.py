"""The rule of effective.py held against the server: law 8. Where the two differ, or may, nothing is claimed.

Three things can be wrong with our view of a person, and none of them shows in what we read of them:

    a disagreement   the server reports another limit: its rule is not ours, or something moved between two reads
    unconfirmed      the server reports limits and leaves this person out: it masks an effective group that lies in an
                     organization which this token may not read (coder-api.md 3.3)
    unseen           a token without a site role reads only its own organizations: what a person would fall back to in
                     another one, or on 2.35 and older even what limits them now, may be a budget there; it is said

An override ends the second doubt: it wins over budgets anywhere.
"""

from __future__ import annotations

from reconciler.core.budget import Absent, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import Disagreement
from reconciler.core.snapshot import Effective, Snapshot

DISPUTED = "the server reports another limit for them than the one we compute"
UNCONFIRMED = "the server does not say what limits them; it may be a budget in an organization that cannot be read"
UNSEEN = "This token may not read every organization; budgets that people have elsewhere are not counted."


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
    """Return who was read without an override and is left out by a server that reports limits."""
    if snapshot.deployment.reads_all or not snapshot.deployment.offers.bulk_reads:
        return frozenset()
    reported = snapshot.reported
    return frozenset(
        user_id
        for user_id, reading in snapshot.user_overrides.items()
        if isinstance(reading, Absent) and user_id not in reported
    )


def username(directory: Directory, user_id: UserId) -> str:
    """Return the name; whoever is in no organization that can be read goes by id."""
    user = directory.users.get(user_id)
    return user.username if user is not None else str(user_id)
