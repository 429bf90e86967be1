"""Whose a change is: this tool's or somebody's, and how that is known."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

from reconciler.core.audit import AuditEntry
from reconciler.core.directory import Subject, User
from reconciler.dataclass import dataclass

_OUR_AGENT = re.compile(r"reconciler/\S+ plan/([0-9a-f]{12})")


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


def former_name(change: AuditEntry, subject: Subject) -> str:
    """Return what a subject was called when it was changed; empty if that is its name today, or is not known."""
    if isinstance(subject, User):
        return change.name if change.name.lower() != subject.username.lower() else ""
    return change.name if change.name != subject.name else ""


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
        """Whether it was made by this tool: then live is as it was last applied."""
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
