"""Large deterministic companies, `N-users,M-groups[,K-organizations]`: plausible, for trying out and for benches.

N counts everybody who is listed, role holders included. M counts all groups as Coder's lists do, Everyone of each
organization included. Seven groups in ten have a budget, one in fifty has a budget of $0, and every third is synced
from an identity provider. One person in ten has an override, one in fifty is suspended, one in twenty has never signed
in, one in a hundred is a service account. On top of N, one person in fifty has left: their spend is still booked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from ..answers import as_json
from ..identifiers import derived_uuid
from .habits import sow_spend
from .people import JOINED, add_system_user, give_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ..database import Database

_SEED = re.compile(r"(\d+)-users?,(\d+)-groups?(?:,(\d+)-organizations?)?", re.ASCII)
_SITE = ("owner", "user-admin", "auditor")
_ORGANIZATION = ("organization-admin", "organization-user-admin")
_ROLE_HOLDERS = (*_SITE, *_ORGANIZATION, "member")
_GROUPS_OF_A_PERSON = 2
_DOLLAR = 1_000_000
_GROUP_BUDGETS_USD = (100, 200, 200, 300, 500, 150, 1000)
_OVERRIDES_USD = (250, 400, 600, 750, 1200, 2500, 25)

_AREAS = (
    "platform", "data", "mobile", "web", "security", "research", "payments", "search", "infra", "design", "support",
    "sales-tools", "growth", "quality", "billing", "identity", "machine-learning", "docs", "partners", "internal-tools",
)  # fmt: skip
_FIRST_NAMES = (
    "Ada", "Ben", "Chloe", "Dev", "Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kemi", "Liam", "Mei", "Noor",
    "Oscar", "Priya", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wen", "Xenia", "Yusuf", "Zoe",
)  # fmt: skip
_LAST_NAMES = (
    "Adams", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Kaya", "Lopez",
    "Moreau", "Novak", "Okafor", "Patel", "Quist", "Rossi", "Singh", "Tanaka", "Ueda", "Vargas", "Weber", "Young",
    "Zhang",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Count what to make."""

    users: int
    groups: int
    organizations: int


def parse_bulk(seed: str) -> Size | None:
    """Return the size that a seed asks for, None for a seed of another kind. *Raises* ValueError when too small."""
    match = _SEED.fullmatch(seed)
    if match is None:
        return None
    size = Size(users=int(match[1]), groups=int(match[2]), organizations=int(match[3] or 1))
    if size.users < len(_ROLE_HOLDERS) or size.organizations < 1 or size.groups < size.organizations:
        raise ValueError(f"seed {seed!r} needs at least 6 users, 1 organization, and a group for each organization")
    return size


@dataclass(slots=True, kw_only=True)
class _Company:
    """Know the ids of a company: person i belongs to organization i modulo K, and to groups of that organization."""

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

    @property
    def is_listed(self) -> range:
        """Return the numbers of the people who are listed; the others have left."""
        return range(self.size.users)


def sow_bulk(database: Database, size: Size, *, today: date) -> None:
    """Fill a new database with a company of this size, which has spent until today."""
    organizations = [derived_uuid("organization", _organization_name(n)) for n in range(size.organizations)]
    groups: list[list[str]] = [[] for _ in organizations]
    for n in range(size.groups - size.organizations):
        groups[n % size.organizations].append(derived_uuid("group", str(n)))
    people = [derived_uuid("user", str(n)) for n in range(size.users + size.users // 50)]
    company = _Company(size=size, organizations=organizations, people=people, groups=groups)
    _write_places(database, company)
    _write_people(database, company)
    _write_limits(database, company)
    sow_spend(database, today)
    database.run_many(
        "UPDATE users SET deleted = 1 WHERE id = ?", ((id_,) for id_ in company.people[company.size.users :])
    )
    for role, person in zip(_ROLE_HOLDERS, company.people, strict=False):
        give_token(database, role, person)
    add_system_user(database)


def _organization_name(number: int) -> str:
    return "acme" if number == 0 else f"acme-{number}"


def _group_name(number: int) -> str:
    turn, area = divmod(number, len(_AREAS))
    return _AREAS[area] if turn == 0 else f"{_AREAS[area]}-{turn + 1}"


def _person_name(number: int) -> tuple[str, str]:
    """Return username and full name; after 650 people the usernames are numbered."""
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[number // len(_FIRST_NAMES) % len(_LAST_NAMES)]
    turn = number // (len(_FIRST_NAMES) * len(_LAST_NAMES))
    return f"{first}-{last}{f'-{turn + 1}' if turn else ''}".lower(), f"{first} {last}"


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
        "INSERT INTO groups (id, organization_id, name, display_name, source) VALUES (?, ?, ?, ?, ?)",
        (
            (id_, organization, _group_name(n), _group_name(n).replace("-", " ").title(), "user" if n % 3 else "oidc")
            for organization, groups in zip(company.organizations, company.groups, strict=True)
            for n, id_ in enumerate(groups)
        ),
    )


def _users(company: _Company) -> Iterator[tuple[object, ...]]:
    for n, id_ in enumerate(company.people):
        if n < len(_ROLE_HOLDERS):
            role = _ROLE_HOLDERS[n]
            yield (
                id_, role, role.replace("-", " ").title(), f"{role}@acme.example",
                as_json([role] if role in _SITE else []), role == "user-admin", "active", "password", JOINED, JOINED,
            )  # fmt: skip
        elif n % 100 == 50:
            yield id_, f"ci-{n}", f"Pipeline {n}", "", "[]", True, "active", "none", JOINED, JOINED
        else:
            username, name = _person_name(n)
            status = "suspended" if n % 50 == 33 else "dormant" if n % 20 == 17 else "active"
            yield id_, username, name, f"{username}@acme.example", "[]", False, status, "oidc", JOINED, JOINED


def _write_people(database: Database, company: _Company) -> None:
    database.run_many(
        "INSERT INTO users (id, username, name, email, roles, is_service_account, status, login_type, created_at, "
        "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _users(company),
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
    groups = list(enumerate(chain.from_iterable(company.groups)))
    budgets = [(company.organizations[0], 50)]
    budgets += [(id_, _GROUP_BUDGETS_USD[n % 7]) for n, id_ in groups if n % 10 < 7 and n % 50 != 49]
    budgets += [(id_, 0) for n, id_ in groups if n % 50 == 49]
    database.run_many(
        "INSERT INTO group_ai_budgets (group_id, spend_limit_micros, created_at, updated_at) VALUES (?, ?, ?, ?)",
        ((id_, usd * _DOLLAR, JOINED, JOINED) for id_, usd in budgets),
    )
    overrides = (
        (company.people[n], [*company.groups_of(n), company.organizations[company.home(n)]][0 if n % 40 else -1], n)
        for n in company.is_listed
        if n % 10 == 7
    )
    database.run_many(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            (person, group, _OVERRIDES_USD[n // 10 % 7] * _DOLLAR, JOINED, JOINED)
            for person, group, n in overrides
        ),
    )  # fmt: skip
