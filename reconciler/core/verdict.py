"""The verdict of the gate, as data: dangers, broken guardrails, consents, and the refusals that follow from them.

It is part of a plan, so that a saved one carries it; gate.py makes it and has the theory. Asking again with more
consent needs nothing but the value itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from reconciler.core.policy import GuardrailName, Hazard

NAMES_SHOWN = 5
"""Names in the sentence of a refusal; the plan has them all."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A guardrail that a policy breaks; `place` is the entry's, or the guardrail's where no entry is to blame."""

    guardrail: GuardrailName
    place: str
    """`file:line:column`."""
    message: str
    """Begins with the place and names that of the guardrail."""
    hint: str


@dataclass(frozen=True, slots=True)
class Danger:
    """A hazard of one plan, with all that it counts."""

    hazard: Hazard
    counted: tuple[str, ...]
    """Usernames (MASS_CHANGE: addresses), sorted."""
    uncertain: tuple[str, ...] = ()
    """Usernames of people for whom it cannot be ruled out; they count too."""

    @property
    def count(self) -> int:
        return len(self.counted) + len(self.uncertain)

    @property
    def consent(self) -> str:
        """What to paste to allow exactly this: `BLOCKS_USERS=2`."""
        return f"{self.hazard}={self.count}"


@dataclass(frozen=True, slots=True)
class Grant:
    """Consent that was given, and by what: `--allow`, or a place in the policy and its reason."""

    hazard: Hazard
    up_to: int
    source: str

    def __str__(self) -> str:
        return f"{self.hazard}={self.up_to}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan may not be applied as it is, and what to do about it."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate knows of a plan. It is part of a saved plan; apply adds its own grants and asks again."""

    dangers: tuple[Danger, ...] = ()
    breaches: tuple[Breach, ...] = ()
    grants: tuple[Grant, ...] = ()
    """Every consent in force, needed or not, sorted."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Hazards without sufficient consent, then broken guardrails, which no consent covers."""
        return (
            *(_refuse(danger, self.grants) for danger in self.dangers if not _is_covered(danger, self.grants)),
            *(Refusal(breach.message, breach.hint) for breach in self.breaches),
        )

    @property
    def is_refused(self) -> bool:
        return bool(self.refusals)

    @property
    def used(self) -> tuple[Grant, ...]:
        """The grants that cover a danger of this plan: for the journal."""
        needed = {danger.hazard: danger.count for danger in self.dangers}
        return tuple(grant for grant in self.grants if 0 < needed.get(grant.hazard, 0) <= grant.up_to)

    def with_grants(self, grants: Iterable[Grant]) -> Verdict:
        """Add consents. Law 9: that never adds a refusal."""
        return Verdict(self.dangers, self.breaches, sorted_grants((*self.grants, *grants)))


def _is_covered(danger: Danger, grants: Iterable[Grant]) -> bool:
    return any(grant.hazard is danger.hazard and danger.count <= grant.up_to for grant in grants)


def _refuse(danger: Danger, grants: Iterable[Grant]) -> Refusal:
    given = max((grant.up_to for grant in grants if grant.hazard is danger.hazard), default=0)
    names = (*danger.counted, *(f"perhaps {name}" for name in danger.uncertain))
    shown = ", ".join(names[:NAMES_SHOWN])
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    consented = f"; consent covers {given:,}" if given else ""
    return Refusal(
        f"{danger.hazard}: {_what(danger)} ({shown}{more}){consented}",
        f"if that is meant, pass `--allow {danger.consent}`, or consent in the policy under `allow:`",
    )


def _what(danger: Danger) -> str:
    counted = f"{danger.count:,} {noun(danger.hazard, danger.count)}"
    match danger.hazard:
        case Hazard.REMOVES_LIMIT:
            return f"{counted} would become unlimited"
        case Hazard.BLOCKS_USERS:
            return f"{counted} would be blocked now"
        case Hazard.MASS_CHANGE:
            return f"{counted} of budgets that are live"
        case _:
            assert_never(danger.hazard)


def noun(hazard: Hazard, number: int) -> str:
    """Return what a hazard counts."""
    if hazard is Hazard.MASS_CHANGE:
        return "delete" if number == 1 else "deletes"
    return "person" if number == 1 else "people"


def sorted_grants(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Order consents, each once."""
    return tuple(sorted(set(grants), key=lambda grant: (grant.hazard, grant.up_to, grant.source)))
