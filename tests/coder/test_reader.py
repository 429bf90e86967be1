"""Live state as read is the sandbox's truth, on every generation and for every role, or it is Unknown."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from reconciler.coder.client import CoderReader
from reconciler.coder.transport import MOST_LOST
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, Reading, Unknown, UserId
from reconciler.core.directory import Directory, Group, User
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.errors import DeniedError, ServerError
from reconciler.money import Micros
from reconciler.sandbox import Fault, Sandbox
from tests.coder.helpers import ID_1, asked, sandbox_and_reader

ALL = ["2.37", "2.36", "2.35", "2.34", "2026-05-29"]
WITH_BULK = ["2.37", "2.36"]
WITH_OVERRIDES = ["2.37", "2.36", "2.35", "2026-05-29"]
NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}


def budgets_of(sandbox: Sandbox) -> dict[GroupId, Reading]:
    rows = sandbox.execute(
        "SELECT g.id, b.spend_limit_micros FROM groups g LEFT JOIN group_ai_budgets b ON b.group_id = g.id"
    )
    return {
        GroupId(id_): ABSENT if limit is None else Budget(Micros(limit), GroupRef(GroupId(id_))) for id_, limit in rows
    }


def overrides_of(sandbox: Sandbox) -> dict[UserId, Reading]:
    rows = sandbox.execute("SELECT user_id, spend_limit_micros, group_id FROM user_ai_budget_overrides")
    return {UserId(user): Budget(Micros(limit), GroupRef(GroupId(group))) for user, limit, group in rows}


def effective_of(sandbox: Sandbox) -> dict[UserId, Effective]:
    return {
        UserId(user): Effective(
            limit_micros=Unlimited() if limit is None else Micros(limit),
            group=GroupRef(GroupId(group)),
            by_override=source == "user_override",
        )
        for user, _, limit, source, group in sandbox.effective()
        if group is not None
    }


def people(directory: Directory) -> list[User]:
    return sorted(directory.users.values())


def named(directory: Directory, name: str) -> User:
    return next(user for user in directory.users.values() if user.username == name)


def group_named(directory: Directory, address: str) -> Group:
    return next(group for group in directory.groups.values() if group.address == f"group/{address}")


def set_override(sandbox: Sandbox, user: User, group: Group, limit: int = 7) -> None:
    sandbox.execute(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at)"
        " VALUES (?, ?, ?, '2026-08-01T00:00:00Z', '2026-08-01T00:00:00Z')",
        (user.id, group.id, limit),
    )


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("role", ["owner", "user-admin", "auditor"])
def test_what_is_read_is_what_is_there(version: str, role: str) -> None:
    with sandbox_and_reader(version, role=role) as (sandbox, reader):
        directory = reader.directory()
        budgets = reader.group_budgets(list(directory.groups.values()))
        found = reader.people(people(directory), directory)
        assert budgets == budgets_of(sandbox)
        there = overrides_of(sandbox) if version != "2.34" else {}
        assert found.overrides == {user.id: there.get(user.id, ABSENT) for user in people(directory)}
        truth = effective_of(sandbox)
        expected = {user.id: truth[user.id] for user in people(directory)} if version in WITH_BULK else {}
        assert found.reported == expected
        assert {request.method for request in sandbox.requests} <= {"GET", "POST"}
        assert {request.path for request in sandbox.requests if request.method == "POST"} <= {"/api/v2/authcheck"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.37", {"GET /api/v2/organizations/*/groups/ai/spend": 2, "GET /api/v2/groups/*/members/ai/spend": 50}),
        ("2.36", {"GET /api/v2/organizations/*/groups/ai/spend": 2, "GET /api/v2/groups/*/members/ai/spend": 50 + 198}),
        ("2.35", {"GET /api/v2/groups/*/ai/budget": 40, "GET /api/v2/users/*/ai/budget": 450,
                  "POST /api/v2/authcheck": 2}),
        ("2.34", {"GET /api/v2/groups/*/ai/budget": 40, "POST /api/v2/authcheck": 1}),
    ],
)  # fmt: skip
def test_the_requests_for_many_groups_and_people_exactly(version: str, expected: dict[str, int]) -> None:
    """Without bulk reads each costs a request, so there are fewer of them."""
    users, groups = (5_000, 200) if version in WITH_BULK else (450, 40)
    with sandbox_and_reader(version, seed=f"{users}-users,{groups}-groups") as (sandbox, reader):
        reader.deployment()
        before = reader.requests
        directory = reader.directory()
        assert (len(directory.groups), len(directory.users), reader.requests - before) == (groups, users, 1)
        sandbox.forget_requests()
        budgets = reader.group_budgets(list(directory.groups.values()))
        found = reader.people(people(directory), directory)
        assert asked(sandbox) == expected
        assert budgets == budgets_of(sandbox)
        assert {id_: one for id_, one in found.overrides.items() if one != ABSENT} == (
            overrides_of(sandbox) if version != "2.34" else {}
        )


@pytest.mark.parametrize("version", WITH_OVERRIDES)
def test_only_what_is_asked_for_is_read(version: str) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        group, user = group_named(directory, "acme/platform"), named(directory, "ana")
        sandbox.forget_requests()
        assert set(reader.group_budgets([group])) == {group.id}
        assert set(reader.people([user], directory).overrides) == {user.id}
        assert reader.group_budgets([]) == {}
        assert reader.people([], directory).overrides == {}
        assert len(sandbox.requests) <= 3


@pytest.mark.parametrize("version", WITH_OVERRIDES)
def test_an_override_in_another_organization_is_found(version: str) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        rosa, group = named(directory, "rosa"), group_named(directory, "labs/ml")
        sandbox.execute("DELETE FROM user_ai_budget_overrides")
        set_override(sandbox, rosa, group)
        found = reader.people([rosa], directory)
        assert found.overrides == {rosa.id: Budget(Micros(7), GroupRef(group.id))}


@pytest.mark.parametrize("version", WITH_BULK)
def test_what_another_organization_masks_is_read_one_by_one(version: str) -> None:
    with sandbox_and_reader(version, role="organization-admin") as (sandbox, reader):
        directory = reader.directory()
        assert [one.name for one in directory.organizations.values()] == ["acme"]
        felix, rosa = named(directory, "felix"), named(directory, "rosa")
        (row,) = sandbox.execute("SELECT id FROM groups WHERE name = 'ml'")
        ml = Group(
            organization="labs", name="ml", id=GroupId(row[0]), organization_id=next(iter(directory.organizations))
        )
        sandbox.execute("DELETE FROM user_ai_budget_overrides")
        set_override(sandbox, rosa, ml)
        sandbox.forget_requests()
        found = reader.people([felix, rosa], directory)
        assert found.overrides == {felix.id: ABSENT, rosa.id: Budget(Micros(7), GroupRef(ml.id))}
        assert found.reported == {}
        assert asked(sandbox) == {
            "GET /api/v2/groups/*/members/ai/spend": 1,
            "GET /api/v2/users/*/ai/budget/override": 2,
            "POST /api/v2/authcheck": 1,
        }


@pytest.mark.parametrize("version", WITH_OVERRIDES)
def test_a_member_knows_about_nobody_else(version: str) -> None:
    with sandbox_and_reader(version, role="owner") as (_, owner):
        everybody = people(owner.directory())
        with sandbox_and_reader(version, role="member") as (_, reader):
            directory = reader.directory()
            assert [user.username for user in people(directory)] == ["mia"]
            assert sum(directory.hidden_members.values()) > 40
            mia = named(directory, "mia")
            found = reader.people(everybody, directory).overrides
            assert found[mia.id] == ABSENT
            unseen = {user.username for user in everybody if not isinstance(found[user.id], Unknown)}
            assert unseen == {"mia"}
            assert reader.budget(named(owner.directory(), "bob")) == Unknown(
                "user/bob is gone, or this token may not read it"
            )


@pytest.mark.parametrize("version", WITH_OVERRIDES)
@pytest.mark.parametrize("way", ["before", "between"])
def test_a_token_that_is_demoted_in_a_run_sees_nothing_absent(version: str, way: str) -> None:
    """What was known about the token before the answers is worth nothing for them."""
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        groups = list(directory.groups.values())
        reader.group_budgets(groups)
        reader.people(people(directory), directory)
        assert reader.budget(named(directory, "carol")) == ABSENT
        demote = "UPDATE users SET roles = '[]' WHERE username = 'ci-budgets'"
        if way == "before":
            sandbox.execute(demote)
        else:
            sandbox.fault(Fault("change", path="*/ai/*", after=20, sql=demote))
        budgets = reader.group_budgets(groups)
        found = reader.people(people(directory), directory).overrides
        truth, overrides = budgets_of(sandbox), overrides_of(sandbox)
        wrong = {id_ for id_, one in budgets.items() if not isinstance(one, Unknown) and one != truth[id_]}
        wrong_overrides = {
            id_ for id_, one in found.items() if not isinstance(one, Unknown) and one != overrides.get(id_, ABSENT)
        }
        assert (wrong, wrong_overrides) == (set(), set())


def test_a_batch_asks_once_what_its_answers_are_worth() -> None:
    with sandbox_and_reader("2.35") as (sandbox, reader):
        directory = reader.directory()
        sandbox.forget_requests()
        for expected in (2, 4):
            reader.group_budgets(list(directory.groups.values()))
            reader.people(people(directory), directory)
            assert asked(sandbox)["POST /api/v2/authcheck"] == expected
        assert reader.budget(named(directory, "carol")) == ABSENT
        assert reader.budget(group_named(directory, "acme/eng")) == ABSENT
        assert asked(sandbox)["POST /api/v2/authcheck"] == 4
        assert "GET /api/v2/groups/*" not in asked(sandbox)


def test_a_group_that_became_unreadable_is_unknown_and_not_absent() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        group = group_named(reader.directory(), "acme/eng")
        sandbox.fault(Fault("status", path="*/groups/ai/spend", status=200, body={"groups": None}))
        sandbox.fault(Fault("status", path=f"*/groups/{group.id}", status=404, body=NOT_FOUND))
        assert reader.group_budgets([group]) == {
            group.id: Unknown(f"{group.address} is gone, or this token may not read it")
        }


def test_a_group_that_bulk_left_out_is_read_alone() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        groups = [group_named(directory, "acme/eng"), group_named(directory, "acme/platform")]
        sandbox.fault(Fault("status", path="*/groups/ai/spend", status=200, body={"groups": []}))
        truth = budgets_of(sandbox)
        assert reader.group_budgets(groups) == {group.id: truth[group.id] for group in groups}


@pytest.mark.parametrize("status", [404, 500])
def test_a_bulk_read_that_fails_is_read_one_by_one(status: int) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        sandbox.fault(Fault("status", path="*/ai/spend", status=status, times=99, body=NOT_FOUND))
        assert reader.group_budgets(list(directory.groups.values())) == budgets_of(sandbox)
        found = reader.people(people(directory), directory)
        assert {id_: one for id_, one in found.overrides.items() if one != ABSENT} == overrides_of(sandbox)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_one_bulk_read_of_several_that_fails_costs_its_own_people_a_read_each_and_nobody_else(after: int) -> None:
    """Whichever of the three answers is a 500: nobody's override is lost, and nobody is read twice without need."""
    with sandbox_and_reader(seed="250-users,2-groups") as (sandbox, reader):
        directory = reader.directory()
        reader.people([], directory)
        sandbox.fault(Fault("status", path="*/members/ai/spend", status=500, after=after, body={"message": "No."}))
        readings = reader.people(people(directory), directory).overrides
        singles = [request for request in sandbox.requests if request.path.endswith("/ai/budget/override")]
        truth = overrides_of(sandbox)
    assert set(readings) == set(directory.users)
    assert {id_: reading for id_, reading in readings.items() if reading != ABSENT} == truth
    assert 1 <= len(singles) <= 110, "one answer speaks of a hundred people; discovery asks about its own user"


REFUSED_OR_LOST = (
    Fault("status", status=403, body={"message": "Forbidden."}),
    Fault("status", status=400, body={"message": "odd."}),
    Fault("status", status=503),
    Fault("truncate"),
    Fault("lost"),
)


@pytest.mark.parametrize("fault", REFUSED_OR_LOST)
@pytest.mark.parametrize("version", WITH_BULK)
def test_a_bulk_read_of_one_organization_that_is_refused_or_lost_is_read_one_by_one(version: str, fault: Fault) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        labs = group_named(directory, "labs/Everyone").id
        for path in (f"*/organizations/{labs}/groups/ai/spend", f"*/groups/{labs}/members/ai/spend"):
            sandbox.fault(replace(fault, path=path, times=999))
        assert reader.group_budgets(list(directory.groups.values())) == budgets_of(sandbox)
        found = reader.people(people(directory), directory)
        assert {id_: one for id_, one in found.overrides.items() if one != ABSENT} == overrides_of(sandbox)


@pytest.mark.parametrize("fault", REFUSED_OR_LOST)
def test_one_subject_that_is_refused_or_lost_is_unknown_and_takes_no_other_with_it(fault: Fault) -> None:
    with sandbox_and_reader("2.35") as (sandbox, reader):
        directory = reader.directory()
        group, user = group_named(directory, "acme/platform"), named(directory, "ana")
        for id_ in (group.id, user.id):
            sandbox.fault(replace(fault, path=f"*/{id_}/ai/budget", times=999))
        budgets = reader.group_budgets(list(directory.groups.values()))
        overrides = reader.people(people(directory), directory).overrides
        for reading in (budgets[group.id], overrides[user.id]):
            assert isinstance(reading, Unknown)
            assert reading.reason.startswith("GET /api/v2/")
            assert (fault.status == 403) == ("use the token of an Owner or User Admin" in reading.reason)
        truth = budgets_of(sandbox)
        assert budgets == truth | {group.id: budgets[group.id]}
        known = {id_: one for id_, one in overrides.items() if one != ABSENT and id_ != user.id}
        assert known == {id_: one for id_, one in overrides_of(sandbox).items() if id_ != user.id}


@pytest.mark.parametrize("fault", REFUSED_OR_LOST)
@pytest.mark.parametrize("version", ["2.37", "2.35"])
def test_where_more_than_a_few_are_refused_or_lost_it_is_the_servers_trouble(version: str, fault: Fault) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        sandbox.fault(replace(fault, path="*/ai/*", times=9999))
        with pytest.raises(ServerError, match="GET /api/v2/"):
            reader.group_budgets(list(directory.groups.values()))
        with pytest.raises(ServerError, match="GET /api/v2/"):
            reader.people(people(directory), directory)


@pytest.mark.parametrize(("status", "is_trouble"), [(404, False), (500, False), (400, True)])
def test_of_many_answers_about_members_404_and_500_are_read_one_by_one_and_others_are_trouble(
    status: int, *, is_trouble: bool
) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        asked_for = {id_: [named(directory, "ana").id] for id_ in directory.groups}
        assert len(asked_for) > MOST_LOST
        sandbox.fault(Fault("status", path="*/members/ai/spend", status=status, times=99, body={"message": "No."}))
        with pytest.raises(ServerError) if is_trouble else nullcontext():
            spend = reader.spend(asked_for)[group_named(directory, "acme/platform").id]
            assert spend[named(directory, "ana").id] > 0


def test_a_token_that_ends_is_never_one_subjects_trouble() -> None:
    with sandbox_and_reader("2.35") as (sandbox, reader):
        directory = reader.directory()
        ana = named(directory, "ana")
        sandbox.fault(Fault("status", path=f"*/{ana.id}/ai/budget", status=401, body={"message": "Signed out."}))
        with pytest.raises(DeniedError, match="401 Signed out"):
            reader.people(people(directory), directory)


def test_rows_nobody_asked_for_are_ignored() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        ana, group = named(directory, "ana"), group_named(directory, "acme/platform")
        row = {"user_id": ID_1, "effective_group_id": None, "effective_budget": None, "group_spend_micros": 5}
        sandbox.fault(Fault("status", path="*/members/ai/spend", status=200, body={"members": [row]}))
        assert reader.spend({group.id: [ana.id]}) == {group.id: {}}
        sandbox.fault(
            Fault("status", path="*/groups/ai/spend", status=200,
                  body={"groups": [{"group_id": ID_1, "spend_limit_micros": 5},
                                   {"group_id": group.id, "spend_limit_micros": 6}]})
        )  # fmt: skip
        assert reader.group_budgets([group]) == {group.id: Budget(Micros(6), GroupRef(group.id))}


def test_somebody_moved_between_two_answers_is_read_alone() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        rosa = named(directory, "rosa")
        acme, labs = (group_named(directory, f"{name}/Everyone") for name in ("acme", "labs"))
        for group in (acme, labs):
            row = {
                "user_id": rosa.id,
                "effective_group_id": group.id,
                "effective_budget": None,
                "group_spend_micros": 0,
            }
            sandbox.fault(Fault("status", path=f"*/{group.id}/members/ai/spend", status=200, body={"members": [row]}))
        found = reader.people([rosa], directory)
        assert found.reported == {}
        assert found.overrides == {rosa.id: overrides_of(sandbox).get(rosa.id, ABSENT)}


def test_however_many_single_answers_are_500_they_are_unknown_and_no_error() -> None:
    """Other failures end the run from the fourth on; these may be of one huge limit each."""
    with sandbox_and_reader("2.35") as (sandbox, reader):
        directory = reader.directory()
        sandbox.fault(Fault("status", path="*/ai/budget", status=500, times=999))
        budgets = reader.group_budgets(list(directory.groups.values()))
        overrides = reader.people(people(directory), directory).overrides
        assert min(len(budgets), len(overrides)) > MOST_LOST
        assert {type(reading) for reading in (*budgets.values(), *overrides.values())} == {Unknown}
        user = named(directory, "ana")
        assert isinstance(reader.budget(user), Unknown)


@pytest.mark.parametrize("version", ALL)
def test_one_subject_read_afresh(version: str) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        truth = budgets_of(sandbox)
        for address in ("acme/platform", "acme/eng", "labs/Everyone"):
            group = group_named(directory, address)
            assert reader.budget(group) == truth[group.id]
        overrides = overrides_of(sandbox) if version != "2.34" else {}
        for user in [named(directory, "ana"), *(one for one in people(directory) if one.id in overrides)]:
            assert reader.budget(user) == overrides.get(user.id, ABSENT)


def test_one_subject_read_without_the_directory_asks_for_its_group_too() -> None:
    with sandbox_and_reader() as (_, first):
        eng = group_named(first.directory(), "acme/eng")
    with sandbox_and_reader() as (sandbox, reader):
        assert reader.budget(eng) == ABSENT
        assert asked(sandbox)["GET /api/v2/groups/*"] == 1
        gone = Group(organization="acme", name="gone", id=GroupId(ID_1), organization_id=eng.organization_id)
        assert isinstance(reader.budget(gone), Unknown)
        sandbox.fault(Fault("status", path=f"*/groups/{gone.id}", status=500))
        with pytest.raises(ServerError):
            reader.budget(gone)


def test_somebody_without_an_override_whom_this_token_may_read_among_others_that_it_may_not() -> None:
    with sandbox_and_reader("2.35", role="member") as (sandbox, reader):
        zoe = User(username="zoe", id=UserId(ID_1))
        assert isinstance(reader.budget(zoe), Unknown)
        sandbox.fault(Fault("status", path=f"*/users/{zoe.id}", status=200, body={"id": zoe.id}))
        assert reader.budget(zoe) == ABSENT


@pytest.mark.parametrize("version", ["2.35"])
def test_without_its_experiment_overrides_are_unknown(version: str) -> None:
    with sandbox_and_reader(version, experiments=()) as (_, reader):
        directory = reader.directory()
        found = reader.people(people(directory), directory).overrides
        assert {type(reading) for reading in found.values()} == {Unknown}


def test_a_lapsed_licence_stops_everything() -> None:
    for version in ("2.37", "2.35"):
        with sandbox_and_reader(version) as (sandbox, reader):
            directory = reader.directory()
            body = {"message": "AI Gateway is a Premium feature. Contact sales!"}
            sandbox.fault(Fault("status", path="*/ai/*", status=403, body=body, times=99))
            with pytest.raises(DeniedError, match="Premium"):
                reader.group_budgets(list(directory.groups.values()))
            with pytest.raises(DeniedError, match="Premium"):
                reader.people(people(directory), directory)


def test_a_truncated_bulk_answer_is_asked_for_again() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        sandbox.fault(Fault("truncate", path="*/members/ai/spend"))
        found = reader.people(people(directory), directory)
        assert {id_: one for id_, one in found.overrides.items() if one != ABSENT} == overrides_of(sandbox)


def test_a_bulk_answer_of_another_shape_is_an_error_and_no_plan() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        sandbox.fault(Fault("status", path="*/groups/ai/spend", status=200, body={"groups": [{"group_id": ID_1}]}))
        with pytest.raises(ServerError, match=r"GET /api/v2/organizations/.*/groups/ai/spend: answer.groups\[0\]"):
            reader.group_budgets(list(directory.groups.values()))


def test_spend_is_what_was_booked_on_the_group() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory = reader.directory()
        group = group_named(directory, "acme/platform")
        ids = sorted(directory.members[group.id])
        rows = sandbox.execute(
            "SELECT user_id, SUM(cost_micros) FROM ai_daily_spend WHERE group_id = ? GROUP BY user_id", (group.id,)
        )
        found = reader.spend({group.id: ids})[group.id]
        assert set(found) == set(ids)
        assert {user: spend for user, spend in found.items() if spend} == dict(rows)


def test_spend_is_not_known_without_bulk_reads() -> None:
    with sandbox_and_reader("2.35") as (_, reader):
        directory = reader.directory()
        assert reader.spend({group_named(directory, "acme/platform").id: list(directory.users)}) == {}


@pytest.mark.parametrize(
    ("role", "groups", "overrides"),
    [
        ("owner", True, True),
        ("user-admin", True, True),
        ("organization-admin", True, False),
        ("organization-user-admin", True, False),
        ("auditor", False, False),
        ("member", False, False),
    ],
)
def test_what_a_role_may_write(role: str, groups: bool, overrides: bool) -> None:
    with sandbox_and_reader(role=role) as (sandbox, reader):
        acme = next(id_ for id_, one in reader.directory().organizations.items() if one.name == "acme")
        sandbox.forget_requests()
        said = reader.may_write(organizations=[acme], overrides=True)
        assert (not any("group budgets in acme" in one for one in said)) is groups
        assert (not any("user overrides" in one for one in said)) is overrides
        assert asked(sandbox) == {"POST /api/v2/authcheck": 1}
        assert reader.may_write(organizations=[], overrides=False) == ()


def test_overrides_that_do_not_exist_may_not_be_written() -> None:
    with sandbox_and_reader("2.34") as (_, reader):
        assert reader.may_write(organizations=[], overrides=True) == (
            "This Coder has no user overrides: they came with 2.35.",
        )


def test_an_organization_that_is_not_readable_is_named_by_its_id() -> None:
    with sandbox_and_reader(role="member") as (_, reader):
        (sentence,) = reader.may_write(organizations=[ID_1], overrides=False)  # type: ignore[list-item]
        assert ID_1 in sentence


def find(reader: CoderReader, *names: str) -> list[str]:
    return [user.username for user in reader.find_users(names)]


def test_people_are_found_by_name_and_id_but_not_the_token_itself() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        ana = named(reader.directory(), "ana")
        assert find(reader, "ana", "ANA", ana.id, "bob") == ["ana", "bob"]
        sandbox.forget_requests()
        assert find(reader, "me", "nobody", "../organizations", "a/b", "", "ana@acme.example", "x" * 100) == []
        assert asked(sandbox) == {"GET /api/v2/users/nobody": 1}


def test_a_name_that_is_a_route_of_its_own_is_not_asked_for() -> None:
    """GET /users/roles is a list of roles, /users/login 405: one such name in a policy stopped everybody's plan."""
    with sandbox_and_reader() as (sandbox, reader):
        reader.deployment()
        sandbox.forget_requests()
        assert find(reader, "authmethods", "first", "login", "Logout", "roles", "otp") == []
        assert asked(sandbox) == {"GET /api/v2/users/otp": 1}


def test_deleted_people_answer_to_their_id_and_are_not_found() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        ana = named(reader.directory(), "ana")
        sandbox.execute("UPDATE users SET deleted = 1 WHERE id = ?", (ana.id,))
        assert find(reader, ana.id, "ana") == []


def test_people_in_no_organization_are_found() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        ana = named(reader.directory(), "ana")
        sandbox.execute("DELETE FROM organization_members WHERE user_id = ?", (ana.id,))
        assert find(reader, ana.id) == ["ana"]
        assert find(reader, "ana") == ["ana"]


@pytest.mark.parametrize(
    "role", ["owner", "user-admin", "auditor", "organization-admin", "organization-user-admin", "member"]
)
@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
def test_many_names_are_found_in_the_list_as_one_by_one(role: str, version: str) -> None:
    with sandbox_and_reader(version, role=role) as (sandbox, reader):
        people = [row[0] for row in sandbox.execute("SELECT username FROM users ORDER BY username")]
        ids = [row[0] for row in sandbox.execute("SELECT id FROM users ORDER BY username")]
        sandbox.execute("UPDATE users SET deleted = 1 WHERE username = ?", (people[0],))
        sandbox.execute("DELETE FROM organization_members WHERE user_id = ?", (ids[1],))
        names = [*people, *ids, *(f"gone-{number}" for number in range(20))]
        one_by_one = {user for name in names for user in reader.find_users([name])}
        sandbox.forget_requests()
        assert set(reader.find_users(names)) == one_by_one
        assert len(names) > 40
        assert sum(asked(sandbox).values()) == 1


@pytest.mark.parametrize("status", [403, 404, 500])
def test_where_the_list_of_users_fails_each_name_is_asked_for(status: int) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        reader.deployment()
        sandbox.fault(Fault("status", path="/api/v2/users", status=status, times=9))
        assert find(reader, "ana", *(f"gone-{number}" for number in range(20))) == ["ana"]


@pytest.mark.parametrize(
    "body",
    [
        {"users": [], "count": 500},
        {"users": [{"id": "f" * 8 + "-0000-4000-8000-000000000000", "username": "\u202e", "email": ""}], "count": 1},
        {"users": "all of them", "count": 1},
    ],
)
def test_a_list_of_users_that_cannot_be_believed_decides_nothing(body: dict[str, object]) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        reader.deployment()
        sandbox.fault(Fault("status", path="/api/v2/users", status=200, body=body, times=9))
        assert find(reader, "ana", *(f"gone-{number}" for number in range(20))) == ["ana"]


def test_older_servers_say_400_for_a_user_who_is_not_there() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        body = {"message": '"user" must be an existing uuid or username.'}
        sandbox.fault(Fault("status", path="*/users/nobody", status=400, body=body))
        assert find(reader, "nobody") == []
