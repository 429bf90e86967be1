"""Drift: what differs between live and the policy, why, and who changed it last. Frozen data; it does nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from reconciler.core.action import Action, Origin
from reconciler.core.attribution import Attribution
from reconciler.core.people.moves import Move
from reconciler.core.plan.acceptance import Acceptance
from reconciler.core.plan.plan import Plan
from reconciler.dataclass import dataclass


class DriftKind(StrEnum):
    """Kinds of difference, in the order in which they are shown: origins, and entries that cannot be applied."""

    HAND = "hand"
    DUE = "due"
    ORPHAN = "orphan"
    PENDING = "pending"
    UNKNOWN = "unknown"


_KINDS = {
    Origin.HAND: DriftKind.HAND,
    Origin.DUE: DriftKind.DUE,
    Origin.PENDING: DriftKind.PENDING,
    Origin.CHANGE: DriftKind.PENDING,
    Origin.UNKNOWN: DriftKind.UNKNOWN,
}
"""What a change of the policy asks for is, once it is merged, pending."""


def kind_of(action: Action) -> DriftKind:
    """Return the kind of difference that an action would repair."""
    return kind_of_origin(action.origin)


def kind_of_origin(origin: Origin) -> DriftKind:
    """Return the kind of difference that an origin stands for."""
    return _KINDS[origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The plan that would repair the differences, and the audit log's newest entries about its subjects."""

    JSON_EXTRAS: ClassVar = ("counts",)

    plan: Plan
    """What differs, as the plan that would repair it; the keys of a saved plan, without its format and checksum."""
    last_changes: Attribution
    """Who changed what differs, from Coder's audit log."""
    acceptances: tuple[Acceptance, ...] = ()
    """How the policy would say what is live: for each difference, removal withheld for a name, and orphan."""

    moves: tuple[Move, ...] = ()
    """With --people: whose limit changed with a membership since a snapshot, sorted by username."""
    moves_since: datetime | None = None
    """When that snapshot was made (UTC); null without --people."""
    moves_reason: str = ""
    """Why it is not known who is behind some of `moves`; empty when the audit log was read."""
    moves_not_known: int = 0
    """How many more people's limits may have changed so: this token may not read them, or not what limits them."""
    moves_read_all: bool = True
    """Whether every organization was read, then and now; of people elsewhere no move is known, and none is denied."""

    @property
    def differences(self) -> tuple[Action, ...]:
        """Every action that would repair a difference."""
        return self.plan.differing

    def without_taken(self) -> Drift:
        """Return what is left to differ once the policy says what was accepted."""
        taken = {acceptance.address for acceptance in self.acceptances if acceptance.is_taken}
        plan = replace(
            self.plan,
            actions=tuple(action for action in self.plan.actions if action.address not in taken),
            held_back=tuple(held for held in self.plan.held_back if held.action.address not in taken),
            withheld=tuple(action for action in self.plan.withheld if action.address not in taken),
            orphans=tuple(orphan for orphan in self.plan.orphans if orphan.address not in taken),
        )
        return replace(self, plan=plan)

    @property
    def is_clean(self) -> bool:
        """Whether everything was read and nothing differs."""
        return self.plan.is_complete and not any(self.counts.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many differences there are of each kind, kinds without any included."""
        counted = Counter(kind_of(action) for action in self.differences)
        counted[DriftKind.ORPHAN] += len(self.plan.orphans)
        return {kind: counted[kind] for kind in DriftKind}
