"""Records of written overrides: evidence of who had which name when a grant was made."""

from __future__ import annotations

from reconciler.core.budget import GroupId, UserId
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GrantRecord:
    """One write of an override, with the name that its person had then: evidence of who was called so."""

    username: str
    user_id: UserId
    limit_micros: int | None
    """To the cent where the audit log says it; None where it stayed the same, and where only the name is recorded."""
    group_name: str
    """The group's name then; empty where the record does not say it."""
    group_id: GroupId | None
    source: str
    """Where it is recorded, as a clause: `the audit log`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRecords:
    """What was recorded under some names; a `reason` when the log may not be read, which is not *nothing*."""

    records: tuple[GrantRecord, ...] = ()
    reason: str = ""
