"""The plan: actions in the order in which they run, and facts about them. Frozen data; it does nothing.

The digest covers what would be written and where, and nothing that moves by itself (times, spend, who asked, the
order in which things were read), so that two people who plan the same change see the same twelve characters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from reconciler.core.action import Action, Kind, Origin, require_single
from reconciler.core.budget import Absent, Budget, State, Unknown
from reconciler.core.directory import Group, Subject, User
from reconciler.core.gate.verdict import Grant, Verdict
from reconciler.core.orphan import Orphan
from reconciler.core.people.effects import Effects
from reconciler.core.people.forecast import Forecast
from reconciler.core.people.replay import Replay
from reconciler.core.policy import NotRead, SourceFile
from reconciler.core.snapshot import Deployment
from reconciler.dataclass import dataclass

DIGEST_SHOWN = 12
"""Characters of a digest that are shown, and the least that are accepted back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A managed subject whose live state is unknown: nothing is planned for it."""

    subject: Subject
    """The group or the person."""
    reading: Unknown
    """What came back instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A due action that the gate refuses; it is left out alone, and the rest of the plan goes on."""

    action: Action
    """The action."""
    message: str
    """Why it is refused, as a clause."""
    hint: str
    """What to do about it."""


class Coverage(StrEnum):
    """What a plan compares with live."""

    POLICY = "policy"
    """The whole policy."""
    PART = "part"
    """The part of the policy that --only and --exclude select."""
    DUE = "due"
    """What a date asks for."""
    RUN = "run"
    """What a run wrote, to take it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Having changes, being complete and being consented to are different facts; see the properties and gate.py."""

    JSON_EXTRAS: ClassVar = ("digest",)

    deployment: Deployment
    """The server that the plan is for, and who asked."""
    at: datetime
    """The instant for which the policy was looked at (UTC)."""
    actions: tuple[Action, ...]
    """Those that change something, in the order in which they run (order.py); no-ops are counted only."""
    unchanged: int
    """How many managed subjects are as the policy wants them."""
    unreadable: tuple[Unreadable, ...]
    """Managed subjects whose live state is unknown: nothing is planned for them."""
    withheld: tuple[Action, ...]
    """Removals that are not planned, because something could not be read or found. Display only: apply must not read
    this."""
    effects: Effects
    """What the actions do to people and money, as far as it is known."""
    verdict: Verdict
    """What the gate says of it. Apply adds its own consents and asks again."""
    orphans: tuple[Orphan, ...] = ()
    """Entries that cannot be applied, and are left out; sorted by address."""
    held_back: tuple[HeldBack, ...] = ()
    """Due actions that are refused, sorted by address."""
    unresolved: tuple[str, ...] = ()
    """Names in the policy that may be renamed subjects, and for whose sake removals are withheld; sorted."""
    sources: tuple[SourceFile, ...] = ()
    """The policy files that went into the plan."""
    not_read: tuple[NotRead, ...] = ()
    """What looks like a policy and was not read, sorted by path; removals are withheld while there is any."""
    has_base: bool = False
    """Whether the policy before was known, so that `origin` tells this change from the rest."""
    is_for_now: bool = True
    """Whether `at` is when the plan was made. One for another day is for looking at."""
    snapshot_at: datetime | None = None
    """When the snapshot was made from which the plan was made (UTC); null for a plan of a live server. Only a plan of a
    live server can be applied."""
    covers: Coverage = Coverage.POLICY
    """What was compared with live: a plan of a part says nothing of the rest."""
    left_alone: tuple[str, ...] = ()
    """What a revert, or `apply --due`, leaves as it is, and why, a sentence each."""
    forecast: Forecast | None = None
    """Who reaches their new limit before the period ends; null where it was not asked for."""
    replay: Replay | None = None
    """What the policy would have done in a month that is over; null where it was not asked for."""

    def __post_init__(self) -> None:
        require_single(self.actions)

    @property
    def digest(self) -> str:
        """64 hex characters over the deployment's id and the sorted actions."""
        return digest(self.deployment.id, self.actions)

    def with_grants(self, grants: Iterable[Grant]) -> Plan:
        """Add consents to the verdict; the digest stays."""
        return replace(self, verdict=self.verdict.with_grants(grants))

    def without_ended_consents(self, now: datetime) -> Plan:
        """Leave out the consents that have ended by now (UTC)."""
        return replace(self, verdict=self.verdict.without_ended(now))

    @property
    def has_changes(self) -> bool:
        return bool(self.actions)

    @property
    def is_complete(self) -> bool:
        """Whether everything was read that decides about a change."""
        return not self.unknown

    @property
    def unknown(self) -> tuple[str, ...]:
        """Addresses of subjects that could not be read, and policy files whose absence withholds a removal."""
        files = (missed.path for missed in self.not_read) if self.withheld else ()
        return (*(entry.subject.address for entry in self.unreadable), *files)

    @property
    def differing(self) -> tuple[Action, ...]:
        """What would repair each difference: actions, those held back, and withheld removals of what was set by hand.

        Any other removal that is withheld is not a difference: what was not read may list its subject, or a name that
        fits nobody may be its old name. `drift` counts these; apply must not read this.
        """
        by_hand = () if self.not_read else (action for action in self.withheld if action.origin is Origin.HAND)
        return (*self.actions, *(held.action for held in self.held_back), *by_hand)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Addresses of entries that cannot be applied, and of removals that are withheld; sorted."""
        entries = (orphan.address for orphan in self.orphans if not orphan.is_overdue)
        return tuple(sorted((*entries, *(action.address for action in self.withheld))))

    @property
    def overdue(self) -> tuple[str, ...]:
        """Addresses of what a date asks for and this plan does not do: refused, or not known whose it is; sorted."""
        refused = (held.action.address for held in self.held_back)
        return tuple(sorted((*refused, *(orphan.address for orphan in self.orphans if orphan.is_overdue))))

    @property
    def new_orphans(self) -> tuple[Orphan, ...]:
        """Orphans that this change to the policy is to blame for, as far as is known."""
        return tuple(orphan for orphan in self.orphans if not orphan.is_standing)

    def count(self, kind: Kind) -> int:
        return sum(action.kind is kind for action in self.actions)


def digest(deployment_id: str, actions: Iterable[Action]) -> str:
    """Hash the deployment and what would be written, in an order of its own."""
    rows = sorted(
        (_subject_type(action.subject), str(action.subject.id), _state_row(action.before), _state_row(action.after))
        for action in actions
    )
    text = json.dumps([deployment_id, rows], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _subject_type(subject: Subject) -> str:
    match subject:
        case Group():
            return "group"
        case User():
            return "user"
        case _:
            assert_never(subject)


def _state_row(state: State) -> tuple[int, str]:
    match state:
        case Absent():
            return (-1, "")
        case Budget(limit_micros, group):
            return (limit_micros, str(group.id))
        case _:
            assert_never(state)
