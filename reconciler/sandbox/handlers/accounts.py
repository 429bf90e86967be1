"""Setting up users: create, delete, roles, status, profile."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from ..answers import Answer, Validation, as_json, forbidden, json_answer, message, not_found, refusal, server_error
from ..audit import Change, record_change
from ..identifiers import NIL, check_email, check_username, new_uuid
from ..roles import SITE_ROLES
from ..tokens import hash_password
from .users import user_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..calls import Call
    from ..gojson import Kind

_LOGIN_TYPES = ("password", "github", "oidc", "none")
_STATUSES = ("active", "dormant", "suspended")
_MINIMAL_PASSWORD = 8
_NEW_USER: dict[str, Kind] = {
    "username": "string", "email": "string", "name": "string", "password": "string", "login_type": "string",
    "organization_id": "uuid?", "organization_ids": "uuids", "roles": "strings", "user_status": "string",
    "service_account": "bool",
}  # fmt: skip


def create_user(call: Call) -> Answer:
    """Create a user, dormant unless told otherwise, in organizations that must be named.

    Faults are told in Coder's order: the body, the organization, a taken name, an unknown organization, the password.
    """
    body = call.json("CreateUserRequestWithOrgs", _NEW_USER)
    if body["organization_id"] not in (None, *body["organization_ids"]):  # the key of older clients
        body["organization_ids"] = (*body["organization_ids"], body["organization_id"])
    _check_account(call, body)
    if not body["organization_ids"]:
        raise refusal(
            400,
            "No organization specified to place the user as a member of. It is required to specify at least one "
            "organization id to place the user in.",
            Validation("organization_ids", "Missing values, this cannot be empty"),
            detail="required at least 1 value for the array 'organization_ids'",
        )
    if not call.caller.may("create", "user") or (body["roles"] and "owner" not in call.caller.roles):
        raise refusal(403, "You are not authorized to create users.")
    _check_not_taken(call, body)
    organizations = [_existing_organization(call, id_) for id_ in body["organization_ids"]]
    if body["login_type"] in ("", "password") and not body["service_account"]:
        check_password(body["password"])
    check_site_roles(body["roles"])
    if body["user_status"] not in ("", *_STATUSES):
        detail = f'pq: invalid input value for enum user_status: "{body["user_status"]}"'
        raise server_error(detail, "Internal error creating user.")
    try:
        with call.database.transaction():
            user_id = insert_user(call, body, organizations)
    except sqlite3.IntegrityError as error:  # the same organization twice
        raise server_error(f"pq: {error}", "Internal error creating user.") from None
    _record(call, user_id, ("", body["username"]), ("", body["name"]), action="create", status=201)
    return user_answer(call, user_id, 201)


def insert_user(call: Call, body: dict[str, Any], organizations: Sequence[str]) -> str:
    """Write a user and the memberships, each with its own time, in the order of the list."""
    user_id, now = new_uuid(), call.world.clock.tick()
    call.database.run(
        "INSERT INTO users (id, username, name, email, password_hash, status, login_type, roles, "
        "is_service_account, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        user_id, body["username"], body["name"], body["email"],
        hash_password(body["password"]) if body["password"] else "", body["user_status"] or "dormant",
        "none" if body["service_account"] else body["login_type"] or "password",
        as_json([role for role in body["roles"] if role != "member"]), body["service_account"], now, now,
    )  # fmt: skip
    for organization in organizations:
        joined = call.world.clock.tick()
        call.database.run(
            "INSERT INTO organization_members (user_id, organization_id, created_at, updated_at) VALUES (?, ?, ?, ?)",
            user_id, organization, joined, joined,
        )  # fmt: skip
    return user_id


def delete_user(call: Call) -> Answer:
    """Delete softly: the database then removes memberships, overrides and keys."""
    if not call.caller.may("delete", "user"):
        raise forbidden()
    if call.user["id"] == call.caller.id:
        raise refusal(403, "You cannot delete yourself!")
    call.database.run(
        "UPDATE users SET deleted = 1, updated_at = ? WHERE id = ?", call.world.clock.tick(), call.user["id"]
    )
    _record(call, call.user["id"], (call.user["username"], ""), (call.user["name"], ""), action="delete", status=200)
    return message("User has been deleted!")


def _record(
    call: Call, user_id: str, username: tuple[str, str], name: tuple[str, str], *, action: str, status: int
) -> None:
    fields: dict[str, tuple[object, object]] = {"username": username, "name": name}
    change = Change(kind="user", id=user_id, target=username[1] or username[0], fields=fields)
    record_change(call, change, action=action, status=status)


def get_roles(call: Call) -> Answer:
    """Answer with the names of all roles."""
    if not call.caller.may("read_personal", "user", owner=call.user["id"]):
        raise not_found()
    rows = call.database.rows(
        "SELECT organization_id, roles FROM organization_members WHERE user_id = ?", call.user["id"]
    )
    inside = {row["organization_id"]: json.loads(row["roles"]) for row in rows}
    return json_answer({"roles": json.loads(call.user["roles"]), "organization_roles": inside})


def put_roles(call: Call) -> Answer:
    """Replace the site roles; only an owner may add or take one."""
    wanted = call.json("UpdateRoles", {"roles": "strings"})["roles"]
    if call.user["id"] == call.caller.id:
        raise refusal(400, "You cannot change your own roles.")
    check_site_roles(wanted)
    kept = sorted({role for role in wanted if role != "member"})
    changed = set(kept) ^ set(json.loads(call.user["roles"]))
    if not call.caller.may("update", "user"):
        raise forbidden()
    if changed and "owner" not in call.caller.roles:
        raise refusal(400, f'not authorized to assign role "{min(changed)}"')
    _update(call, "roles", as_json(kept))
    return user_answer(call, call.user["id"])


def suspend(call: Call) -> Answer:
    """Suspend; not oneself, not an owner."""
    if call.user["id"] == call.caller.id:
        raise refusal(400, "You cannot suspend yourself.")
    if "owner" in json.loads(call.user["roles"]):
        raise refusal(400, 'You cannot suspend a user with the "owner" role. You must remove the role first.')
    return _put_status(call, "suspended")


def activate(call: Call) -> Answer:
    """Make active again."""
    return _put_status(call, "active")


def put_profile(call: Call) -> Answer:
    """Rename; one's own display name may be changed without further rights."""
    body = call.json("UpdateUserProfileRequest", {"username": "string", "name": "string"})
    if faults := check_username(body["username"]):
        raise refusal(400, "Validation failed.", *faults)
    renames = body["username"] != call.user["username"]
    if not call.caller.may("update" if renames else "update_personal", "user", owner=call.user["id"]):
        raise not_found()
    try:
        call.database.run(
            "UPDATE users SET username = ?, name = ?, updated_at = ? WHERE id = ?",
            body["username"], body["name"], call.world.clock.tick(), call.user["id"],
        )  # fmt: skip
    except sqlite3.IntegrityError:
        fault = Validation("username", "This username is already in use.")
        raise refusal(409, "A user with this username already exists.", fault) from None
    usernames, names = ((call.user[key], body[key]) for key in ("username", "name"))
    _record(call, call.user["id"], usernames, names, action="write", status=200)
    return user_answer(call, call.user["id"])


def put_password(call: Call) -> Answer:
    """Set a password; for one's own the old one is needed."""
    body = call.json("UpdateUserPasswordRequest", {"old_password": "string", "password": "string"})
    if not call.caller.may("update_personal", "user", owner=call.user["id"]):
        raise not_found()
    if call.user["login_type"] != "password":
        raise refusal(400, "Users without password login type cannot change their password.")
    check_password(body["password"])
    is_own = call.user["id"] == call.caller.id
    if is_own and call.user["password_hash"] != hash_password(body["old_password"]):
        raise refusal(400, "Old password is incorrect.", Validation("old_password", "Old password is incorrect."))
    if call.user["password_hash"] == hash_password(body["password"]):
        raise refusal(400, "New password cannot match old password.")
    _update(call, "password_hash", hash_password(body["password"]))
    return Answer(204)


def login_type(call: Call) -> Answer:
    """Answer with how the caller signs in; only for oneself."""
    if call.user["id"] != call.caller.id:
        raise refusal(400, "You are not authorized to view this user's login type.")
    return json_answer({"login_type": call.user["login_type"]})


def check_site_roles(names: Sequence[str]) -> None:
    """Refuse roles that do not exist."""
    for name in names:
        if name != "member" and name not in SITE_ROLES:
            raise refusal(400, f'"{name}" is not a valid role.')


def check_password(password: str) -> None:
    """Refuse a password that is too short."""
    if len(password) < _MINIMAL_PASSWORD:
        detail = f"password must be at least {_MINIMAL_PASSWORD} characters long"
        raise refusal(400, "Password is invalid", Validation("password", detail))


def _check_account(call: Call, body: dict[str, Any]) -> None:
    faults = list(check_username(body["username"]))
    if not body["service_account"]:
        faults += check_email(body["email"])
    if body["login_type"] not in ("", *_LOGIN_TYPES):
        faults.append(Validation("login_type", 'Validation failed for tag "oneof"'))
    if faults:
        raise refusal(400, "Validation failed.", *faults)
    if body["service_account"]:
        _check_service_account(call, body)
    elif body["login_type"] == "none" and call.generation.none_login_needs_service_account:
        raise refusal(400, "Login type 'none' requires a service account.")
    elif body["login_type"] not in ("", "password") and body["password"]:
        raise refusal(400, f"Password cannot be set for non-password ({body['login_type']}) authentication.")


def _check_service_account(call: Call, body: dict[str, Any]) -> None:
    if not call.world.enabled("service_accounts"):
        raise refusal(403, "Service Accounts is a Premium feature. Contact sales!")
    if body["login_type"] not in ("", "none"):
        raise refusal(400, "Service accounts must use login type 'none'.")
    if body["password"]:
        raise refusal(400, "Password cannot be set for service accounts.")
    if body["email"]:
        raise refusal(400, "Email cannot be set for service accounts.")


def _check_not_taken(call: Call, body: dict[str, Any]) -> None:
    sql = (
        "SELECT 1 FROM users WHERE NOT deleted "
        "AND (lower(username) = lower(?1) OR (?2 <> '' AND lower(email) = lower(?2)))"
    )
    if call.database.row(sql, body["username"], body["email"]) is not None:
        raise refusal(409, "User already exists.")


def _existing_organization(call: Call, id_: str) -> str:
    sql = "SELECT id FROM organizations WHERE (id = ?1 AND NOT deleted) OR (?1 = ?2 AND is_default)"
    existing = call.database.value(sql, id_, NIL)
    if existing is None:
        raise refusal(404, f'Organization does not exist with the provided id "{id_}".')
    return str(existing)


def _put_status(call: Call, status: str) -> Answer:
    if not call.caller.may("update", "user"):
        raise server_error("unauthorized: rbac: forbidden", f'Internal error updating user\'s status to "{status}".')
    _update(call, "status", status)
    return user_answer(call, call.user["id"])


def _update(call: Call, column: str, value: str) -> None:
    call.database.run(
        f"UPDATE users SET {column} = ?, updated_at = ? WHERE id = ?", value, call.world.clock.tick(), call.user["id"]
    )
