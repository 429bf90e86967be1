"""Live state as people, group sync and races leave it: written into the sandbox's database, past its API."""

from __future__ import annotations

from reconciler.sandbox import Sandbox

TIME = "2026-11-01T00:00:00.000000Z"


def group_id(sandbox: Sandbox, name: str, organization: str = "acme") -> str:
    rows = sandbox.execute(
        "SELECT g.id FROM groups g JOIN organizations o ON o.id = g.organization_id WHERE g.name = ? AND o.name = ?",
        (name, organization),
    )
    return str(rows[0][0])


def user_id(sandbox: Sandbox, name: str) -> str:
    return str(sandbox.execute("SELECT id FROM users WHERE username = ?", (name,))[0][0])


def override(sandbox: Sandbox, user: str, group: str, dollars: int, organization: str = "acme") -> None:
    """Put an override on somebody."""
    sandbox.execute("DELETE FROM user_ai_budget_overrides WHERE user_id = ?", (user_id(sandbox, user),))
    sandbox.execute(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (user_id(sandbox, user), group_id(sandbox, group, organization), dollars * 1_000_000, TIME, TIME),
        unguarded=True,
    )


def budget(sandbox: Sandbox, group: str, dollars: int | None, organization: str = "acme") -> None:
    """Set the budget of a group; None removes it."""
    sandbox.execute("DELETE FROM group_ai_budgets WHERE group_id = ?", (group_id(sandbox, group, organization),))
    if dollars is not None:
        sandbox.execute(
            "INSERT INTO group_ai_budgets (group_id, spend_limit_micros, created_at, updated_at) VALUES (?, ?, ?, ?)",
            (group_id(sandbox, group, organization), dollars * 1_000_000, TIME, TIME),
        )


def leave_group(sandbox: Sandbox, user: str, group: str, *, in_a_race: bool = False) -> None:
    """Take somebody out of a group; in a race with a write their override on it stays."""
    sandbox.execute(
        "DELETE FROM group_members WHERE user_id = ? AND group_id = ?",
        (user_id(sandbox, user), group_id(sandbox, group)),
        unguarded=in_a_race,
    )


def leave_organization_in_a_race(sandbox: Sandbox, user: str) -> None:
    """Take somebody out of acme, and leave their rows in its groups."""
    sandbox.execute(
        "DELETE FROM organization_members WHERE user_id = ? AND organization_id = ?",
        (user_id(sandbox, user), group_id(sandbox, "Everyone")),
        unguarded=True,
    )


def delete_labs(sandbox: Sandbox, *, last: str) -> None:
    """Delete the organization labs; its last member, its Everyone group and overrides on that group survive."""
    labs = group_id(sandbox, "Everyone", "labs")
    sandbox.execute("UPDATE organizations SET deleted = 1 WHERE id = ?", (labs,), unguarded=True)
    sandbox.execute(
        "DELETE FROM organization_members WHERE organization_id = ? AND user_id <> ?",
        (labs, user_id(sandbox, last)),
        unguarded=True,
    )
    sandbox.execute("DELETE FROM groups WHERE organization_id = ? AND id <> ?", (labs, labs), unguarded=True)


def add_twin(sandbox: Sandbox, name: str, dollars: int) -> None:
    """Add a group whose name differs from another one's in capitals only."""
    sandbox.execute(
        "INSERT INTO groups (id, organization_id, name) VALUES (?, ?, ?)",
        ("0a5c4a0e-4000-4000-8000-00000000000a", group_id(sandbox, "Everyone"), name),
    )
    budget(sandbox, name, dollars)
