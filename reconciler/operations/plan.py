"""Make a plan: look names up, read what the managed scope needs and no more, compare. Only GET requests are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.budget import GroupId
from reconciler.core.desired import Desired, managed_groups, managed_users, select
from reconciler.core.directory import Directory, Organization
from reconciler.core.gate.verdict import Grant
from reconciler.core.plan.diff import diff
from reconciler.core.plan.order import in_order
from reconciler.core.plan.plan import Plan, names_of_groups
from reconciler.core.plan.resolve import resolve, unknown_users
from reconciler.core.policy import Policy, SourceFile
from reconciler.core.snapshot import Snapshot
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.review import Proposal, find_effects, find_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What to plan, for which instant (UTC), and for which addresses."""

    policies: tuple[Policy, ...]
    sources: tuple[SourceFile, ...]
    at: datetime
    now: datetime
    """The real time (UTC), by which consents end; `at` may be any other."""
    includes: Callable[[str], bool] = lambda address: True
    grants: tuple[Grant, ...] = ()
    """Consents given for this plan alone, besides those in the policies."""
    is_for_now: bool = True
    """Whether `at` is now, and not an instant that somebody asked for."""


def make_plan(request: PlanRequest, reader: Reader) -> Plan:
    """Compare the policies with the live deployment.

    Raises PolicyError when names cannot be looked up, ServerError when Coder cannot be read at all.
    """
    desired, directory = _resolve(request, reader)
    desired = select(desired, request.includes, directory)
    snapshot = take_snapshot(desired, directory, reader, request.includes)
    difference = diff(desired, snapshot)
    actions = in_order(difference.actions)
    proposal = Proposal(
        actions=actions, snapshot=snapshot, policies=request.policies, desired=desired, at=request.at, now=request.now
    )
    effects = find_effects(proposal, reader)
    return Plan(
        deployment=snapshot.deployment,
        at=request.at,
        actions=actions,
        unchanged=difference.unchanged,
        unreadable=difference.unreadable,
        withheld=difference.withheld,
        group_names=names_of_groups((*difference.actions, *difference.withheld), directory),
        effects=effects,
        verdict=find_verdict(proposal, effects, grants=request.grants),
        sources=request.sources,
        is_for_now=request.is_for_now,
    )


def take_snapshot(
    desired: Desired, directory: Directory, reader: Reader, includes: Callable[[str], bool] = lambda address: True
) -> Snapshot:
    """Read the live state of the managed scope: what is listed, and all of what is managed exactly."""
    groups = [group for group in managed_groups(desired, directory) if includes(group.address)]
    users = [user for user in managed_users(desired, directory) if includes(user.address)]
    group_budgets = reader.group_budgets(groups)
    people = reader.people(users, directory)
    return Snapshot(
        deployment=reader.deployment(),
        directory=directory,
        group_budgets=group_budgets,
        user_overrides=people.overrides,
        reported=people.reported,
    )


def _resolve(request: PlanRequest, reader: Reader) -> tuple[Desired, Directory]:
    _require_overrides(request.policies, reader)
    directory = reader.directory()
    managed = {policy.organization.lower() for policy in request.policies}
    require_readable(
        [one for one in directory.organizations.values() if managed & {one.name.lower(), one.id.lower()}], directory
    )
    directory = _with_people_outside(directory, request.policies, reader)
    resolution = resolve(request.policies, directory, at=request.at)
    if resolution.findings:
        raise PolicyError(resolution.findings)
    return resolution.desired, directory


def _require_overrides(policies: Sequence[Policy], reader: Reader) -> None:
    deployment = reader.deployment()
    listed = sum(len(policy.user_overrides) for policy in policies)
    if listed and not deployment.offers.overrides:
        raise ReconcilerError(
            f"The policy lists {listed} user overrides, and Coder {deployment.version} at {deployment.url} has none",
            hint="upgrade Coder to 2.36 or later, or remove `user_overrides` from the policy",
        )


def require_readable(organizations: Iterable[Organization], directory: Directory) -> None:
    """Raise ReconcilerError where an organization is listed and its groups are not: it only looks empty."""
    names = sorted(one.name for one in organizations if GroupId(one.id) not in directory.groups)
    if names:
        raise ReconcilerError(
            f"The groups of organization {', '.join(names)} cannot be read, not even Everyone",
            hint="use a token that may read them: an Owner, a User Admin or an Auditor",
        )


def _with_people_outside(directory: Directory, policies: Sequence[Policy], reader: Reader) -> Directory:
    """Add the people whom the policy names and who are in no organization, so that messages can tell them apart."""
    unknown = unknown_users(policies, directory)
    found = reader.find_users(sorted(unknown)) if unknown else ()
    return replace(directory, users={**directory.users, **{user.id: user for user in found}}) if found else directory
