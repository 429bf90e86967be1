"""Nodes to the typed entries of one file. What is wrong with a mapping is asked of `check`; the rest is read on.

Entries are read as soon as their last line is, and their nodes forgotten: a large policy is never a tree in memory,
which saves a third of the time and two thirds of the memory. What cannot be read yet (a tier that another file
defines) or at all stays in the tree until all files are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.policy import (
    Consent,
    GroupBudgetEntry,
    Guardrail,
    GuardrailName,
    Manage,
    UserOverrideEntry,
    plain_id,
)
from reconciler.errors import Finding, Place
from reconciler.money import Micros
from reconciler.policy_file import shapes
from reconciler.policy_file.nodes import START, Mapping, Node, PolicyText, mark_of, pairs_of
from reconciler.policy_file.shapes import Shape, Values
from reconciler.policy_file.values import LimitReader, Wrong

Explain = Callable[[PolicyText, Shape, Node, dict[str, Wrong]], list[Finding]]


NOWHERE = Place("", 1, 1)


@dataclass(slots=True, kw_only=True)
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


class _Section:
    """One of the two lists of entries of a file. `name` is the key whose value is the place of an entry."""

    def __init__(
        self, shape_of: Callable[[LimitReader], Shape], make: Callable[[Values, Place], Any], name: str
    ) -> None:
        self.entries: list[Any] = []
        self._make = make
        self._name = name
        self._shape_of = shape_of
        self._path = ""
        self.shape = shape_of(LimitReader({}))

    def open(self, path: str, limits: LimitReader) -> None:
        """Begin to read with the tiers that are known by now."""
        self._path = path
        self.shape = self._shape_of(limits)

    def take(self, node: Mapping) -> bool:
        """Add the entry if it is right in every way."""
        found = self.shape.read(node)
        if found is None or ("starts" in found and has_no_time(found)):
            return False
        mark = node.pairs[self._name][1].start_mark or START
        self.entries.append(self._make(found, Place(self._path, mark.line + 1, mark.column + 1)))
        return True


class Parser:
    """Reads one file in three steps: entries while the file is read, then its head, then the entries that are left."""

    def __init__(self, text: PolicyText, explain: Explain) -> None:
        self.document = Document(text=text)
        self.findings: list[Finding] = []
        self._text = text
        self._explain = explain
        self._sections = {
            "group_budgets": _Section(shapes.group_budget, _group_budget, "group"),
            "user_overrides": _Section(shapes.user_override, _user_override, "user"),
        }
        self._left: dict[str, list[Node]] = {}

    def open_list(self, root: Node, key: str) -> Callable[[Mapping], bool] | None:
        """Return what reads the entries of a list; `root` holds what the file says before it."""
        section = self._sections.get(key)
        if section is None:
            return None
        tiers = shapes.TIERS.read(pairs_of(root)["tiers"][1]) if "tiers" in pairs_of(root) else None
        section.open(self._text.path, LimitReader(tiers or {}))
        return section.take

    def head(self, root: Node) -> None:
        """Read what the file says of its organization."""
        found = self._read(shapes.DOCUMENT, root)
        if type(root) is not Mapping:
            return
        if "version" in root.pairs and "version" not in found:
            self._forget_all_but(root.pairs["version"][1])
            return
        document = self.document
        if "organization" in found:
            document.organization = plain_id(found["organization"])
            document.place = self._place_of(root, "organization")
        self._left = {key: found[key].items for key in self._sections if key in found}
        if "manage" in found:
            document.manage = self._placed(shapes.MANAGE, found["manage"])
        if "tiers" in found:
            self._tiers(found["tiers"])
        if "guardrails" in found:
            placed = self._placed(shapes.GUARDRAILS, found["guardrails"])
            document.guardrails = [
                Guardrail(name=GuardrailName(name), value=value, place=at) for name, (value, at) in placed.items()
            ]
        for node in found["allow"].items if "allow" in found else ():
            consent = self._read(shapes.CONSENT, node)
            if consent.keys() >= shapes.CONSENT.required:
                document.allow.append(_consent(consent, self._place_of(node, "hazard")))

    def rest(self, limits: LimitReader) -> None:
        """Read the entries that are left, now with the tiers of all files."""
        for key, nodes in self._left.items():
            section = self._sections[key]
            section.open(self._text.path, limits)
            for node in nodes:
                if type(node) is not Mapping or not section.take(node):
                    self._period(node, self._read(section.shape, node))
            if nodes:
                section.entries.sort(key=lambda entry: entry.place)
        self.document.group_budgets = self._sections["group_budgets"].entries
        self.document.user_overrides = self._sections["user_overrides"].entries

    def _forget_all_but(self, node: Node) -> None:
        """Of an unknown version nothing can be said but that it is unknown."""
        self.findings = [finding for finding in self.findings if finding.place == self._text.place(mark_of(node))]
        self.document = Document(text=self._text)

    def _tiers(self, node: Mapping) -> None:
        self.document.tiers = self._placed(shapes.TIERS, node)
        for name, (mark, _) in node.pairs.items():
            # A tier with a wrong amount is a finding already; whoever uses it did nothing wrong.
            self.document.tiers.setdefault(name, (Micros(0), self._text.place(mark)))

    def _period(self, node: Node, found: Values) -> None:
        if has_no_time(found):
            mark = mark_of(pairs_of(node)["expires"][1])
            hint = "the entry would never hold; swap or correct them"
            self.findings.append(self._text.finding(mark, "expires: not after starts", hint))

    def _placed(self, shape: Shape, node: Mapping) -> dict[str, tuple[Any, Place]]:
        found = self._read(shape, node)
        return {key: (value, self._text.place(node.pairs[key][0])) for key, value in found.items()}

    def _read(self, shape: Shape, node: Node) -> Values:
        """Return the values that are right; report all that is wrong."""
        found = shape.read(node)
        if found is None:
            found, wrong = shape.read_each(node)
            self.findings += self._explain(self._text, shape, node, wrong)
        return found

    def _place_of(self, node: Node, key: str) -> Place:
        """Return the place of a value; the line of a name tells a reader more than that of its dash."""
        return self._text.place(mark_of(pairs_of(node)[key][1]))


def has_no_time(found: Values) -> bool:
    """Whether an override would end before it begins."""
    return "starts" in found and "expires" in found and found["starts"] >= found["expires"]


def _group_budget(found: Values, place: Place) -> GroupBudgetEntry:
    return GroupBudgetEntry(group=found["group"], limit=found["limit"], reason=found.get("reason", ""), place=place)


def _user_override(found: Values, place: Place) -> UserOverrideEntry:
    return UserOverrideEntry(
        user=found["user"],
        group=found["group"],
        limit=found["limit"],
        reason=found.get("reason", ""),
        starts=found.get("starts"),
        expires=found.get("expires"),
        place=place,
    )


def _consent(found: Values, place: Place) -> Consent:
    return Consent(
        hazard=found["hazard"], up_to=found["up_to"], reason=found["reason"], expires=found.get("expires"), place=place
    )
