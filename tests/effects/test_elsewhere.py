"""People who are also in an organization that the token may not read: of whom nothing is claimed, and of whom it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.action import Action
from reconciler.core.budget import Unknown, UserId
from reconciler.core.people.agreement import ELSEWHERE
from reconciler.core.people.assess import Assessment, assess
from reconciler.core.people.effects import Unclear
from reconciler.core.snapshot import Effective
from tests.effects.worlds import World, limit, set_group, set_user, unlimited, usd

ANA = UserId("ana")
TEAMS = {"acme": ["ana"], "acme/eng": ["ana"], "acme/ops": ["ana"], "labs": ["ana"]}
JOINED = {("ana", "acme"): 1, ("ana", "labs"): 2}


def _assess(world: World, *actions: Action, reported: Effective | None = None) -> Assessment:
    snapshot = world.snapshot()
    return assess(
        actions,
        replace(
            snapshot,
            directory=replace(snapshot.directory, elsewhere=frozenset({ANA})),
            reported={} if reported is None else {ANA: reported},
        ),
    )


def _unclear(assessment: Assessment) -> list[Unclear]:
    return [person for person in assessment.unclear if person.reason == ELSEWHERE]


@pytest.mark.parametrize(
    ("before", "after", "reported", "harm"),
    [
        (None, 20, unlimited(), None),  # nothing limits them, so nothing elsewhere does
        (20, 30, limit(20, "acme/eng"), None),  # nothing elsewhere is above $20
        (30, 20, limit(30, "acme/eng"), (False, True)),
        (30, None, limit(30, "acme/eng"), (True, True)),
        (20, 30, None, (False, True)),  # 2.35 does not say what limits them
    ],
)
def test_a_limit_that_falls_or_was_never_known(
    before: int | None, after: int | None, reported: Effective | None, harm: tuple[bool, bool] | None
) -> None:
    world = World(TEAMS, {} if before is None else {"acme/eng": before}, joined=JOINED)
    unclear = _unclear(_assess(world, set_group(world, "acme/eng", after), reported=reported))
    assert [(person.may_become_unlimited, person.may_become_blocked) for person in unclear] == ([harm] if harm else [])


def test_a_tie_with_another_organization_is_decided_by_who_came_first() -> None:
    world = World(TEAMS, {"acme/eng": 20, "labs": 20}, joined=JOINED)
    moved = _assess(world, set_group(world, "acme/eng", None), reported=limit(20, "acme/eng"))
    assert len(_unclear(moved)) == 1, "the same amount, by an organization that they joined later"
    world = World(TEAMS, {"acme/eng": 20, "acme/ops": 20}, joined=JOINED)
    stays = _assess(world, set_group(world, "acme/eng", None), reported=limit(20, "acme/eng"))
    assert _unclear(stays) == []


def test_an_override_wins_and_what_follows_it_is_not_known() -> None:
    world = World(TEAMS, {"acme/eng": 20}, {"ana": (30, "acme/eng")}, joined=JOINED)
    kept = _assess(world, set_group(world, "acme/eng", 5), reported=limit(30, "acme/eng", by_override=True))
    assert _unclear(kept) == []
    ended = _assess(world, set_user(world, "ana", None), reported=limit(30, "acme/eng", by_override=True))
    assert len(_unclear(ended)) == 1


def test_what_was_not_known_and_then_is_no_limit_asks_for_no_spend() -> None:
    world = World({"acme": ["ana"], "acme/eng": []}, {"acme": 10, "acme/eng": 20}, hidden={"acme/eng": 1})
    snapshot = world.snapshot()
    offers = replace(snapshot.deployment.offers, bulk_reads=True)
    snapshot = replace(snapshot, deployment=replace(snapshot.deployment, offers=offers))
    gone = assess((set_group(world, "acme", None), set_group(world, "acme/eng", None)), snapshot)
    assert (list(gone.overtaking), gone.spend_questions()) == ([ANA], {})
    (person,) = gone.effects({}).unclear
    assert (person.may_become_unlimited, person.may_become_blocked) == (True, False)
    cut = assess((set_group(world, "acme", 30), set_group(world, "acme/eng", None)), snapshot)
    (person,) = cut.effects({next(iter(cut.spend_questions())): {ANA: usd(31)}}).unclear
    assert person.may_become_blocked


def test_a_limit_that_is_not_known_afterwards_may_be_one_elsewhere_that_blocks() -> None:
    world = World(TEAMS, {"acme/eng": 20, "acme/ops": Unknown("500")}, joined=JOINED)
    (person,) = _assess(world, set_group(world, "acme/eng", 30)).unclear
    assert (person.may_become_unlimited, person.may_become_blocked) == (False, True)
    seen = assess((set_group(world, "acme/eng", 30),), world.snapshot())
    assert [person.may_become_blocked for person in seen.unclear] == [False]


def test_whom_nobody_confirms_and_whose_budget_is_not_read_may_be_blocked_by_what_blocks() -> None:
    world = World(TEAMS, {"acme/eng": 20, "acme/ops": Unknown("500")}, joined=JOINED)
    snapshot = world.snapshot()
    unlisted = replace(snapshot.deployment, roles=())
    for dollars, is_blocked in ((30, False), (0, True)):
        (person,) = assess((set_group(world, "acme/eng", dollars),), replace(snapshot, deployment=unlisted)).unclear
        assert (person.may_become_unlimited, person.may_become_blocked) == (False, is_blocked)
