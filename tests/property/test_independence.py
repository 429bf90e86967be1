"""Law 10 (independence): adding one orphan changes no other action, apart from the removals that it withholds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.action import Action, Cause, Kind
from reconciler.core.budget import ABSENT, Budget
from reconciler.core.directory import Group
from reconciler.core.grant_records import GrantRecord
from reconciler.core.moment import present
from reconciler.core.orphan import OrphanReason
from reconciler.core.plan.drift import Drift, DriftKind
from reconciler.core.plan.order import in_order
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import GroupBudgetEntry, Policy, UserOverrideEntry
from reconciler.core.snapshot import Snapshot
from reconciler.errors import Place, ReconcilerError
from reconciler.operations.plan import Planned, PlanRequest, make_plan
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW, World, usd
from tests.property.strategies import plan_of, situations

Situation = tuple[World, Snapshot, tuple[Policy, ...]]
some = settings(max_examples=80)

_NOWHERE = Place("orphans.yaml", 9, 9)
_GONE_GROUP = GroupBudgetEntry(group="gone", limit=usd(7), reason="", place=_NOWHERE)
_GONE_USER = UserOverrideEntry(
    user="gone", group="Everyone", limit=usd(7), reason="", starts=None, expires=None, place=_NOWHERE
)
_GONE_BOTH = replace(_GONE_USER, group="gone")
_ENTRIES = st.sampled_from([_GONE_GROUP, _GONE_USER, _GONE_BOTH])


def _with(policies: tuple[Policy, ...], entry: GroupBudgetEntry | UserOverrideEntry) -> tuple[Policy, ...]:
    first, *rest = policies
    if isinstance(entry, GroupBudgetEntry):
        return replace(first, group_budgets=(*first.group_budgets, entry)), *rest
    return replace(first, user_overrides=(*first.user_overrides, entry)), *rest


def _planned(policies: tuple[Policy, ...], snapshot: Snapshot) -> Plan:
    try:
        return plan_of(policies, snapshot)
    except ReconcilerError:
        assume(False)
        raise


def _everything(plan: Plan) -> list[Action]:
    """All actions, those included that the gate holds back, in the order of the addresses."""
    actions = [*plan.actions, *(held.action for held in plan.held_back)]
    return sorted(actions, key=lambda action: (action.address, str(action.subject.id)))


@given(situations(unreadable=True), _ENTRIES)
@some
def test_law_10_an_orphan_changes_no_other_action(
    situation: Situation, entry: GroupBudgetEntry | UserOverrideEntry
) -> None:
    _, snapshot, policies = situation
    before, after = _planned(policies, snapshot), _planned(_with(policies, entry), snapshot)
    assert len(after.orphans) == len(before.orphans) + 1
    withheld = set(after.withheld) - set(before.withheld)
    assert _everything(after) == [action for action in _everything(before) if action not in withheld]
    for action in withheld:
        assert (action.kind, action.cause) == (Kind.DELETE, Cause.NOT_LISTED)
        assert isinstance(action.subject, Group) == isinstance(entry, GroupBudgetEntry)
    assert after.unchanged == before.unchanged
    assert after.unreadable == before.unreadable


@given(situations(), st.sampled_from([True, False]))
@some
def test_law_10_an_entry_that_wants_an_absence_of_somebody_gone_changes_nothing_at_all(
    situation: Situation, is_ended: bool
) -> None:
    _, snapshot, policies = situation
    entry = replace(_GONE_BOTH, expires=NOW) if is_ended else replace(_GONE_BOTH, limit=ABSENT)
    before, after = _planned(policies, snapshot), _planned(_with(policies, entry), snapshot)
    assert (after.actions, after.withheld, after.orphans) == (before.actions, before.withheld, before.orphans)
    assert after.digest == before.digest


@given(situations(), _ENTRIES)
@some
def test_law_10_drift_counts_the_same_differences(
    situation: Situation, entry: GroupBudgetEntry | UserOverrideEntry
) -> None:
    _, snapshot, policies = situation
    before, after = (
        Drift(plan=planned.plan, last_changes=planned.attribution)
        for planned in (_asked(policies, snapshot), _asked(_with(policies, entry), snapshot))
    )
    assert after.counts[DriftKind.ORPHAN] == before.counts[DriftKind.ORPHAN] + 1
    withheld = set(after.plan.withheld) - set(before.plan.withheld)
    assert set(after.differences) == {action for action in before.differences if action not in withheld}


@given(situations(), _ENTRIES)
@some
def test_law_10_what_apply_would_write_is_the_same_and_in_the_same_order(
    situation: Situation, entry: GroupBudgetEntry | UserOverrideEntry
) -> None:
    _, snapshot, policies = situation
    before, after = _planned(policies, snapshot), _planned(_with(policies, entry), snapshot)
    assume(not after.held_back and not before.held_back)
    withheld = set(after.withheld) - set(before.withheld)
    assert after.actions == in_order(action for action in before.actions if action not in withheld)


def _asked(policies: tuple[Policy, ...], snapshot: Snapshot) -> Planned:
    request = PlanRequest(policies=policies, sources=(), moment=present(NOW), asks_log=True)
    try:
        return make_plan(request, SnapshotReader(snapshot))
    except ReconcilerError:
        assume(False)
        raise


@given(situations(unreadable=True), st.sampled_from([0, 10, 20, 30]), st.sampled_from(["Everyone", "gone"]))
@some
def test_law_10_a_lost_grant_removes_and_withholds_nothing(situation: Situation, dollars: int, group: str) -> None:
    """Without a record nobody knows whose it was: people who have exactly that are named, and left alone (law 3)."""
    _, snapshot, policies = situation
    entry = replace(_GONE_USER, limit=usd(dollars), group=group, expires=NOW)
    before, after = _planned(policies, snapshot), _planned(_with(policies, entry), snapshot)
    assert (after.actions, after.withheld, after.digest) == (before.actions, before.withheld, before.digest)
    lost = [orphan for orphan in after.orphans if orphan.reason is OrphanReason.LOST_GRANT]
    assert [orphan for orphan in after.orphans if orphan not in lost] == list(before.orphans)
    assert len(lost) <= 1
    removed = {action.subject.id for action in after.actions}
    listed = {row.user for policy in policies for row in policy.user_overrides}
    holders = {
        user.username
        for user_id, reading in snapshot.user_overrides.items()
        if isinstance(reading, Budget) and reading.limit_micros == usd(dollars)
        if (user := snapshot.directory.users[user_id]).username not in listed and user_id not in removed
    }
    if lost:
        assert any(name in lost[0].message for name in holders)


@given(situations(), st.data())
@some
def test_law_10_a_recorded_grant_concerns_the_person_of_the_record_alone(
    situation: Situation, data: st.DataObject
) -> None:
    _, snapshot, policies = situation
    people = sorted(snapshot.directory.users.values())
    assume(people)
    person = data.draw(st.sampled_from(people))
    entry = replace(_GONE_USER, limit=usd(10), group="gone", expires=NOW)
    record = GrantRecord(
        username="gone", user_id=person.id, limit_micros=usd(10), group_name="", group_id=None, source="a journal"
    )
    request = PlanRequest(
        policies=_with(policies, entry), sources=(), moment=present(NOW), journals=lambda names, _: (record,)
    )
    before = _planned(policies, snapshot)
    try:
        after = make_plan(request, SnapshotReader(snapshot)).plan
    except ReconcilerError:
        assume(False)
        raise
    assert [action for action in _everything(after) if action.subject.id != person.id] == [
        action for action in _everything(before) if action.subject.id != person.id
    ]
    listed = {row.user for policy in policies for row in policy.user_overrides}
    if person.username in listed:
        assert after.digest == before.digest, "an entry of their own goes first"
