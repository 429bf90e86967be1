"""Laws 1, 3, 4 and 7 of docs/design: a plan of what is, is empty; restraint; determinism; round trips.

Law 2 (convergence) and law 6 (truth) drive the executor in tests/apply, law 5 is test_order.py, law 8 test_model.py,
law 9 tests/effects.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.action import Action, Cause, Kind
from reconciler.core.budget import ABSENT, Absent, Budget, GroupRef, Unknown
from reconciler.core.directory import Directory, Group, User
from reconciler.core.plan.outcome import Ended, Ending, Event, Intent, Recorded, Result, Started
from reconciler.core.plan.plan import Plan, digest
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import GroupBudgetEntry, Manage, NotRead, Policy, SourceFile, UserOverrideEntry
from reconciler.core.scope import Scope
from reconciler.core.snapshot import Snapshot
from reconciler.errors import Place, ReconcilerError
from reconciler.formats.journal import dump_event, load_events
from reconciler.formats.plan import dump_plan, load_plan
from reconciler.money import MAX_LIMIT, Micros, format_usd, format_usd_short, parse_usd
from tests.effects.worlds import NOW, World, plans
from tests.property.strategies import plan_of, situations

some = settings(max_examples=60)
Situation = tuple[World, Snapshot, tuple[Policy, ...]]


def planned(situation: Situation, **options: Any) -> Plan:
    """Make the plan; a policy that lists somebody twice is refused, and no example, nor is a scope without anything."""
    _, snapshot, policies = situation
    try:
        return plan_of(policies, snapshot, **options)
    except ReconcilerError:
        assume(False)
        raise


def exact_policy(snapshot: Snapshot, organization: str) -> Policy:
    """What is live in an organization, as a policy that owns all of it."""
    directory = snapshot.directory
    budgets = [(directory.groups[key], one) for key, one in sorted(snapshot.group_budgets.items())]
    overrides = [(directory.users[key], one) for key, one in sorted(snapshot.user_overrides.items())]
    nowhere = Place("live", 1, 1)
    return Policy(
        organization=organization,
        place=nowhere,
        group_budgets_managed=Manage.EXACT,
        user_overrides_managed=Manage.EXACT,
        group_budgets=tuple(
            GroupBudgetEntry(group=group.name, limit=one.limit_micros, reason="", place=nowhere)
            for group, one in budgets
            if isinstance(one, Budget) and group.organization == organization
        ),
        user_overrides=tuple(
            UserOverrideEntry(
                user=user.username,
                group=directory.groups[one.group.id].name,
                limit=one.limit_micros,
                reason="",
                starts=None,
                expires=None,
                place=nowhere,
            )
            for user, one in overrides
            if isinstance(one, Budget) and directory.groups[one.group.id].organization == organization
        ),
        guardrails=(),
        allow=(),
    )


@given(situations())
@some
def test_law_1_a_plan_of_a_state_against_itself_is_empty(situation: Situation) -> None:
    world, snapshot, _ = situation
    organizations = sorted(name for name in world.members if "/" not in name)
    plan = plan_of([exact_policy(snapshot, name) for name in organizations], snapshot)
    live = [*snapshot.group_budgets.values(), *snapshot.user_overrides.values()]
    assert plan.actions == ()
    assert plan.unchanged == sum(isinstance(one, Budget) for one in live)


@given(situations(unreadable=True))
@some
def test_law_3_nothing_outside_the_managed_scope_is_planned(situation: Situation) -> None:
    _, snapshot, policies = situation
    plan = planned(situation)
    listed = {f"group/{one.organization}/{entry.group}" for one in policies for entry in one.group_budgets}
    listed |= {f"user/{entry.user}" for one in policies for entry in one.user_overrides}
    exact_groups = {one.organization for one in policies if one.group_budgets_managed is Manage.EXACT}
    exact_users = {one.organization for one in policies if one.user_overrides_managed is Manage.EXACT}
    for action in (*plan.actions, *plan.withheld):
        if action.address in listed:
            continue
        assert Kind.DELETE is action.kind, "only a removal may concern what is not listed"
        assert isinstance(action.before, Budget)
        owner = snapshot.directory.groups[action.before.group.id].organization
        assert owner in (exact_groups if isinstance(action.subject, Group) else exact_users)


@given(situations(unreadable=True))
@some
def test_law_3_from_a_partial_read_no_removal_and_nothing_unknown_is_planned(situation: Situation) -> None:
    _, snapshot, _ = situation
    plan = planned(situation)
    if plan.unreadable:
        assert Kind.DELETE not in {action.kind for action in plan.actions}
    assert all(not isinstance(snapshot.reading(action.subject), Unknown) for action in plan.actions)
    assert {Kind.DELETE} >= {action.kind for action in plan.withheld}


@given(situations())
@some
def test_law_3_while_a_file_was_not_read_nothing_is_removed_for_not_being_listed(situation: Situation) -> None:
    whole, part = planned(situation), planned(situation, not_read=(NotRead(path="x.yaml", reason="hidden"),))
    unlisted = {action for action in whole.actions if action.cause is Cause.NOT_LISTED}
    assert {*part.withheld} == unlisted
    assert {*part.actions} == {*whole.actions} - unlisted


@given(situations(unreadable=True), st.sampled_from(["group/acme/*", "user/*", "group/*", "user/ana"]))
@some
def test_law_3_what_is_left_out_is_not_planned(situation: Situation, glob: str) -> None:
    plan = planned(situation, scope=Scope(only=(glob,)))
    addresses = {one.address for one in (*plan.actions, *plan.withheld)}
    addresses |= {one.subject.address for one in plan.unreadable}
    assert all(fnmatchcase(address, glob) for address in addresses)


@given(situations(unreadable=True), st.randoms(use_true_random=False))
@some
def test_law_4_the_order_of_files_pages_and_mappings_changes_no_byte(
    situation: Situation, chance: random.Random
) -> None:
    world, snapshot, policies = situation
    shuffled = (world, _shuffled(snapshot, chance), tuple(_shuffled_policy(one, chance) for one in policies))
    mixed = chance.sample(shuffled[2], len(policies))
    assert dump_plan(planned(situation)) == dump_plan(planned((world, shuffled[1], tuple(mixed))))


def _mixed(mapping: Mapping[Any, Any], chance: random.Random) -> dict[Any, Any]:
    items = list(mapping.items())
    return dict(chance.sample(items, len(items)))


def _shuffled(snapshot: Snapshot, chance: random.Random) -> Snapshot:
    one = snapshot.directory
    directory = Directory(
        organizations=_mixed(one.organizations, chance),
        groups=_mixed(one.groups, chance),
        users=_mixed(one.users, chance),
        members={
            key: frozenset(chance.sample(sorted(ids), len(ids))) for key, ids in _mixed(one.members, chance).items()
        },
        hidden_members=_mixed(one.hidden_members, chance),
        joined=_mixed(one.joined, chance),
    )
    return replace(
        snapshot,
        directory=directory,
        group_budgets=_mixed(snapshot.group_budgets, chance),
        user_overrides=_mixed(snapshot.user_overrides, chance),
    )


def _shuffled_policy(policy: Policy, chance: random.Random) -> Policy:
    return replace(
        policy,
        group_budgets=tuple(chance.sample(policy.group_budgets, len(policy.group_budgets))),
        user_overrides=tuple(chance.sample(policy.user_overrides, len(policy.user_overrides))),
    )


amounts = st.integers(0, MAX_LIMIT) | st.integers(0, MAX_LIMIT // 1_000_000).map(lambda usd: usd * 1_000_000)


@given(amounts)
def test_law_7_money_there_and_back(micros: int) -> None:
    assert micros == parse_usd(format_usd(micros))
    assert micros == parse_usd(format_usd_short(micros))
    assert micros == parse_usd(format_usd(micros).removeprefix("$") + " USD")


@given(situations(unreadable=True))
@some
def test_law_7_a_saved_plan_is_the_plan(situation: Situation) -> None:
    plan = planned(situation)
    text = dump_plan(plan)
    assert plan == load_plan(text, source="saved.plan")
    assert text == dump_plan(load_plan(text, source="saved.plan"))


_times = st.datetimes(timezones=st.just(UTC))
_texts = st.text(max_size=8) | st.just("caf\udce9\u2028\n")


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event but the first."""
    number, text, at = draw(st.integers(0, 9)), draw(_texts), draw(_times)
    match draw(st.integers(0, 2)):
        case 0:
            return Intent(action=number, address=text, kind=draw(st.sampled_from(Kind)), at=at)
        case 1:
            return Recorded(action=number, address=text, result=draw(st.sampled_from(Result)), detail=text, at=at)
        case _:
            return Ended(
                ending=draw(st.sampled_from(Ending)),
                why=text,
                is_verified=draw(st.booleans()),
                differences=(text,),
                not_verified=number,
                at=at,
            )


@given(plans(), _texts, _times, st.lists(events(), max_size=3), st.integers(0, 40))
@some
def test_law_7_journal_events_there_and_back(
    drawn: tuple[World, tuple[Action, ...]], text: str, at: datetime, rest: list[Event], cut: int
) -> None:
    """Also of a journal whose last line was cut by a crash: then without that line."""
    world, actions = drawn
    files = (SourceFile(path=text, sha256=text),)
    deployment = world.snapshot().deployment
    run = (
        Started(
            run=text,
            tool=text,
            at=at,
            who=text,
            digest=text,
            deployment=deployment,
            actions=actions,
            sources=files,
            revision=text,
            consents=(text,),
        ),
        *rest,
    )
    whole = "".join(map(dump_event, run))
    broken = whole + dump_event(run[-1])[:-1][:cut]
    assert load_events(whole, source="journal") == load_events(broken, source="journal") == run


@given(plans(), st.data())
@some
def test_a_digest_is_of_what_would_be_written_and_nothing_else(
    drawn: tuple[World, tuple[Action, ...]], data: st.DataObject
) -> None:
    _, actions = drawn
    known = digest("d-1", actions)
    assert known == digest("d-1", data.draw(st.permutations(actions)))
    told = [replace(one, reason="another", expires=NOW, place=Place("x", 1, 1)) for one in actions]
    assert known == digest("d-1", told)
    assert known != digest("d-2", actions)
    if actions:
        position = data.draw(st.integers(0, len(actions) - 1))
        one = actions[position]
        assert known != digest("d-1", (*actions[:position], *actions[position + 1 :]))
        other = Budget(Micros(17), GroupRef(one.after.group.id)) if isinstance(one.after, Budget) else ABSENT
        changed = replace(one, after=other) if isinstance(one.after, Budget) else replace(one, before=_more(one))
        assert known != digest("d-1", (*actions[:position], changed, *actions[position + 1 :]))


def _more(action: Action) -> Budget:
    assert isinstance(action.before, Budget)
    return replace(action.before, limit_micros=Micros(action.before.limit_micros + 1))


@given(situations())
@some
def test_what_the_plan_wants_is_what_the_policy_says(situation: Situation) -> None:
    """Applied to its snapshot, a complete plan gives exactly the resolved policy inside its scope."""
    _, snapshot, policies = situation
    plan = planned(situation)
    after = {one.subject.address: one.after for one in (*plan.actions, *(held.action for held in plan.held_back))}
    desired = resolve(policies, snapshot.directory, at=NOW).desired
    wanted = [*desired.groups.values(), *desired.users.values()]
    for one in wanted:
        live = snapshot.reading(one.subject)
        if one.state == ABSENT and isinstance(live, Budget) and after.get(one.subject.address, live) == live:
            assert snapshot.directory.groups[live.group.id].organization_id != one.organization
            continue
        assert one.state == after.get(one.subject.address, snapshot.reading(one.subject))
    addresses = {one.subject.address for one in wanted}
    for action in plan.actions:
        assert action.address in addresses or isinstance(action.after, Absent)
        assert isinstance(action.subject, User | Group)
