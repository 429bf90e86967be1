"""Look policies up on a live deployment: whom their names mean, and whether that much of it can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from reconciler.core.budget import GroupId, UserId
from reconciler.core.desired import ResolvedPolicy
from reconciler.core.directory import Directory, Organization
from reconciler.core.moment import Moment
from reconciler.core.names import Names
from reconciler.core.plan.resolution import Resolution, without_overrides
from reconciler.core.plan.resolve import resolve, unknown_users
from reconciler.core.policy import GroupBudgetEntry, Manage, Policy, UserOverrideEntry, is_in_addresses
from reconciler.core.scope import EVERYTHING, Scope, Selection
from reconciler.dataclass import dataclass
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.reading import require_readable
from reconciler.operations.renamed import Journals, no_journals, records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """Policies whose names are known."""

    resolution: Resolution
    base: Resolution | None
    """The policy before this change; None if it is not known, or cannot be looked up."""
    directory: Directory
    """Who exists, with people whom the policies name and no organization lists."""


def wants_everybody(policies: Iterable[Policy], scope: Scope) -> Callable[[Organization], bool]:
    """Return whether an organization's overrides are managed exactly, so that everybody's are read."""
    if not scope.is_everything:
        return lambda _: False
    exact = {policy.organization for policy in policies if policy.user_overrides_managed is Manage.EXACT}
    return lambda organization: organization.name in exact or organization.id in exact


def look_up(
    policies: Sequence[Policy],
    directory: Directory,
    reader: Reader,
    *,
    moment: Moment,
    scope: Scope = EVERYTHING,
    base: Sequence[Policy] | None = None,
    journals: Journals = no_journals,
) -> LookedUp:
    """Look up the policies, and `base`, the policy before, where it is known.

    Raises PolicyError when the policy cannot be read as a whole, ReconcilerError when nothing is in scope, or when too
    little of it can be read.
    """
    offers = reader.deployment().offers
    names = Names(directory)
    unknown = unknown_users((*policies, *(base or ())), names)
    directory = with_people(directory, unknown, reader)
    names = names if names.directory is directory else Names(directory)
    looked_up = partial(
        resolve, directory=directory, names=names, at=moment.at, at_server=moment.at_server, scope=scope
    )
    resolution = looked_up(policies)
    records = records_of(resolution, reader, journals, now=moment.now)
    if records:
        resolution = looked_up(policies, records=records)
    in_scope = (policy.organization for policy in resolution.policies if _is_in_scope(policy, scope))
    require_readable(in_scope, directory)
    if resolution.findings:
        raise PolicyError(resolution.findings)
    if resolution.selection.is_empty:
        raise ReconcilerError("Nothing to compare: no address is left", hint=_unmatched_hint(resolution.selection))
    before = looked_up(base, records=records) if base is not None else None
    if before is not None and before.findings:
        before = None
    if not offers.overrides:
        resolution = without_overrides(resolution, offers)
        before = without_overrides(before, offers) if before else None
    return LookedUp(resolution=resolution, base=before, directory=directory)


def _unmatched_hint(selection: Selection) -> str:
    if not selection.unmatched:
        return "--only and --exclude together leave out everything that the policy manages"
    return "; ".join(
        f"{option} {glob!r} matches nothing that the policy manages" for option, glob in selection.unmatched
    )


def _is_in_scope(policy: ResolvedPolicy, scope: Scope) -> bool:
    """Whether --only and --exclude may let in an entry of a policy, or what it manages exactly.

    It is asked where nobody knows which groups and people the organization has: anything may be managed exactly, and a
    UUID or an e-mail address may be that of any subject.
    """
    if any(scope.includes(listed.written, listed.address) for listed in policy.listed):
        return True
    hidden = [listed.entry for listed in policy.listed if listed.subject is None]
    beginnings = {
        f"group/{policy.organization.name}/": policy.has_exact_groups
        or any(isinstance(entry, GroupBudgetEntry) and not is_in_addresses(entry.group) for entry in hidden),
        "user/": policy.has_exact_users
        or any(isinstance(entry, UserOverrideEntry) and not is_in_addresses(entry.user) for entry in hidden),
    }
    return any(scope.may_include(beginning) for beginning, is_open in beginnings.items() if is_open)


def with_people(directory: Directory, names: Iterable[str], reader: Reader) -> Directory:
    """Add people by username or UUID who are in no organization that can be read; names that it knows are not asked."""
    unknown = {name for name in names if UserId(name) not in directory.users and GroupId(name) not in directory.groups}
    people = reader.find_users(sorted(unknown)) if unknown else ()
    return replace(directory, users={**directory.users, **{user.id: user for user in people}}) if people else directory
