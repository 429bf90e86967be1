"""An action: what shall become of one subject, from what to what, and why. Frozen data; it does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.core.budget import Absent, State
from reconciler.core.directory import Directory, Group, Subject


class Kind(StrEnum):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What shall become of one subject. `before` is what was live when the plan was made."""

    subject: Subject
    before: State
    after: State
    cause: Cause = Cause.LISTED
    reason: str = ""
    expires: datetime | None = None
    place: str = ""
    """`file:line:column` of the entry; empty when nothing lists the subject."""

    @property
    def kind(self) -> Kind:
        if self.before == self.after:
            return Kind.NO_OP
        if isinstance(self.before, Absent):
            return Kind.CREATE
        return Kind.DELETE if isinstance(self.after, Absent) else Kind.UPDATE

    @property
    def address(self) -> str:
        return self.subject.address


def organization_of(action: Action, directory: Directory) -> str:
    """Return the name of the organization that an action belongs to; empty where that cannot be read.

    An override belongs to that of the group which it is booked on, a removed one to that of the group it was booked on.
    """
    if isinstance(action.subject, Group):
        return action.subject.organization
    state = action.before if isinstance(action.after, Absent) else action.after
    group = None if isinstance(state, Absent) else directory.groups.get(state.group_id)
    return "" if group is None else group.organization
