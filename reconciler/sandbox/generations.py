"""What each generation of Coder offers: one row a generation, which says what changed since the row above.

Nothing else in the room compares versions. A new generation is one row, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

COST_CONTROL_EXPERIMENT = "ai-gateway-cost-control"
MAXIMUM_MICROS = 1_000_000_000_000
MAXIMUM_BODY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Say what a server of one generation can do. The defaults are the oldest generation's.

    *Source*: coder-api.md sections 1 and 13, Coder's pull requests #26399, #27611, #27640, #28410, #28699.
    """

    name: str
    version: str
    ai_feature_name: Literal["AI Bridge", "AI Gateway"] = "AI Bridge"
    interceptions: bool = True
    override_path: Literal["budget", "budget/override"] | None = None
    override_experiment: bool = False
    override_audit: bool = False
    audit_count_cap: bool = False
    bulk_reads: bool = False
    user_spend: bool = False
    maximum_micros: int | None = None
    ties_by_name: bool = True
    """Equal budgets: the first group name decides; newer servers take the earliest membership. Without a budget
    older servers have no effective group; newer servers fall back to Everyone."""
    none_login_needs_service_account: bool = False
    network_calls: bool = False
    effective_budget: bool = False
    system_users_guarded: bool = False
    maximum_body_bytes: int | None = None
    paginated_groups: bool = False
    model_prices: bool = False
    custom_prices: bool = False
    """A price that somebody set stands beside the default price; before, a default price could not be changed."""
    spend_by_user: bool = False
    allotments: bool = False


_2_34 = Generation(name="2.34", version="v2.34.3+sandbox")
_START = replace(_2_34, name="2026-05-29", version="v2.34.0-devel+sandbox", override_path="budget")
_2_35 = replace(
    _START, name="2.35", version="v2.35.2+sandbox", ai_feature_name="AI Gateway", interceptions=False,
    override_experiment=True, override_audit=True, audit_count_cap=True,
)  # fmt: skip
_2_36 = replace(
    _2_35, name="2.36", version="v2.36.1+sandbox", override_path="budget/override", override_experiment=False,
    bulk_reads=True, user_spend=True, maximum_micros=MAXIMUM_MICROS, ties_by_name=False,
    none_login_needs_service_account=True, network_calls=True,
)  # fmt: skip
_2_37 = replace(
    _2_36, name="2.37", version="v2.37.1+sandbox", effective_budget=True, system_users_guarded=True,
    maximum_body_bytes=MAXIMUM_BODY_BYTES, paginated_groups=True, model_prices=True,
)  # fmt: skip
# Inferred: no release notes of 2.38 were read. To be asked of a real server: which prefix serves the spend by user,
# and whether the allotments and the custom prices came with it (coder-api.md section 13.1).
_2_38 = replace(
    _2_37, name="2.38", version="v2.38.0+sandbox", custom_prices=True, spend_by_user=True, allotments=True,
)  # fmt: skip

GENERATIONS: dict[str, Generation] = {row.name: row for row in (_2_34, _START, _2_35, _2_36, _2_37, _2_38)}


def generation_named(name: str) -> Generation:
    """Return the generation of this name. *Raises* ValueError with the names that exist."""
    try:
        return GENERATIONS[name]
    except KeyError:
        raise ValueError(f"unknown Coder version {name!r}; use one of {', '.join(GENERATIONS)}") from None
