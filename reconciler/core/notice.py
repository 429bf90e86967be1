"""What a plan announces of one entry without doing anything about it. core/plan/notices.py says when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from reconciler.core.budget import State, UserId
from reconciler.dataclass import dataclass
from reconciler.errors import Place


class NoticeKind(StrEnum):
    """What a plan announces without doing anything about it."""

    EXPIRES_SOON = "expires-soon"
    DEAD = "dead"
    """The entry changes nobody's limit."""
    REMOVABLE = "removable"
    """The entry wants an absence, and nothing is there: it may be removed from the policy."""
    NOT_IN_SNAPSHOT = "not-in-snapshot"
    """The entry wants an absence, and the snapshot that was read does not have its subject, which may be newer."""
    RENAMED = "renamed"
    """The entry has ended, and the person that it names has another name now, by a journal or the audit log."""
    NAMESAKE = "namesake"
    """The plan gives somebody an override that, by a journal, the entry has given to another person of this name."""
    STRAY = "stray"
    """An override stands on a group of a deleted organization, still limits its person, and no policy manages it."""
    AWAITED = "awaited"
    """The entry starts later, and what it names is not there yet."""
    STARTS_LATER = "starts-later"
    """The entry starts later, so that nothing is planned for it now."""
    END_MOVED = "end-moved"
    """This change to the policy moves the end of an override that stays as it is now."""
    TAKEN_OUT = "taken-out"
    """This change takes the entry out of a policy that manages what it lists: what is live stays."""
    CHECK_AMOUNT = "check-amount"
    """The plan takes a limit to a hundredth of what it was, or to a hundred times as much: perhaps a slip."""


LATER = frozenset({NoticeKind.AWAITED, NoticeKind.STARTS_LATER, NoticeKind.END_MOVED})
"""What an entry does at a later date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about one entry that its reviewers should know."""

    kind: NoticeKind
    """What is announced."""
    address: str
    """The entry's subject: `user/ana`."""
    place: Place | None
    """Of the entry; None where no entry is to blame."""
    text: str
    """Half a sentence that follows the address."""
    at: datetime
    """When the override ends, or the entry starts (UTC); for other kinds the plan's instant."""
    is_standing: bool = False
    """Whether it is not news: the plan does not act on its subject, and this change is not known to cause it."""
    wanted: State | None = None
    """Of an entry that starts later, what it wants from `at` on, as the `after` of an action; null where its group is
    not known, and of every other kind."""
    until: datetime | None = None
    """Until when it wants that (UTC); null where it has no end, and of every other kind."""
    user_id: UserId | None = None
    """Of whom it wants that, a UUID; null where nobody has the name yet, and of every other kind."""
