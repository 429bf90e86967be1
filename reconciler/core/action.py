"""An action: what is to become of one subject, from what to what, and why. Frozen data; it does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from reconciler.core.budget import Absent, State
from reconciler.core.directory import Directory, Group, Subject
from reconciler.dataclass import dataclass
from reconciler.errors import Place
from reconciler.words import spoken


class Kind(StrEnum):
    """What an action does to a budget or override."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NO_OP = "no-op"


class Cause(StrEnum):
    """Why the policy wants this."""

    LISTED = "listed"
    NOT_LISTED = "not-listed"
    """The organization is managed exactly, and the policy does not list this subject."""
    EXPIRED = "expired"
    """The entry's `expires` has passed."""
    REVERT = "revert"
    """The action takes back one that a journal records."""


class Origin(StrEnum):
    """Why live differs from the policy (core/plan/origin.py)."""

    CHANGE = "change"
    """This change to the policy asks for it."""
    DUE = "due"
    """A date came: an override ended or began."""
    HAND = "hand"
    """Somebody changed live."""
    PENDING = "pending"
    """The policy was not applied since it moved, a run was taken back, or another policy set the limit."""
    UNKNOWN = "unknown"
    """Nothing shows which of these it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is to become of one subject. `before` is what was live when the plan was made."""

    JSON_EXTRAS: ClassVar = ("address", "kind")

    subject: Subject
    """The group or the person."""
    before: State
    """What was live when the plan was made; anything else by the time of apply is a conflict, and is not written."""
    after: State
    """What is to be live afterwards."""
    cause: Cause = Cause.LISTED
    """Why the policy wants this."""
    reason: str = ""
    """The entry's `reason`; empty when none is given."""
    tier: str = ""
    """The tier that the entry names as its limit; empty where it names none."""
    starts: datetime | None = None
    """The entry's `starts`, or None."""
    expires: datetime | None = None
    """The entry's `expires`, or null; null where it wants `none` and has not ended, as nothing ends then."""
    place: Place | None = None
    """Of the entry; None when nothing lists the subject."""

    origin: Origin = Origin.UNKNOWN
    """Why live differs from the policy, as far as that is known."""

    @property
    def kind(self) -> Kind:
        """Follows from `before` and `after`."""
        if isinstance(self.before, Absent):
            return Kind.NO_OP if isinstance(self.after, Absent) else Kind.CREATE
        if isinstance(self.after, Absent):
            return Kind.DELETE
        return Kind.NO_OP if self.before == self.after else Kind.UPDATE

    @property
    def is_raise(self) -> bool:
        """Whether it sets a limit where none was, or a higher one: what guardrails are held against."""
        if isinstance(self.after, Absent):
            return False
        return isinstance(self.before, Absent) or self.after.limit_micros > self.before.limit_micros

    @property
    def is_due_end(self) -> bool:
        """Whether it ends an override whose reviewed date came."""
        return self.origin is Origin.DUE and self.cause is Cause.EXPIRED

    @property
    def address(self) -> str:
        """The subject's stable name: `group/acme/platform`, `user/ana`. Says what `subject` says."""
        return self.subject.address


def require_single(actions: Iterable[Action]) -> None:
    """Raise ValueError when two actions have the same subject: they would be written side by side."""
    seen: set[tuple[bool, str]] = set()
    for action in actions:
        key = isinstance(action.subject, Group), action.subject.id.lower()
        if key in seen:
            raise ValueError(f"{spoken(action.address)} appears twice")
        seen.add(key)


def organization_of(action: Action, directory: Directory) -> str | None:
    """Return the name of the organization that an action belongs to; None where the directory lacks its group.

    An override belongs to the organization of the group that it is booked on; a removed override, to that of the group
    that it was booked on.
    """
    if isinstance(action.subject, Group):
        return action.subject.organization
    state = action.before if isinstance(action.after, Absent) else action.after
    group = None if isinstance(state, Absent) else directory.groups.get(state.group.id)
    return None if group is None else group.organization
