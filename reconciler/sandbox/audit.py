"""Writing the audit trail: each write of a budget, its diff in dollars, and who changed groups, members and people.

No handler that decides something reads the trail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .answers import as_json
from .identifiers import NIL, new_uuid

if TYPE_CHECKING:
    from .calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWrite:
    """Say what a request did to a budget: pairs of before and after, equal when nothing was written."""

    kind: str
    id: str
    target: str
    organization: str
    limit: tuple[int | None, int | None]
    group_name: tuple[str, str] = ("", "")
    group_id: tuple[str, str] = ("", "")


def record(call: Call, change: BudgetWrite, *, action: str, status: int) -> None:
    """Write the entry of a request that ended with `status`; without the licence nothing is kept."""
    _write(call, change.kind, change.id, change.target, change.organization, action, _diff(change), status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Say what a request changed of a group, a membership or a person: pairs of before and after by field."""

    kind: str
    id: str
    target: str
    organization: str = NIL
    fields: dict[str, tuple[object, object]] = field(default_factory=dict)


def record_change(call: Call, change: Change, *, action: str, status: int) -> None:
    """Write the entry of a change that was made. Source: Coder's audit table tracks name and members of a group,
    the username and the full name of a person; a membership is told by the person's id.
    """
    diff = {name: {"old": old, "new": new, "secret": False} for name, (old, new) in change.fields.items() if old != new}
    _write(call, change.kind, change.id, change.target, change.organization, action, diff, status)


def _write(
    call: Call, kind: str, id_: str, target: str, organization: str, action: str, diff: object, status: int
) -> None:
    if not call.world.enabled("audit_log"):
        return
    call.database.run(
        "INSERT INTO audit_logs (id, time, user_id, organization_id, ip, user_agent, request_id, resource_type, "
        "resource_id, resource_target, action, diff, status_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        new_uuid(), call.world.clock.tick(), call.caller.id, organization, call.ip,
        call.headers.get("user-agent", ""), call.request_id, kind, id_, target, action, as_json(diff), status,
    )  # fmt: skip


def _diff(change: BudgetWrite) -> dict[str, object]:
    """Return what differs, as texts. A first write reads `$0.00` as its old limit, as Coder has it."""
    pairs = {
        "spend_limit": (_dollars(change.limit[0]), _dollars(change.limit[1])),
        "group_name": change.group_name,
        "group_id": change.group_id,
    }
    return {name: {"old": old, "new": new, "secret": False} for name, (old, new) in pairs.items() if old != new}


def _dollars(micros: int | None) -> str:
    return "" if micros is None else f"${micros / 1_000_000:.2f}"
