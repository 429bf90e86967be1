"""An orphan: an entry of the policy that is well-formed and cannot be applied: what it names is not there, mostly."""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.budget import OrganizationId
from reconciler.dataclass import dataclass
from reconciler.errors import Place


class OrphanReason(StrEnum):
    """Why an entry cannot be applied."""

    UNKNOWN_GROUP = "unknown-group"
    UNKNOWN_USER = "unknown-user"
    HIDDEN_USER = "hidden-user"
    """The user is unknown, and may be one of the people whom this token may not read, or who could not be listed."""
    HIDDEN_GROUP = "hidden-group"
    """The group is unknown, and may be one that this token may not read."""
    RENAMED = "renamed"
    """The name fits nothing now, and the audit log tells what it is today."""
    AMBIGUOUS = "ambiguous"
    """The name fits several subjects."""
    NOT_OFFERED = "not-offered"
    """This Coder has no user overrides, or does not show them."""
    NOT_A_MEMBER = "not-a-member"
    """The person is not in the group of the override, and Coder refuses an override for a non-member."""
    LOST_GRANT = "lost-grant"
    """The entry ended and its name fits nobody now, while somebody else has exactly what it granted: perhaps the same
    person by another name. It stays until the entry is mended."""
    CLOCKS_DIFFER = "clocks-differ"
    """Whether one of its dates has come is said differently by this machine's clock and by Coder's."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Orphan:
    """The plan leaves the entry out, does the rest, and says so."""

    address: str
    """Of the subject; as the entry says it where the subject is not known."""
    place: Place
    """Of the entry."""
    organization: str
    """Name of the organization whose policy has the entry."""
    reason: OrphanReason
    """Why it cannot be applied."""
    message: str
    """What is wrong, as a clause without a full stop."""
    hint: str
    """What to do; for people *remove the entry if they left* comes first."""
    is_standing: bool = False
    """Whether it was an orphan already in the policy before this change, so that this change is not to blame."""

    @property
    def is_lost_budget(self) -> bool:
        """Whether a group of the policy is perhaps gone, and its budget with it."""
        return self.reason is OrphanReason.UNKNOWN_GROUP and self.address.startswith("group/")

    @property
    def is_overdue(self) -> bool:
        """Whether a date asks for something that is not done for it."""
        return self.reason is OrphanReason.LOST_GRANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A name in a policy that fits nobody, or several. It may be a renamed subject, so removals are withheld for it."""

    address: str
    """As the entry says it."""
    is_user: bool
    organization: OrganizationId
