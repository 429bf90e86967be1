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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    name="",
    fields={
        "version": values.version,
        "organization": values.name,
        "manage": values.mapping,
        "tiers": values.mapping,
        "group_budgets": values.sequence,
        "user_overrides": values.sequence,
        "guardrails": values.mapping,
        "allow": values.sequence,
    },
    required=frozenset({"version", "organization"}),
)
MANAGE = Shape(name="manage", fields={"group_budgets": values.manage, "user_overrides": values.manage})
TIERS = Shape(name="tiers", fields=_AnyTier())
GUARDRAILS = Shape(
    name="guardrails",
    fields={
        GuardrailName.MAX_LIMIT: values.amount,
        GuardrailName.MAX_EXPOSURE: values.exposure,
        GuardrailName.REQUIRE_REASON_ABOVE: values.amount,
        GuardrailName.MAX_OVERRIDE_DAYS: values.count,
    },
)
CONSENT = Shape(
    name="consent",
    fields={"hazard": values.hazard, "up_to": values.count, "reason": values.reason, "expires": values.moment},
    required=frozenset({"hazard", "up_to", "reason"}),
)


def group_budget(limits: LimitReader) -> Shape:
    """Return the shape of an entry of `group_budgets`; the limits know the tiers of its organization."""
    fields: Fields = {"group": values.name, "limit": limits, "reason": values.reason}
    return Shape(name="group_budget", fields=fields, required=frozenset({"group", "limit"}))


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
    return Shape(name="user_override", fields=fields, required=frozenset({"user", "group", "limit"}))
