"""Make a plan: look names up, read what the managed scope needs and no more, compare. Only GET requests are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from reconciler.core.action import Action, Origin
from reconciler.core.attribution import Attribution
from reconciler.core.budget import Budget, GroupId, UserId
from reconciler.core.desired import Desired, ResolvedPolicy, managed_groups, managed_users
from reconciler.core.directory import Directory, Organization
from reconciler.core.gate.guardrails import entries_of
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.names import Names
from reconciler.core.orphan import Orphan
from reconciler.core.people.effects import Notice
from reconciler.core.plan.diff import diff
from reconciler.core.plan.notices import renamed_notices, stray_notices, vacancy_notices
from reconciler.core.plan.order import in_order
from reconciler.core.plan.origin import Evidence, with_origin
from reconciler.core.plan.plan import Coverage, Plan
from reconciler.core.plan.resolve import Resolution, Vacancy, resolve, unknown_users, without_overrides
from reconciler.core.policy import (
    GroupBudgetEntry,
    Manage,
    NotRead,
    Policy,
    SourceFile,
    UserOverrideEntry,
    is_in_addresses,
    listed_entry,
)
from reconciler.core.scope import EVERYTHING, Scope, Selection
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass
from reconciler.errors import ListedEntry, PolicyError, ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.reading import read_live
from reconciler.operations.renamed import Journals, find_suspicions, no_journals, records_of
from reconciler.operations.review import Proposal, review_proposal

WHO_MAY_READ = "use a token that may read them: an Owner, a User Admin or an Auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What to plan, for which instant, and for which addresses."""

    policies: tuple[Policy, ...]
    sources: tuple[SourceFile, ...]
    moment: Moment
    scope: Scope = EVERYTHING
    grants: tuple[Grant, ...] = ()
    """Consents given for this plan alone, besides those in the policies."""
    subjects: frozenset[GroupId | UserId] | None = None
    """Plan changes of these alone, of all that the policies manage; None for no such bound."""
    not_read: tuple[NotRead, ...] = ()
    """Files that may list more: while there are any, nothing is removed for not being listed."""
    base: tuple[Policy, ...] | None = None
    """The policy before this change; None if it is not known."""
    asks_log: bool = False
    """Whether to ask Coder's audit log who changed what differs."""
    journaled: frozenset[tuple[str, str]] = frozenset()
    """The plans of the journals in this folder, as a User-Agent names them, and who applied each; that is ours."""
    only_due: bool = False
    """Whether to plan nothing but actions whose date came."""
    journals: Journals = no_journals
    """Where it is recorded who had which name when an override was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what to say besides to the user who asked for it."""

    plan: Plan
    unmatched: tuple[tuple[str, str], ...]
    """Options and globs that match nothing which the policy manages: (`--only`, `user/nobody`)."""
    attribution: Attribution
    """Who changed what differs; empty unless the log was asked."""
    policies: tuple[ResolvedPolicy, ...]
    """What was compared, with what is not in scope."""
    scope: Scope
    impossible: tuple[Action, ...]
    """What the entries of people who are not in the group ask for; `before` is what they have."""

    def entries(self) -> tuple[ListedEntry, ...]:
        """Return the entries that were compared, by the addresses of their subjects, for reports that name each."""
        return tuple(
            listed_entry(listed.address, listed.entry)
            for policy in self.policies
            for listed in policy.listed
            if self.scope.includes(listed.written, listed.address)
        )


def make_plan(request: PlanRequest, reader: Reader) -> Planned:
    """Compare the policies with the live deployment.

    Raises PolicyError when the policy cannot be read as a whole, ReconcilerError when nothing is in scope, ServerError
    when Coder cannot be read at all.
    """
    # First: it shares its round with what the server offers.
    directory = reader.directory(people_of=_wants_everybody(request))
    request = replace(request, moment=request.moment.beside(reader.server_ahead_s))
    resolution, base, directory = _resolve(request, directory, reader)
    desired = resolution.desired
    snapshot = take_snapshot(desired, directory, reader)
    difference = diff(desired, snapshot, is_whole=not request.not_read)
    withheld = () if request.only_due else difference.withheld
    attribution = _attribution(request, (*difference.actions, *withheld), reader)
    changes = {last.address: last for last in attribution.changes}
    evidence = Evidence(at=request.moment.at, base=base.desired if base else None, changes=changes)
    explained = partial(with_origin, desired=desired, directory=directory, evidence=evidence)
    actions = _chosen(request, map(explained, difference.actions))
    proposal = Proposal(
        actions=in_order(actions),
        snapshot=snapshot,
        policies=resolution.policies,
        desired=desired,
        moment=request.moment,
        base=entries_of(base.policies) if base else None,
    )
    review = review_proposal(proposal, reader, grants=request.grants)
    notices = (*review.effects.notices, *_notices(resolution, snapshot, at=request.moment.at))
    lost = find_suspicions(resolution, snapshot, actions, reader) if request.subjects is None else ()
    orphans = _orphans((*resolution.orphans, *difference.orphans, *lost), base)
    if request.asks_log and not attribution.reason:
        orphans, not_asked = _with_authors(request, orphans, resolution, directory, reader)
        attribution = replace(attribution, not_asked=attribution.not_asked + not_asked)
    plan = Plan(
        deployment=snapshot.deployment,
        at=request.moment.at,
        actions=review.actions,
        unchanged=difference.unchanged,
        unreadable=difference.unreadable,
        withheld=tuple(map(explained, withheld)),
        orphans=orphans,
        held_back=review.held_back,
        unresolved=difference.unresolved,
        effects=replace(review.effects, notices=notices),
        verdict=review.verdict,
        sources=request.sources,
        not_read=request.not_read,
        has_base=base is not None,
        is_for_now=request.moment.is_for_now,
        covers=_coverage(request),
    )
    return Planned(
        plan=plan,
        unmatched=resolution.selection.unmatched,
        attribution=attribution,
        policies=resolution.policies,
        scope=request.scope,
        impossible=difference.impossible,
    )


def _wants_everybody(request: PlanRequest) -> Callable[[Organization], bool]:
    """Return whether an organization's overrides are managed exactly, so that everybody's are read."""
    if not request.scope.is_everything:
        return lambda _: False
    exact = {policy.organization for policy in request.policies if policy.user_overrides_managed is Manage.EXACT}
    return lambda organization: organization.name in exact or organization.id in exact


def _attribution(request: PlanRequest, actions: Sequence[Action], reader: Reader) -> Attribution:
    """Return who changed what differs; nothing where the request does not ask for it."""
    if not request.asks_log:
        return Attribution()
    from reconciler.operations.attribution import find_last_changes

    return find_last_changes(actions, reader, now=request.moment.now, journaled=request.journaled)


def _with_authors(
    request: PlanRequest, orphans: tuple[Orphan, ...], resolution: Resolution, directory: Directory, reader: Reader
) -> tuple[tuple[Orphan, ...], int]:
    """Say of orphans who made them such, and of how many the log was not asked."""
    from reconciler.operations.authors import with_authors

    return with_authors(orphans, resolution, directory, reader, now=request.moment.now)


def _chosen(request: PlanRequest, actions: Iterable[Action]) -> list[Action]:
    """Keep the actions that the request asks for: of its subjects, and those that a date asks for."""
    return [
        action
        for action in actions
        if (request.subjects is None or action.subject.id in request.subjects)
        and (not request.only_due or action.origin is Origin.DUE)
    ]


def _coverage(request: PlanRequest) -> Coverage:
    if request.only_due:
        return Coverage.DUE
    return Coverage.POLICY if request.scope.is_everything else Coverage.PART


def _notices(resolution: Resolution, snapshot: Snapshot, *, at: datetime) -> Iterator[Notice]:
    """Yield what is worth saying about entries whose names did not fit, and about overrides that no entry manages."""
    yield from vacancy_notices(_gone(resolution.vacancies, snapshot.directory), at=at)
    yield from renamed_notices(resolution.renamed, at=at)
    yield from stray_notices(snapshot, listed=resolution.desired.users.keys(), at=at)


def _gone(vacancies: Iterable[Vacancy], directory: Directory) -> Iterator[Vacancy]:
    """Yield vacancies but for e-mail addresses that an organization may know which is not listed."""
    for vacancy in vacancies:
        entry = vacancy.listed.entry
        if not (directory.unlisted and isinstance(entry, UserOverrideEntry) and "@" in entry.user):
            yield vacancy


def _orphans(orphans: Iterable[Orphan], base: Resolution | None) -> tuple[Orphan, ...]:
    """Return all orphans, sorted; those that were orphans in the policy before are standing."""
    before: set[str] = set()
    if base is not None:
        before = {orphan.address for orphan in (*base.orphans, *base.desired.not_members.values())}
        before |= {lost.listed.address for lost in base.lost}
    return tuple(sorted(replace(orphan, is_standing=orphan.address in before) for orphan in orphans))


def take_snapshot(desired: Desired, directory: Directory, reader: Reader) -> Snapshot:
    """Read the live state of the managed scope: what is listed, and all of what is managed exactly."""
    groups, users = managed_groups(desired, directory), managed_users(desired, directory)
    return read_live(groups, users, directory, reader=reader)


def _resolve(
    request: PlanRequest, directory: Directory, reader: Reader
) -> tuple[Resolution, Resolution | None, Directory]:
    """Look up the policies and the policy before; the latter is as good as not known if it cannot be looked up."""
    moment = request.moment
    offers = reader.deployment().offers
    names = Names(directory)
    unknown = unknown_users((*request.policies, *(request.base or ())), names)
    directory = with_people(directory, unknown, reader)
    names = names if names.directory is directory else Names(directory)
    look_up = partial(
        resolve, directory=directory, names=names, at=moment.at, at_server=moment.at_server, scope=request.scope
    )
    resolution = look_up(request.policies)
    records = records_of(resolution, reader, request.journals, now=moment.now)
    if records:
        resolution = look_up(request.policies, records=records)
    in_scope = (policy.organization for policy in resolution.policies if _is_in_scope(policy, request))
    require_readable(in_scope, directory)
    if resolution.findings:
        raise PolicyError(resolution.findings)
    if resolution.selection.is_empty:
        raise ReconcilerError("Nothing to compare: no address is left", hint=_unmatched_hint(resolution.selection))
    base = None
    if request.base is not None:
        base = look_up(request.base, records=records)
        base = None if base.findings else base
    if not offers.overrides:
        reason = "this Coder does not show overrides" if offers.overrides_hidden else "this Coder has no user overrides"
        resolution = without_overrides(resolution, reason)
        base = without_overrides(base, reason) if base else None
    return resolution, base, directory


def _unmatched_hint(selection: Selection) -> str:
    if not selection.unmatched:
        return "--only and --exclude together leave out everything that the policy manages"
    return "; ".join(
        f"{option} {glob!r} matches nothing that the policy manages" for option, glob in selection.unmatched
    )


def _is_in_scope(policy: ResolvedPolicy, request: PlanRequest) -> bool:
    """Whether --only and --exclude may let in an entry of a policy, or what it manages exactly.

    It is asked where nobody knows which groups and people the organization has: anything may be managed exactly, and a
    UUID or an e-mail address may be that of any subject.
    """
    if any(request.scope.includes(listed.written, listed.address) for listed in policy.listed):
        return True
    hidden = [listed.entry for listed in policy.listed if listed.subject is None]
    beginnings = {
        f"group/{policy.organization.name}/": policy.has_exact_groups
        or any(isinstance(entry, GroupBudgetEntry) and not is_in_addresses(entry.group) for entry in hidden),
        "user/": policy.has_exact_users
        or any(isinstance(entry, UserOverrideEntry) and not is_in_addresses(entry.user) for entry in hidden),
    }
    return any(request.scope.may_include(beginning) for beginning, is_open in beginnings.items() if is_open)


def require_organizations(directory: Directory) -> None:
    """Raise ReconcilerError where the token may read no organization: a deployment only looks empty to it."""
    if not directory.organizations:
        raise ReconcilerError("No organization can be read", hint=directory.readable)


def require_readable(organizations: Iterable[Organization], directory: Directory) -> None:
    """Raise ReconcilerError where an organization is listed and its groups are not: it only looks empty."""
    unlisted = [organization for organization in organizations if GroupId(organization.id) not in directory.groups]
    failures = [directory.failures[row.id] for row in unlisted if row.id in directory.failures]
    if failures:
        raise ReconcilerError(failures[0].reason, hint=failures[0].hint)
    if unlisted:
        names = sorted(organization.name for organization in unlisted)
        raise ReconcilerError(
            f"The groups of organization {', '.join(names)} cannot be read, not even Everyone",
            hint=WHO_MAY_READ,
        )


def require_found(actions: Sequence[Action], directory: Directory) -> None:
    """Raise ReconcilerError where a subject or group is not here and an organization is not listed that may have it."""
    groups = {
        state.group.id for action in actions for state in (action.before, action.after) if isinstance(state, Budget)
    }
    if not groups <= directory.groups.keys() or any(directory.live(action.subject) is None for action in actions):
        require_readable(directory.unlisted, directory)


def with_people(directory: Directory, names: Iterable[str], reader: Reader) -> Directory:
    """Add people by username or UUID who are in no organization that can be read; names that it knows are not asked."""
    unknown = {name for name in names if UserId(name) not in directory.users and GroupId(name) not in directory.groups}
    people = reader.find_users(sorted(unknown)) if unknown else ()
    return replace(directory, users={**directory.users, **{user.id: user for user in people}}) if people else directory
