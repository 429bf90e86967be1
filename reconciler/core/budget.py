"""A budget, its absence, and not knowing: three cases that every reader of live state must tell apart.

In this domain they are far apart. *Absent* means unlimited spend; a budget of $0 blocks a person's work; and Coder's
404 says "absent", "unknown", "forbidden" and "no such route" in nearly the same words, so a reading that failed is
*unknown*, and nothing may be concluded from it. `match` over a Reading ends in `assert_never`.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, field
from typing import NewType

from reconciler.dataclass import dataclass
from reconciler.money import Micros

OrganizationId = NewType("OrganizationId", str)
GroupId = NewType("GroupId", str)
"""The Everyone group of an organization has the organization's own id."""
UserId = NewType("UserId", str)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no budget here: nothing limits by it. Also what `limit: none` in a policy asks for."""


@dataclass(frozen=True, slots=True)
class GroupRef:
    """A group by its id, and what it is called, for messages. Refs with the same id are equal, even under two names."""

    id: GroupId
    """UUID."""
    _: KW_ONLY
    organization: str = field(default="", compare=False)
    """The organization's name; empty when this token may not read the group."""
    name: str = field(default="", compare=False)
    """Empty when this token may not read the group."""

    @property
    def label(self) -> str:
        """`platform`; the id of a group that this token may not read."""
        return self.name or str(self.id)

    @property
    def address(self) -> str:
        """`group/acme/platform`; the id of a group that this token may not read."""
        return f"group/{self.organization}/{self.name}" if self.name else str(self.id)


_MOST_MICROS = 2**63 - 1
"""What Coder's column holds; on upgraded servers limits above money.MAX_LIMIT can be live."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A monthly limit, and the group its spend is booked on: a group budget's own group, or the override's."""

    limit_micros: Micros
    """Micro-dollars a month per member: 1 USD is 1,000,000. 0 blocks."""
    group: GroupRef
    """Of a group budget the group itself, of an override the group it is attributed to."""

    def __post_init__(self) -> None:
        """Raise ValueError for a limit that no server can hold, as in a forged plan or journal."""
        if not 0 <= self.limit_micros <= _MOST_MICROS:
            raise ValueError(f"limit_micros must be from 0 to {_MOST_MICROS}, not {str(self.limit_micros)[:40]}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be read. Not absent: no action is planned from it, least of all a removal."""

    reason: str
    """Why it could not be read."""


State = Absent | Budget
"""What is live, or what is wanted: known."""

Reading = Absent | Budget | Unknown
"""What a read of live state yields."""

ABSENT = Absent()
