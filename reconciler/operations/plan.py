"""Make a plan: look names up, read what the managed scope needs and no more, compare. Only GET requests are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from reconciler.core.action import Action, Origin
from reconciler.core.attribution import Attribution
from reconciler.core.budget import GroupId, UserId
from reconciler.core.desired import ResolvedPolicy
from reconciler.core.directory import Group, User
from reconciler.core.gate.guardrails import entries_of
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.notice import Notice
from reconciler.core.orphan import Orphan
from reconciler.core.plan.amounts import amount_notices
from reconciler.core.plan.diff import Difference, diff
from reconciler.core.plan.due import passed_over
from reconciler.core.plan.left_out import last_orphans, left_out_notices, of_lost_groups
from reconciler.core.plan.notices import namesake_notices
from reconciler.core.plan.order import in_order
from reconciler.core.plan.origin import Evidence, with_origin
from reconciler.core.plan.plan import Coverage, Plan
from reconciler.core.plan.taken_out import put_off, put_off_notices, taken_out, taken_out_notices
from reconciler.core.policy import NotRead, Policy, SourceFile, listed_entry
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass
from reconciler.errors import ListedEntry
from reconciler.operations.lookup import LookedUp, look_up, wants_everybody
from reconciler.operations.ports import Reader
from reconciler.operations.reading import read_live, take_snapshot
from reconciler.operations.renamed import Journals, find_suspicions, no_journals, records_of_new
from reconciler.operations.review import Proposal, review_proposal


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
    """Plan changes of these alone, out of everything that the policies manage; None for changes of everything."""
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
    """What the entries of people ask for who are not in the group, or whose group fits no name; `before` is live."""

    def entries(self) -> tuple[ListedEntry, ...]:
        """Return the entries that were compared, by the addresses of their subjects, for reports that name each."""
        return tuple(
            listed_entry(listed.address, listed.entry)
            for policy in self.policies
            for listed in policy.listed
            if self.scope.includes(listed.written, listed.address)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """What differs between the policies and live; nothing is judged yet."""

    request: PlanRequest
    """Its moment is told with the server's clock beside ours."""
    found: LookedUp
    snapshot: Snapshot
    difference: Difference
    differing: tuple[Action, ...]
    """What would change live into what is desired, each with its origin."""
    withheld: tuple[Action, ...]
    """Removals that are not planned while something is not known, each with its origin."""
    attribution: Attribution
    """Who changed what differs; empty unless the log was asked."""


def make_plan(request: PlanRequest, reader: Reader) -> Planned:
    """Compare the policies with the live deployment.

    Raises PolicyError when the policy cannot be read as a whole, ReconcilerError when nothing is in scope, ServerError
    when Coder cannot be read at all.
    """
    compared = _compare(request, reader)
    request, found, snapshot, difference = compared.request, compared.found, compared.snapshot, compared.difference
    resolution, at = found.resolution, request.moment.at
    proposal = _proposal(compared)
    review = review_proposal(proposal, reader, grants=request.grants)
    orphans, attribution = _orphans(compared, proposal, reader)
    notices = (
        *amount_notices(review.actions, review.effects, at=at),  # first: of many notices a text shows ten
        *review.effects.notices,
        *_notices(request, found, proposal, orphans, reader=reader),
    )
    plan = Plan(
        deployment=snapshot.deployment,
        at=at,
        actions=review.actions,
        unchanged=difference.unchanged,
        unreadable=difference.unreadable,
        withheld=compared.withheld,
        orphans=orphans,
        held_back=review.held_back,
        unresolved=difference.unresolved,
        effects=replace(review.effects, notices=notices),
        verdict=review.verdict,
        sources=request.sources,
        not_read=request.not_read,
        has_base=found.base is not None,
        is_for_now=request.moment.is_for_now,
        covers=_coverage(request),
        left_alone=tuple(passed_over(compared.differing, resolution.desired, at=at)) if request.only_due else (),
    )
    return Planned(
        plan=plan,
        unmatched=resolution.selection.unmatched,
        attribution=attribution,
        policies=resolution.policies,
        scope=request.scope,
        impossible=(*difference.impossible, *of_lost_groups(resolution, snapshot)),
    )


def _compare(request: PlanRequest, reader: Reader) -> _Compared:
    """Read who exists and what is live, look the policies up, and find what differs and why. Raises as `make_plan`."""
    # First: it shares its round with what the server offers.
    directory = reader.directory(people_of=wants_everybody(request.policies, request.scope))
    request = replace(request, moment=request.moment.beside(reader.server_ahead_s))
    found = look_up(
        request.policies,
        directory,
        reader,
        moment=request.moment,
        scope=request.scope,
        base=request.base,
        journals=request.journals,
    )
    snapshot = take_snapshot(found.resolution.desired, found.directory, reader)
    difference = diff(found.resolution.desired, snapshot, is_whole=not request.not_read)
    withheld = () if request.only_due else difference.withheld
    attribution = _attribution(request, (*difference.actions, *withheld), reader)
    explained = _explained(found, attribution, at=request.moment.at)
    return _Compared(
        request=request,
        found=found,
        snapshot=snapshot,
        difference=difference,
        differing=tuple(map(explained, difference.actions)),
        withheld=tuple(map(explained, withheld)),
        attribution=attribution,
    )


def _attribution(request: PlanRequest, actions: Sequence[Action], reader: Reader) -> Attribution:
    """Return who changed what differs; nothing where the request does not ask for it."""
    if not request.asks_log:
        return Attribution()
    from reconciler.operations.attribution import find_last_changes

    return find_last_changes(actions, reader, now=request.moment.now, journaled=request.journaled)


def _explained(found: LookedUp, attribution: Attribution, *, at: datetime) -> Callable[[Action], Action]:
    """Return what gives an action its origin."""
    changes = {last.address: last for last in attribution.changes}
    evidence = Evidence(at=at, base=found.base.desired if found.base else None, changes=changes)
    return partial(with_origin, desired=found.resolution.desired, directory=found.directory, evidence=evidence)


def _orphans(compared: _Compared, proposal: Proposal, reader: Reader) -> tuple[tuple[Orphan, ...], Attribution]:
    """Return the entries that cannot be applied, and the attribution with what the log was not asked about them."""
    request, found, attribution = compared.request, compared.found, compared.attribution
    resolution, whole = found.resolution, request.subjects is None
    lost = find_suspicions(resolution, compared.snapshot, proposal.actions, reader) if whole else ()
    orphans = last_orphans((*resolution.orphans, *compared.difference.orphans, *lost), found.base)
    if not request.asks_log or attribution.reason:
        return orphans, attribution
    from reconciler.operations.authors import with_authors

    told, not_asked, reason = with_authors(orphans, resolution, found.directory, reader, now=request.moment.now)
    return told, replace(attribution, not_asked=attribution.not_asked + not_asked, reason=reason)


def _chosen(request: PlanRequest, actions: Iterable[Action]) -> list[Action]:
    """Keep the actions that the request asks for: of its subjects, and those that a date asks for."""
    return [
        action
        for action in actions
        if (request.subjects is None or action.subject.id in request.subjects)
        and (not request.only_due or action.origin is Origin.DUE)
    ]


def _proposal(compared: _Compared) -> Proposal:
    request, found = compared.request, compared.found
    return Proposal(
        actions=in_order(_chosen(request, compared.differing)),
        snapshot=compared.snapshot,
        policies=found.resolution.policies,
        desired=found.resolution.desired,
        moment=request.moment,
        base=entries_of(found.base.policies) if found.base else None,
        is_whole=not request.not_read,
    )


def _taken_out(request: PlanRequest, found: LookedUp, reader: Reader) -> Iterator[Notice]:
    """Yield what stays of what this change takes out or puts off; nothing where a file was not read: it may list it."""
    if found.base is None or request.not_read:
        return
    resolution = found.resolution
    rows = taken_out(found.base.desired, resolution.desired, entries_of(resolution.policies))
    delayed = put_off(found.base.desired, resolution.later)
    if rows or delayed:
        subjects = [*(row.subject for row in rows), *(row.later.subject for row in delayed)]
        groups = [subject for subject in subjects if isinstance(subject, Group)]
        users = [subject for subject in subjects if isinstance(subject, User)]
        snapshot = read_live(groups, users, found.directory, reader=reader)
        yield from taken_out_notices(rows, snapshot, at=request.moment.at)
        yield from put_off_notices(delayed, snapshot, at=request.moment.at)


def _coverage(request: PlanRequest) -> Coverage:
    if request.only_due:
        return Coverage.DUE
    return Coverage.POLICY if request.scope.is_everything else Coverage.PART


def _notices(
    request: PlanRequest,
    found: LookedUp,
    proposal: Proposal,
    orphans: Iterable[Orphan],
    *,
    reader: Reader,
) -> Iterator[Notice]:
    yield from left_out_notices(
        found.resolution,
        proposal.snapshot,
        base=found.base,
        at=proposal.moment.at,
        planned={action.address for action in proposal.actions},
        orphans=orphans,
    )
    yield from _taken_out(request, found, reader)
    records = records_of_new(proposal.actions, proposal.desired, reader, request.journals)
    yield from namesake_notices(proposal.actions, proposal.desired, records, at=proposal.moment.at)
