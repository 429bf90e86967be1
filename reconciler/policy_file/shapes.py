"""Which keys a mapping of a policy file has: one declaration, from which its values are read, checked and written.

A new key of an entry is one line here, its attribute in core/policy.py, and its description in the schema. A key is
named as the attribute it becomes; `tests/policy_file/test_agreement.py` compares keys, kinds and required keys with the
schema, and what both accept.

Deciding happens here, for every mapping; `check` explains what is wrong, 30 times slower, only where something is.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import replace
from typing import Any

from reconciler.core.policy import Consent, GroupBudgetEntry, GuardrailName, UserOverrideEntry
from reconciler.dataclass import dataclass
from reconciler.money import format_usd
from reconciler.policy_file import spelling, values
from reconciler.policy_file.nodes import Mapping, Node, pairs_of
from reconciler.policy_file.values import LimitReader, Wrong

Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueKind:
    """How the values of a key are read and written; `definition` is its name under `$defs` of the schema."""

    definition: str
    read: Callable[[Node], Any]
    write: Callable[[Any], str] = str


NAME = ValueKind(definition="name", read=values.name, write=spelling.quoted)
GROUP = ValueKind(definition="name", read=values.group, write=spelling.quoted)
REASON = ValueKind(definition="reason", read=values.reason, write=spelling.quoted)
MOMENT = ValueKind(definition="moment", read=values.moment, write=spelling.moment)
LIMIT = ValueKind(definition="limit", read=LimitReader({}), write=spelling.limit)
"""Read so it knows no tier; `Shape.with_limits` puts the reader of an organization in its place."""
AMOUNT = ValueKind(definition="amount", read=values.amount, write=format_usd)
EXPOSURE = ValueKind(definition="exposure", read=values.exposure, write=format_usd)
COUNT = ValueKind(definition="count", read=values.count)
DAYS = ValueKind(definition="days", read=values.count)
HAZARD = ValueKind(definition="hazard", read=values.hazard)
MANAGED = ValueKind(definition="managed", read=values.manage)
VERSION = ValueKind(definition="version", read=values.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A mapping with known keys. `name` is its definition in the schema; empty for the whole document."""

    name: str
    kinds: ReadOnly[str, ValueKind]
    readers: ReadOnly[str, Callable[[Node], Any]]
    required: frozenset[str] = frozenset()
    make: Callable[..., Any] = dict
    """Makes of the values, and of their `place`, what the rest of the program works with."""

    @property
    def first_key(self) -> str:
        """The key whose value is the place of an entry: the line of a name tells a reader more than that of a dash."""
        return next(iter(self.kinds))

    def with_limits(self, limits: LimitReader) -> Shape:
        """Return this shape for an organization, whose tiers `limits` knows."""
        readers = {key: limits for key, kind in self.kinds.items() if kind is LIMIT}
        return replace(self, readers={**self.readers, **readers})

    def read(self, node: Node) -> Values | None:
        """Return all values, or None when anything at all is wrong."""
        if type(node) is not Mapping:
            return None
        read: Values = {}
        readers = self.readers
        try:
            for key, (_, value) in node.pairs.items():
                read[key] = readers[key](value)
        except (KeyError, Wrong):
            return None
        return read if read.keys() >= self.required else None

    def read_each(self, node: Node) -> tuple[Values, dict[str, Wrong]]:
        """Return the values that are right and what is wrong with the others; unknown keys are in neither."""
        read: Values = {}
        wrong: dict[str, Wrong] = {}
        for key, (_, value) in pairs_of(node).items():
            try:
                read[key] = self.readers[key](value)
            except KeyError:
                continue
            except Wrong as problem:
                wrong[key] = problem
        return read, wrong

    def write(self, entry: object) -> list[tuple[str, str]]:
        """Return the keys and values of an entry as text; what it does not have is left out."""
        pairs = ((key, kind, getattr(entry, key)) for key, kind in self.kinds.items())
        return [(key, kind.write(value)) for key, kind, value in pairs if value is not None and value != ""]


class _TierReaders(dict[str, Callable[[Node], Any]]):
    """Reads an amount for each key that may name a tier."""

    def __missing__(self, key: str) -> Callable[[Node], Any]:
        if not values.is_tier_name(key):
            raise KeyError(key)
        return values.amount


def _shape(name: str, kinds: ReadOnly[str, ValueKind], required: str = "", make: Callable[..., Any] = dict) -> Shape:
    readers = {key: kind.read for key, kind in kinds.items()}
    return Shape(name=name, kinds=kinds, readers=readers, required=frozenset(required.split()), make=make)


def _block(definition: str) -> ValueKind:
    return ValueKind(definition=definition, read=values.mapping)


def _list(definition: str) -> ValueKind:
    return ValueKind(definition=definition, read=values.sequence)


DOCUMENT = _shape(
    "",
    {
        "version": VERSION,
        "organization": NAME,
        "manage": _block("manage"),
        "tiers": _block("tiers"),
        "group_budgets": _list("group_budgets"),
        "user_overrides": _list("user_overrides"),
        "guardrails": _block("guardrails"),
        "allow": _list("allow"),
    },
    required="version organization",
)
MANAGE = _shape("manage", {"group_budgets": MANAGED, "user_overrides": MANAGED})
TIERS = Shape(name="tiers", kinds={}, readers=_TierReaders())
GROUP_BUDGET = _shape(
    "group_budget",
    {"group": GROUP, "limit": LIMIT, "reason": REASON},
    required="group limit",
    make=GroupBudgetEntry,
)
USER_OVERRIDE = _shape(
    "user_override",
    {"user": NAME, "group": GROUP, "limit": LIMIT, "reason": REASON, "starts": MOMENT, "expires": MOMENT},
    required="user group limit",
    make=UserOverrideEntry,
)
GUARDRAILS = _shape(
    "guardrails",
    {
        GuardrailName.MAX_LIMIT: AMOUNT,
        GuardrailName.MAX_EXPOSURE: EXPOSURE,
        GuardrailName.REQUIRE_REASON_ABOVE: AMOUNT,
        GuardrailName.MAX_OVERRIDE_DAYS: DAYS,
    },
)
CONSENT = _shape(
    "consent",
    {"hazard": HAZARD, "up_to": COUNT, "reason": REASON, "expires": MOMENT},
    required="hazard up_to reason",
    make=Consent,
)

ENTRIES = {"group_budgets": GROUP_BUDGET, "user_overrides": USER_OVERRIDE}
"""The shapes of the entries of the two lists that a plan is made of."""
