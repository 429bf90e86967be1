"""The verdict of the gate, as data: dangers, broken guardrails, consents, and the refusals that follow from them.

It is part of a plan, so that a saved one carries it; gate.py makes it and has the theory. Asking again with more
consent needs nothing but the value itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import ClassVar, assert_never

from reconciler.core.gate.breach import Breach
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.hazards import HAZARDS
from reconciler.core.policy import Hazard
from reconciler.dataclass import dataclass
from reconciler.words import listed, spoken

NOT_KNOWN = "organization not known"
"""In a refusal, in place of the name of an organization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagGrant:
    """Consent of `--allow`. It covers the dangers that no policy consents to, of all organizations together."""

    JSON_EXTRAS: ClassVar = ("source",)

    hazard: Hazard
    """The hazard consented to."""
    up_to: int
    """For at most this many people (MASS_CHANGE: deletes)."""

    @property
    def source(self) -> str:
        """Always `--allow`."""
        return "--allow"

    def holds(self, now: datetime) -> bool:
        """Return True: it lasts as long as the run that it was given to."""
        return True

    def covers(self, danger: Danger) -> bool:
        """Whether it is about this danger, with any number."""
        return self.hazard is danger.hazard

    def __str__(self) -> str:
        return f"{self.hazard}={self.up_to}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyGrant:
    """Consent of a policy, to the dangers of its own organization."""

    hazard: Hazard
    """The hazard consented to."""
    up_to: int
    """For at most this many people (MASS_CHANGE: deletes)."""
    source: str
    """The place of the consent in the policy, and its reason."""
    organization: str
    """Name of the organization whose dangers it covers."""
    expires: datetime | None = None
    """From then on it covers nothing (UTC)."""

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended by now (UTC)."""
        return self.expires is None or now < self.expires

    def covers(self, danger: Danger) -> bool:
        """Whether it is about this danger, with any number."""
        return self.hazard is danger.hazard and self.organization == danger.organization

    def __str__(self) -> str:
        return f"{self.hazard}={self.up_to}"


Grant = FlagGrant | PolicyGrant
"""Consent that was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a plan may not be applied as it is, and what to do about it."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate knows of a plan. It is part of a saved plan; apply adds its own grants and asks again."""

    JSON_EXTRAS: ClassVar = ("is_refused",)

    dangers: tuple[Danger, ...] = ()
    """Hazards of this plan, consented to or not."""
    breaches: tuple[Breach, ...] = ()
    """Guardrails that the policy breaks; no consent covers them."""
    grants: tuple[Grant, ...] = ()
    """Every consent in force, needed or not, sorted."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Hazards without sufficient consent, then broken guardrails, which no consent covers."""
        return (
            *(_refuse(self, hazard) for hazard in self.refused_hazards),
            *(Refusal(message=str(breach), hint=breach.hint) for breach in self.breaches if not breach.is_standing),
        )

    @property
    def refused_hazards(self) -> tuple[Hazard, ...]:
        """Hazards without sufficient consent."""
        return tuple(hazard for hazard in Hazard if not _is_covered(self, hazard))

    def refusal_of(self, hazard: Hazard) -> Refusal:
        """Say why a hazard without sufficient consent is refused, and which consent covers it."""
        return _refuse(self, hazard)

    @property
    def is_refused(self) -> bool:
        """Whether a hazard lacks consent or a guardrail is broken, as things are in this document."""
        return bool(self.refusals)

    @property
    def uncovered(self) -> tuple[Danger, ...]:
        """The dangers that refuse the plan, because no consent covers them."""
        return tuple(
            danger
            for hazard in Hazard
            if not _is_covered(self, hazard)
            for danger in _without_consent(hazard, self.dangers, self.grants)
        )

    @property
    def standing(self) -> tuple[Breach, ...]:
        """Broken guardrails that this plan is not to blame for."""
        return tuple(breach for breach in self.breaches if breach.is_standing)

    @property
    def used(self) -> tuple[Grant, ...]:
        """The grants that cover a danger of this plan: for the journal."""
        return tuple(grant for grant in self.grants if _is_used(grant, self.dangers, self.grants))

    def without_ended(self, now: datetime) -> Verdict:
        """Leave out the consents that have ended by now (UTC)."""
        return Verdict(
            dangers=self.dangers,
            breaches=self.breaches,
            grants=tuple(grant for grant in self.grants if grant.holds(now)),
        )

    def with_admissions(self, saved: Verdict) -> Verdict:
        """Add what a saved plan says against itself and nothing can find out without its policy files.

        These are its broken guardrails, and dangers of hazards that count managed objects, where it counts more.
        """
        known = {(danger.hazard, danger.organization): danger.count for danger in self.dangers}
        admitted = tuple(
            danger
            for danger in saved.dangers
            if HAZARDS[danger.hazard].needs_policy and danger.count > known.get((danger.hazard, danger.organization), 0)
        )
        replaced = {(danger.hazard, danger.organization) for danger in admitted}
        kept = tuple(danger for danger in self.dangers if (danger.hazard, danger.organization) not in replaced)
        return Verdict(dangers=(*kept, *admitted), breaches=(*self.breaches, *saved.breaches), grants=self.grants)

    def with_grants(self, grants: Iterable[Grant]) -> Verdict:
        """Add consents. Law 9: that never adds a refusal."""
        return Verdict(dangers=self.dangers, breaches=self.breaches, grants=sorted_grants((*self.grants, *grants)))


def _without_consent(hazard: Hazard, dangers: Iterable[Danger], grants: Collection[Grant]) -> tuple[Danger, ...]:
    """Return the dangers of one hazard that no policy of their organization consents to: `--allow` must cover them."""
    policies = [grant for grant in grants if isinstance(grant, PolicyGrant)]
    return tuple(
        danger
        for danger in dangers
        if danger.hazard is hazard
        and not any(danger.count <= grant.up_to for grant in policies if grant.covers(danger))
    )


def _is_covered(verdict: Verdict, hazard: Hazard) -> bool:
    number = _count(_without_consent(hazard, verdict.dangers, verdict.grants))
    flags = (grant for grant in verdict.grants if isinstance(grant, FlagGrant) and grant.hazard is hazard)
    return not number or any(number <= grant.up_to for grant in flags)


def _is_used(grant: Grant, dangers: Iterable[Danger], grants: Collection[Grant]) -> bool:
    covered = [danger for danger in dangers if grant.covers(danger)]
    counted = covered if isinstance(grant, PolicyGrant) else _without_consent(grant.hazard, covered, grants)
    return bool(covered) and _count(counted) <= grant.up_to


def _count(dangers: Iterable[Danger]) -> int:
    return sum(danger.count for danger in dangers)


def _refuse(verdict: Verdict, hazard: Hazard) -> Refusal:
    refused = _without_consent(hazard, verdict.dangers, verdict.grants)
    number = _count(refused)
    about = (grant for grant in verdict.grants if any(grant.covers(danger) for danger in refused))
    given = max((grant.up_to for grant in about), default=0)
    is_single = sum(danger.hazard is hazard for danger in verdict.dangers) == 1
    names = "; ".join(
        _names(danger)
        if is_single
        else f"{spoken(danger.organization) if danger.organization else NOT_KNOWN}: {_names(danger)}"
        for danger in refused
    )
    consented = f"; consent covers {given:,}" if given else ""
    in_policy = ", or consent in the policy under `allow:`" if any(danger.organization for danger in refused) else ""
    return Refusal(
        message=f"{hazard}: {HAZARDS[hazard].refusal(number)}{f' ({names})' if names else ''}{consented}",
        hint=f"if that is meant, pass `--allow {hazard}={number}`{in_policy}",
    )


def _names(danger: Danger) -> str:
    names = (*map(spoken, danger.counted), *(f"perhaps {spoken(name)}" for name in danger.uncertain))
    return listed(names)


def sorted_grants(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Order consents, and keep equal consents once."""
    return tuple(sorted(set(grants), key=_sort_key))


def _sort_key(grant: Grant) -> tuple[str, int, str, str, str]:
    match grant:
        case FlagGrant():
            return grant.hazard, grant.up_to, grant.source, "", ""
        case PolicyGrant():
            ends = grant.expires.isoformat() if grant.expires else ""
            return grant.hazard, grant.up_to, grant.source, grant.organization, ends
        case _:
            assert_never(grant)
