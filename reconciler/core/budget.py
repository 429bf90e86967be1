"""A budget, its absence, and not knowing: three cases that every reader of live state must tell apart.

In this domain they are far apart. *Absent* means unlimited spend; a budget of $0 blocks a person's work; and Coder's
404 says "absent", "unknown", "forbidden" and "no such route" in nearly the same words, so a reading that failed is
*unknown*, and nothing may be concluded from it. `match` over a Reading ends in `assert_never`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from reconciler.money import Micros

OrganizationId = NewType("OrganizationId", str)
GroupId = NewType("GroupId", str)
"""The Everyone group of an organization has the organization's own id."""
UserId = NewType("UserId", str)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no budget here: nothing limits by it. Also what `limit: none` in a policy asks for."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many micros a month, booked on a group: for a group its own id, for a user the group of the override."""

    limit_micros: Micros
    group_id: GroupId


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be read. Not absent: no action is planned from it, least of all a removal."""

    reason: str


State = Absent | Budget
"""What is, or shall be: known."""

Reading = Absent | Budget | Unknown
"""What a read of live state yields."""

ABSENT = Absent()
