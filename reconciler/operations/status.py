"""Find out how things stand with people and groups. Only GET requests are sent; an Auditor's token suffices.

Budgets, overrides and spend come in bulk; the spend export of the period and of the last seven days says the pace and
what does not bind. Where the export may not be read, the pace is that of the period so far.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import GroupId, UserId
from reconciler.core.desired import ResolvedPolicy
from reconciler.core.directory import User
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.guardrails import Blame, check_guardrails
from reconciler.core.people.agreement import unconfirmed
from reconciler.core.people.assess import assess
from reconciler.core.people.counting import effective_of, overrides_of, take_census
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.forecast import DAYS, days_of
from reconciler.core.people.leaks import leaks_of
from reconciler.core.people.limit_changes import limits_after
from reconciler.core.plan.resolve import resolve
from reconciler.core.plan.status import Status
from reconciler.core.policy import Policy, UserOverrideEntry
from reconciler.core.snapshot import Effective, Snapshot
from reconciler.core.spend import Unpriced, Window, last_days, month_of
from reconciler.operations.choice import choose, people_of
from reconciler.operations.gaps import gaps
from reconciler.operations.pace import find_pace, organizations_of, read_people, time_at_coder
from reconciler.operations.ports import StatusReader
from reconciler.operations.reading import require_organizations


def find_status(names: Sequence[str], reader: StatusReader, policies: Sequence[Policy] = (), *, at: datetime) -> Status:
    """Say how things stand with everybody, or with those whom the names name; `at` is now (UTC).

    Raises ReconcilerError when a name fits nobody whom the token may read, or several, and when it may read nobody.
    """

    def windows(period: Window | None) -> list[Window]:
        now = time_at_coder(reader, at)
        return [period or month_of(now), *last_days(now, DAYS)]

    # First: it shares its round with what the server offers.
    directory = reader.directory(windows=lambda period: () if names else windows(period))
    require_organizations(directory)
    period, *days = windows(reader.period())
    at, deployment = time_at_coder(reader, at), reader.deployment()
    subjects = choose(names, directory, unknown_hint=reader.unknown_hint)
    chosen = people_of(subjects, directory)
    if not deployment.offers.bulk_reads:
        directory = replace(directory, elsewhere=reader.elsewhere(chosen))
    snapshot = read_people(chosen, directory, reader, windows=[period, *days])
    limits = limits_after(snapshot, ())
    organizations = organizations_of(chosen, directory)
    (whole,) = reader.exports(organizations, [period])
    spend = reader.spend(spend_questions(chosen, snapshot, limits))
    counted = {user_id: micros for booked in spend.values() for user_id, micros in booked.items()}
    pace = find_pace(reader, organizations, period=period, counted=counted, at=at)
    census = take_census(chosen, snapshot, limits, spend, pace=pace, period_end=period.end, at=at)
    resolved = resolve(policies, directory, at=at).policies if policies else ()
    is_exported = not whole.left_out
    return Status(
        deployment=deployment,
        at=at,
        snapshot_at=None,
        names=tuple(names),
        period=period,
        pace=None if pace is None else days_of(pace),
        total=census.total,
        groups=census.groups,
        people=census.people,
        overrides=overrides_of([row.user_id for row in census.people], snapshot, limits, ends=_ends(resolved)),
        leaks=leaks_of(
            census,
            snapshot,
            booked=whole.booked if is_exported else None,
            unpriced=with_prices(whole.unpriced, reader) if is_exported else None,
            unpriced_requests=reader.unpriced_requests(organizations, period),
        ),
        has_policies=bool(policies),
        breaches=_breaches(resolved, snapshot, at=at) if not names else (),
        unknown=gaps(subjects, census, snapshot, limits, whole=whole, pace=pace),
    )


def with_prices(unpriced: tuple[Unpriced, ...], reader: StatusReader) -> tuple[Unpriced, ...]:
    """Say of models that cost nothing which of them are free on purpose; asks only if there are any."""
    free = reader.free_models() if unpriced else frozenset()
    return tuple(replace(row, is_free=row.is_free or row.model in free) for row in unpriced)


def spend_questions(
    people: Collection[UserId], snapshot: Snapshot, limits: EffectiveLimits
) -> Mapping[GroupId, tuple[UserId, ...]]:
    """Return whose spend must be known on the group that is effective for them, limited or not; both sorted."""
    questions: dict[GroupId, list[UserId]] = {}
    masked = unconfirmed(snapshot)
    for user_id in people:
        effective = effective_of(user_id, snapshot, limits, masked=masked)
        if isinstance(effective, Effective):
            questions.setdefault(effective.group.id, []).append(user_id)
    return {group_id: tuple(sorted(questions[group_id])) for group_id in sorted(questions)}


def _ends(policies: Sequence[ResolvedPolicy]) -> Mapping[UserId, datetime | None]:
    """Return who has an override in the policies, and when it ends."""
    return {
        listed.subject.id: listed.entry.expires
        for policy in policies
        for listed in policy.listed
        if isinstance(listed.subject, User) and isinstance(listed.entry, UserOverrideEntry)
    }


def _breaches(policies: Sequence[ResolvedPolicy], snapshot: Snapshot, *, at: datetime) -> tuple[Breach, ...]:
    if not any(policy.guardrails for policy in policies):
        return ()
    organizations = [policy.organization.id for policy in policies]
    effects = assess((), snapshot, organizations=organizations).effects({})
    return check_guardrails(policies, effects, now=at, blame=Blame())
