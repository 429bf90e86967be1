"""Effects found through the real client, against what the sandbox's own SQL says after the writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.core.action import Origin
from reconciler.core.budget import ABSENT, Budget, GroupId
from reconciler.core.desired import Desired, Listed
from reconciler.core.gate.gate import parse_allow
from reconciler.core.gate.verdict import FlagGrant
from reconciler.core.moment import Moment, present
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.people.agreement import UNCONFIRMED, UNSEEN
from reconciler.core.people.effects import Effects
from reconciler.core.plan.diff import diff
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import Consent, GroupBudgetEntry, Guardrail, GuardrailName, Hazard, Manage, Policy
from reconciler.core.policy import UserOverrideEntry as Override
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.errors import Place
from reconciler.money import Micros
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.operations.ports import Reader
from reconciler.operations.reading import take_snapshot
from reconciler.operations.review import Proposal, find_effects, find_verdict
from reconciler.operations.saved import renew_saved
from reconciler.sandbox import Fault, Sandbox
from tests.coder.helpers import asked, sandbox_and_reader
from tests.effects.worlds import NOW, usd

HERE = Place("policies/acme.yaml", 7, 5)
NOTICE = Notice(kind=NoticeKind.REMOVABLE, address="user/gone", place=HERE, text="they are gone", at=NOW)


def policy(
    groups: dict[str, int | None],
    users: dict[str, tuple[int | None, str]] | None = None,
    *,
    guardrails: tuple[Guardrail, ...] = (),
    allow: tuple[Consent, ...] = (),
    budgets: Manage = Manage.LISTED,
) -> Policy:
    """A policy of acme; dollars, None for `limit: none`."""
    return Policy(
        organization="acme",
        place=HERE,
        group_budgets_managed=budgets,
        user_overrides_managed=Manage.LISTED,
        group_budgets=tuple(
            GroupBudgetEntry(group=name, limit=_limit(dollars), reason="", place=HERE)
            for name, dollars in groups.items()
        ),
        user_overrides=tuple(
            Override(user=u, group=g, limit=_limit(dollars), reason="", starts=None, expires=None, place=HERE)
            for u, (dollars, g) in (users or {}).items()
        ),
        guardrails=guardrails,
        allow=allow,
    )


def _limit(dollars: int | None) -> Micros:
    return usd(dollars) if dollars is not None else ABSENT  # type: ignore[return-value]


def propose(wanted: Policy, reader: Reader) -> Proposal:
    directory = reader.directory()
    resolution = resolve((wanted,), directory, at=NOW)
    assert not resolution.findings
    snapshot = take_snapshot(resolution.desired, directory, reader)
    return Proposal(
        actions=diff(resolution.desired, snapshot).actions,
        snapshot=snapshot,
        policies=resolution.policies,
        desired=resolution.desired,
        moment=present(NOW),
    )


def write(proposal: Proposal, sandbox: Sandbox) -> None:
    """Make it so in the database, in no good order."""
    for action in proposal.actions:
        table, key = (
            ("group_ai_budgets", "group_id")
            if action.address.startswith("group/")
            else (
                "user_ai_budget_overrides",
                "user_id",
            )
        )
        sandbox.execute(f"DELETE FROM {table} WHERE {key} = ?", (action.subject.id,))
        if isinstance(action.after, Budget):
            values = {key: action.subject.id, "group_id": action.after.group.id}
            columns = ", ".join(values)
            marks = ", ".join("?" * len(values))
            sandbox.execute(
                f"INSERT INTO {table} ({columns}, spend_limit_micros, created_at, updated_at) "
                f"VALUES ({marks}, ?, 'x', 'x')",
                (*values.values(), action.after.limit_micros),
            )


def rows(effects: Effects, *, after: bool) -> dict[str, tuple[int | None, str]]:
    sides = {one.username: one.after if after else one.before for one in effects.people}
    return {name: (_amount(side), side.group.id) for name, side in sides.items()}


def _amount(side: Effective) -> int | None:
    return None if isinstance(side.limit_micros, Unlimited) else side.limit_micros


def by_sandbox(sandbox: Sandbox) -> dict[str, tuple[int | None, str | None]]:
    return {name: (limit, group) for _, name, limit, _, group in sandbox.effective()}


WANTED = policy(
    {"Everyone": 500, "platform": 40, "data": None, "design": 0, "support": 10},
    {"ana": (None, "platform"), "zoe": (700, "contractors"), "victor": (1, "support")},
)


@pytest.mark.parametrize("version", ["2026-05-29", "2.35", "2.36", "2.37"])
def test_effects_are_those_that_the_sandbox_has_after_the_writes(version: str) -> None:
    """Law 8, through the real client and every generation."""
    with sandbox_and_reader(version) as (sandbox, reader):
        before = by_sandbox(sandbox)
        proposal = propose(WANTED, reader)
        effects = find_effects(proposal, reader)
        write(proposal, sandbox)
        after = by_sandbox(sandbox)
    assert effects.disagreements == ()
    assert effects.unclear == ()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {one.username for one in effects.people}
    assert rows(effects, after=False) == {one.username: before[one.username] for one in effects.people}
    assert rows(effects, after=True) == {one.username: after[one.username] for one in effects.people}
    assert bool(effects.checked) == (version in ("2.36", "2.37"))
    assert bool(effects.unknown) == (version not in ("2.36", "2.37"))


def test_spend_is_read_beside_what_else_is_missing_and_on_the_group_that_will_count() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        proposal = propose(policy({"platform": 60}, {"bob": (100, "platform")}), reader)
        sandbox.forget_requests()
        effects = find_effects(proposal, reader)
        calls = asked(sandbox)
    assert [one.username for one in effects.blocked] == ["bob", "carol"]
    assert effects.blocked[0].spend_after_micros == 212_100_000
    assert calls == {
        "GET /api/v2/groups/*/members/ai/spend": 4,  # platform's people, also by labs; their other groups
        "GET /api/v2/organizations/*/groups/ai/spend": 2,  # the other budgets of acme, and labs
    }


@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
def test_nothing_is_claimed_of_people_whom_another_organization_may_limit(version: str) -> None:
    """rosa and felix have $1,000 in labs, which an admin of acme may not read."""
    with sandbox_and_reader(version, role="organization-admin") as (_, reader):
        proposal = propose(policy({"research": 700}), reader)
        effects = find_effects(proposal, reader)
    unclear = {one.username: one.reason for one in effects.unclear}
    assert unclear == dict.fromkeys(("felix", "rosa"), UNCONFIRMED)
    assert {one.username for one in effects.people} == {"quinn"}
    assert UNSEEN in effects.unknown


@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
def test_of_whom_another_organization_may_limit_an_override_is_known_to_win(version: str) -> None:
    """The group's $0 cannot block felix, whose override says $100; rosa it can."""
    with sandbox_and_reader(version, role="organization-admin") as (_, reader):
        proposal = propose(policy({"research": 0}, {"felix": (100, "research")}), reader)
        effects = find_effects(proposal, reader)
    assert {row.username: row.may_become_blocked for row in effects.unclear} == {"felix": False, "rosa": True}


def test_nothing_is_read_for_a_plan_without_changes_unless_its_exposure_is_bounded() -> None:
    bound = (Guardrail(name=GuardrailName.MAX_EXPOSURE, value=1, place=HERE),)
    with sandbox_and_reader() as (sandbox, reader):
        quiet = propose(policy({"platform": 500}), reader)
        sandbox.forget_requests()
        assert find_effects(quiet, reader).people == ()
        assert asked(sandbox) == {}
        bounded = propose(policy({"platform": 500}, guardrails=bound), reader)
        effects = find_effects(bounded, reader)
        limits = {id_: limit for id_, _, limit, _, _ in sandbox.effective()}
        members = sandbox.execute(
            "SELECT user_id FROM organization_members m JOIN organizations o ON o.id = m.organization_id "
            "JOIN users u ON u.id = m.user_id WHERE o.name = 'acme' AND NOT u.is_system"
        )
    assert effects.exposure.after_micros == sum(limits[id_] or 0 for (id_,) in members)
    assert effects.exposure.people == len(members)
    assert len(find_verdict(bounded, effects).breaches) == 1


def test_the_gate_hears_consent_of_the_command_and_of_the_policy() -> None:
    allow = (Consent(hazard=Hazard.BLOCKS_USERS, up_to=3, reason="they left", expires=None, place=HERE),)
    with sandbox_and_reader() as (_, reader):
        proposal = propose(policy({"design": 0, "Everyone": None}, allow=allow), reader)
        effects = find_effects(proposal, reader)
    verdict = find_verdict(proposal, effects)
    assert [refusal.message.split(":")[0] for refusal in verdict.refusals] == ["REMOVES_LIMIT"]
    grant = FlagGrant(hazard=Hazard.REMOVES_LIMIT, up_to=verdict.dangers[0].count)
    assert not find_verdict(proposal, effects, grants=(grant,)).is_refused


def test_consents_and_days_of_overrides_are_of_the_clock_and_not_of_the_instant_that_is_planned_for() -> None:
    ends = NOW + timedelta(days=1)
    allow = (Consent(hazard=Hazard.BLOCKS_USERS, up_to=9, reason="they left", expires=ends, place=HERE),)
    days = Guardrail(name=GuardrailName.MAX_OVERRIDE_DAYS, value=30, place=HERE)
    with sandbox_and_reader() as (_, reader):
        proposal = propose(policy({"platform": 60}, allow=allow, guardrails=(days,)), reader)
        effects = find_effects(proposal, reader)
    override = Override(
        user="ana", group="platform", limit=usd(5), reason="", starts=None, expires=NOW + timedelta(days=40), place=HERE
    )
    (wanted,) = proposal.policies
    listed = Listed(entry=override, organization="acme", subject=None)
    moment = Moment(at=NOW + timedelta(days=20), now=NOW)
    shifted = replace(proposal, moment=moment, policies=(replace(wanted, listed=(listed,)),))
    (breach,) = find_verdict(shifted, effects).breaches
    assert breach.message == "the override of ana lasts 40 more days; max_override_days allows 30"
    assert breach.is_standing, "no action of this plan touches ana"
    late = replace(proposal, moment=Moment(at=NOW - timedelta(days=20), now=ends))
    assert [refusal.message.split(":")[0] for refusal in find_verdict(late, effects).refusals] == ["BLOCKS_USERS"]


def test_a_saved_plan_has_the_consents_of_its_policy_that_have_not_ended_and_none_of_its_own() -> None:
    ends = NOW + timedelta(days=1)
    allow = (Consent(hazard=Hazard.BLOCKS_USERS, up_to=9, reason="they left", expires=ends, place=HERE),)
    with sandbox_and_reader() as (_, reader):
        request = PlanRequest(policies=(policy({"platform": 60}, allow=allow),), sources=(), moment=present(NOW))
        saved = make_plan(request, reader).plan
        assert not saved.verdict.is_refused
        for now, given, grants, is_refused in (
            (NOW, request, (), False),
            (ends, request, (), True),
            (NOW, None, (), True),
            (NOW, None, (parse_allow("BLOCKS_USERS=9"),), False),
        ):
            again = renew_saved(saved, reader, request=given, grants=grants, now=now)
            assert again.verdict.is_refused == is_refused, (now, given, grants)
            assert again.digest == saved.digest
            assert again.effects.people == saved.effects.people
        forged = replace(saved, effects=replace(saved.effects, people=(), notices=(NOTICE,)))
        elsewhere = replace(saved.deployment, url="https://elsewhere.example")
        due = tuple(replace(action, origin=Origin.DUE) for action in saved.actions)
        forged = replace(forged, deployment=elsewhere, actions=due, has_base=True)
        for given, notices in ((request, ()), (None, (NOTICE,))):
            again = renew_saved(forged, reader, request=given, now=NOW)
            assert (again.deployment, again.actions, again.has_base) == (saved.deployment, saved.actions, False)
            assert (again.effects.people, again.effects.notices) == (saved.effects.people, notices)


def test_an_emptied_section_is_a_mass_change() -> None:
    with sandbox_and_reader() as (_, reader):
        proposal = propose(policy({}, budgets=Manage.EXACT), reader)
        verdict = find_verdict(proposal, find_effects(proposal, reader))
    hazards = [danger.hazard for danger in verdict.dangers]
    assert hazards == [Hazard.REMOVES_LIMIT, Hazard.MASS_CHANGE]
    assert proposal.managed == {"acme": len(proposal.actions)}


def test_a_revert_manages_what_it_changes() -> None:
    with sandbox_and_reader() as (_, reader):
        proposal = propose(policy({"platform": None, "support": 5}), reader)
    revert = replace(
        proposal, policies=(), desired=Desired(groups={}, users={}, exact_groups=frozenset(), exact_users=frozenset())
    )
    assert (revert.managed, revert.organizations) == ({"acme": 1}, ())
    assert GroupId("x") not in proposal.snapshot.group_budgets


@pytest.mark.parametrize(("version", "perhaps"), [("2.35", ()), ("2.37", ("carol", "dan", "frank"))])
def test_spend_that_cannot_be_read_does_not_switch_the_danger_off(version: str, perhaps: tuple[str, ...]) -> None:
    """Only where a server has no spend at all, whose it is does not count."""
    with sandbox_and_reader(version) as (sandbox, reader):
        proposal = propose(policy({"platform": 60}), reader)
        group = proposal.actions[0].subject.id
        sandbox.fault(Fault("status", method="GET", path=f"*/groups/{group}/members/ai/spend", times=20, status=500))
        sandbox.fault(Fault("status", method="GET", path="*/ai/spend/export", times=20, status=403))
        verdict = find_verdict(proposal, find_effects(proposal, reader))
    assert tuple(name for danger in verdict.dangers for name in danger.uncertain)[:3] == perhaps
    assert verdict.is_refused == bool(perhaps)
