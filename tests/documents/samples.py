"""Values of every document, for tests that walk the tables of documents and formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from reconciler.core.action import Action
from reconciler.core.attribution import Attribution, LastChange
from reconciler.core.audit import AuditEntry
from reconciler.core.budget import Budget, GroupId, Unknown, UserId
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.gate import judge
from reconciler.core.gate.validation import Validation
from reconciler.core.gate.verdict import Grant
from reconciler.core.people.assess import SpendAnswers, assess
from reconciler.core.plan.acceptance import Acceptance, Taking
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import ActionOutcome, Ended, Ending, Result
from reconciler.core.plan.plan import Plan, Unreadable
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.policy import GuardrailName, SourceFile
from reconciler.errors import Failure, Finding, Place
from reconciler.formats.documents import Value
from reconciler.money import Micros
from reconciler.render.formats import Facts
from tests.effects.dangers import dangers_to_people
from tests.effects.worlds import NOW, World, group_of, ref, set_group, set_user, usd

FACTS = Facts(command="plan", exit_code=0, at=NOW, cost="Read 27 requests in 0.9 s.")
NASTY = "`|*_<b>&\"'@ana #1 [x](https://evil.example) www.evil.example \\ \x1b[31m \u202e =1+1"
PLACE = Place("policies/we ird`|[x](y).yaml", 7, 3)


def plan_of(world: World, actions: tuple[Action, ...], spend: SpendAnswers, grants: tuple[Grant, ...] = ()) -> Plan:
    """A plan as `plan` would make it, without a policy."""
    snapshot = world.snapshot()
    effects = assess(actions, snapshot, organizations=sorted(snapshot.directory.organizations)).effects(spend)
    return Plan(
        deployment=snapshot.deployment,
        at=NOW,
        actions=actions,
        unchanged=0,
        unreadable=(),
        withheld=(),
        effects=effects,
        verdict=judge(dangers_to_people(effects), grants=grants),
    )


def world() -> World:
    return World(
        {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "bob"], "acme/ops": ["eve"]},
        {"acme": 50, "acme/eng": 200, "acme/ops": 75},
        {"eve": (500, "acme/ops")},
    )


def plan() -> Plan:
    """Updates, a create and a delete; a refusal; a broken guardrail; a nasty reason."""
    company = world()
    actions = (
        replace(set_group(company, "acme/eng", 100), reason=NASTY, place=PLACE),
        replace(set_user(company, "ana", (300, "acme/eng")), expires=NOW + timedelta(days=3), place=PLACE),
        replace(set_user(company, "eve", None), reason="left the project"),
    )
    spend = {GroupId("acme/eng"): {UserId("ana"): Micros(10_500_000), UserId("bob"): Micros(150_000_001)}}
    made = plan_of(company, actions, spend)
    breach = Breach(
        address=NASTY,
        guardrail=GuardrailName.MAX_LIMIT,
        place=PLACE,
        message=NASTY,
        guardrail_place=PLACE,
        hint="lower the limit",
    )
    return replace(
        made,
        verdict=replace(made.verdict, breaches=(breach,)),
        unreadable=(Unreadable(subject=company.snapshot().directory.users[UserId("bob")], reading=Unknown(NASTY)),),
        sources=(SourceFile(path=PLACE.file, sha256="0" * 64),),
    )


@cache
def large_plan(changes: int, *, people: int, files: int = 40) -> Plan:
    """A company in which many groups and people change."""
    groups = {f"acme/g{i:04}": [f"person.{j:05}" for j in range(i, people, changes)] for i in range(changes)}
    everybody = [f"person.{j:05}" for j in range(people)]
    company = World({"acme": everybody, **groups}, dict.fromkeys(groups, 200))
    actions = tuple(
        Action(
            subject=group_of(group),
            before=Budget(usd(200), ref(group)),
            after=Budget(usd(150 if i % 3 else 320), ref(group)),
            reason=f"team budget of the year, request FIN-{i}",
            place=Place(f"policies/teams/team-{i % files:03}.yaml", 4 + i // files, 5),
        )
        for i, group in enumerate(groups)
    )
    spend = {
        GroupId(group): {UserId(name): Micros(10_000 * (int(name[-5:]) ** 2 * 97 % 17_000)) for name in members}
        for group, members in groups.items()
    }
    return plan_of(company, actions, spend)


def outcome() -> OutcomeReport:
    actions = plan().actions
    rows = zip(actions, (Result.DONE, Result.FAILED, Result.NOT_ATTEMPTED), strict=True)
    return OutcomeReport(
        exit_code=4,
        deployment=plan().deployment,
        digest="0" * 64,
        run="run-1",
        tool="reconciler/0",
        who="ci@host",
        at=NOW,
        revision="",
        consents=("BLOCKS_USERS=2",),
        unreadable=(),
        left_out=(NASTY,),
        held_back=(NASTY,),
        journal=".reconciler/run-1.jsonl",
        results=tuple(ActionOutcome(action=action, result=result, detail=NASTY) for action, result in rows),
        ended=Ended(not_verified=0, ending=Ending.STOPPED, why=NASTY, is_verified=True, differences=(), at=NOW),
    )


def values() -> Mapping[str, Value]:
    """One value of every kind but explanations, which tests/effects/test_explain.py makes."""
    made = plan()
    entry = AuditEntry(at=datetime(2026, 11, 20, 14, 2, tzinfo=UTC), by=NASTY, action="write", user_agent=NASTY)
    last = LastChange(address=made.actions[0].address, change=entry)
    finding = Finding(place=PLACE, message=NASTY, hint="did you mean 'platform'?", source_line=f"::warning::{NASTY}")
    keep = Acceptance(
        address=NASTY, taking=Taking.CHANGE, file=PLACE.file, place=PLACE, lines=(f"limit: {NASTY}", "reason: why")
    )
    return {
        "plan": made,
        "drift": Drift(plan=made, last_changes=Attribution(changes=(last,)), acceptances=(keep,)),
        "outcome": outcome(),
        "validation": Validation(
            exit_code=0,
            files=made.sources,
            organizations=("acme",),
            group_budgets=2,
            user_overrides=1,
            breaches=made.verdict.breaches,
            not_read=(),
        ),
        "error": Failure(exit_code=1, message="The policy has 1 problem.", hint="", details=(), findings=(finding,)),
    }
