"""What people spent and did, and who changed a budget: read to explain, never to plan by.

Prompts and messages have no field here, so that nothing can show them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.core.budget import GroupId, UserId
from reconciler.core.snapshot import Effective
from reconciler.money import Micros

_OUR_AGENT = re.compile(r"reconciler/\S+ plan/([0-9a-f]{12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpend:
    """One person's spend of the current period, in the group that is effective now."""

    spend: Micros
    effective: Effective | None
    """None for somebody in no organization: no group is effective, nothing can be booked."""
    period_start: datetime
    """Inclusive."""
    period_end: datetime
    """Exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens that AI sessions used, by kind."""

    input: int = 0
    """Tokens sent to models."""
    output: int = 0
    """Tokens received from models."""
    cache_read: int = 0
    """Input tokens read from a provider's cache."""
    cache_write: int = 0
    """Input tokens written to a provider's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One AI session: with what it was held, and its tokens over all models together. Never what was said."""

    id: str
    started_at: datetime
    client: str
    providers: tuple[str, ...]
    models: tuple[str, ...]
    tokens: Tokens


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
    """Whose history is asked for: that of everything which had a name, or of one UUID."""

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


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GrantRecord:
    """One write of an override, with the name that its person had then: evidence of who was called so."""

    username: str
    user_id: UserId
    limit_micros: int | None
    """To the cent where the audit log says it; None where only the name is recorded."""
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


class Ours(StrEnum):
    """How it is known that a change was made by this tool; a User-Agent can be made up, a journal here cannot."""

    NOT = "not"
    """It was not: its User-Agent names no plan of ours."""
    USER_AGENT = "user-agent"
    """Only its User-Agent says so."""
    ACCOUNT = "account"
    """Its User-Agent says so, and it was made by the account that asks."""
    JOURNAL = "journal"
    """A journal in this folder is of the plan that its User-Agent names, and of the account that made the change."""


def tell_ours(change: AuditEntry, *, account: str, journaled: Collection[tuple[str, str]]) -> Ours:
    """Tell whether this tool made a change.

    `account` is the username of the token that asks; `journaled` are the plans of the journals in this folder, as a
    User-Agent names them, each with the username that applied it. A plan's digest is printed on pull requests and in
    the audit log, so that anybody can put it into a User-Agent; the account of a change cannot be made up.
    """
    named = _OUR_AGENT.fullmatch(change.user_agent)
    if named is None:
        return Ours.NOT
    if (named[1], change.by) in journaled:
        return Ours.JOURNAL
    return Ours.ACCOUNT if change.by == account else Ours.USER_AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """The newest entry of the audit log about one subject."""

    address: str
    """The subject's stable name: `group/acme/platform`, `user/ana`."""
    change: AuditEntry
    """The entry of the audit log."""
    ours: Ours = Ours.NOT
    """Whether this tool made it, and how that is known."""

    @property
    def is_ours(self) -> bool:
        """Whether it was made by this tool: then live is as it was last applied, and it is the policy that moved."""
        return self.ours is not Ours.NOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who changed what differs, in the order of the plan; a subject without an entry is not in it."""

    changes: tuple[LastChange, ...] = ()
    """The newest entry about each subject, in the order of the plan; a subject without an entry is left out."""
    reason: str = ""
    """Why the log could not be read; empty when it could."""
    not_asked: int = 0
    """Subjects that the log was not asked about, because there are too many."""
