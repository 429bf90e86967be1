"""What Coder's audit log says of budgets, people, groups and memberships: read to explain, never to plan by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from reconciler.core.budget import UserId
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AuditEntry:
    """One entry of Coder's audit log about a budget. For attribution only: the log cannot tell $0 from absent."""

    at: datetime
    """When it was changed (UTC)."""
    by: str
    """The username; empty when the log does not know."""
    action: str
    """`write` (create and update alike) or `delete`."""
    before_micros: int | None = None
    """The limit before it, to the cent; None where the log does not say it. 0 may also stand for *absent*."""
    after_micros: int | None = None
    """The limit after it, to the cent; None for a removal, and where the log does not say it."""
    user_agent: str
    """Names the program; our own writes carry `reconciler/`."""
    name: str = ""
    """What the person or group was called then; empty when the log does not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Who changed a budget, newest last. Empty with a `reason` when the log may not be read, which is not *nobody*."""

    entries: tuple[AuditEntry, ...] = ()
    reason: str = ""


class Audited(StrEnum):
    """What else the audit log tells of: Coder's words."""

    USER = "user"
    GROUP = "group"
    MEMBER = "organization_member"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuestion:
    """Whose history is asked for: of what had a name, or of a UUID; with neither, the newest writes of all."""

    kind: Audited
    name: str = ""
    id: str = ""
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AuditedChange:
    """One entry of the audit log about a person, a group or a membership."""

    at: datetime
    by: str
    """The username; empty when the log does not know."""
    action: str
    """`create`, `write` or `delete`."""
    id: str
    """UUID of what changed; of a membership the person's."""
    name: str
    """As it was called afterwards."""
    name_before: str = ""
    """As it was called before, if that changed."""
    organization_id: str = ""
    joined: frozenset[UserId] = frozenset()
    """Whom it added to a group."""
    left: frozenset[UserId] = frozenset()
    """Whom it took out of a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the audit log says, oldest first. Empty with a `reason` when it may not be read."""

    changes: tuple[AuditedChange, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentChanges:
    """The newest entry of the audit log about the budget of each subject, by UUID."""

    newest: Mapping[str, AuditEntry]
    is_whole: bool
    """Whether the log was read to its end, so that a subject that is not in it was not changed."""
    reason: str = ""
