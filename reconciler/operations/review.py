"""Find out what a plan does to people and money: read what core/people/needs.py names, and nothing that it does not.

Only GET requests are sent. On a server with bulk reads that is a request per 100 groups of an organization, one per
100 people whose override is not known yet, and one per 100 people and effective group for spend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.action import Action, organization_of
from reconciler.core.budget import Budget, OrganizationId
from reconciler.core.desired import Desired, ResolvedPolicy
from reconciler.core.gate.gate import count_managed, emptied_sections, grants_of, judge
from reconciler.core.gate.guardrails import Blame, check_actions, check_guardrails, limits_exposure
from reconciler.core.gate.hazards import Grounds, count_dangers
from reconciler.core.gate.verdict import Grant, Verdict
from reconciler.core.moment import Moment
from reconciler.core.people.assess import assess
from reconciler.core.people.effects import Effects
from reconciler.core.people.needs import needs, touched
from reconciler.core.plan.due import due_refusals
from reconciler.core.plan.notices import notices
from reconciler.core.plan.plan import HeldBack
from reconciler.core.policy import Entry
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass
from reconciler.operations.ports import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Actions, the live state that they were planned from, and the policy that wants them."""

    actions: tuple[Action, ...]
    snapshot: Snapshot
    policies: tuple[ResolvedPolicy, ...]
    """Empty for a revert: nothing is desired then."""
    desired: Desired
    moment: Moment
    base: Mapping[str, Entry] | None = None
    """The entries of the policy before, by address; None if it is not known."""
    is_whole: bool = True
    """Whether every file that looks like a policy was read."""
    bounds: tuple[ResolvedPolicy, ...] = ()
    """For a revert, the policies whose guardrails are asked, as warnings."""

    @property
    def organizations(self) -> tuple[OrganizationId, ...]:
        """Of the policies, sorted."""
        return tuple(sorted(policy.organization.id for policy in (*self.policies, *self.bounds)))

    @property
    def managed(self) -> Mapping[str | None, int]:
        """Live budgets that are managed, counted per organization (None: unknown); a revert manages what it changes."""
        if self.policies:
            return count_managed(self.desired, self.snapshot)
        directory = self.snapshot.directory
        existing = (action for action in self.actions if isinstance(action.before, Budget))
        return Counter(organization_of(action, directory) for action in existing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What became of a proposal at the gate."""

    actions: tuple[Action, ...]
    """Those of the proposal that are not held back, in its order."""
    held_back: tuple[HeldBack, ...]
    effects: Effects
    verdict: Verdict


def review_proposal(proposal: Proposal, reader: Reader, *, grants: Sequence[Grant] = ()) -> Review:
    """Find effects and verdict; hold back the due actions that a refusal is about, and review the rest again.

    Every round holds something back, so the rounds end.
    """
    held_back: list[HeldBack] = []
    while True:
        effects = find_effects(proposal, reader)
        grounds = _grounds(proposal, effects)
        verdict = _verdict_on(grounds, proposal, grants=grants)
        refused = due_refusals(grounds, verdict)
        if not refused:
            return Review(
                actions=proposal.actions,
                held_back=tuple(sorted(held_back, key=lambda held: held.action.address)),
                effects=effects,
                verdict=verdict,
            )
        held_back += refused
        left_out = {held.action.address for held in refused}
        actions = tuple(action for action in proposal.actions if action.address not in left_out)
        proposal = replace(proposal, actions=actions)


def find_effects(proposal: Proposal, reader: Reader) -> Effects:
    """Read what is missing and compute the effects. Raises ServerError when Coder cannot be read at all."""
    organizations = proposal.organizations
    snapshot = _complete(proposal, organizations, reader)
    assessment = assess(proposal.actions, snapshot, organizations=organizations)
    planned = {action.address for action in proposal.actions}
    announced = notices(
        proposal.desired,
        snapshot.directory,
        assessment.after,
        at=proposal.moment.at,
        planned=planned,
        overrides=snapshot.user_overrides,
    )
    return assessment.effects(reader.spend(assessment.spend_questions()), notices=announced)


def find_verdict(proposal: Proposal, effects: Effects, *, grants: Sequence[Grant] = ()) -> Verdict:
    """Ask the gate; `grants` are those of `--allow`, the policies' own are added."""
    return _verdict_on(_grounds(proposal, effects), proposal, grants=grants)


def _verdict_on(grounds: Grounds, proposal: Proposal, *, grants: Sequence[Grant]) -> Verdict:
    blame = Blame(actions={action.address: action for action in proposal.actions}, base=proposal.base)
    return judge(
        count_dangers(grounds),
        grants=(*grants, *grants_of(proposal.policies, now=proposal.moment.latest)),
        breaches=(
            *check_guardrails(proposal.policies, grounds.effects, now=proposal.moment.now, blame=blame),
            *check_actions(proposal.bounds, proposal.actions, grounds.effects, now=proposal.moment.now),
        ),
    )


def _grounds(proposal: Proposal, effects: Effects) -> Grounds:
    directory = proposal.snapshot.directory
    return Grounds(
        effects=effects,
        actions=proposal.actions,
        directory=directory,
        offers_spend=proposal.snapshot.deployment.offers.bulk_reads,
        managed=proposal.managed,
        emptied=emptied_sections(proposal.policies, proposal.actions, directory),
        is_whole=proposal.is_whole,
    )


def _complete(proposal: Proposal, organizations: Sequence[OrganizationId], reader: Reader) -> Snapshot:
    """Read the budgets and overrides that the effects depend on in addition."""
    snapshot = proposal.snapshot
    spenders = touched(proposal.actions, snapshot.directory)
    if elsewhere := reader.elsewhere(spenders):
        snapshot = replace(snapshot, directory=replace(snapshot.directory, elsewhere=elsewhere))
    everybody_in = organizations if limits_exposure((*proposal.policies, *proposal.bounds)) else ()
    missing = needs(proposal.actions, snapshot, everybody_in=everybody_in)
    if not missing.groups and not missing.users:
        return snapshot
    group_budgets, people = reader.live(missing.groups, missing.users, snapshot.directory, spenders=spenders)
    return replace(
        snapshot,
        group_budgets={**snapshot.group_budgets, **group_budgets},
        user_overrides={**snapshot.user_overrides, **people.overrides},
        reported={**snapshot.reported, **people.reported},
    )
