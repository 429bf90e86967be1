"""Large deterministic companies, `N-users,M-groups[,K-organizations]`: written by the thousand, for benches.

N counts everybody who is listed, role holders included. M counts all groups as Coder's lists do, Everyone of each
organization included. Every tenth group has a budget, one person in fifty an override, one in five some spend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..answers import as_json
from ..identifiers import derived_uuid
from .people import JOINED, add_system_user, give_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..clock import Clock
    from ..database import Database

_SEED = re.compile(r"(\d+)-users?,(\d+)-groups?(?:,(\d+)-organizations?)?", re.ASCII)
_SITE = ("owner", "user-admin", "auditor")
_ORGANIZATION = ("organization-admin", "organization-user-admin")
_ROLE_HOLDERS = (*_SITE, *_ORGANIZATION, "member")
_GROUPS_OF_A_PERSON = 2
DOLLAR = 1_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """Count what to make."""

    users: int
    groups: int
    organizations: int


def parse_bulk(seed: str) -> Size | None:
    """Return the size that a seed asks for, None when it is another kind. *Raises* ValueError when too small."""
    match = _SEED.fullmatch(seed)
    if match is None:
        return None
    size = Size(int(match[1]), int(match[2]), int(match[3] or 1))
    if size.users < len(_ROLE_HOLDERS) or size.organizations < 1 or size.groups < size.organizations:
        raise ValueError(f"seed {seed!r} needs at least 6 users, 1 organization, and a group for each organization")
    return size


@dataclass(slots=True)
class _Company:
    """Know the ids of a company: person i belongs to organization i modulo K, and to groups of that one."""

    size: Size
    organizations: list[str]
    people: list[str]
    groups: list[list[str]]

    def home(self, person: int) -> int:
        return 0 if person < len(_ROLE_HOLDERS) else person % self.size.organizations

    def groups_of(self, person: int) -> list[str]:
        own = self.groups[self.home(person)]
        step = 1 + person // max(1, len(own))
        picks = {(person + n * step) % len(own) for n in range(_GROUPS_OF_A_PERSON)} if own else set()
        return [own[pick] for pick in sorted(picks)]


def sow_bulk(database: Database, clock: Clock, size: Size) -> None:
    """Fill a new database with a company of this size."""
    organizations = [derived_uuid("organization", _organization_name(n)) for n in range(size.organizations)]
    groups: list[list[str]] = [[] for _ in organizations]
    for n in range(size.groups - size.organizations):
        groups[n % size.organizations].append(derived_uuid("group", str(n)))
    company = _Company(size, organizations, [derived_uuid("user", str(n)) for n in range(size.users)], groups)
    _write_places(database, company)
    _write_people(database, company)
    _write_limits(database, company)
    _write_spend(database, clock)
    for role, person in zip(_ROLE_HOLDERS, company.people, strict=False):
        give_token(database, role, person)
    add_system_user(database)


def _organization_name(number: int) -> str:
    return "acme" if number == 0 else f"acme-{number}"


def _write_places(database: Database, company: _Company) -> None:
    database.run_many(
        "INSERT INTO organizations (id, name, display_name, is_default, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            (id_, _organization_name(n), _organization_name(n).title(), n == 0, JOINED, JOINED)
            for n, id_ in enumerate(company.organizations)
        ),
    )
    database.run_many(
        "INSERT INTO groups (id, organization_id, name) VALUES (?, ?, ?)",
        (
            (id_, organization, f"group-{n:04}")
            for organization, groups in zip(company.organizations, company.groups, strict=True)
            for n, id_ in enumerate(groups)
        ),
    )


def _write_people(database: Database, company: _Company) -> None:
    def users() -> Iterator[tuple[object, ...]]:
        for n, id_ in enumerate(company.people):
            role = _ROLE_HOLDERS[n] if n < len(_ROLE_HOLDERS) else ""
            name = role or f"user{n:06}"
            roles = as_json([role] if role in _SITE else [])
            yield id_, name, f"{name}@acme.example", roles, role == "user-admin", JOINED, JOINED

    database.run_many(
        "INSERT INTO users (id, username, email, roles, is_service_account, status, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, 'active', ?, ?)",
        users(),
    )
    database.run_many(
        "INSERT INTO organization_members (user_id, organization_id, roles, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            (
                id_,
                company.organizations[company.home(n)],
                as_json([_ROLE_HOLDERS[n]] if n < len(_ROLE_HOLDERS) and _ROLE_HOLDERS[n] in _ORGANIZATION else []),
                JOINED,
                JOINED,
            )
            for n, id_ in enumerate(company.people)
        ),
    )
    database.run_many(
        "INSERT INTO group_members (user_id, group_id) VALUES (?, ?)",
        ((id_, group) for n, id_ in enumerate(company.people) for group in company.groups_of(n)),
    )


def _write_limits(database: Database, company: _Company) -> None:
    everyone_first = [*company.organizations, *(group for groups in company.groups for group in groups)]
    database.run_many(
        "INSERT INTO group_ai_budgets (group_id, spend_limit_micros, created_at, updated_at) VALUES (?, ?, ?, ?)",
        ((id_, (50 + n) * DOLLAR, JOINED, JOINED) for n, id_ in enumerate(everyone_first) if n % 10 == 0),
    )
    overrides = (
        (company.people[n], (company.groups_of(n) or [company.organizations[company.home(n)]])[0], n)
        for n in range(company.size.users)
        if n % 50 == 7
    )
    database.run_many(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?)",
        ((person, group, (100 + n % 400) * DOLLAR, JOINED, JOINED) for person, group, n in overrides),
    )


def _write_spend(database: Database, clock: Clock) -> None:
    start, _ = clock.period()
    database.run(
        "INSERT INTO ai_daily_spend (user_id, group_id, day, input_tokens, output_tokens, cost_micros) "
        "SELECT e.user_id, e.effective_group_id, ?, 300000, 20000, 1000000 + (u.rowid * 7919) % 30000000 "
        "FROM users u JOIN effective_budgets e ON e.user_id = u.id WHERE u.rowid % 5 = 0",
        start.date().isoformat(),
    )
