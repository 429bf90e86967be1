"""Nodes to the typed entries of one file. `check` explains each mapping that is wrong, and the rest is still read.

Entries are read as soon as their last line is, and their nodes forgotten: a large policy is never a tree in memory,
which saves a third of the time and two thirds of the memory. What cannot be read yet (a tier that another file
defines) or at all stays in the tree until all files are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
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
from reconciler.dataclass import dataclass
from reconciler.errors import Finding, ListedEntry, Place
from reconciler.money import Micros
from reconciler.policy_file import shapes
from reconciler.policy_file.nodes import START, Mapping, Node, PolicyText, Scalar, mark_of, pairs_of
from reconciler.policy_file.shapes import Shape, Values
from reconciler.policy_file.values import LimitReader, Wrong

Explain = Callable[[PolicyText, Shape, Node, dict[str, Wrong]], list[Finding]]

NOWHERE = Place("", 1, 1)


@dataclass(slots=True, kw_only=True)
class FileContent:
    """The content of a file, before it is merged with the other files of its organization."""

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
    empty: dict[str, Place] = field(default_factory=dict)
    """The lists that the file has without any entry, and where."""
    wrong: list[ListedEntry] = field(default_factory=list)
    """Entries with findings, which are in neither list."""


class _Section:
    """One of the two lists of entries of a file."""

    def __init__(self, shape: Shape) -> None:
        self.entries: list[Any] = []
        self.shape = shape
        self._key = shape.first_key
        self._path = ""
        self._limits = LimitReader({})

    def open(self, path: str, limits: LimitReader) -> None:
        """Begin to read with the tiers that are known by now."""
        self._path = path
        self.shape = self.shape.with_limits(limits)
        self._limits = limits

    def take(self, node: Mapping) -> bool:
        """Add the entry if it is right in every way."""
        read = self.shape.read(node)
        if read is None or ("starts" in read and is_never_in_force(read)):
            return False
        mark = node.pairs[self._key][1].start_mark or START
        read["place"] = Place(self._path, mark.line + 1, mark.column + 1)
        read["tier"] = self._limits.tier_of(node.pairs["limit"][1])
        self.entries.append(self.shape.make(**read))
        return True


class Parser:
    """Reads a file in three steps: most entries while it is read, then its head, then the entries that are left."""

    def __init__(self, text: PolicyText, explain: Explain) -> None:
        self.document = FileContent(text=text)
        self.findings: list[Finding] = []
        self._text = text
        self._explain = explain
        self._sections = {key: _Section(shape) for key, shape in shapes.ENTRIES.items()}
        self._left: dict[str, list[Node]] = {}

    def open_list(self, root: Node, key: str) -> Callable[[Mapping], bool] | None:
        """Return the function that reads the entries of a list; `root` holds what the file says before it."""
        section = self._sections.get(key)
        if section is None:
            return None
        tiers = shapes.TIERS.read(pairs_of(root)["tiers"][1]) if "tiers" in pairs_of(root) else None
        section.open(self._text.path, LimitReader(tiers or {}))
        return section.take

    def head(self, root: Node) -> None:
        """Read everything but the entries."""
        read = self._read(shapes.DOCUMENT, root)
        if type(root) is not Mapping:
            return
        if "version" in root.pairs and "version" not in read:
            self._forget_all_but(root.pairs["version"][1])
            return
        document = self.document
        if "organization" in read:
            document.organization = plain_id(read["organization"])
            document.place = self._place_of(root, "organization")
        self._left = {key: read[key].items for key in self._sections if key in read}
        document.empty = {key: self._place_of(root, key) for key in self._left}
        if "manage" in read:
            document.manage = self._placed(shapes.MANAGE, read["manage"])
        if "tiers" in read:
            self._tiers(read["tiers"])
        if "guardrails" in read:
            placed = self._placed(shapes.GUARDRAILS, read["guardrails"])
            document.guardrails = [
                Guardrail(name=GuardrailName(name), value=value, place=at) for name, (value, at) in placed.items()
            ]
        for node in read["allow"].items if "allow" in read else ():
            consent = self._read(shapes.CONSENT, node)
            if consent.keys() >= shapes.CONSENT.required:
                place = self._place_of(node, shapes.CONSENT.first_key)
                document.allow.append(shapes.CONSENT.make(**consent, place=place))

    def read_entries(self, limits: LimitReader) -> None:
        """Read the entries that are left, now with the tiers of all files."""
        for key, nodes in self._left.items():
            section = self._sections[key]
            section.open(self._text.path, limits)
            for node in nodes:
                if type(node) is not Mapping or not section.take(node):
                    self._take_wrong(key, section.shape, node)
            if nodes or section.entries:
                del self.document.empty[key]
            if nodes:
                section.entries.sort(key=lambda entry: entry.place)
        self.document.group_budgets = self._sections["group_budgets"].entries
        self.document.user_overrides = self._sections["user_overrides"].entries

    def _take_wrong(self, key: str, shape: Shape, node: Node) -> None:
        """Report what is wrong in an entry, and keep its name, for reports that list every entry."""
        known = len(self.findings)
        self._period(node, self._read(shape, node))
        _, value = pairs_of(node).get(shape.first_key, (START, node))
        name = value.value if isinstance(value, Scalar) and value is not node else ""
        kind = "user" if key == "user_overrides" else f"group/{self.document.organization}"
        self.document.wrong.append(
            ListedEntry(
                address=f"{kind}/{name}" if name else "",
                place=self._text.place(mark_of(value)),
                findings=tuple(self.findings[known:]),
            )
        )

    def _forget_all_but(self, node: Node) -> None:
        """Drop all findings but the one about this node: the rest was written for another version."""
        self.findings = [finding for finding in self.findings if finding.place == self._text.place(mark_of(node))]
        self.document = FileContent(text=self._text)

    def _tiers(self, node: Mapping) -> None:
        self.document.tiers = self._placed(shapes.TIERS, node)
        for name, (mark, _) in node.pairs.items():
            # A tier with a wrong amount is a finding already; an entry that uses the tier is not wrong.
            self.document.tiers.setdefault(name, (Micros(0), self._text.place(mark)))

    def _period(self, node: Node, read: Values) -> None:
        if is_never_in_force(read):
            mark = mark_of(pairs_of(node)["expires"][1])
            hint = "as written, the entry is never in force; swap or correct the two times"
            self.findings.append(self._text.finding(mark, "`expires` must be later than `starts`", hint))

    def _placed(self, shape: Shape, node: Mapping) -> dict[str, tuple[Any, Place]]:
        read = self._read(shape, node)
        return {key: (value, self._text.place(node.pairs[key][0])) for key, value in read.items()}

    def _read(self, shape: Shape, node: Node) -> Values:
        """Return the values that are right; report every value and key that is wrong."""
        read = shape.read(node)
        if read is None:
            read, wrong = shape.read_each(node)
            self.findings += self._explain(self._text, shape, node, wrong)
        return read

    def _place_of(self, node: Node, key: str) -> Place:
        """Return the place of the value of a key."""
        return self._text.place(mark_of(pairs_of(node)[key][1]))


def is_never_in_force(read: Values) -> bool:
    """Whether an override would end before it begins."""
    return "starts" in read and "expires" in read and bool(read["starts"] >= read["expires"])
