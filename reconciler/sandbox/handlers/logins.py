"""Getting in: the first user, login and logout, session keys and tokens."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..answers import NOT_FOUND, Answer, Validation, forbidden, json_answer, message, not_found, refusal, server_error
from ..clock import shown
from ..identifiers import check_email, check_username
from ..tokens import ALL, SCOPES, UNSCOPED, hash_password, issue_key
from .accounts import check_password, insert_user

if TYPE_CHECKING:
    from ..calls import Call

_MAXIMUM_LIFETIME = timedelta(hours=876_600)
_MAXIMUM_OWNER_LIFETIME = timedelta(hours=168)
_DEFAULT_LIFETIME = timedelta(days=7)


def has_first_user(call: Call) -> Answer:
    """Tell whether anybody has set the server up."""
    if not _is_set_up(call):
        raise refusal(404, "The initial user has not been created!")
    return message("The initial user has already been created!")


def create_first_user(call: Call) -> Answer:
    """Create the first owner, in the default organization, on a server that has no users yet."""
    body = call.json(
        "CreateFirstUserRequest",
        {"email": "string", "username": "string", "name": "string", "password": "string"},
    )
    if faults := (*check_email(body["email"]), *check_username(body["username"])):
        raise refusal(400, "Validation failed.", *faults)
    if _is_set_up(call):
        raise refusal(409, "The initial user has already been created.")
    check_password(body["password"])
    organization = call.database.value("SELECT id FROM organizations WHERE is_default")
    owner = {"roles": ("owner",), "user_status": "", "login_type": "", "service_account": False}
    with call.database.transaction():
        user_id = insert_user(call, body | owner, [organization])
    return json_answer({"user_id": user_id, "organization_id": organization}, 201)


def login(call: Call) -> Answer:
    """Exchange address and password for a session token; a dormant user becomes active."""
    body = call.json("LoginWithPasswordRequest", {"email": "string", "password": "string"})
    if faults := check_email(body["email"]):
        raise refusal(400, "Validation failed.", *faults)
    row = call.database.row("SELECT * FROM users WHERE lower(email) = lower(?) AND NOT deleted", body["email"])
    if row is None or (row["password_hash"] and row["password_hash"] != hash_password(body["password"])):
        raise refusal(401, "Incorrect email or password.")
    if row["login_type"] != "password":
        raise refusal(
            403, f'Incorrect login type, attempting to use "password" but user is of login type "{row["login_type"]}"'
        )
    if not row["password_hash"]:
        raise refusal(401, "Incorrect email or password.")
    if row["status"] == "suspended":
        raise refusal(401, "Your account is suspended. Contact an admin to reactivate your account.")
    if row["status"] == "dormant":
        call.database.run("UPDATE users SET status = 'active' WHERE id = ?", row["id"])
    return json_answer({"session_token": issue_key(call.database, call.world.clock, row["id"])}, 201)


def logout(call: Call) -> Answer:
    """End the session of the request's own key."""
    call.database.run("DELETE FROM api_keys WHERE id = ?", call.caller.key_id)
    return message("Logged out!")


def create_session_key(call: Call) -> Answer:
    """Create a session key, for oneself, or as an owner for anybody."""
    _check_may_issue(call)
    return json_answer({"key": issue_key(call.database, call.world.clock, call.user["id"])}, 201)


def create_token(call: Call) -> Answer:
    """Create a named token; `lifetime` is in nanoseconds, and shorter for owners."""
    body = call.json(
        "CreateTokenRequest",
        {"token_name": "string", "lifetime": "int64", "scope": "string", "scopes": "strings"},
    )
    lifetime = timedelta(microseconds=body["lifetime"] // 1000) if body["lifetime"] else _DEFAULT_LIFETIME
    longest = _MAXIMUM_OWNER_LIFETIME if "owner" in json.loads(call.user["roles"]) else _MAXIMUM_LIFETIME
    if not timedelta(0) < lifetime <= longest:
        hours = int(longest.total_seconds()) // 3600
        detail = f"lifetime must be positive and at most {hours}h0m0s"
        raise refusal(400, "Failed to validate create API key request.", detail=detail)
    scopes = body["scopes"] or ((body["scope"],) if body["scope"] else (ALL,))
    for scope in scopes:
        if scope not in (*SCOPES, *UNSCOPED, "application_connect"):
            raise refusal(400, "Failed to create API key.", detail=f'invalid or unsupported API key scope: "{scope}"')
    _check_may_issue(call)
    try:
        key = issue_key(
            call.database, call.world.clock, call.user["id"], token_name=body["token_name"], lifetime=lifetime,
            scopes=scopes,
        )  # fmt: skip
    except sqlite3.IntegrityError:
        fault = Validation("name", "This value is already in use and should be unique.")
        raise refusal(409, f'A token with name "{body["token_name"]}" already exists.', fault) from None
    return json_answer({"key": key}, 201)


def list_tokens(call: Call) -> Answer:
    """Answer with the tokens of a person, null without any."""
    rows = call.database.rows(
        "SELECT * FROM api_keys WHERE user_id = ? AND token_name <> '' ORDER BY created_at, id", call.user["id"]
    )
    if not call.caller.may("read", "api_key", owner=call.user["id"]):
        rows = []
    return json_answer([_key_shape(row) | {"username": call.user["username"]} for row in rows] or None)


def get_token(call: Call) -> Answer:
    """Answer with a token by its name."""
    return _key_answer(call, "token_name = ? AND token_name <> ''", call.parameters["token_name"])


def get_key(call: Call) -> Answer:
    """Answer with a key by its id, the first ten characters of its text."""
    return _key_answer(call, "id = ?", call.parameters["key"])


def token_settings(_: Call) -> Answer:
    """Answer with the longest lifetime that the caller may ask for."""
    return json_answer({"max_token_lifetime": int(_MAXIMUM_LIFETIME.total_seconds()) * 1_000_000_000})


def delete_key(call: Call) -> Answer:
    """Delete a key by its id."""
    may_delete = call.caller.may("delete", "api_key", owner=call.user["id"])
    sql = "DELETE FROM api_keys WHERE id = ? AND user_id = ?"
    if not may_delete or not call.database.run(sql, call.parameters["key"], call.user["id"]):
        raise not_found()
    return Answer(204)


def _key_answer(call: Call, condition: str, value: str) -> Answer:
    row = call.database.row(f"SELECT * FROM api_keys WHERE user_id = ? AND {condition}", call.user["id"], value)
    if row is None or not call.caller.may("read", "api_key", owner=call.user["id"]):
        raise not_found()
    return json_answer(_key_shape(row))


def _key_shape(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's APIKey."""
    created, expires = datetime.fromisoformat(row["created_at"]), datetime.fromisoformat(row["expires_at"])
    scopes = json.loads(row["scopes"])
    return {
        "id": row["id"],
        "user_id": row["user_id"],
        "last_used": shown(row["created_at"]),
        "expires_at": shown(row["expires_at"]),
        "created_at": shown(row["created_at"]),
        "updated_at": shown(row["created_at"]),
        "login_type": "token" if row["token_name"] else "password",
        "scope": "all" if UNSCOPED & set(scopes) else scopes[0],
        "scopes": scopes,
        "token_name": row["token_name"],
        "lifetime_seconds": int((expires - created).total_seconds()),
        "allow_list": ["*:*"],
    }


def _is_set_up(call: Call) -> bool:
    return bool(call.database.value("SELECT count(*) FROM users WHERE NOT is_system"))


def _check_may_issue(call: Call) -> None:
    if call.user["is_system"]:
        raise forbidden()
    if call.user["deleted"] or not call.caller.may("create", "api_key", owner=call.user["id"]):
        raise server_error(f"insert API key: {NOT_FOUND}", "Failed to create API key.")
