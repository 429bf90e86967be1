"""Which keys a mapping of a policy file has, and how their values are read.

Deciding happens here, for every mapping; `check` explains what is wrong, 30 times slower, only where something is.
Each shape has its twin in the schema; that both accept the same is tested in tests/policy_file/test_agreement.py.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Any

from reconciler.core.policy import GuardrailName
from reconciler.policy_file import values
from reconciler.policy_file.nodes import Mapping, Node, pairs_of
from reconciler.policy_file.values import LimitReader, Wrong

Values = dict[str, Any]
Fields = ReadOnly[str, Callable[[Node], Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping with known keys. `name` is its definition in the schema; empty for the whole document."""

    name: str
    fields: Fields
    required: frozenset[str] = frozenset()

    def read(self, node: Node) -> Values | None:
        """Return all values, or None when anything at all is wrong."""
        if type(node) is not Mapping:
            return None
        found: Values = {}
        fields = self.fields
        try:
            for key, (_, value) in node.pairs.items():
                found[key] = fields[key](value)
        except (KeyError, Wrong):
            return None
        return found if found.keys() >= self.required else None

    def read_each(self, node: Node) -> tuple[Values, dict[str, Wrong]]:
        """Return the values that are right and what is wrong with the others; unknown keys are in neither."""
        found: Values = {}
        wrong: dict[str, Wrong] = {}
        for key, (_, value) in pairs_of(node).items():
            try:
                found[key] = self.fields[key](value)
            except KeyError:
                continue
            except Wrong as problem:
                wrong[key] = problem
        return found, wrong


class _AnyTier(dict[str, Callable[[Node], Any]]):
    def __missing__(self, key: str) -> Callable[[Node], Any]:
        if not values.is_tier_name(key):
            raise KeyError(key)
        return values.amount


DOCUMENT = Shape(
    "",
    {
        "version": values.version,
        "organization": values.name,
        "manage": values.mapping,
        "tiers": values.mapping,
        "group_budgets": values.sequence,
        "user_overrides": values.sequence,
        "guardrails": values.mapping,
        "allow": values.sequence,
    },
    frozenset({"version", "organization"}),
)
MANAGE = Shape("manage", {"group_budgets": values.manage, "user_overrides": values.manage})
TIERS = Shape("tiers", _AnyTier())
GUARDRAILS = Shape(
    "guardrails",
    {
        GuardrailName.MAX_LIMIT: values.amount,
        GuardrailName.MAX_EXPOSURE: values.exposure,
        GuardrailName.REQUIRE_REASON_ABOVE: values.amount,
        GuardrailName.MAX_OVERRIDE_DAYS: values.count,
    },
)
CONSENT = Shape(
    "consent",
    {"hazard": values.hazard, "up_to": values.count, "reason": values.reason, "expires": values.moment},
    frozenset({"hazard", "up_to", "reason"}),
)


def group_budget(limits: LimitReader) -> Shape:
    """Return the shape of an entry of `group_budgets`; the limits know the tiers of its organization."""
    fields: Fields = {"group": values.name, "limit": limits, "reason": values.reason}
    return Shape("group_budget", fields, frozenset({"group", "limit"}))


def user_override(limits: LimitReader) -> Shape:
    """Return the shape of an entry of `user_overrides`."""
    fields: Fields = {
        "user": values.name,
        "group": values.name,
        "limit": limits,
        "reason": values.reason,
        "starts": values.moment,
        "expires": values.moment,
    }
    return Shape("user_override", fields, frozenset({"user", "group", "limit"}))
