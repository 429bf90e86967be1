"""A random company and policies for it, how it gets into a sandbox, and what must be live after an apply."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from reconciler.sandbox import Sandbox

_NAMESPACE = uuid.UUID("c4a05c4a-0000-4000-8000-000000000000")
_TIME = "2026-01-01T00:00:00.000000Z"
_DOLLARS = (0, 10, 20, 20, 30, 40, 50)
_NAMES = ("eng", "ops", "data", "ml", "art")
FAR = "2999-01-01T00:00:00.000000Z"

Budgets = dict[str, int]
"""Dollars per group id; what is not in it has no budget."""
Overrides = dict[str, tuple[str, int]]
"""Group id and dollars per user id."""


@cache
def id_of(name: str) -> str:
    """Return the id of an organization, a group (`acme/eng`; `acme/Everyone` has its organization's) or a person."""
    return str(uuid.uuid5(_NAMESPACE, name.removesuffix("/Everyone")))


@dataclass(frozen=True)
class State:
    """What is set."""

    budgets: Budgets
    overrides: Overrides


@dataclass(frozen=True)
class Policy:
    """The policy of one organization; None is `limit: none`."""

    organization: str
    exact_groups: bool
    exact_users: bool
    groups: Mapping[str, int | None]
    """By name, as `acme/eng`."""
    users: Mapping[str, tuple[str, int | None]]
    """Group name and dollars per person."""

    def text(self) -> str:
        """Write it as the YAML that a person would write."""
        word = {True: "exact", False: "listed"}
        lines = [
            "version: 1",
            f"organization: {self.organization}",
            f"manage: {{group_budgets: {word[self.exact_groups]}, user_overrides: {word[self.exact_users]}}}",
            "group_budgets:" if self.groups else "group_budgets: []",
            *(f"  - {{group: {_own(name)}, limit: {_limit(usd)}}}" for name, usd in self.groups.items()),
            "user_overrides:" if self.users else "user_overrides: []",
            *(f"  - {{user: {user}, group: {_own(g)}, limit: {_limit(usd)}}}" for user, (g, usd) in self.users.items()),
            "allow:",
            *(
                f"  - {{hazard: {hazard}, up_to: 1000, reason: a test}}"
                for hazard in ("REMOVES_LIMIT", "BLOCKS_USERS", "MASS_CHANGE")
            ),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Company:
    """Who exists, what is live at first, and what shall be."""

    members: Mapping[str, tuple[str, ...]]
    """Per group, Everyone included: its people."""
    live: State
    policies: tuple[Policy, ...]

    @property
    def people(self) -> list[str]:
        return sorted({person for people in self.members.values() for person in people})

    def groups_of(self, person: str) -> list[str]:
        return [group for group, people in self.members.items() if person in people]

    def write_policies(self, folder: Path) -> None:
        folder.mkdir()
        for policy in self.policies:
            (folder / f"{policy.organization}.yaml").write_text(policy.text())

    def managed(self, live: State) -> set[str]:
        """Return the ids that an apply may touch."""
        found = {id_of(name) for policy in self.policies for name in policy.groups}
        found |= {id_of(user) for one in self.policies for user in one.users if self._may_touch(one, user, live)}
        exact_groups = {one.organization for one in self.policies if one.exact_groups}
        exact_users = {one.organization for one in self.policies if one.exact_users}
        found |= {id_of(name) for name in self.members if name.split("/")[0] in exact_groups}
        owned = {id_of(name) for name in self.members if name.split("/")[0] in exact_users}
        return found | {user for user, (group, _) in live.overrides.items() if group in owned}

    def _may_touch(self, policy: Policy, user: str, live: State) -> bool:
        """Whether an entry speaks of what is live: `limit: none` does not of an override of another organization."""
        own = {id_of(name) for name in self.members if name.split("/")[0] == policy.organization}
        return policy.users[user][1] is not None or live.overrides.get(id_of(user), ("", 0))[0] in own

    def wanted(self, live: State) -> State:
        """Return what must be set once this live state has been brought in line with the policies."""
        managed = self.managed(live)
        budgets = {id_: usd for id_, usd in live.budgets.items() if id_ not in managed}
        overrides = {id_: own for id_, own in live.overrides.items() if id_ not in managed}
        for policy in self.policies:
            budgets |= {id_of(name): usd for name, usd in policy.groups.items() if usd is not None}
            overrides |= {id_of(user): (id_of(g), usd) for user, (g, usd) in policy.users.items() if usd is not None}
        return State(budgets, overrides)


def _own(name: str) -> str:
    return name.split("/")[1]


def _limit(usd: int | None) -> str:
    return "none" if usd is None else f"${usd}"


def random_company(random: Random) -> Company:
    """Make a company of one to three organizations, two to seven people and up to a dozen groups."""
    people = [f"p{number}" for number in range(random.randint(2, 7))]
    members: dict[str, tuple[str, ...]] = {}
    for organization in ("acme", "beta", "corp")[: random.choice((1, 1, 2, 3))]:
        everyone = tuple(person for person in people if random.random() < 0.8) or tuple(people[:1])
        members[f"{organization}/Everyone"] = everyone
        for name in random.sample(_NAMES, random.randint(0, 4)):
            members[f"{organization}/{name}"] = tuple(person for person in everyone if random.random() < 0.5)
    live = State(
        {id_of(name): random.choice(_DOLLARS) for name in members if random.random() < 0.5},
        {id_of(person): own for person, own in _overrides(random, people, members).items()},
    )
    return Company(members, live, random_policies(random, people, members))


def _overrides(random: Random, people: list[str], members: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, int]]:
    found = {}
    for person in people:
        groups = [name for name, inside in members.items() if person in inside]
        if groups and random.random() < 0.4:
            found[person] = (id_of(random.choice(groups)), random.choice(_DOLLARS))
    return found


def random_policies(random: Random, people: list[str], members: Mapping[str, tuple[str, ...]]) -> tuple[Policy, ...]:
    """Make a policy for some of the organizations; nobody is listed twice."""
    organizations = sorted({name.split("/")[0] for name in members})
    listed: set[str] = set()
    policies = []
    for organization in random.sample(organizations, random.randint(1, len(organizations))):
        own = [name for name in members if name.startswith(f"{organization}/")]
        users: dict[str, tuple[str, int | None]] = {}
        for person in people:
            groups = [name for name in own if person in members[name]]
            if groups and person not in listed and random.random() < 0.5:
                listed.add(person)
                users[person] = (random.choice(groups), _maybe(random))
        groups_listed = {name: _maybe(random) for name in own if random.random() < 0.7}
        policies.append(
            Policy(organization, random.random() < 0.6, random.random() < 0.4, groups_listed, users)
        )  # fmt: skip
    return tuple(policies)


def _maybe(random: Random) -> int | None:
    return None if random.random() < 0.2 else random.choice(_DOLLARS)


def settle(company: Company, sandbox: Sandbox) -> None:
    """Put a company into a sandbox of the seed `empty`, and have the database itself record every change from then."""
    rows: dict[str, list[tuple[object, ...]]] = {
        "users (id, username, status, created_at, updated_at)": [
            (id_of(person), person, "active", _TIME, _TIME) for person in company.people
        ],
        "organizations (id, name, created_at, updated_at)": [],
        "organization_members (user_id, organization_id, created_at, updated_at)": [],
        "groups (id, organization_id, name)": [],
        "group_members (user_id, group_id)": [],
    }
    _, organizations, organization_members, groups, group_members = rows.values()
    for number, (name, people) in enumerate(company.members.items()):
        organization, _, group = name.partition("/")
        if group == "Everyone":
            organizations.append((id_of(name), organization, _TIME, _TIME))
            joined = f"2026-02-{1 + number:02}T00:00:00.000000Z"
            organization_members += [(id_of(person), id_of(name), joined, _TIME) for person in people]
        else:
            groups.append((id_of(name), id_of(f"{organization}/Everyone"), group))
            group_members += [(id_of(person), id_of(name)) for person in people]
    budgets, overrides = company.live.budgets, company.live.overrides
    rows["group_ai_budgets"] = [(id_, usd * 1_000_000, _TIME, _TIME) for id_, usd in budgets.items()]
    rows["user_ai_budget_overrides"] = [
        (id_, group_id, usd * 1_000_000, _TIME, _TIME) for id_, (group_id, usd) in overrides.items()
    ]
    sandbox.execute("UPDATE organizations SET name = 'sandbox'")
    for table, values in rows.items():
        insert(sandbox, table, values)


def insert(sandbox: Sandbox, table: str, rows: Sequence[tuple[object, ...]], *, verb: str = "INSERT") -> None:
    """Insert rows by one statement: each waits for the sandbox's thread."""
    if rows:
        row = f"({', '.join('?' * len(rows[0]))})"
        parameters = [value for values in rows for value in values]
        sandbox.execute(f"{verb} INTO {table} VALUES {', '.join([row] * len(rows))}", parameters)


def live_state(sandbox: Sandbox) -> State:
    """Read from the database what is set now."""
    budgets = sandbox.execute("SELECT group_id, spend_limit_micros FROM group_ai_budgets")
    overrides = sandbox.execute("SELECT user_id, group_id, spend_limit_micros FROM user_ai_budget_overrides")
    return State(
        {group: micros // 1_000_000 for group, micros in budgets},
        {user: (group, micros // 1_000_000) for user, group, micros in overrides},
    )
