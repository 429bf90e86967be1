"""A YAML document as a seed; docs/reference/sandbox.md shows every key. Amounts are in US dollars.

Written for people who prepare a situation by hand: a key that means nothing here is an error that names it. The
rules themselves are the database's. Memberships begin in the order of the document.
"""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from ..answers import as_json
from ..clock import as_text
from ..identifiers import derived_uuid
from ..tokens import hash_password
from .people import JOINED, add_system_user, give_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..database import Database

_TOP = {"organizations", "users", "overrides", "spend", "sessions", "tokens"}
_ORGANIZATION = {"name", "display_name", "description", "default", "workspace_sharing", "members", "groups", "deleted"}
_GROUP = {"name", "display_name", "source", "members", "strangers", "budget"}
_USER = {
    "username", "name", "email", "password", "status", "login_type", "roles", "organization_roles",
    "service_account", "deleted",
}  # fmt: skip
_OVERRIDE = {"user", "group", "limit", "stale"}
_SPEND = {
    "user", "group", "amount", "day", "provider", "provider_name", "model", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "client", "unpriced",
}  # fmt: skip
_SESSION = {"user", "client", "provider", "model", "prompts", "tools", "ended", "network_calls"}
_MISTAKES = (yaml.YAMLError, LookupError, TypeError, AttributeError, ValueError, sqlite3.Error)


def sow_document(database: Database, document: bytes, *, name: str, month: datetime) -> None:
    """Fill a new database; `month` is when the month of its clock begins.

    *Raises* ValueError with the document's name and what is wrong in it.
    """
    try:
        _Sower(database, month).sow(_checked(_parsed(document), _TOP))
    except _MISTAKES as error:
        raise ValueError(f"seed {name}: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    match error:
        case KeyError():
            return f"{error} is needed: a key that is missing, or a person whom `users` does not list"
        case sqlite3.Error():
            return f"the database refuses it: {error}"
        case _:
            return str(error)


@lru_cache(maxsize=8)
def _parsed(document: bytes) -> Any:
    """Return what a document says; callers must not change it, since a process that opens many sandboxes shares it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's reads the demo in a tenth of the time
    body: Any = yaml.load(document, loader)  # noqa: S506  # both are safe
    return {} if body is None else body


def _checked(body: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise TypeError(f"{body!r} should be a mapping with keys among {', '.join(sorted(known))}")
    if unknown := sorted(set(body) - known):
        raise ValueError(f"unknown keys {', '.join(unknown)} in {body!r}; there are {', '.join(sorted(known))}")
    return body


class _Sower:
    def __init__(self, database: Database, month: datetime) -> None:
        self._database = database
        self._month = month
        self._joining = datetime.fromisoformat(JOINED)

    def sow(self, document: Mapping[str, Any]) -> None:
        users = {body["username"]: _checked(body, _USER) for body in document.get("users") or ()}
        for body in users.values():
            self._user(body)
        for body in document.get("organizations") or ():
            self._organization(_checked(body, _ORGANIZATION), users)
        for body in document.get("overrides") or ():
            self._override(_checked(body, _OVERRIDE))
        for body in document.get("spend") or ():
            self._spend(_checked(body, _SPEND))
        for number, body in enumerate(document.get("sessions") or ()):
            self._session(number, _checked(body, _SESSION))
        for body in users.values():
            if body.get("deleted"):
                self._database.run("UPDATE users SET deleted = 1 WHERE id = ?", _user_id(body["username"]))
        for body in document.get("organizations") or ():
            if body.get("deleted"):
                self._database.run("UPDATE organizations SET deleted = 1 WHERE id = ?", _organization_id(body["name"]))
        for role, username in (document.get("tokens") or {}).items():
            give_token(self._database, role, _user_id(username))
        add_system_user(self._database)

    def _user(self, body: Mapping[str, Any]) -> None:
        username, service, password = body["username"], body.get("service_account", False), body.get("password")
        self._database.run(
            "INSERT INTO users (id, username, name, email, password_hash, status, login_type, roles, "
            "is_service_account, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _user_id(username), username, body.get("name", username.title()),
            "" if service else body.get("email", f"{username}@acme.example"),
            hash_password(password) if password else "", body.get("status", "active"),
            "none" if service else body.get("login_type", "password"), as_json(body.get("roles", [])),
            service, JOINED, JOINED,
        )  # fmt: skip

    def _organization(self, body: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]]) -> None:
        name, groups = body["name"], [_checked(group, _GROUP) for group in body.get("groups") or ()]
        self._database.run(
            "INSERT INTO organizations (id, name, display_name, description, is_default, workspace_sharing, "
            "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            _organization_id(name), name, body.get("display_name", name), body.get("description", ""),
            body.get("default", False), body.get("workspace_sharing", "everyone"), JOINED, JOINED,
        )  # fmt: skip
        named = [*(body.get("members") or ()), *(m for group in groups for m in group.get("members") or ())]
        for username in dict.fromkeys(named):
            self._joining += timedelta(seconds=1)
            roles = users[username].get("organization_roles", {}).get(name, [])
            self._database.run(
                "INSERT INTO organization_members (user_id, organization_id, roles, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?)",
                _user_id(username), _organization_id(name), as_json(roles),
                as_text(self._joining), as_text(self._joining),
            )  # fmt: skip
        for group in groups:
            self._group(name, group)

    def _group(self, organization: str, body: Mapping[str, Any]) -> None:
        group_id = _group_id(f"{organization}/{body['name']}")
        if body["name"] != "Everyone":
            self._database.run(
                "INSERT INTO groups (id, organization_id, name, display_name, source) VALUES (?, ?, ?, ?, ?)",
                group_id, _organization_id(organization), body["name"], body.get("display_name", ""),
                body.get("source", "user"),
            )  # fmt: skip
        self._database.run_many(
            "INSERT INTO group_members (user_id, group_id) VALUES (?, ?)",
            [
                (_user_id(username), group_id)
                for username in (*(body.get("members") or ()), *(body.get("strangers") or ()))
            ],
        )
        if "budget" in body:
            self._database.run(
                "INSERT INTO group_ai_budgets (group_id, spend_limit_micros, created_at, updated_at) "
                "VALUES (?, ?, ?, ?)",
                group_id, _micros(body["budget"]), JOINED, JOINED,
            )  # fmt: skip

    def _override(self, body: Mapping[str, Any]) -> None:
        with self._database.without_triggers() if body.get("stale") else nullcontext():
            self._write_override(body)

    def _write_override(self, body: Mapping[str, Any]) -> None:
        self._database.run(
            "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?)",
            _user_id(body["user"]), _group_id(body["group"]), _micros(body["limit"]), JOINED, JOINED,
        )  # fmt: skip

    def _spend(self, body: Mapping[str, Any]) -> None:
        self._database.run(
            "INSERT INTO ai_daily_spend (user_id, group_id, day, provider, provider_name, model, input_tokens, "
            "output_tokens, cache_read_tokens, cache_write_tokens, cost_micros, client, unpriced_usage_count) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _user_id(body["user"]), _group_id(body["group"]), str(body.get("day", self._month.date())),
            body.get("provider", "anthropic"), body.get("provider_name", "Anthropic"),
            body.get("model", "claude-sonnet-4-5"), body.get("input_tokens", 300_000),
            body.get("output_tokens", 20_000), body.get("cache_read_tokens", 0),
            body.get("cache_write_tokens", 0), _micros(body["amount"]), body.get("client", "claude-code"),
            body.get("unpriced", 0),
        )  # fmt: skip

    def _session(self, number: int, body: Mapping[str, Any]) -> None:
        session_id, started = derived_uuid("session", str(number)), self._month
        network = body.get("network_calls")
        self._database.run(
            "INSERT INTO ai_sessions (id, initiator_id, client, started_at, ended_at, network_total, network_blocked) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            session_id, _user_id(body["user"]), body.get("client", "claude-code"), as_text(started),
            as_text(started + timedelta(minutes=30)) if body.get("ended") else None,
            network and network["total"], network and network["blocked"],
        )  # fmt: skip
        for position, prompt in enumerate(body.get("prompts") or ()):
            began = started + timedelta(minutes=position)
            self._database.run(
                "INSERT INTO ai_session_threads (id, session_id, provider, provider_name, model, prompt, tools, "
                "input_tokens, output_tokens, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1200, 300, ?, ?)",
                derived_uuid("thread", str(number), str(position)), session_id,
                body.get("provider", "anthropic"), body.get("provider", "anthropic").title(),
                body.get("model", "claude-sonnet-4-5"), prompt, as_json(body.get("tools", [])),
                as_text(began), as_text(began + timedelta(seconds=20)),
            )  # fmt: skip


def _user_id(username: str) -> str:
    return derived_uuid("user", username)


def _organization_id(name: str) -> str:
    return derived_uuid("organization", name)


def _group_id(address: str) -> str:
    organization, _, name = address.partition("/")
    return _organization_id(organization) if name == "Everyone" else derived_uuid("group", organization, name)


def _micros(dollars: object) -> int:
    """Return an amount in dollars as whole micro-dollars."""
    try:
        exact = Decimal(str(dollars)) * 1_000_000
    except InvalidOperation:
        raise ValueError(f"{dollars!r} is not an amount in US dollars, such as 12.50") from None
    if exact != int(exact):
        raise ValueError(f"{dollars} has more than six decimals")
    return int(exact)
