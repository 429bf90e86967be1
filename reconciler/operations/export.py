"""Live budgets as a policy: what is set by hand today becomes the first commit of tomorrow.

Law 7: a plan of what was just exported is empty.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.budget import Absent, Budget, Unknown
from reconciler.core.desired import Desired
from reconciler.core.directory import Organization
from reconciler.core.names import Names
from reconciler.core.plan.diff import unseen
from reconciler.core.plan.notices import stray_overrides
from reconciler.core.plan.plan import Unreadable
from reconciler.core.policy import GroupBudgetEntry, Manage, Policy, UserOverrideEntry
from reconciler.core.snapshot import Snapshot
from reconciler.errors import Place, ReconcilerError
from reconciler.money import MAX_LIMIT, format_usd
from reconciler.operations.ports import Reader
from reconciler.operations.reading import WHO_MAY_READ, require_organizations, require_readable, take_snapshot
from reconciler.words import listed, spoken

_NOWHERE = Place("live", 1, 1)


Note = Callable[[str], None]


def export(reader: Reader, organization: str | None, *, note: Note = lambda text: None) -> tuple[Policy, ...]:
    """Return a policy per organization, sorted by name: of each that the token may read, or of the named one.

    Raises ReconcilerError when the organization is unknown, or when something could not be read: a policy that lacks
    it would remove it. `note` is told what a policy cannot say.
    """
    return read_everything(reader, organization, note=note)[0]


def read_everything(reader: Reader, organization: str | None, *, note: Note) -> tuple[tuple[Policy, ...], Snapshot]:
    """Return what `export` does, and the snapshot that it was made from."""
    directory = reader.directory(people_of=lambda readable: organization in (None, readable.name))
    named = Names(directory).organization(organization) if organization is not None else None
    chosen = [named] if named else sorted(directory.organizations.values()) if organization is None else []
    if organization is not None and not chosen:
        raise ReconcilerError(f"Organization {organization!r} is unknown", hint=directory.readable)
    require_organizations(directory)
    require_readable(chosen, directory)
    ids = frozenset(exported.id for exported in chosen)
    offers = reader.deployment().offers
    exact_users = frozenset() if offers.overrides_hidden else ids
    everything = Desired(groups={}, users={}, exact_groups=ids, exact_users=exact_users)
    snapshot = take_snapshot(everything, directory, reader)
    _require_complete(snapshot, unseen(everything, snapshot))
    policies = tuple(_policy(exported, snapshot) for exported in chosen)
    _require_listable(policies)
    _tell_what_is_left_out(snapshot, note)
    return policies, snapshot


def _tell_what_is_left_out(snapshot: Snapshot, note: Note) -> None:
    if snapshot.deployment.offers.overrides_hidden:
        note("This Coder does not show user overrides, so none are exported.")
    for user, override in stray_overrides(snapshot):
        limit = format_usd(override.limit_micros)
        note(
            f"Not exported: {spoken(user.address)} has {limit} on a group of a deleted organization; "
            "an entry with `limit: none` removes it."
        )


def _require_complete(snapshot: Snapshot, hidden: tuple[Unreadable, ...]) -> None:
    directory = snapshot.directory
    unread = [(row.subject.address, row.reading) for row in hidden]
    unread += [
        (directory.groups[key].address, reading)
        for key, reading in snapshot.group_budgets.items()
        if isinstance(reading, Unknown)
    ]
    unread += [
        (directory.users[key].address, reading)
        for key, reading in snapshot.user_overrides.items()
        if isinstance(reading, Unknown)
    ]
    unknown = [f"{spoken(address)}: {reading.reason}" for address, reading in unread]
    if unknown:
        raise ReconcilerError(
            f"Not all budgets could be read ({listed(sorted(unknown))}), so an export would be incomplete",
            hint=f"{WHO_MAY_READ}; or try again when Coder answers",
        )


def _require_listable(policies: tuple[Policy, ...]) -> None:
    limits = {
        f"group/{policy.organization}/{entry.group}": entry.limit
        for policy in policies
        for entry in policy.group_budgets
    }
    limits |= {f"user/{entry.user}": entry.limit for policy in policies for entry in policy.user_overrides}
    too_high = sorted(
        spoken(name) for name, limit in limits.items() if not isinstance(limit, Absent) and limit > MAX_LIMIT
    )
    if too_high:
        raise ReconcilerError(
            f"A policy cannot list a limit above {format_usd(MAX_LIMIT)}, as of {listed(too_high)}",
            hint="lower it in Coder first, or remove it there if there should be no limit",
        )


def _policy(organization: Organization, snapshot: Snapshot) -> Policy:
    """Return a policy that lists every live budget and override of an organization."""
    directory = snapshot.directory
    groups = sorted(group for group in directory.groups.values() if group.organization_id == organization.id)
    group_ids = {group.id for group in groups}  # a group that may not be read is another organization's
    budgets = [(group, snapshot.group_budgets[group.id]) for group in groups]
    overrides = [
        (directory.users[user_id], state)
        for user_id, state in snapshot.user_overrides.items()
        if isinstance(state, Budget) and state.group.id in group_ids
    ]
    return Policy(
        organization=organization.name,
        place=_NOWHERE,
        group_budgets_managed=Manage.EXACT,
        user_overrides_managed=Manage.EXACT if snapshot.deployment.offers.overrides else Manage.LISTED,
        group_budgets=tuple(
            GroupBudgetEntry(group=group.name, limit=state.limit_micros, reason="", place=_NOWHERE)
            for group, state in budgets
            if not isinstance(state, Absent | Unknown)
        ),
        user_overrides=tuple(
            UserOverrideEntry(
                user=user.username,
                group=state.group.name,
                limit=state.limit_micros,
                reason="",
                starts=None,
                expires=None,
                place=_NOWHERE,
            )
            for user, state in sorted(overrides, key=lambda pair: pair[0])
        ),
        guardrails=(),
        allow=(),
    )
