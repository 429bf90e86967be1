"""Small worlds for the tests of effects: a builder that takes names, and hypothesis strategies over a small alphabet.

Ids are names: `acme` is an organization and its Everyone group, `acme/eng` a group, `ana` a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Reading, State, UserId
from reconciler.core.desired import ResolvedPolicy
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.people.assess import assess
from reconciler.core.people.effects import Effects
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import Policy
from reconciler.core.snapshot import Deployment, Effective, Offers, Snapshot, Unlimited
from reconciler.money import MICROS_PER_USD, Micros

T = TypeVar("T")

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NEW_SERVER = Offers(overrides=True, bulk_reads=True, effective_budgets=True)
SILENT_SERVER = Offers(overrides=True, bulk_reads=True, effective_budgets=False)
"""Says what people spent, and not what limits them."""
OLD_SERVER = Offers(overrides=True, bulk_reads=False, effective_budgets=False)
HIDING_SERVER = Offers(overrides=False, bulk_reads=False, effective_budgets=False, overrides_hidden=True)
FIRST_SERVER = Offers(overrides=False, bulk_reads=False, effective_budgets=False, overrides_missing="too old")


def usd(dollars: int) -> Micros:
    return Micros(dollars * MICROS_PER_USD)


@dataclass(frozen=True)
class World:
    """`members`: per organization its people, per `organization/group` those of the group."""

    members: Mapping[str, Iterable[str]]
    budgets: Mapping[str, int | Reading] = field(default_factory=dict)
    """Dollars per group; whatever is not here is absent."""
    overrides: Mapping[str, tuple[int, str] | Reading] = field(default_factory=dict)
    """Dollars and group per person."""
    hidden: Mapping[str, int] = field(default_factory=dict)
    joined: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Day per person and organization."""
    default: str = "acme"
    offers: Offers = SILENT_SERVER
    reported: Mapping[str, Effective] = field(default_factory=dict)

    def directory(self) -> Directory:
        organizations = [name for name in self.members if "/" not in name]
        people = sorted({person for members in self.members.values() for person in members} | set(self.overrides))
        return Directory(
            organizations={
                OrganizationId(name): Organization(name=name, id=OrganizationId(name), is_default=name == self.default)
                for name in organizations
            },
            groups={group.id: group for group in map(group_of, self.members)},
            users={UserId(name): User(username=name, id=UserId(name)) for name in people},
            members={GroupId(name): frozenset(map(UserId, members)) for name, members in self.members.items()},
            hidden_members={GroupId(name): number for name, number in self.hidden.items()},
            joined={
                (UserId(person), OrganizationId(organization)): NOW - timedelta(days=900 - day)
                for (person, organization), day in self.joined.items()
            },
        )

    def snapshot(self) -> Snapshot:
        """Everything is read."""
        directory = self.directory()
        return Snapshot(
            deployment=Deployment(
                id="d-1",
                url="https://coder.example",
                version="v2.37.0",
                user="ci",
                roles=("user-admin",),
                offers=self.offers,
            ),
            directory=directory,
            group_budgets={group_id: self._budget(group_id) for group_id in directory.groups},
            user_overrides={user_id: self._override(user_id) for user_id in directory.users},
            reported={UserId(name): effective for name, effective in self.reported.items()},
        )

    def _budget(self, group_id: GroupId) -> Reading:
        found = self.budgets.get(str(group_id), ABSENT)
        return Budget(usd(found), ref(group_id)) if isinstance(found, int) else found

    def _override(self, user_id: UserId) -> Reading:
        found = self.overrides.get(str(user_id), ABSENT)
        if not isinstance(found, tuple):
            return found
        dollars, group = found
        return override(dollars, group) if group in self.members else Budget(usd(dollars), GroupRef(GroupId(group)))


def resolved(directory: Directory, *policies: Policy, at: datetime = NOW) -> tuple[ResolvedPolicy, ...]:
    """Look policies up in a directory."""
    return resolve(policies, directory, at=at).policies


def group_of(name: str) -> Group:
    organization, _, group = name.partition("/")
    return Group(
        organization=organization,
        name=group or "Everyone",
        id=GroupId(name),
        organization_id=OrganizationId(organization),
    )


def ref(group: str) -> GroupRef:
    """Return a group of these worlds: `acme/eng`, or `acme` for its Everyone."""
    organization, _, name = group.partition("/")
    return GroupRef(GroupId(group), organization=organization, name=name or "Everyone")


def override(dollars: int, group: str) -> Budget:
    return Budget(usd(dollars), ref(group))


def limit(dollars: int, group: str, *, by_override: bool = False) -> Effective:
    return Effective(limit_micros=usd(dollars), group=ref(group), by_override=by_override)


def unlimited(organization: str = "acme") -> Effective:
    return Effective(limit_micros=Unlimited(), group=ref(organization))


def set_group(world: World, group: str, dollars: int | None) -> Action:
    """`None` deletes."""
    before = world.snapshot().group_budgets[GroupId(group)]
    assert isinstance(before, State)
    after = ABSENT if dollars is None else Budget(usd(dollars), ref(group))
    return Action(subject=group_of(group), before=before, after=after)


def set_user(world: World, user: str, after: tuple[int, str] | None) -> Action:
    """`None` deletes."""
    before = world.snapshot().user_overrides[UserId(user)]
    assert isinstance(before, State)
    return Action(
        subject=User(username=user, id=UserId(user)), before=before, after=ABSENT if after is None else override(*after)
    )


def effects_of_nothing() -> Effects:
    """The effects of a plan without actions."""
    return assess((), World({}).snapshot()).effects({})


_DOLLARS = st.sampled_from([0, 10, 20, 30])
_DOLLARS_OR_NONE = st.none() | _DOLLARS
_YES_OR_NO = st.booleans()
_JOINED = st.integers(1, 3)
_PEOPLE = ("ana", "bob", "eve", "kim")


@cache
def names_of(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Any of them. Hypothesis takes longer to make a strategy than to draw from it, so each is made once."""
    return st.sampled_from(names)


@cache
def lists_of(names: tuple[str, ...], *, at_least: int = 0) -> st.SearchStrategy[list[str]]:
    """Any of them, in any order, each once."""
    return st.lists(names_of(names), min_size=at_least, unique=True)


@cache
def limits_of(names: tuple[str, ...], dollars: st.SearchStrategy[T]) -> st.SearchStrategy[dict[str, T]]:
    """A limit for any of them."""
    return st.dictionaries(names_of(names), dollars)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to three organizations and seven groups, four people, ties of limits and of dates, $0, overrides anywhere."""
    organizations = draw(lists_of(("acme", "beta", "corp"), at_least=1))
    members: dict[str, list[str]] = {}
    for organization in organizations:
        everyone = draw(lists_of(_PEOPLE))
        members[organization] = everyone
        for group in draw(lists_of(("eng", "ops"))):
            members[f"{organization}/{group}"] = [person for person in everyone if draw(_YES_OR_NO)]
    joined = {
        (person, organization): draw(_JOINED) for organization in organizations for person in members[organization]
    }
    budgets = draw(limits_of(tuple(sorted(members)), _DOLLARS))
    return World(members, budgets, draw(_overrides(members)), joined=joined, default=draw(names_of(("acme", "beta"))))


WORLDS = worlds()


@st.composite
def plans(draw: st.DrawFn) -> tuple[World, tuple[Action, ...]]:
    """A world and any actions on it, at most one a subject, no-ops left out."""
    world = draw(WORLDS)
    budgets = draw(limits_of(tuple(sorted(world.members)), _DOLLARS_OR_NONE))
    actions = [set_group(world, group, dollars) for group, dollars in budgets.items()]
    wanted = draw(_overrides(world.members))
    for user in draw(lists_of(_PEOPLE)):
        if UserId(user) in world.directory().users:
            actions.append(set_user(world, user, wanted.get(user)))
    return world, tuple(action for action in actions if action.before != action.after)


@st.composite
def spends(draw: st.DrawFn, world: World) -> dict[GroupId, dict[UserId, Micros]]:
    """What people booked on their groups; some of it is missing."""
    return {
        GroupId(group): {
            UserId(person): usd(draw(st.integers(0, 40))) for person in sorted(members) if draw(st.integers(0, 5))
        }
        for group, members in world.members.items()
    }


@st.composite
def _overrides(draw: st.DrawFn, members: Mapping[str, Iterable[str]]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for person in _PEOPLE:
        theirs = tuple(sorted(group for group, people in members.items() if person in people))
        if draw(_YES_OR_NO) and theirs:
            found[person] = (draw(_DOLLARS), draw(names_of(theirs)))
    return found
