"""Guardrails: held against every entry, each breach naming the places of the entry and of the guardrail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Absent, OrganizationId, Unknown
from reconciler.core.gate.guardrails import Blame, check_actions, check_guardrails, limits_exposure
from reconciler.core.people.assess import assess
from reconciler.core.people.effects import Effects
from reconciler.core.policy import Entry, GroupBudgetEntry, Guardrail, GuardrailName, Manage, Policy, UserOverrideEntry
from reconciler.errors import Place
from reconciler.money import Micros
from reconciler.policy_file import shapes
from tests.effects.worlds import NOW, World, resolved, set_group, set_user, usd

RAIL = Place("policies/rails.yaml", 4, 3)
HERE = Place("policies/acme.yaml", 7, 5)


def group(limit: int | Absent, reason: str = "") -> GroupBudgetEntry:
    return GroupBudgetEntry(
        group="eng", limit=usd(limit) if isinstance(limit, int) else limit, reason=reason, place=HERE
    )


def user(
    limit: Micros | Absent, *, starts: datetime | None = None, expires: datetime | None = None
) -> UserOverrideEntry:
    return UserOverrideEntry(
        user="ana", group="eng", limit=limit, reason="", starts=starts, expires=expires, place=HERE
    )


def messages(
    name: GuardrailName,
    value: int,
    entries: Iterable[Entry] = (),
    *,
    world: World | None = None,
    organization: str = "acme",
) -> list[str]:
    policy = _policy(name, value, entries, organization=organization)
    place = world or World({"acme": []})
    effects = _effects(place)
    policies = resolved(World({**place.members, "acme": place.members.get("acme", ())}).directory(), policy)
    assert limits_exposure(policies) == (name is GuardrailName.MAX_EXPOSURE)
    return [f"{breach}: {breach.hint}" for breach in check_guardrails(policies, effects, now=NOW, blame=Blame())]


def test_a_policy_may_name_every_guardrail_and_no_other() -> None:
    assert list(shapes.GUARDRAILS.kinds) == list(GuardrailName)


def _policy(name: GuardrailName, value: int, entries: Iterable[Entry] = (), *, organization: str = "acme") -> Policy:
    listed = tuple(entries)
    return Policy(
        organization=organization,
        place=HERE,
        group_budgets_managed=Manage.EXACT,
        user_overrides_managed=Manage.LISTED,
        group_budgets=tuple(one for one in listed if isinstance(one, GroupBudgetEntry)),
        user_overrides=tuple(one for one in listed if isinstance(one, UserOverrideEntry)),
        guardrails=(Guardrail(name=name, value=value, place=RAIL),),
        allow=(),
    )


def _effects(world: World) -> Effects:
    snapshot = world.snapshot()
    organizations = [one for one in (OrganizationId("acme"),) if one in snapshot.directory.organizations]
    return assess((), snapshot, organizations=organizations).effects({})


def test_max_limit_holds_for_every_entry_and_does_not_speak_of_none() -> None:
    entries = (group(6), group(5), group(ABSENT), user(usd(7)))
    assert messages(GuardrailName.MAX_LIMIT, usd(5), entries) == [
        "policies/acme.yaml:7:5: $6.00 for group eng is over the max_limit of $5.00 (policies/rails.yaml:4:3): "
        "lower the limit",
        "policies/acme.yaml:7:5: $7.00 for user ana is over the max_limit of $5.00 (policies/rails.yaml:4:3): "
        "lower the limit",
    ]


def test_a_limit_above_the_threshold_says_why() -> None:
    entries = (group(6, "FIN-42"), group(5), group(ABSENT), group(6, "  "))
    assert messages(GuardrailName.REQUIRE_REASON_ABOVE, usd(5), entries) == [
        "policies/acme.yaml:7:5: $6.00 for group eng has no reason, and a limit above $5.00 needs one "
        "(policies/rails.yaml:4:3): say why in `reason`",
    ]


def test_an_override_ends_in_time() -> None:
    days = timedelta(days=90)
    allowed = (
        user(ABSENT),
        user(usd(1), expires=NOW + days),
        user(usd(1), starts=NOW + days, expires=NOW + 2 * days),
        user(usd(1), starts=NOW - days, expires=NOW + days),
        user(usd(1), expires=NOW - days),
        user(usd(0)),  # an emergency cut must not wait until somebody thinks of its end
    )
    assert messages(GuardrailName.MAX_OVERRIDE_DAYS, 90, allowed) == []
    refused = (
        user(usd(1)),
        user(usd(1), starts=datetime(2026, 12, 1, tzinfo=UTC), expires=datetime(2027, 3, 1, 1, tzinfo=UTC)),
    )
    assert messages(GuardrailName.MAX_OVERRIDE_DAYS, 90, refused) == [
        "policies/acme.yaml:7:5: the override of ana never expires; max_override_days allows 90 days "
        "(policies/rails.yaml:4:3): set `expires` to 2027-02-21 or earlier",
        "policies/acme.yaml:7:5: the override of ana lasts 91 more days; max_override_days allows 90 "
        "(policies/rails.yaml:4:3): set `expires` to 2027-03-01 or earlier",
    ]


def test_exposure_is_the_known_sum_and_unlimited_people_are_named_beside_it() -> None:
    world = World({"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "bob"]}, {"acme/eng": 10})
    assert messages(GuardrailName.MAX_EXPOSURE, usd(20), world=world) == []
    assert messages(GuardrailName.MAX_EXPOSURE, usd(19), world=world) == [
        "policies/rails.yaml:4:3: the exposure of acme would be $20.00, not counting 1 unlimited person; "
        "max_exposure is $19.00: lower limits of groups with many members"
    ]
    limited = World({"acme": ["ana"]}, {"acme": 10})
    assert messages(GuardrailName.MAX_EXPOSURE, usd(9), world=limited) == [
        "policies/rails.yaml:4:3: the exposure of acme would be $10.00; "
        "max_exposure is $9.00: lower limits of groups with many members"
    ]


def test_an_exposure_that_is_not_known_is_refused() -> None:
    assert messages(GuardrailName.MAX_EXPOSURE, usd(9), world=World({"beta": []})) == [
        "policies/rails.yaml:4:3: max_exposure is $9.00, and the exposure of acme is not known: "
        "use a token that may read it"
    ]


def test_an_exposure_of_which_a_part_is_not_known_is_refused_and_says_of_how_many() -> None:
    team = {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "bob"]}
    one = World(team, {"acme/eng": 10}, {"eve": Unknown("500")})
    assert messages(GuardrailName.MAX_EXPOSURE, usd(20), world=one) == [
        "policies/rails.yaml:4:3: max_exposure is $20.00, and the limits of 1 person of acme are not known; "
        "those that are known add up to $20.00: use a token that may read them, or try again when Coder answers"
    ]
    nobody = World(team, {"acme": Unknown("500")})
    assert messages(GuardrailName.MAX_EXPOSURE, usd(20), world=nobody)[0].startswith(
        "policies/rails.yaml:4:3: max_exposure is $20.00, and the limits of 3 people of acme are not known: "
    )


def _standing(entry: Entry, before: Entry | None, *actions: Action) -> bool:
    base = {} if before is None else {"group/acme/eng": before}
    blame = Blame(base=base, actions={action.address: action for action in actions})
    return blame.is_standing("group/acme/eng", entry, now=NOW)


def test_with_a_base_a_breach_stands_where_the_entry_goes_no_further_than_before() -> None:
    assert _standing(group(6), group(6))
    assert _standing(group(5), group(6))
    assert _standing(group(ABSENT), group(6))
    assert not _standing(group(6), None)
    assert not _standing(group(7), group(6))
    assert not _standing(group(6), group(ABSENT))
    assert not _standing(group(6), group(6, "FIN-42")), "the reason was taken away"
    assert _standing(group(6, "FIN-43"), group(6, "FIN-42"))
    day = NOW + timedelta(days=1)
    assert _standing(user(usd(5), expires=NOW), user(usd(5), expires=day))
    assert not _standing(user(usd(5)), user(usd(5), expires=day))
    assert not _standing(user(usd(5), expires=day), user(usd(5), expires=NOW))
    assert _standing(user(usd(5), expires=day), user(usd(5)))
    later = user(usd(5), starts=NOW + timedelta(days=9), expires=NOW + timedelta(days=10))
    assert not _standing(user(usd(5), expires=later.expires), later), "it begins earlier, and so lasts longer"
    longer = user(usd(5), starts=NOW + timedelta(days=8), expires=later.expires)
    assert _standing(later, longer), "it begins later, and ends with it"
    assert not _standing(longer, later)
    assert _standing(user(usd(5), expires=day), user(usd(5), starts=NOW - timedelta(days=9), expires=day))


def test_a_breach_that_the_plan_writes_does_not_stand_though_the_policy_before_had_it() -> None:
    """It was merged against its refusal. An apply, which knows no policy before, refuses it; so the next plan does."""
    world = World({"acme": [], "acme/eng": []}, {"acme/eng": 5})
    assert not _standing(group(6), group(6), set_group(world, "acme/eng", 6))
    assert _standing(group(4), group(6), set_group(world, "acme/eng", 4))


def test_an_exposure_that_is_not_known_refuses_no_plan_that_only_lowers_limits() -> None:
    world = World({"acme": [], "acme/eng": [], "acme/ops": []}, {"acme/eng": 5, "acme/ops": 5})
    policies = resolved(world.directory(), _policy(GuardrailName.MAX_EXPOSURE, usd(9)))
    lower, higher = set_group(world, "acme/eng", 4), set_group(world, "acme/ops", 6)
    removed, created = set_group(world, "acme/ops", None), set_group(world, "acme", 1)

    def is_standing(*actions: Action) -> bool:
        blame = Blame(actions={action.address: action for action in actions})
        (breach,) = check_guardrails(policies, _effects(World({"beta": []})), now=NOW, blame=blame)
        return breach.is_standing

    assert is_standing(lower)
    assert [is_standing(other) for other in (higher, removed, created)] == [False] * 3
    assert [is_standing(lower, other) for other in (higher, removed, created)] == [False] * 3


def test_what_a_revert_sets_is_held_against_guardrails_as_an_entry_would_be() -> None:
    """With the reason of the policy where it wants the same; what is removed, or elsewhere, breaks none."""
    world = World({"acme": ["ana"], "acme/eng": [], "acme/ops": ["ana"], "beta": []}, {"acme/ops": 5})
    policy = _policy(GuardrailName.REQUIRE_REASON_ABOVE, usd(5), [group(7, "FIN-42")])
    policies = resolved(world.directory(), policy)

    def broken(*actions: Action) -> list[tuple[str | None, bool]]:
        found = check_actions(policies, actions, _effects(world), now=NOW)
        return [(breach.address, breach.is_standing) for breach in found]

    assert broken(set_group(world, "acme/eng", 7)) == []
    assert broken(set_group(world, "acme/eng", 8)) == [("group/acme/eng", True)]
    assert broken(set_group(world, "acme/ops", 8), set_user(world, "ana", (6, "acme/ops"))) == [
        ("group/acme/ops", True),
        ("user/ana", True),
    ]
    assert broken(set_group(world, "acme/ops", None), set_group(world, "beta", 8)) == []
