"""Two clocks that differ by days: entries with a date between the two clocks are left alone, and said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.gate.verdict import FlagGrant, PolicyGrant
from reconciler.core.moment import Moment, present
from reconciler.core.orphan import OrphanReason
from reconciler.core.policy import Hazard
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.errors import PolicyError
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.policy_file.load import read_texts
from reconciler.policy_file.nodes import PolicyText
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW, World

DAY_S = 86_400.0
WORLD = World({"acme": ["ana", "bob"]}, {"acme": 50}, {"ana": (300, "acme")})
"""Ana has a grant that is live; bob has none."""


def plan(
    text: str, *, ahead_s: float, moment: Moment | None = None, exact: bool = False, scope: Scope = EVERYTHING
) -> list[str]:
    manage = "exact" if exact else "listed"
    head = f"version: 1\norganization: acme\nmanage: {{user_overrides: {manage}}}\nuser_overrides:\n"
    policies = read_texts([PolicyText("p.yaml", (head + text).encode())]).policies
    reader = SnapshotReader(WORLD.snapshot(), server_ahead_s=ahead_s)
    grants = tuple(FlagGrant(hazard=hazard, up_to=9) for hazard in Hazard)
    request = PlanRequest(policies=policies, sources=(), moment=moment or present(NOW), grants=grants, scope=scope)
    made = make_plan(request, reader).plan
    orphans = [f"{orphan.reason} {orphan.address}: {orphan.message}" for orphan in made.orphans]
    return [*(f"{action.kind} {action.address}" for action in made.actions), *orphans]


def entry(user: str, **dates: timedelta) -> str:
    texts = "".join(f", {key}: {(NOW + ahead).isoformat()}" for key, ahead in dates.items())
    return f"  - {{user: {user}, group: Everyone, limit: $300{texts}}}\n"


@pytest.mark.parametrize(
    ("ahead_s", "says"),
    [
        (3 * DAY_S, "has come by Coder's clock and not by this machine's; they are 3 days apart"),
        (-3 * DAY_S, ""),
        (DAY_S / 2, ""),
    ],
)
def test_a_grant_whose_end_lies_between_the_clocks_is_left_alone(ahead_s: float, says: str) -> None:
    result = plan(entry("ana", expires=timedelta(days=2)), ahead_s=ahead_s)
    assert [line.split(": ")[0] for line in result] == ([f"{OrphanReason.CLOCKS_DIFFER} user/ana"] if says else [])
    assert all(says in line for line in result)


def test_the_other_way_round_too() -> None:
    (line,) = plan(entry("ana", expires=timedelta(days=-2)), ahead_s=-3 * DAY_S)
    assert "`expires`" in line
    assert "by this machine's clock and not by Coder's" in line
    for days, ahead in ((0, -3), (3, 3)):
        (line,) = plan(entry("ana", expires=timedelta(days=days)), ahead_s=ahead * DAY_S)
        assert line.startswith(OrphanReason.CLOCKS_DIFFER), "at the very instant it has come by one of them"


@pytest.mark.parametrize("exact", [False, True])
def test_a_grant_that_begins_between_the_clocks_is_neither_begun_nor_removed(exact: bool) -> None:
    for user in ("ana", "bob"):
        result = plan(entry(user, starts=timedelta(days=1)), ahead_s=5 * DAY_S, exact=exact)
        removals = ["delete user/ana"] if exact and user == "bob" else []
        assert [line for line in result if not line.startswith("clocks-differ")] == removals
        assert len(result) == len(removals) + 1
        assert any("`starts` (" in line for line in result)


def test_somebody_unknown_may_have_been_renamed_so_nothing_is_removed() -> None:
    """Their name withholds removals, as any other unknown name does."""
    assert [line.split(":")[0] for line in plan(entry("gone", expires=timedelta(days=1)), ahead_s=2 * DAY_S)] == [
        "clocks-differ user/gone"
    ]
    assert "delete user/ana" not in plan(entry("gone", expires=timedelta(days=1)), ahead_s=2 * DAY_S, exact=True)


def test_who_is_excluded_is_no_orphan_and_is_left_alone() -> None:
    scope = Scope(exclude=("user/ana",))
    assert plan(entry("ana", expires=timedelta(days=1)), ahead_s=2 * DAY_S, exact=True, scope=scope) == []


def test_an_entry_that_is_listed_twice_is_a_fault_whatever_the_clocks_say() -> None:
    twice = entry("ana", expires=timedelta(days=1)) + entry("ana", expires=timedelta(days=1))
    with pytest.raises(PolicyError) as raised:
        plan(twice, ahead_s=2 * DAY_S)
    assert "listed twice" in raised.value.findings[0].message


def test_what_both_clocks_say_is_done() -> None:
    assert plan(entry("ana", expires=timedelta(days=-4)), ahead_s=3 * DAY_S) == ["delete user/ana"]
    assert plan(entry("bob", starts=timedelta(days=-4)), ahead_s=3 * DAY_S) == ["create user/bob"]


def test_an_instant_that_somebody_asks_for_is_the_same_by_every_clock() -> None:
    then = Moment(at=NOW + timedelta(days=2), now=NOW)
    assert plan(entry("ana", expires=timedelta(days=2)), ahead_s=3 * DAY_S, moment=then) == ["delete user/ana"]


def test_a_consent_that_ended_by_either_clock_does_not_count() -> None:
    until = NOW + timedelta(days=1)
    consent = PolicyGrant(hazard=Hazard.MASS_CHANGE, up_to=1, source="p.yaml", organization="acme", expires=until)
    assert [present(NOW).beside(s).apart.days for s in (DAY_S, DAY_S - 1, -DAY_S, 1 - DAY_S)] == [1, 0, -1, 0]
    for ahead, counts in ((0.0, True), (3 * DAY_S, False), (-3 * DAY_S, True)):
        assert consent.holds(present(NOW).beside(ahead).latest) is counts
    beyond = (datetime.max - NOW.replace(tzinfo=None)).total_seconds() + DAY_S / 2
    assert present(NOW).beside(beyond).latest == datetime(3000, 1, 1, tzinfo=UTC), "Date: 31 Dec 9999 23:59:59 -1200"
    assert present(NOW).beside(-beyond).at_server == datetime(1900, 1, 1, tzinfo=UTC)
    assert replace(present(NOW), apart=timedelta(days=-3)).latest == NOW
