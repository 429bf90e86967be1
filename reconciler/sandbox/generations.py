"""What each generation of Coder offers, as one table of facts; nothing else in the room compares versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

COST_CONTROL_EXPERIMENT = "ai-gateway-cost-control"
MAXIMUM_MICROS = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Generation:
    """List what a server of one age can do. *Source*: Coder's pull requests #26399, #27611, #27640, #28410, #28699."""

    name: str
    version: str
    override_path: Literal["budget", "budget/override"] | None
    override_experiment: bool
    override_audit: bool
    user_spend: Literal["flat", "nested"] | None
    bulk_reads: bool
    effective_budget: bool
    maximum_micros: int | None
    system_users_guarded: bool
    body_limit_bytes: int | None
    audit_count_cap: bool
    ai_feature_name: Literal["AI Bridge", "AI Gateway"]


GENERATIONS: dict[str, Generation] = {
    generation.name: generation
    for generation in (
        Generation(
            name="2.34",
            version="v2.34.3+sandbox",
            override_path=None,
            override_experiment=False,
            override_audit=False,
            user_spend=None,
            bulk_reads=False,
            effective_budget=False,
            maximum_micros=None,
            system_users_guarded=False,
            body_limit_bytes=None,
            audit_count_cap=False,
            ai_feature_name="AI Bridge",
        ),
        Generation(
            name="2026-05-29",
            version="v2.34.0-devel+sandbox",
            override_path="budget",
            override_experiment=False,
            override_audit=False,
            user_spend=None,
            bulk_reads=False,
            effective_budget=False,
            maximum_micros=None,
            system_users_guarded=False,
            body_limit_bytes=None,
            audit_count_cap=False,
            ai_feature_name="AI Bridge",
        ),
        Generation(
            name="2.35",
            version="v2.35.2+sandbox",
            override_path="budget",
            override_experiment=True,
            override_audit=True,
            user_spend="flat",
            bulk_reads=False,
            effective_budget=False,
            maximum_micros=None,
            system_users_guarded=False,
            body_limit_bytes=None,
            audit_count_cap=False,
            ai_feature_name="AI Gateway",
        ),
        Generation(
            name="2.36",
            version="v2.36.1+sandbox",
            override_path="budget/override",
            override_experiment=False,
            override_audit=True,
            user_spend="nested",
            bulk_reads=True,
            effective_budget=False,
            maximum_micros=MAXIMUM_MICROS,
            system_users_guarded=False,
            body_limit_bytes=None,
            audit_count_cap=True,
            ai_feature_name="AI Gateway",
        ),
        Generation(
            name="2.37",
            version="v2.37.1+sandbox",
            override_path="budget/override",
            override_experiment=False,
            override_audit=True,
            user_spend="nested",
            bulk_reads=True,
            effective_budget=True,
            maximum_micros=MAXIMUM_MICROS,
            system_users_guarded=True,
            body_limit_bytes=4 * 1024 * 1024,
            audit_count_cap=True,
            ai_feature_name="AI Gateway",
        ),
    )
}


def generation_named(name: str) -> Generation:
    """Return the generation called so. *Raises* ValueError naming the ones there are."""
    try:
        return GENERATIONS[name]
    except KeyError:
        raise ValueError(f"unknown Coder version {name!r}; one of {', '.join(GENERATIONS)}") from None
