"""Drift: what differs between live and the policy, and who changed it last. Frozen data; it does nothing."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.activity import Attribution
from reconciler.core.plan.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The plan that would repair the differences, and the audit log's newest entries about its subjects."""

    plan: Plan
    """What differs, as the plan that would repair it; the keys of a saved plan, without its format and checksum."""
    last_changes: Attribution
    """Who changed what differs, from Coder's audit log."""
