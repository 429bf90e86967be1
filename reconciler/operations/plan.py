"""Make a plan: look names up, read what the managed scope needs and no more, compare. Only GET requests are sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.core.budget import GroupId
from reconciler.core.desired import Desired, managed_groups, managed_users
from reconciler.core.directory import Directory, Organization
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.plan.diff import diff
from reconciler.core.plan.order import in_order
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.resolve import Resolution, resolve, unknown_users
from reconciler.core.policy import NotRead, Policy, SourceFile
from reconciler.core.scope import EVERYTHING, Scope, Selection
from reconciler.core.snapshot import Snapshot
from reconciler.errors import Finding, PolicyError, ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.review import Proposal, find_effects, find_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What to plan, for which instant, and for which addresses."""

    policies: tuple[Policy, ...]
    sources: tuple[SourceFile, ...]
    moment: Moment
    scope: Scope = EVERYTHING
    grants: tuple[Grant, ...] = ()
    """Consents given for this plan alone, besides those in the policies."""
    not_read: tuple[NotRead, ...] = ()
    """Files that may list more: while there are any, nothing is removed for not being listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what to tell whoever asked for it besides."""

    plan: Plan
    unmatched: tuple[tuple[str, str], ...]
    """Options and globs that match nothing which the policy manages: (`--only`, `user/nobody`)."""


def make_plan(request: PlanRequest, reader: Reader) -> Planned:
    """Compare the policies with the live deployment.

    Raises PolicyError when names cannot be looked up, ReconcilerError when nothing is in scope, ServerError when Coder
    cannot be read at all.
    """
    resolution, directory = _resolve(request, reader)
    desired = resolution.desired
    snapshot = take_snapshot(desired, directory, reader)
    difference = diff(desired, snapshot, is_whole=not request.not_read)
    orphans = (*resolution.orphans, *difference.orphans)
    if orphans:
        findings = (Finding(place=orphan.place, message=orphan.message, hint=orphan.hint) for orphan in orphans)
        raise PolicyError(tuple(findings))
    actions = in_order(difference.actions)
    proposal = Proposal(
        actions=actions, snapshot=snapshot, policies=resolution.policies, desired=desired, moment=request.moment
    )
    effects = find_effects(proposal, reader)
    plan = Plan(
        deployment=snapshot.deployment,
        at=request.moment.at,
        actions=actions,
        unchanged=difference.unchanged,
        unreadable=difference.unreadable,
        withheld=difference.withheld,
        effects=effects,
        verdict=find_verdict(proposal, effects, grants=request.grants),
        sources=request.sources,
        not_read=request.not_read,
        is_for_now=request.moment.is_for_now,
    )
    return Planned(plan=plan, unmatched=resolution.selection.unmatched)


def take_snapshot(desired: Desired, directory: Directory, reader: Reader) -> Snapshot:
    """Read the live state of the managed scope: what is listed, and all of what is managed exactly."""
    group_budgets = reader.group_budgets(managed_groups(desired, directory))
    people = reader.people(managed_users(desired, directory), directory)
    return Snapshot(
        deployment=reader.deployment(),
        directory=directory,
        group_budgets=group_budgets,
        user_overrides=people.overrides,
        reported=people.reported,
    )


def _resolve(request: PlanRequest, reader: Reader) -> tuple[Resolution, Directory]:
    _require_overrides(request.policies, reader)
    directory = reader.directory()
    directory = _with_people_outside(directory, request.policies, reader)
    resolution = resolve(request.policies, directory, at=request.moment.at, scope=request.scope)
    require_readable([policy.organization for policy in resolution.policies], directory)
    if resolution.findings:
        raise PolicyError(resolution.findings)
    if resolution.selection.is_empty:
        raise ReconcilerError("Nothing to compare: no address matches", hint=_unmatched_hint(resolution.selection))
    return resolution, directory


def _unmatched_hint(selection: Selection) -> str:
    return "; ".join(
        f"{option} {glob!r} matches nothing that the policy manages" for option, glob in selection.unmatched
    )


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
