"""Who may be called what: names, UUIDs in any capitals, twins, and names that fit several subjects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.names import Names
from reconciler.words import NearNames

ACME = Organization(name="acme", id=OrganizationId("0a5c4a0e-4000-4000-8000-00000000000a"))
BETA = Organization(name="beta", id=OrganizationId("0a5c4a0e-4000-4000-8000-00000000000b"))
ENG_ID = "0a5c4a0e-4000-4000-8000-0000000000e1"


def group(name: str, id_: str, organization: Organization = ACME) -> Group:
    return Group(organization=organization.name, name=name, id=GroupId(id_), organization_id=organization.id)


ENG = group("eng", ENG_ID)
ANA = User(username="Ana.Lima", id=UserId("0a5c4a0e-4000-4000-8000-0000000000a1"), email="Ana@Example.com")


def names(*groups: Group, users: tuple[User, ...] = (ANA,)) -> Names:
    return Names(
        Directory(
            organizations={organization.id: organization for organization in (ACME, BETA)},
            groups={group.id: group for group in groups},
            users={user.id: user for user in users},
            members={},
        )
    )


def test_an_organization_goes_by_its_name_or_by_its_uuid_in_any_capitals() -> None:
    known = names()
    assert known.organization("acme") == known.organization(ACME.id.upper()) == ACME
    assert known.organization("ACME") is None


def test_the_uuid_of_an_organization_wins_over_a_name_that_looks_like_it() -> None:
    twin = replace(BETA, name=str(ACME.id))
    directory = Directory(organizations={ACME.id: ACME, BETA.id: twin}, groups={}, users={}, members={})
    assert Names(directory).organization(ACME.id.upper()) == ACME


def test_a_group_goes_by_its_exact_name_or_by_its_uuid_in_any_capitals() -> None:
    twin = group("Eng", "g-2")
    known = names(ENG, twin)
    assert known.groups("eng", ACME) == known.groups(ENG_ID.upper(), ACME) == (ENG,)
    assert known.groups("Eng", ACME) == (twin,)
    assert known.groups("ENG", ACME) == known.groups("eng", BETA) == ()


def test_a_near_name_is_one_of_the_same_organization_and_the_names_are_filed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filed = []

    class Counted(NearNames):
        def _file(self) -> dict[str, tuple[int, str]]:
            filed.append(self)
            return super()._file()

    monkeypatch.setattr("reconciler.core.names.NearNames", Counted)
    known = names(ENG, group("platform", "g-2", BETA))
    assert [known.near_group(f"en{letter}", ACME) for letter in "abc"] == ["did you mean 'eng'?"] * 3
    assert known.near_group("platfrom", ACME) == ""
    assert known.near_group("platfrom", BETA) == "did you mean 'platform'?"
    assert len(filed) == 2, "one index an organization: 2,000 unknown names made 2,000 of them"


def test_a_group_named_like_the_uuid_of_another_group_is_ambiguous() -> None:
    impostor = group(ENG_ID.upper(), "g-2")
    for groups in ((ENG, impostor), (impostor, ENG)):
        assert set(names(*groups).groups(ENG_ID, ACME)) == {ENG, impostor}


def test_groups_of_other_organizations_are_told_apart() -> None:
    elsewhere = group("eng", "g-2", BETA)
    assert names(ENG, elsewhere).groups_elsewhere("eng", ACME) == (elsewhere,)


def test_a_person_goes_by_username_address_and_uuid_in_any_capitals() -> None:
    known = names()
    for name in ("ana.lima", "ANA.LIMA", "ana@example.com", ANA.id.upper()):
        assert known.users(name) == (ANA,)
    assert known.users("") == known.users("ana") == ()


def test_an_address_that_is_the_username_of_somebody_else_is_ambiguous() -> None:
    other = User(username="ana@example.com", id=UserId("u-2"))
    assert set(names(users=(ANA, other)).users("ana@example.com")) == {ANA, other}
