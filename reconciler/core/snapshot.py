"""Live state as read, with what could not be read; and the deployment it was read from.

A subject that is not in a mapping was not asked for; one that maps to `Unknown` was asked for and could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import assert_never

from reconciler.core.budget import GroupId, GroupRef, Reading, UserId
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.dataclass import dataclass
from reconciler.money import Micros

SEE_ALL = frozenset({"owner", "user-admin", "auditor", "template-admin"})
"""Site roles that read every organization. Source: coder-api.md 12.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What a server offers, found by asking it. The rest of the program asks this and never a version number."""

    overrides: bool
    """User overrides exist (2.35 and later)."""
    bulk_reads: bool
    """Budgets and spend of many subjects in one request (2.36 and later)."""
    effective_budgets: bool
    """The bulk read of members says each one's effective limit (2.37 and later)."""
    overrides_missing: str = ""
    """Why there are no overrides, as a sentence to show when somebody asks for one; empty when there are."""
    overrides_hidden: bool = False
    """Overrides may exist, but this server does not show them (2.35 without its experiment; one that moved them)."""

    @property
    def overrides_moved(self) -> bool:
        """Whether this server is newer than every place of overrides that we know."""
        return self.overrides_hidden and self.bulk_reads

    @property
    def enforces_budgets(self) -> bool:
        """Whether budgets limit anybody: a Coder without overrides only stores them. Source: coder-api section 1."""
        return self.overrides or self.overrides_hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The server a plan is for, and who asks. `id` is what identifies it; `url` may change, the id does not."""

    id: str
    """Identifies the deployment; a plan can be applied to no other."""
    url: str
    """Where it was reached when the plan was made; may change, the id does not."""
    version: str
    """As the server writes it; display only, nothing is decided by it."""
    user: str
    """Username of who asked."""
    roles: tuple[str, ...]
    """Their site-wide roles, sorted."""
    offers: Offers
    """What the server offers, found by asking it."""

    @property
    def reads_all(self) -> bool:
        """Whether the token may read every organization; `Snapshot.reads_all` says whether they were read."""
        return not SEE_ALL.isdisjoint(self.roles)


@dataclass(frozen=True, slots=True)
class Unlimited:
    """No budget reaches this person."""


UNLIMITED = Unlimited()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What limits a person now, or after a plan: the amount, its source, and the group that the spend is booked on."""

    limit_micros: Micros | Unlimited
    """Micro-dollars a month, 0 blocks; an object of type `unlimited` where no budget reaches this person."""
    group: GroupRef
    """The group that spend is booked on."""
    by_override: bool = False
    """Whether it is their own override, and not a group's budget."""

    @property
    def is_unlimited(self) -> bool:
        """Whether nothing limits this person."""
        return isinstance(self.limit_micros, Unlimited)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What was read of people."""

    overrides: Mapping[UserId, Reading]
    reported: Mapping[UserId, Effective]
    """Effective limits as the server itself reports them; only for those for whom it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    deployment: Deployment
    directory: Directory
    group_budgets: Mapping[GroupId, Reading]
    user_overrides: Mapping[UserId, Reading]
    reported: Mapping[UserId, Effective] = field(default_factory=lambda: MappingProxyType({}))
    """Effective limits as the server itself reports them, where it does; never computed by us."""

    @property
    def reads_all(self) -> bool:
        """Whether every organization was read: the token may, and every list of groups came."""
        return self.deployment.reads_all and not self.directory.unlisted

    def reading(self, subject: Subject) -> Reading:
        """Return what was read of a subject. Raises KeyError when it was not asked for."""
        match subject:
            case Group():
                return self.group_budgets[subject.id]
            case User():
                return self.user_overrides[subject.id]
            case _:
                assert_never(subject)
