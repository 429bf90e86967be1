"""A YAML document as a seed; demo.yaml is the example that shows every key. Amounts are in US dollars.

Written for people who prepare a situation by hand: what a document names and does not define is an error that
names it. The rules themselves are the database's.
"""

from __future__ import annotations

import hashlib
import sqlite3
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import yaml

from ..answers import as_json
from ..clock import as_text
from ..moments import parse_moment
from ..uuids import derived_uuid
from .people import JOINED, give_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..clock import Clock
    from ..database import Database

_KEYS = ("organizations", "users", "overrides", "spend", "sessions")


def sow_document(database: Database, clock: Clock, path: Path) -> None:
    """Fill a new database from a file. *Raises* ValueError with the file's name and what is wrong in it."""
    try:
        document = yaml.safe_load(path.read_bytes()) or {}
        unknown = sorted(set(document) - set(_KEYS))
        if unknown:
            raise ValueError(f"unknown keys {', '.join(unknown)}; a seed has {', '.join(_KEYS)}")
        _Sower(database, clock).sow(document)
    except (
        yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, InvalidOperation, sqlite3.Error,
    ) as error:  # fmt: skip
        raise ValueError(f"seed {path.name}: {type(error).__name__}: {error}") from error


class _Sower:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._joined = 0

    def sow(self, document: Mapping[str, Any]) -> None:
        organizations = document.get("organizations") or {}
        for number, (name, organization) in enumerate(organizations.items()):
            self._organization(name, organization or {}, is_default=number == 0)
        for username, user in (document.get("users") or {}).items():
            self._user(username, user or {}, default=next(iter(organizations)))
        for name, organization in organizations.items():
            for group, body in ((organization or {}).get("groups") or {}).items():
                self._group(name, group, body or {})
        for username, override in (document.get("overrides") or {}).items():
            self._override(username, override)
        for row in document.get("spend") or []:
            self._spend(row)
        for number, row in enumerate(document.get("sessions") or []):
            self._session(number, row)
        give_tokens(self._database)

    def _organization(self, name: str, body: Mapping[str, Any], *, is_default: bool) -> None:
        self._database.run(
            "INSERT INTO organizations (id, name, display_name, description, is_default, workspace_sharing, "
            "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            derived_uuid("organization", name), name, body.get("display_name", name),
            body.get("description", ""), is_default, body.get("workspace_sharing", "everyone"), JOINED, JOINED,
        )  # fmt: skip

    def _user(self, username: str, body: Mapping[str, Any], *, default: str) -> None:
        service, system = body.get("service_account", False), body.get("system", False)
        password = body.get("password")
        self._database.run(
            "INSERT INTO users (id, username, name, email, password_hash, status, login_type, roles, "
            "is_service_account, is_system, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            derived_uuid("user", username), username, body.get("name", username.title()),
            "" if service else body.get("email", f"{username}@{default}.example"),
            hash_password(password) if password else "", body.get("status", "active"),
            "none" if service or system else body.get("login_type", "password"),
            as_json(body.get("roles", [])), service, system, JOINED, JOINED,
        )  # fmt: skip
        organizations = body.get("organizations", [default])
        roles = body.get("organization_roles", {})
        for organization in organizations:
            self._joined += 1
            moment = (
                JOINED[:11]
                + f"{9 + self._joined // 3600:02}:{self._joined // 60 % 60:02}:{self._joined % 60:02}.000000Z"
            )
            self._database.run(
                "INSERT INTO organization_members (user_id, organization_id, roles, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?)",
                derived_uuid("user", username), derived_uuid("organization", organization),
                as_json(roles.get(organization, [])), moment, moment,
            )  # fmt: skip

    def _group(self, organization: str, name: str, body: Mapping[str, Any]) -> None:
        group_id = self._group_id(f"{organization}/{name}")
        if name != "Everyone":
            self._database.run(
                "INSERT INTO groups (id, organization_id, name, display_name, source) VALUES (?, ?, ?, ?, ?)",
                group_id, derived_uuid("organization", organization), name, body.get("display_name", ""),
                body.get("source", "user"),
            )  # fmt: skip
        self._database.run_many(
            "INSERT INTO group_members (user_id, group_id) VALUES (?, ?)",
            [(derived_uuid("user", username), group_id) for username in body.get("members", [])],
        )
        if "budget" in body:
            self._database.run(
                "INSERT INTO group_ai_budgets (group_id, spend_limit_micros, created_at, updated_at) "
                "VALUES (?, ?, ?, ?)",
                group_id, micros(body["budget"]), JOINED, JOINED,
            )  # fmt: skip

    def _override(self, username: str, body: Mapping[str, Any]) -> None:
        self._database.run(
            "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?)",
            derived_uuid("user", username), self._group_id(body["group"]), micros(body["limit"]), JOINED, JOINED,
        )  # fmt: skip

    def _spend(self, body: Mapping[str, Any]) -> None:
        start, _ = self._clock.period()
        self._database.run(
            "INSERT INTO ai_daily_spend (user_id, group_id, day, model, input_tokens, output_tokens, cost_micros) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            derived_uuid("user", body["user"]), self._group_id(body["group"]),
            str(body.get("day", start.date().isoformat())), body.get("model", "claude-sonnet-4-5"),
            body.get("input_tokens", 300_000), body.get("output_tokens", 20_000), micros(body["spent"]),
        )  # fmt: skip

    def _session(self, number: int, body: Mapping[str, Any]) -> None:
        session_id = derived_uuid("session", str(number))
        started = parse_moment(str(body["started"])) if "started" in body else as_text(self._clock.period()[0])
        self._database.run(
            "INSERT INTO ai_sessions (id, initiator_id, client, started_at) VALUES (?, ?, ?, ?)",
            session_id, derived_uuid("user", body["user"]), body.get("client", "claude-code"), started,
        )  # fmt: skip
        for position, prompt in enumerate(body.get("prompts", [])):
            self._database.run(
                "INSERT INTO ai_session_threads (id, session_id, provider, provider_name, model, prompt, "
                "input_tokens, output_tokens, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                derived_uuid("thread", str(number), str(position)), session_id,
                body.get("provider", "anthropic"), body.get("provider", "anthropic").title(),
                body.get("model", "claude-sonnet-4-5"), prompt, 1200, 300, started,
            )  # fmt: skip

    def _group_id(self, address: str) -> str:
        organization, _, name = address.partition("/")
        if name == "Everyone":
            return derived_uuid("organization", organization)
        return derived_uuid("group", organization, name)


def micros(dollars: object) -> int:
    """Return an amount in dollars as whole micro-dollars."""
    exact = Decimal(str(dollars)) * 1_000_000
    if exact != int(exact):
        raise ValueError(f"{dollars} has more than six decimals")
    return int(exact)


def hash_password(password: str) -> str:
    """Return what is stored of a password: enough for a stand-in, not for a real server."""
    return hashlib.sha256(password.encode()).hexdigest()
