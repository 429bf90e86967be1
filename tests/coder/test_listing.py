"""Who exists, as far as it may be read."""

from __future__ import annotations

from datetime import datetime

import pytest

from reconciler.coder.users import PREBUILDS
from reconciler.errors import ServerError
from reconciler.sandbox import Fault
from tests.coder.helpers import ID_1, ID_2, ID_3, asked, sandbox_and_reader

MEMBER = {"id": ID_2, "username": "ana", "email": "ana@acme.example", "status": "active"}


def listed(**change: object) -> dict[str, object]:
    return {"id": ID_3, "name": "eng", "organization_id": ID_1, "members": [MEMBER], "total_member_count": 1} | change


@pytest.mark.parametrize("version", ["2.37", "2.34"])
def test_groups_people_and_memberships_are_what_is_there(version: str) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        directory = reader.directory()
        memberships = set(sandbox.execute("SELECT group_id, user_id FROM group_memberships"))
        system = {row[0] for row in sandbox.execute("SELECT id FROM users WHERE is_system OR deleted")}
        found = {(group, user) for group, users in directory.members.items() for user in users}
        assert found == {(group, user) for group, user in memberships if user not in system}
        groups = {(row[0], row[1]) for row in sandbox.execute("SELECT id, name FROM groups")}
        assert {(group.id, group.name) for group in directory.groups.values()} == groups
        assert {one.name for one in directory.organizations.values()} == {"acme", "labs"}
        assert directory.hidden_members == {}
        assert reader.directory() is directory


def test_one_request_an_organization_and_one_more_where_there_are_several() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        reader.deployment()
        sandbox.forget_requests()
        directory = reader.directory()
        assert asked(sandbox) == {
            "GET /api/v2/organizations/*/groups": 2,
            "GET /api/v2/organizations/*/members": 2,
        }
        rows = sandbox.execute(
            "SELECT user_id, organization_id, created_at FROM organization_members WHERE user_id IN"
            " (SELECT user_id FROM organization_members GROUP BY user_id HAVING COUNT(*) > 1)"
        )
        there = {(user, organization): datetime.fromisoformat(at) for user, organization, at in rows}
        assert directory.joined == there
        assert there


@pytest.mark.parametrize("status", [403, 404])
def test_dates_that_may_not_be_read_are_not_known(status: int) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        body = {"message": "Resource not found or you do not have access to this resource"}
        sandbox.fault(Fault("status", path="*/organizations/*/members", status=status, body=body, times=2))
        assert reader.directory().joined == {}


def test_dormant_and_suspended_people_are_people() -> None:
    with sandbox_and_reader() as (_, reader):
        assert {user.status for user in reader.directory().users.values()} == {"active", "dormant", "suspended"}


def read(*groups: object, times: int = 1, role: str = "user-admin") -> object:
    with sandbox_and_reader(role=role) as (sandbox, reader):
        organizations = [{"id": ID_1, "name": "acme", "is_default": True}]
        sandbox.fault(Fault("status", path="*/organizations", status=200, body=organizations))
        sandbox.fault(Fault("status", path="*/groups", status=200, body=list(groups), times=times))
        return reader.directory()


def test_hidden_members_are_counted() -> None:
    directory = read(listed(total_member_count=5), listed(id=ID_1, name="Everyone", members=None), role="member")
    assert directory.hidden_members == {ID_3: 4, ID_1: 1}  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", ["owner", "user-admin", "auditor"])
def test_nobody_is_hidden_from_who_may_read_every_member(role: str) -> None:
    """The one who is missing then is a system user, whom some servers count."""
    assert read(listed(total_member_count=2), role=role).hidden_members == {}  # type: ignore[attr-defined]


def test_nobody_is_hidden_from_an_admin_of_the_organization() -> None:
    with sandbox_and_reader(role="organization-admin") as (sandbox, reader):
        ((acme,),) = sandbox.execute("SELECT id FROM organizations WHERE name = 'acme'")
        group = listed(organization_id=acme, total_member_count=2)
        sandbox.fault(Fault("status", path=f"*/organizations/{acme}/groups", status=200, body=[group]))
        assert reader.directory().hidden_members == {}
        assert asked(sandbox)["POST /api/v2/authcheck"] == 1


@pytest.mark.parametrize("role", ["owner", "user-admin", "auditor", "member"])
@pytest.mark.parametrize("count", [3, 5])
def test_a_list_that_is_shorter_than_its_count_hides_people_whoever_asks(role: str, count: int) -> None:
    hidden = read(listed(total_member_count=count), role=role).hidden_members  # type: ignore[attr-defined]
    assert hidden == {ID_3: count - 1}


def test_who_is_listed_twice_does_not_stand_for_somebody_who_is_not() -> None:
    hidden = read(listed(members=[MEMBER, MEMBER], total_member_count=3)).hidden_members  # type: ignore[attr-defined]
    assert hidden == {ID_3: 2}


@pytest.mark.parametrize("change", [{"members": None}, {"members": ...}])
@pytest.mark.parametrize("count", [2, 5, None])
def test_a_group_without_a_list_that_has_members_is_an_error(change: dict[str, object], count: int | None) -> None:
    group = {key: value for key, value in (listed(total_member_count=count) | change).items() if value is not ...}
    with pytest.raises(ServerError, match="members is not a list of members"):
        read(group)


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_group_may_have_no_list(count: int) -> None:
    directory = read(listed(members=None, total_member_count=count))
    assert (directory.members[ID_3], directory.hidden_members) == (frozenset(), {})  # type: ignore[attr-defined]


def test_a_count_that_lies_low_or_is_missing_hides_nobody() -> None:
    assert read(listed(total_member_count=0)).hidden_members == {}  # type: ignore[attr-defined]
    assert read(listed(total_member_count=None)).hidden_members == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("change", [{"id": PREBUILDS}, {"is_system": True}, {"deleted": True}])
def test_system_users_and_deleted_ones_are_nobody(change: dict[str, object]) -> None:
    directory = read(listed(members=[MEMBER | change], total_member_count=1))
    assert directory.users == {}  # type: ignore[attr-defined]
    assert directory.hidden_members == {}  # type: ignore[attr-defined]


def test_a_system_user_who_is_listed_does_not_stand_for_somebody_who_is_not() -> None:
    system = MEMBER | {"id": PREBUILDS}
    hidden = read(listed(members=[MEMBER, system], total_member_count=4)).hidden_members  # type: ignore[attr-defined]
    assert hidden == {ID_3: 2}


def test_a_service_account_has_no_mail() -> None:
    directory = read(listed(members=[{"id": ID_2, "username": "bot"}]))
    (user,) = directory.users.values()  # type: ignore[attr-defined]
    assert (user.username, user.email, user.status) == ("bot", "", "active")


def test_groups_of_another_organization_are_not_ours() -> None:
    assert read(listed(organization_id=ID_2)).groups == {}  # type: ignore[attr-defined]


def test_a_group_twice_is_one_group_unless_it_contradicts_itself() -> None:
    assert len(read(listed(), listed()).groups) == 1  # type: ignore[attr-defined]
    with pytest.raises(ServerError, match="names an id twice"):
        read(listed(), listed(name="other"))


@pytest.mark.parametrize(
    ("group", "what"),
    [
        (listed(members=[{"id": ID_2}]), "a member.username is missing; expected a name"),
        (listed(members=[5]), "a member is an integer, not an object"),
        (listed(members={"a": 1}), "members is not a list of members"),
        (listed(members="ana"), "members is not a list of members"),
        (listed(members=[MEMBER | {"id": 5}]), "a member.id is an integer, not a UUID"),
        (listed(members=[MEMBER | {"id": "../me"}]), "a member.id is a text, not a UUID"),
        (listed(members=[MEMBER | {"username": ""}]), "a member.username is empty"),
        (listed(total_member_count=1.0), "total_member_count is a number .*, not an integer"),
        (listed(id=None), "id is null, not a UUID"),
        (listed(name=None), "name is null, not a name"),
        (listed(organization_id=5), "organization_id is an integer, not a UUID"),
        ("eng", "is a text, not an object"),
    ],
)
def test_a_list_of_another_shape_is_an_error(group: object, what: str) -> None:
    with pytest.raises(ServerError, match=what) as caught:
        read(group)
    assert caught.value.message.startswith(f"GET /api/v2/organizations/{ID_1}/groups: ")


def test_an_organization_whose_groups_may_not_be_read_has_none() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        body = {"message": "Resource not found or you do not have access to this resource"}
        sandbox.fault(Fault("status", path="*/groups", status=404, body=body))
        directory = reader.directory()
        assert len(directory.organizations) == 2
        assert len({group.organization for group in directory.groups.values()}) == 1
