"""Nodes to typed entries, quickly, of what is right; of what is not, `check` is asked for all that is wrong with it.

A shape says which keys a mapping has and how their values are read. Deciding happens here, for every entry; explaining
is 30 times slower and happens only for the bad ones. That both agree is tested in tests/policy_file/test_agreement.py.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.policy import (
    Consent,
    GroupBudgetEntry,
    Guardrail,
    GuardrailName,
    Manage,
    UserOverrideEntry,
)
from reconciler.errors import Finding, Place
from reconciler.money import Micros
from reconciler.policy_file import values
from reconciler.policy_file.nodes import Mapping, Mark, Node, PolicyText, Sequence
from reconciler.policy_file.values import Limits, Wrong

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
        for key, (_, value) in _pairs(node).items():
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


def group_budget_shape(limits: Limits) -> Shape:
    """Return the shape of an entry of `group_budgets`; the limits know the tiers of its organization."""
    fields: Fields = {"group": values.name, "limit": limits, "reason": values.reason}
    return Shape("group_budget", fields, frozenset({"group", "limit"}))


def user_override_shape(limits: Limits) -> Shape:
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


Explain = Callable[[PolicyText, Shape, Node, dict[str, Wrong]], list[Finding]]


NOWHERE = Place("", 1, 1)


@dataclass(slots=True)
class Document:
    """What one file says, before it is merged with the others of its organization."""

    text: PolicyText
    organization: str = ""
    """Empty when it is missing or wrong; then there is a finding."""
    place: Place = NOWHERE
    manage: dict[str, tuple[Manage, Place]] = field(default_factory=dict)
    tiers: dict[str, tuple[Micros, Place]] = field(default_factory=dict)
    guardrails: list[Guardrail] = field(default_factory=list)
    allow: list[Consent] = field(default_factory=list)
    group_budgets: list[GroupBudgetEntry] = field(default_factory=list)
    user_overrides: list[UserOverrideEntry] = field(default_factory=list)


class Parser:
    """Reads one file in two steps: what it says of its organization, then, when all tiers are known, its entries."""

    def __init__(self, text: PolicyText, root: Node, explain: Explain) -> None:
        self.document = Document(text)
        self.findings: list[Finding] = []
        self._text = text
        self._explain = explain
        self._group_budgets: Sequence | None = None
        self._user_overrides: Sequence | None = None
        self._head(root)

    def _head(self, root: Node) -> None:
        found = self._read(DOCUMENT, root)
        if type(root) is not Mapping or ("version" in root.pairs and "version" not in found):
            return  # of an unknown version nothing more can be said
        document = self.document
        if "organization" in found:
            document.organization = found["organization"]
            document.place = self._place_of(root, "organization")
        self._group_budgets, self._user_overrides = found.get("group_budgets"), found.get("user_overrides")
        if "manage" in found:
            document.manage = self._placed(MANAGE, found["manage"])
        if "tiers" in found:
            self._tiers(found["tiers"])
        if "guardrails" in found:
            placed = self._placed(GUARDRAILS, found["guardrails"])
            document.guardrails = [Guardrail(GuardrailName(name), value, at) for name, (value, at) in placed.items()]
        for node in found["allow"].items if "allow" in found else ():
            consent = self._read(CONSENT, node)
            if consent.keys() >= CONSENT.required:
                document.allow.append(_consent(consent, self._place_of(node, "hazard")))

    def _tiers(self, node: Mapping) -> None:
        self.document.tiers = self._placed(TIERS, node)
        for name, (mark, _) in node.pairs.items():
            # A tier with a wrong amount is a finding already; whoever uses it did nothing wrong.
            self.document.tiers.setdefault(name, (Micros(0), self._text.place(mark)))

    def entries(self, limits: Limits) -> None:
        """Read the two lists of limits."""
        shape = group_budget_shape(limits)
        for node in self._group_budgets.items if self._group_budgets else ():
            if (found := shape.read(node)) is None:
                self._refuse(shape, node)
            else:
                self.document.group_budgets.append(self._group_budget(found, node))
        shape = user_override_shape(limits)
        for node in self._user_overrides.items if self._user_overrides else ():
            if (found := shape.read(node)) is None:
                self._period(node, self._refuse(shape, node))
            else:
                self._period(node, found)
                self.document.user_overrides.append(self._user_override(found, node))

    def _group_budget(self, found: Values, node: Node) -> GroupBudgetEntry:
        return GroupBudgetEntry(found["group"], found["limit"], found.get("reason", ""), self._place_of(node, "group"))

    def _user_override(self, found: Values, node: Node) -> UserOverrideEntry:
        return UserOverrideEntry(
            found["user"],
            found["group"],
            found["limit"],
            found.get("reason", ""),
            found.get("starts"),
            found.get("expires"),
            self._place_of(node, "user"),
        )

    def _period(self, node: Node, found: Values) -> None:
        if "starts" in found and "expires" in found and not found["starts"] < found["expires"]:
            mark = _pairs(node)["expires"][1].mark
            hint = "the entry would never hold; swap or correct them"
            self.findings.append(self._text.finding(mark, "expires: not after starts", hint))

    def _placed(self, shape: Shape, node: Mapping) -> dict[str, tuple[Any, Place]]:
        found = self._read(shape, node)
        return {key: (value, self._text.place(node.pairs[key][0])) for key, value in found.items()}

    def _read(self, shape: Shape, node: Node) -> Values:
        found = shape.read(node)
        return self._refuse(shape, node) if found is None else found

    def _refuse(self, shape: Shape, node: Node) -> Values:
        """Report all that is wrong with a mapping; return the values that are right, to look for more."""
        found, wrong = shape.read_each(node)
        self.findings += self._explain(self._text, shape, node, wrong)
        return found

    def _place_of(self, node: Node, key: str) -> Place:
        """Return the place of a value; the line of a name tells a reader more than that of its dash."""
        mark = _pairs(node)[key][1].mark
        return Place(self._text.path, mark.line + 1, mark.column + 1)


def _pairs(node: Node) -> dict[str, tuple[Mark, Node]]:
    return node.pairs if type(node) is Mapping else {}


def _consent(found: Values, place: Place) -> Consent:
    return Consent(found["hazard"], found["up_to"], found["reason"], found.get("expires"), place)
