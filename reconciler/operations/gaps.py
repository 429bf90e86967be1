"""What a status could not find out, a sentence each: who reads its numbers must know what is not in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.budget import Unknown
from reconciler.core.directory import Directory, Group, User
from reconciler.core.people.agreement import UNCONFIRMED, disagreements, not_enforced, unconfirmed, unseen_budgets
from reconciler.core.people.census import Census
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.forecast import Pace
from reconciler.core.snapshot import Effective, Snapshot
from reconciler.core.spend import Export
from reconciler.words import count_people, listed, spoken

NO_OVERRIDES = "This Coder does not show overrides (2.36 does), so what limits its people is not known."
OVERRIDES_MOVED = (
    "This Coder keeps overrides where this reconciler does not look, so what limits its people is not known."
)
NO_SPEND = "This server does not say what people have spent (2.36 does): spend, pace and leaks are not known."


def gaps(
    subjects: Sequence[Group | User],
    census: Census,
    snapshot: Snapshot,
    limits: EffectiveLimits,
    *,
    whole: Export,
    pace: Pace | None,
) -> tuple[str, ...]:
    """Return what is not known of the people and groups that were asked for; `whole` is the export of the period."""
    return (
        *_of_everybody(_unread_spend(census), snapshot, limits, whole=whole, pace=pace),
        *_hidden(subjects, snapshot.directory),
        *not_enforced(snapshot),
        *unseen_budgets(snapshot),
    )


def _unread_spend(census: Census) -> int:
    """Count the people whose spend was asked for and not told; of the others it is not known what limits them."""
    asked = (row.spend_micros for row in census.people if isinstance(row.effective, Effective))
    return sum(isinstance(spend, Unknown) for spend in asked)


def _of_everybody(
    unread_spend: int, snapshot: Snapshot, limits: EffectiveLimits, *, whole: Export, pace: Pace | None
) -> list[str]:
    directory, sentences = snapshot.directory, []
    differing, _ = disagreements(limits, snapshot)
    if differing:
        people = count_people(len(differing))
        sentences.append(
            f"For {people} Coder reports a different limit than we compute; the one Coder reports is shown."
        )
    if masked := unconfirmed(snapshot):
        sentences.append(f"The limits of {count_people(len(masked))} are not known: {UNCONFIRMED}.")
    if snapshot.deployment.offers.overrides_hidden:
        sentences.append(OVERRIDES_MOVED if snapshot.deployment.offers.overrides_moved else NO_OVERRIDES)
    if not snapshot.deployment.offers.bulk_reads:
        sentences.append(NO_SPEND)
    elif unread_spend:
        sentences.append(f"Spend of {count_people(unread_spend)} could not be read.")
    if snapshot.deployment.offers.bulk_reads and whole.left_out:
        names = listed(sorted(spoken(directory.organizations[id_].name) for id_ in whole.left_out))
        reason = next(iter(whole.left_out.values())).rstrip(".")
        sentences.append(
            f"The spend export of {names} cannot be read ({reason}): models without a price and restarts are not known."
        )
    if pace is None and snapshot.deployment.offers.bulk_reads and snapshot.user_overrides:
        sentences.append("There are fewer than 3 days of spend, so no pace is computed.")
    unread = sum(isinstance(reading, Unknown) for reading in snapshot.user_overrides.values())
    if unread:
        sentences.append(f"Overrides of {count_people(unread)} could not be read.")
    return sentences


def _hidden(subjects: Sequence[Group | User], directory: Directory) -> Iterator[str]:
    """Yield of how many members of what was asked for nothing is known."""
    for group in sorted(subject for subject in subjects if isinstance(subject, Group)):
        if number := directory.hidden_members.get(group.id):
            name = group.organization if group.is_everyone else group.address
            yield f"{count_people(number)} of {spoken(name)} may not be read with this token; they are not counted."
