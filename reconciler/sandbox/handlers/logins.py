"""Getting in: the first user, login and logout, session keys and tokens. Scopes are accepted, not enforced."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

from ..answers import NOT_FOUND, Answer, Validation, forbidden, json_answer, message, not_found, refusal, server_error
from ..identifiers import check_email, check_username
from ..tokens import hash_password, issue_key
from .accounts import check_password, insert_user

if TYPE_CHECKING:
    from ..calls import Call

_MAXIMUM_LIFETIME = timedelta(hours=876_600)
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
    """Create a named token; `lifetime` is in nanoseconds."""
    body = call.json(
        "CreateTokenRequest",
        {"token_name": "string", "lifetime": "int64", "scope": "string", "scopes": "strings"},
    )
    lifetime = timedelta(microseconds=body["lifetime"] // 1000) if body["lifetime"] else _DEFAULT_LIFETIME
    if not timedelta(0) < lifetime <= _MAXIMUM_LIFETIME:
        raise refusal(
            400, "Failed to validate create API key request.", detail="lifetime must be positive and below the maximum"
        )
    _check_may_issue(call)
    try:
        key = issue_key(
            call.database, call.world.clock, call.user["id"], token_name=body["token_name"], lifetime=lifetime
        )
    except sqlite3.IntegrityError:
        fault = Validation("token_name", "This value is already in use and should be unique.")
        raise refusal(409, f'A token with name "{body["token_name"]}" already exists.', fault) from None
    return json_answer({"key": key}, 201)


def delete_key(call: Call) -> Answer:
    """Delete a key by its id."""
    mine = call.caller.may("delete", "api_key", owner=call.user["id"])
    sql = "DELETE FROM api_keys WHERE id = ? AND user_id = ?"
    if not mine or not call.database.run(sql, call.parameters["key"], call.user["id"]):
        raise not_found()
    return Answer(204)


def _is_set_up(call: Call) -> bool:
    return bool(call.database.value("SELECT count(*) FROM users WHERE NOT is_system"))


def _check_may_issue(call: Call) -> None:
    if call.user["is_system"]:
        raise forbidden()
    if call.user["deleted"] or not call.caller.may("create", "api_key", owner=call.user["id"]):
        raise server_error(f"insert API key: {NOT_FOUND}", "Failed to create API key.")
