"""What a plan leaves out: entries for which nothing is planned now, and what is said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Absent, Budget
from reconciler.core.directory import Directory, User
from reconciler.core.gate.guardrails import entries_of
from reconciler.core.notice import Notice
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan.later import end_notices, later_notices
from reconciler.core.plan.notices import renamed_notices, stray_notices, vacancy_notices
from reconciler.core.plan.resolution import Resolution, Vacancy
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.snapshot import Snapshot


def left_out_notices(
    resolution: Resolution,
    snapshot: Snapshot,
    *,
    base: Resolution | None,
    at: datetime,
    planned: Collection[str],
    orphans: Iterable[Orphan],
) -> Iterator[Notice]:
    """Yield what is worth saying of entries that nothing is planned for, and of overrides that no entry manages.

    `base` is the policy before; None if it is not known. `planned` are addresses. What an orphan's entry would do is
    not said: it does nothing, and may not be removed just like that.
    """
    orphaned = {orphan.place for orphan in orphans}
    before = entries_of(base.policies) if base else None
    yield from later_notices(resolution.later, before)
    notices = (
        *end_notices(resolution.desired, before, at=at, planned=planned),
        *vacancy_notices(_gone(resolution.vacancies, snapshot.directory), before, at=at),
    )
    yield from (notice for notice in notices if notice.place not in orphaned)
    yield from renamed_notices(resolution.renamed, at=at)
    yield from stray_notices(snapshot, listed=resolution.desired.users.keys(), at=at)


def _gone(vacancies: Iterable[Vacancy], directory: Directory) -> Iterator[Vacancy]:
    """Yield vacancies but for e-mail addresses that an organization may know which is not listed."""
    for vacancy in vacancies:
        entry = vacancy.listed.entry
        if not (directory.unlisted and isinstance(entry, UserOverrideEntry) and "@" in entry.user):
            yield vacancy


def of_lost_groups(resolution: Resolution, snapshot: Snapshot) -> Iterator[Action]:
    """Yield what people have whose entries name no group that is there, as far as it was read."""
    reasons = (OrphanReason.UNKNOWN_GROUP, OrphanReason.AMBIGUOUS)
    places = {orphan.place for orphan in resolution.orphans if orphan.reason in reasons}
    for listed in (listed for policy in resolution.policies for listed in policy.listed):
        reading = snapshot.user_overrides.get(listed.subject.id) if isinstance(listed.subject, User) else None
        if listed.subject is not None and listed.entry.place in places and isinstance(reading, (Budget, Absent)):
            yield Action(subject=listed.subject, before=reading, after=ABSENT, place=listed.entry.place)


def last_orphans(orphans: Iterable[Orphan], base: Resolution | None) -> tuple[Orphan, ...]:
    """Return the last orphan of each entry, sorted; those that were orphans in the policy before are standing."""
    before: set[str] = set()
    if base is not None:
        before = {orphan.address for orphan in (*base.orphans, *base.desired.not_members.values())}
        before |= {lost.listed.address for lost in base.lost}
    last = {orphan.place: orphan for orphan in orphans}.values()
    return tuple(sorted(replace(orphan, is_standing=orphan.address in before) for orphan in last))
