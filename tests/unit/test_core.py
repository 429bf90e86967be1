"""Names looked up, states compared, actions ordered and hashed: the cases that the laws do not spell out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.core.action import Action, Cause, Kind
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Unknown, UserId
from reconciler.core.describe import describe
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.names import Names
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan import orphans
from reconciler.core.plan.diff import Difference, diff
from reconciler.core.plan.left_out import last_orphans
from reconciler.core.plan.order import Phase, schedule
from reconciler.core.plan.outcome import Ended, Ending, Intent, Outcome, Recorded, Result, Started, replay
from reconciler.core.plan.plan import Plan, digest
from reconciler.core.plan.report import report_of
from reconciler.core.plan.resolution import Resolution
from reconciler.core.plan.resolve import resolve, unknown_users
from reconciler.core.policy import GroupBudgetEntry, Manage, Policy, UserOverrideEntry
from reconciler.core.scope import Scope
from reconciler.core.snapshot import Deployment, Offers
from reconciler.errors import Finding, Place, ReconcilerError
from reconciler.operations.export import export
from reconciler.operations.reading import take_snapshot
from reconciler.render.outcome import outcome_lines
from reconciler.render.plan import summary
from reconciler.render.text import text_of
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import FIRST_SERVER, HIDING_SERVER, NEW_SERVER, NOW, World, group_of, set_group, set_user, usd
from tests.property.strategies import UNREADABLE, plan_of

WORLD = World(
    {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana"], "acme/ops": ["bob"], "beta": ["kim"], "beta/eng": ["kim"]},
    budgets={"acme/eng": 20, "acme/ops": 30, "beta/eng": 10},
    overrides={"ana": (50, "acme/eng"), "kim": (70, "beta/eng")},
)
HERE = Place("a.yaml", 3, 5)


def policy(*entries: GroupBudgetEntry | UserOverrideEntry, organization: str = "acme", **manage: Manage) -> Policy:
    return Policy(
        organization=organization,
        place=HERE,
        group_budgets_managed=manage.get("groups", Manage.LISTED),
        user_overrides_managed=manage.get("users", Manage.LISTED),
        group_budgets=tuple(one for one in entries if isinstance(one, GroupBudgetEntry)),
        user_overrides=tuple(one for one in entries if isinstance(one, UserOverrideEntry)),
        guardrails=(),
        allow=(),
    )


def budget(group: str, dollars: int | None = 1, line: int = 3) -> GroupBudgetEntry:
    return GroupBudgetEntry(
        group=group, limit=ABSENT if dollars is None else usd(dollars), reason="", place=Place("a.yaml", line, 5)
    )


def override(user: str, group: str, dollars: int | None = 1, **span: int) -> UserOverrideEntry:
    times = {name: NOW + timedelta(seconds=seconds) for name, seconds in span.items()}
    limit = ABSENT if dollars is None else usd(dollars)
    return UserOverrideEntry(
        user=user,
        group=group,
        limit=limit,
        reason="why",
        starts=times.get("starts"),
        expires=times.get("expires"),
        place=HERE,
    )


def looked_up(*policies: Policy, world: World = WORLD, directory: Directory | None = None) -> Resolution:
    return resolve(policies, directory or world.directory(), at=NOW)


def says(resolution: Resolution) -> list[str]:
    left_out = (*resolution.orphans, *resolution.desired.not_members.values())
    problems: list[Finding | Orphan] = [*resolution.findings, *left_out]
    return [f"{problem.message} | {problem.hint}" for problem in problems]


def with_user(user: User, *groups: str) -> Directory:
    directory = WORLD.directory()
    members = {key: ids | {user.id} if str(key) in groups else ids for key, ids in directory.members.items()}
    return replace(directory, users={**directory.users, user.id: user}, members=members)


class TestNames:
    def test_by_name_uuid_and_address(self) -> None:
        ana = User(username="Ana.Lima", id=UserId("u-1"), email="Ana@Example.com")
        directory = with_user(ana, "acme")
        for name in ("ana.lima", "ANA.LIMA", "u-1", "ana@example.com"):
            found = looked_up(policy(override(name, "Everyone")), directory=directory)
            assert found.findings == ()
            assert list(found.desired.users) == [ana.id]
        by_id = looked_up(policy(budget("acme/eng"), organization="acme"))
        assert list(by_id.desired.groups) == [GroupId("acme/eng")]

    def test_a_uuid_may_be_in_capitals(self) -> None:
        acme, eng = "0a5c4a0e-4000-4000-8000-00000000000a", "0a5c4a0e-4000-4000-8000-00000000000b"
        world = World({acme: ["ana"], f"{acme}/eng": ["ana"]})
        directory = world.directory()
        group = replace(directory.groups[GroupId(f"{acme}/eng")], id=GroupId(eng))
        directory = replace(directory, groups={**directory.groups, group.id: group})
        found = looked_up(policy(budget(eng.upper()), organization=acme.upper()), directory=directory)
        assert (found.findings, list(found.desired.groups)) == ((), [group.id])

    def test_unknown_names_come_together_with_the_nearest(self) -> None:
        found = looked_up(
            policy(budget("enk"), override("annna", "ops"), override("zzz", "eng")), policy(organization="acmee")
        )
        assert says(found) == [
            "organization 'acmee' is unknown or not readable | did you mean 'acme'?",
            "group 'enk' is unknown in organization 'acme' | remove the entry if the group is gone; did you mean"
            " 'eng'?",
            "user 'annna' is unknown | remove the entry if they left; did you mean 'ana'?",
            "user 'zzz' is unknown | remove the entry if they left",
        ]

    def test_an_unknown_organization_says_what_to_do(self) -> None:
        """One that was deleted stopped the policies of all, and only the organizations that are left were named."""
        (said,) = says(looked_up(policy(organization="research")))
        assert said == (
            "organization 'research' is unknown or not readable | correct the name, remove the file if the organization"
            f" is gone, or use a token that may read it; {WORLD.directory().readable}"
        )

    def test_of_an_entry_that_is_listed_twice_a_record_changes_nothing(self) -> None:
        ended = [override("ana", "eng", 50, expires=-60), override("ana", "eng", 50, expires=-60)]
        record = GrantRecord(
            username="ana", user_id=UserId("bob"), limit_micros=usd(50), group_name="", group_id=None, source="the log"
        )
        found = resolve([policy(*ended)], WORLD.directory(), at=NOW, records=[record])
        assert says(found) == ["user/ana is listed twice | the first is at a.yaml:3:5; keep one of them"]
        later = [override("ana", "eng", 50, starts=60), ended[0]]
        found = resolve([policy(*later)], WORLD.directory(), at=NOW, records=[record])
        assert says(found) == ["user/ana is listed twice | the first is at a.yaml:3:5; keep one of them"]

    def test_an_ended_entry_whose_person_a_record_knows_is_neither_unknown_nor_without_effect(self) -> None:
        ended = policy(override("gone", "eng", 50, expires=-60))
        record = GrantRecord(
            username="gone", user_id=UserId("bob"), limit_micros=usd(50), group_name="", group_id=None, source="the log"
        )
        for world in (WORLD, replace(WORLD, hidden={"acme": 2})):
            unknown = looked_up(ended, world=world)
            assert len(unknown.vacancies) + len(unknown.orphans) == 1
            known = resolve([ended], world.directory(), at=NOW, records=[record])
            assert (known.vacancies, known.orphans) == ((), ())
            assert [row.subject.username for row in known.renamed] == ["bob"]

    def test_a_group_that_is_excluded_as_it_is_written_keeps_its_budget(self) -> None:
        """It is listed by its UUID. Under `exact` it would be removed, as one that no entry lists."""
        listed = policy(budget("acme/eng", 5), groups=Manage.EXACT)
        scope = Scope(exclude=("group/acme/acme/eng",))
        assert shown(plan_of([listed], WORLD.snapshot(), scope=scope).actions) == ["delete group/acme/ops not-listed"]

    def test_a_coder_that_moved_its_overrides_needs_a_newer_reconciler(self) -> None:
        (policy_,) = looked_up(policy(override("ana", "eng"))).policies
        offers = Offers(overrides=False, bulk_reads=True, effective_budgets=True, overrides_hidden=True)
        orphan = orphans.not_offered(policy_.listed[0], policy_.organization, offers=offers)
        assert (orphan.message, orphan.hint) == (
            "this Coder keeps overrides where this reconciler does not look", "upgrade reconciler"
        )  # fmt: skip

    def test_a_displayed_name_is_no_username(self) -> None:
        """Of `Ana Li` only "remove the entry if they left" was said."""
        assert says(looked_up(policy(override("Ana Li", "eng")))) == [
            "user 'Ana Li' is unknown | write the username or the e-mail address: no username has a blank, and the name"
            " that Coder displays may belong to several people"
        ]

    @pytest.mark.parametrize("group", ["group/acme/eng", "group/eng"])
    def test_an_address_is_no_name(self, group: str) -> None:
        """Every plan prints addresses; of those that were pasted it was said to remove the entry."""
        assert sorted(says(looked_up(policy(override("user/ana", "eng"), budget(group))))) == [
            f"group '{group}' is unknown in organization 'acme' | write the name alone: eng",
            "user 'user/ana' is unknown | write the username alone: ana",
        ]

    def test_the_address_of_another_organizations_group_is_not_shortened_to_a_name_here(self) -> None:
        """Of `gamma/eng` in the policy of acme it was said to write `eng`, which is another group."""
        assert says(looked_up(policy(budget("gamma/eng")))) == [
            "group 'gamma/eng' is unknown in organization 'acme' | remove the entry if the group is gone"
        ]

    def test_an_override_ends_with_its_group(self) -> None:
        """It was not told, and whoever had less by it is unlimited since."""
        world = replace(WORLD, members={**WORLD.members, "beta/lab": []})
        assert says(looked_up(policy(override("ana", "enk"), override("bob", "lab")), world=world)) == [
            "group 'enk' is unknown in organization 'acme' | remove the entry if the group is gone: an override ends"
            " with its group, and `reconciler explain ana` says what limits them now; did you mean 'eng'?",
            "group 'lab' is not in organization 'acme' | remove the entry if the group is gone: an override ends with"
            " its group, and `reconciler explain bob` says what limits them now; if group/beta/lab is meant, list it in"
            " a policy of that organization",
        ]

    def test_a_group_of_another_organization(self) -> None:
        world = replace(WORLD, members={**WORLD.members, "beta/lab": []})
        assert says(looked_up(policy(budget("lab")), world=world)) == [
            "group 'lab' is not in organization 'acme' | remove the entry if the group is gone; if group/beta/lab is"
            " meant, list it in a policy of that organization"
        ]

    def test_an_address_of_two_people_is_ambiguous(self) -> None:
        directory = with_user(User(username="ana2", id=UserId("u-2"), email="ana"), "acme")
        assert says(looked_up(policy(override("ana", "eng")), directory=directory)) == [
            "user 'ana' is ambiguous: ana, ana2 | write the username"
        ]

    def test_twice_is_twice_however_it_is_written(self) -> None:
        twice = (budget("eng", line=3), budget("acme/eng", line=4), override("ana", "eng"), override("ANA", "Everyone"))
        found = says(looked_up(policy(*twice)))
        hint = "the first is at a.yaml:3:5; keep one of them"
        assert found == [f"user/ana is listed twice | {hint}", f"group/acme/eng is listed twice | {hint}"]

    def test_a_person_with_the_id_of_a_group_is_another_subject(self) -> None:
        directory = with_user(User(username="hex", id=UserId("acme/eng")), "acme")
        for entries in (
            (budget("eng"), override("hex", "Everyone")),
            (budget("acme/eng"), override("hex", "Everyone")),
        ):
            assert says(looked_up(policy(*entries), directory=directory)) == []

    def test_twice_is_twice_whichever_comes_first_and_holds(self) -> None:
        now, later = override("ana", "eng"), override("ana", "Everyone", starts=1)
        for entries in ((now, later), (later, now), (later, replace(later, group="ops"))):
            placed = [replace(one, place=Place("a.yaml", line, 5)) for line, one in enumerate(entries, start=3)]
            assert says(looked_up(policy(*placed))) == [
                "user/ana is listed twice | the first is at a.yaml:3:5; keep one of them"
            ]

    def test_an_organization_in_two_spellings(self) -> None:
        directory = WORLD.directory()
        organizations = {key: replace(one, name=f"The {one.name}") for key, one in directory.organizations.items()}
        named = [policy(organization="The acme"), policy(organization="acme")]
        assert says(looked_up(*named, directory=replace(directory, organizations=organizations))) == [
            "organization 'The acme' is named in two ways | write it as in a.yaml:3:5, so that the files are merged"
        ]

    def test_an_override_needs_a_member(self) -> None:
        assert says(looked_up(policy(override("bob", "eng"), override("kim", "eng")))) == [
            "bob is not a member of group/acme/eng, so Coder would refuse the override | remove the entry if they left"
            " the group; add them to the group first, or use a group they are in: Everyone, ops. An override"
            " ends with the membership, so they may have no limit now: `reconciler explain bob` says what limits them",
            "kim is not a member of group/acme/eng, so Coder would refuse the override | remove the entry if they left"
            " the group; kim is not a member of organization 'acme' at all, and is in beta: a policy of that"
            " organization can list them. An override ends with the membership, so they may have no limit now:"
            " `reconciler explain kim` says what limits them",
        ]
        hidden = replace(WORLD, hidden={"acme/eng": 1})
        assert says(looked_up(policy(override("bob", "eng")), world=hidden)) == []
        assert says(looked_up(policy(override("bob", "eng", None)))) == [], "a removal needs no membership"

    def test_people_outside_of_all_organizations_are_asked_for(self) -> None:
        assert unknown_users([policy(override("ana", "eng"), override("Zoe", "eng"))], Names(WORLD.directory())) == {
            "Zoe"
        }


@pytest.mark.parametrize(
    ("span", "state", "has_expired"),
    [
        ({}, 9, False),
        ({"starts": 0}, 9, False),
        ({"starts": 1}, "later", False),
        ({"expires": 1}, 9, False),
        ({"expires": 0}, None, True),
        ({"starts": -2, "expires": -1}, None, True),
        ({"starts": 1, "expires": 2}, "later", False),
    ],
)
def test_when_an_entry_holds(span: dict[str, int], state: object, has_expired: bool) -> None:
    desired = looked_up(policy(override("ana", "eng", 9, **span))).desired
    users = desired.users
    assert desired.left_alone == ({"ana"} if state == "later" else frozenset())
    if state == "later":
        assert users == {}
    else:
        wanted = users[UserId("ana")]
        assert wanted.state == (Budget(usd(9), GroupRef(GroupId("acme/eng"))) if state else ABSENT)
        assert wanted.has_expired == has_expired


def compared(*policies: Policy, world: World = WORLD) -> Difference:
    desired = looked_up(*policies, world=world).desired
    snapshot = take_snapshot(desired, world.directory(), SnapshotReader(world.snapshot()))
    return diff(desired, snapshot)


def shown(actions: tuple[Action, ...]) -> list[str]:
    return [f"{one.kind} {one.address} {one.cause}" for one in actions]


def test_what_has_to_change() -> None:
    found = compared(
        policy(
            budget("eng", 20), budget("ops", 31), budget("Everyone", None), override("ana", "Everyone", 50),
            override("bob", "ops", 5), override("eve", "Everyone", 5, expires=0),
        )
    )  # fmt: skip
    assert shown(found.actions) == [
        "update group/acme/ops listed", "update user/ana listed", "create user/bob listed"
    ]  # fmt: skip
    assert found.unchanged == 3


def test_exact_removes_what_is_not_listed_and_listed_does_not() -> None:
    assert shown(compared(policy(groups=Manage.EXACT, users=Manage.EXACT)).actions) == [
        "delete group/acme/eng not-listed", "delete group/acme/ops not-listed", "delete user/ana not-listed"
    ]  # fmt: skip
    assert compared(policy()).actions == ()


def test_an_end_removes_an_override_without_a_tier_and_a_limit_is_set_by_one() -> None:
    """A removal would say `tier power`."""
    power = [
        replace(override(user, "Everyone", 9, **span), tier="power")
        for user, span in (("ana", {"expires": 0}), ("bob", {}))
    ]
    assert [(action.address, action.tier) for action in compared(policy(*power)).actions] == [
        ("user/ana", ""), ("user/bob", "power")
    ]  # fmt: skip


def test_before_it_starts_an_entry_leaves_the_live_override_alone() -> None:
    later = override("ana", "ops", 9, starts=1)
    for world in (WORLD, replace(WORLD, overrides={"ana": UNREADABLE})):
        found = compared(policy(later, users=Manage.EXACT), world=world)
        assert (found.actions, found.unreadable, found.withheld) == ((), (), ())


def test_an_absence_is_wanted_of_overrides_of_the_own_organization_only() -> None:
    both = {"acme": ["ana", "kim"], "acme/eng": ["ana"], "beta": ["kim"], "beta/eng": ["kim"]}
    world = replace(WORLD, members=both)
    gone = policy(override("kim", "Everyone", None))
    expired = policy(override("kim", "Everyone", 9, expires=0), users=Manage.EXACT)
    assert compared(gone, world=world).actions == ()
    assert shown(compared(expired, world=world).actions) == ["delete user/ana not-listed"]
    own = policy(override("ana", "Everyone", None))
    assert shown(compared(own, world=world).actions) == ["delete user/ana listed"]
    unknown_group = replace(world, overrides={"kim": (70, "corp/eng")})
    assert shown(compared(gone, world=unknown_group).actions) == ["delete user/kim listed"], "nobody owns it any more"
    snapshot = unknown_group.snapshot()
    member = replace(snapshot, deployment=replace(snapshot.deployment, roles=()))
    assert diff(looked_up(gone, world=unknown_group).desired, member).actions == ()
    exact = policy(users=Manage.EXACT, organization="beta")
    assert shown(compared(gone, exact, world=world).actions) == ["delete user/kim not-listed"]


def test_hidden_members_make_what_is_exact_incomplete() -> None:
    world = replace(WORLD, hidden={"acme": 2, "acme/eng": 1, "beta": 1})
    for hidden, manage in ((world, Manage.EXACT), (world, Manage.LISTED), (WORLD, Manage.EXACT)):
        found = compared(policy(users=manage), world=hidden)
        if hidden is WORLD or manage is Manage.LISTED:
            assert found.unreadable == ()
        else:
            assert [(one.subject.address, one.reading.reason) for one in found.unreadable] == [
                ("group/acme/Everyone", "2 of its members may not be read, so their overrides are not known")
            ]
            assert (found.actions, shown(found.withheld)) == ((), ["delete user/ana not-listed"])
    exact = [policy(users=Manage.EXACT)]
    assert not plan_of(exact, world.snapshot()).is_complete
    assert not plan_of(exact, world.snapshot(), scope=Scope(only=("user/ana",))).is_complete
    both = [policy(budget("eng", 20), users=Manage.EXACT)]
    assert plan_of(both, world.snapshot(), scope=Scope(only=("group/*",))).is_complete
    assert plan_of(exact, replace(world, offers=FIRST_SERVER).snapshot()).is_complete
    (unreadable,) = compared(*exact, world=replace(world, offers=HIDING_SERVER)).unreadable
    assert unreadable.reading.reason.startswith("2 of its members may not be read")
    with pytest.raises(ReconcilerError, match="2 of its members may not be read"):
        export(SnapshotReader(world.snapshot()), "acme")
    assert export(SnapshotReader(replace(world, offers=FIRST_SERVER).snapshot()), "acme"), "it has no overrides"


def test_export_leaves_out_what_belongs_to_an_organization_that_may_not_be_read() -> None:
    world = replace(WORLD, overrides={"ana": (50, "acme/eng"), "bob": (70, "corp/eng")})
    (found,) = export(SnapshotReader(world.snapshot()), "acme")
    assert [one.user for one in found.user_overrides] == ["ana"]


def test_export_refuses_a_limit_that_no_policy_may_list() -> None:
    world = replace(WORLD, budgets={"acme/eng": 1_000_001}, overrides={"ana": (1_000_000, "acme/eng")})
    with pytest.raises(ReconcilerError, match=r"above \$1,000,000\.00, as of group/acme/eng$"):
        export(SnapshotReader(world.snapshot()), "acme")


def test_what_was_read_besides_is_not_compared() -> None:
    """The effects of a plan read more budgets than it manages."""
    desired = looked_up(policy(groups=Manage.EXACT, organization="beta")).desired
    assert shown(diff(desired, WORLD.snapshot()).actions) == ["delete group/beta/eng not-listed"]


def test_from_a_partial_read_removals_are_withheld() -> None:
    world = replace(WORLD, budgets={**WORLD.budgets, "acme/ops": UNREADABLE}, overrides={"bob": UNREADABLE})
    found = compared(policy(budget("eng", 5), groups=Manage.EXACT, users=Manage.EXACT), world=world)
    assert shown(found.actions) == ["update group/acme/eng listed"]
    assert [one.subject.address for one in found.unreadable] == ["group/acme/ops", "user/bob"]
    world = replace(WORLD, budgets={**WORLD.budgets, "acme/ops": UNREADABLE})
    found = compared(policy(groups=Manage.EXACT), world=world)
    assert (found.actions, shown(found.withheld)) == ((), ["delete group/acme/eng not-listed"])


def test_the_order_of_the_phases() -> None:
    actions = [
        set_user(WORLD, "kim", None), set_group(WORLD, "acme/ops", 5), set_group(WORLD, "beta/eng", None),
        set_group(WORLD, "acme/eng", None), set_group(WORLD, "beta", 5), set_group(WORLD, "acme", 9),
        set_user(WORLD, "bob", (5, "acme/ops")), set_user(WORLD, "ana", (9, "acme/eng")),
    ]  # fmt: skip
    steps = schedule([*actions, set_group(WORLD, "acme/ops", 30)])
    assert [(step.phase, [action.address for action in step.actions]) for step in steps] == [
        (Phase.OVERRIDE_WRITES, ["user/ana", "user/bob"]),
        (Phase.GROUP_CREATES, ["group/acme/Everyone"]),
        (Phase.GROUP_CREATES, ["group/beta/Everyone"]),
        (Phase.GROUP_DELETES, ["group/beta/eng"]),
        (Phase.GROUP_DELETES, ["group/acme/eng"]),
        (Phase.GROUP_LOWERINGS, ["group/acme/ops"]),
        (Phase.OVERRIDE_DELETES, ["user/kim"]),
    ]
    (step,) = schedule([set_group(WORLD, "acme/ops", 31)])
    assert step.phase is Phase.GROUP_RAISES
    assert schedule([set_group(WORLD, "acme/ops", 30)]) == ()


def test_a_plan_counts_and_knows_what_it_is() -> None:
    plan = plan_of([policy(budget("eng", 5), budget("ops", None), budget("Everyone", 1))], WORLD.snapshot())
    assert [plan.count(kind) for kind in Kind] == [1, 1, 1, 0]
    assert (plan.has_changes, plan.is_complete) == (True, True)
    assert plan.digest == digest("d-1", plan.actions) == plan.with_grants(()).digest
    empty = plan_of([policy()], WORLD.snapshot())
    assert (empty.has_changes, empty.count(Kind.CREATE)) == (False, 0)


def test_a_group_and_a_user_of_one_id_have_two_digests() -> None:
    group: Subject = group_of("acme")
    user: Subject = User(username="acme", id=UserId("acme"))
    states = (ABSENT, Budget(usd(0), GroupRef(GroupId("acme"))))
    both = {digest("d", [Action(subject=subject, before=states[0], after=states[1])]) for subject in (group, user)}
    turned = {digest("d", [Action(subject=subject, before=states[1], after=states[0])]) for subject in (group, user)}
    assert len(both | turned) == 4


def test_readings_in_words() -> None:
    group, user = group_of("acme/eng"), User(username="ana", id=UserId("ana"))
    state, unseen = Budget(usd(200), group.ref), Budget(usd(200), GroupRef(GroupId("acme/eng")))
    assert [
        describe(ABSENT, group),
        describe(Unknown("no answer"), group),
        describe(state, group),
        describe(state, user),
        describe(unseen, user),
    ] == ["no limit", "unknown (no answer)", "$200.00", "$200.00 (eng)", "$200.00 (acme/eng)"]


ACTIONS = (set_group(WORLD, "acme/ops", 31), set_group(WORLD, "acme/eng", None))
STARTED = Started(
    run="run-1", tool="reconciler/0", at=NOW, who="ci@host", digest="0" * 64,
    deployment=Deployment(
        id="d-1", url="https://coder.example", version="v2.37.0", user="ci", roles=(), offers=NEW_SERVER
    ),
    actions=ACTIONS, sources=(), revision="", consents=(),
)  # fmt: skip
INTENT = Intent(action=0, address="group/acme/ops", kind=Kind.UPDATE, at=NOW)
DONE = Recorded(action=0, address="group/acme/ops", result=Result.DONE, detail="", at=NOW)
ALREADY = Recorded(action=1, address="group/acme/eng", result=Result.ALREADY, detail="", at=NOW)
VERIFIED = Ended(ending=Ending.COMPLETED, why="", is_verified=True, differences=(), not_verified=0, at=NOW)


def outcome_text(outcome: Outcome) -> str:
    return text_of(outcome_lines(report_of(outcome, exit_code=0, journal="")))


def results(outcome: Outcome) -> list[Result]:
    return [row.result for row in outcome.results]


def test_an_outcome_follows_from_the_events_alone() -> None:
    outcome = replay([STARTED, INTENT, DONE, ALREADY, VERIFIED])
    assert (results(outcome), outcome.is_complete) == ([Result.DONE, Result.ALREADY], True)
    by_kind = [outcome.count(Result.DONE, kind) for kind in (Kind.CREATE, Kind.UPDATE, Kind.DELETE)]
    assert (outcome.count(Result.DONE), by_kind) == (1, [0, 1, 0])
    unproven = replay([STARTED, INTENT, DONE, ALREADY, replace(VERIFIED, is_verified=False)])
    assert not unproven.is_complete
    for other in set(Result) - {Result.DONE, Result.ALREADY}:
        assert not replay([STARTED, INTENT, replace(DONE, result=other), ALREADY, VERIFIED]).is_complete, other
    assert not replay([STARTED, INTENT, DONE, ALREADY]).is_complete, "it was cut off"


def test_what_could_not_be_read_makes_no_outcome_complete() -> None:
    for unreadable, says in (
        (("user/bob",), "Could not be read, and left alone: 1 (user/bob)."),
        (("a", "b"), "Could not be read, and left alone: 2 (a, b)."),
    ):
        outcome = replay([replace(STARTED, unreadable=unreadable), INTENT, DONE, ALREADY, VERIFIED])
        assert not outcome.is_complete
        assert says in outcome_text(outcome)
        assert outcome_text(outcome).endswith("Apply incomplete: 1 updated, 1 already done.")


def test_thousands_are_easy_to_read() -> None:
    group = ACTIONS[0].subject
    assert isinstance(group, Group)
    groups = [replace(group, id=GroupId(f"g-{number}")) for number in range(1200)]
    many = tuple(replace(ACTIONS[0], subject=each) for each in groups)
    done = [replace(DONE, action=number) for number in range(1200)]
    text = outcome_text(replay([replace(STARTED, actions=many), *done, VERIFIED]))
    assert text.endswith("Apply complete: 0 created, 1,200 updated, 0 deleted.")
    plan = replace(plan_of([], WORLD.snapshot()), actions=many)
    assert summary(plan) == "Plan: 0 to create, 1,200 to update, 0 to delete."


def test_no_sentence_of_an_outcome_ends_twice() -> None:
    ended = replace(VERIFIED, ending=Ending.STOPPED, why="24 are allowed.", is_verified=False, differences=("it.",))
    text = outcome_text(replay([STARTED, ended]))
    assert "2 actions not attempted: 24 are allowed.\n" in text
    assert "Not verified: it.\n" in text


def test_why_a_run_stopped_is_said_once() -> None:
    """Not on the line of each action that was not attempted, and not as the reason of "0 actions"."""
    failed = replace(DONE, result=Result.FAILED, detail="403 No.")
    ended = replace(VERIFIED, ending=Ending.STOPPED, why="group/acme/ops: 403 No.")
    text = outcome_text(replay([STARTED, INTENT, failed, ended]))
    assert text.count("403 No.") == 1
    assert "1 action not attempted: group/acme/ops failed.\n" in text
    text = outcome_text(replay([STARTED, INTENT, failed, ALREADY, ended]))
    assert text.count("403 No.") == 1
    assert "not attempted" not in text
    text = outcome_text(replay([STARTED, INTENT, DONE, ALREADY, replace(ended, why="the disk is full")]))
    assert "Stopped: the disk is full.\n" in text


def test_what_ended_during_the_run_is_nothing_to_be_run_again() -> None:
    """The same saved plan would be refused; a failure is one that may be gone the next time."""
    ending = replace(set_user(WORLD, "ana", (50, "acme")), expires=NOW)
    left = Recorded(action=0, address="user/ana", result=Result.NOT_ATTEMPTED, detail="it ended", at=NOW)
    for action, advice in (
        (ending, "To go on, look at a new plan: it no longer sets what ended during the run.\n"),
        (replace(ending, expires=NOW + timedelta(1)), "To go on, run it again when the cause is gone"),
    ):
        assert advice in outcome_text(replay([replace(STARTED, actions=(action,)), left, VERIFIED]))


def test_what_a_read_afterwards_did_not_show_is_counted_in_the_last_line() -> None:
    ended = replace(VERIFIED, is_verified=False, differences=("it could not be read",), not_verified=2)
    assert outcome_text(replay([STARTED, INTENT, DONE, ALREADY, ended])).endswith(
        "Apply incomplete: 1 updated, 1 already done, 2 not verified."
    )


def test_a_run_that_was_cut_off() -> None:
    outcome = replay([STARTED, INTENT])
    assert results(outcome) == [Result.IN_DOUBT, Result.NOT_ATTEMPTED]
    assert outcome.results[1].detail == "the run was cut off, or is still going on"
    assert (outcome.is_complete, outcome.ended) == (False, None)
    stopped = replay([STARTED, replace(VERIFIED, ending=Ending.STOPPED, why="it failed")])
    assert [one.detail for one in stopped.results] == ["it failed", "it failed"]


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], "does not begin with the event 'started'"),
        ([INTENT, STARTED], "does not begin with the event 'started'"),
        ([STARTED, STARTED], "it holds more than one run"),
        ([STARTED, replace(INTENT, action=2)], "it names action 2, but the run has only 2"),
        ([STARTED, replace(DONE, action=-1)], "it names action -1, but the run has only 2"),
    ],
)
def test_events_of_no_run(events: list[Started | Intent | Recorded | Ended], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replay(events)


def test_addresses_and_causes() -> None:
    assert group_of("acme").is_everyone
    assert not Group(
        organization="acme", name="eng", id=GroupId("x"), organization_id=OrganizationId("acme")
    ).is_everyone
    assert [cause.value for cause in Cause] == ["listed", "not-listed", "expired", "revert"]
    assert isinstance(plan_of([policy()], WORLD.snapshot()), Plan)


class TestOrphans:
    def test_a_group_that_is_named_like_the_uuid_of_another_is_ambiguous(self) -> None:
        eng = "0a5c4a0e-4000-4000-8000-00000000000b"
        directory = WORLD.directory()
        groups = {
            GroupId(eng): replace(directory.groups[GroupId("acme/eng")], id=GroupId(eng)),
            GroupId("x"): replace(directory.groups[GroupId("acme/ops")], id=GroupId("x"), name=eng),
        }
        directory = replace(directory, groups={**directory.groups, **groups})
        found = looked_up(policy(budget(eng), override("ana", eng)), directory=directory)
        assert [(orphan.address, str(orphan.reason)) for orphan in found.orphans] == [
            (f"group/acme/{eng}", "ambiguous"),
            ("user/ana", "ambiguous"),
        ]
        assert found.desired.left_alone == {"ana"}

    def test_an_absence_of_somebody_ambiguous_is_an_orphan_too(self) -> None:
        directory = with_user(User(username="ana2", id=UserId("u-2"), email="ana"), "acme")
        found = looked_up(policy(override("ana", "eng", None)), directory=directory)
        assert [str(orphan.reason) for orphan in found.orphans] == ["ambiguous"]
        assert [unresolved.address for unresolved in found.desired.unresolved] == ["user/ana"]

    def test_what_is_out_of_scope_is_no_orphan_and_withholds_all_the_same(self) -> None:
        found = resolve(
            [policy(override("zzz", "eng"), budget("eng"))],
            WORLD.directory(),
            at=NOW,
            scope=Scope(only=("group/*",)),
        )
        assert found.orphans == ()
        assert [unresolved.address for unresolved in found.desired.unresolved] == ["user/zzz"]

    def test_of_an_entry_that_starts_later_it_is_told_only_in_scope(self) -> None:
        later = policy(override("ana", "eng", starts=1))
        told = [
            [row.subject.username for row in resolve([later], WORLD.directory(), at=NOW, scope=scope).later]
            for scope in (Scope(), Scope(exclude=("user/ana",)))
        ]
        assert told == [["ana"], []]

    def test_a_group_that_may_be_hidden_has_perhaps_the_budget_that_is_not_wanted(self) -> None:
        none, directory = policy(budget("lab", None)), WORLD.directory()
        gone = looked_up(none)
        hidden = looked_up(none, directory=replace(directory, hides_groups=frozenset([OrganizationId("acme")])))
        assert [(len(found.vacancies), len(found.orphans)) for found in (gone, hidden)] == [(1, 0), (0, 1)]


def test_of_two_reasons_that_one_entry_is_an_orphan_the_last_is_told() -> None:
    """A grant that may still be live, of a name that may be hidden: the entry stood in a plan twice."""
    hidden = Orphan(
        address="user/ana",
        place=Place("p.yaml", 5, 5),
        organization="acme",
        reason=OrphanReason.HIDDEN_USER,
        message="user 'ana' is unknown",
        hint="use another token",
    )
    lost = replace(hidden, reason=OrphanReason.LOST_GRANT)
    other = replace(hidden, place=Place("p.yaml", 6, 5))
    assert last_orphans((hidden, other, lost), None) == tuple(sorted((lost, other)))
