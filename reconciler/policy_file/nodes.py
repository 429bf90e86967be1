"""The parts of a YAML text, with the mark (line and column) of every value and key. Scalars stay text.

The builder makes a million of these for a large policy. That is why a scalar is the parser's own event, not a copy, and
a key is text and a mark: together a quarter of the time of loading.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple, Protocol

from yaml.events import ScalarEvent

from reconciler.errors import Finding, Place
from reconciler.words import excerpt


class Mark(Protocol):
    """Where a part begins, as the YAML parser counts: from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


Scalar = ScalarEvent
"""A text (`value`) and how it is written: `style` is a quote, `|` or `>`, and is empty or None for a plain text."""


class Mapping(NamedTuple):
    """Keys with the mark of the key, and the value; in the order of the file."""

    pairs: dict[str, tuple[Mark, Node]]
    start_mark: Mark


class Sequence(NamedTuple):
    """A list."""

    items: list[Node]
    start_mark: Mark


class Broken(NamedTuple):
    """A value that has a finding already; no second finding may be about it."""

    start_mark: Mark


Node = Scalar | Mapping | Sequence | Broken


class At(NamedTuple):
    """A mark of our own."""

    line: int
    column: int


START = At(0, 0)


def mark_of(node: Node) -> Mark:
    """Return where a node begins."""
    return node.start_mark or START


def pairs_of(node: Node) -> dict[str, tuple[Mark, Node]]:
    """Return the pairs of a mapping; none of anything else."""
    return node.pairs if type(node) is Mapping else {}


class PolicyText:
    """The bytes of one policy file; makes findings that show the line they are about.

    Where a link leads to what is none of the policies there, to `target`, nothing of it is shown: who may lay a link
    may not be allowed to read that file, which can be anything, a token included.
    """

    def __init__(self, path: str, data: bytes, *, target: str = "") -> None:
        self.path = path
        self.data = data
        self._target = target
        self._lines: list[str] | None = None

    def place(self, mark: Mark) -> Place:
        return Place(self.path, mark.line + 1, mark.column + 1)

    def finding(self, mark: Mark, message: str, hint: str = "") -> Finding:
        line = excerpt(self.line(mark.line), mark.column)
        return self.may_show(Finding(place=self.place(mark), message=message, hint=hint, source_line=line))

    def may_show(self, finding: Finding) -> Finding:
        """Return the finding, or what may be said instead of it."""
        if not self._target:
            return finding
        return Finding(
            place=finding.place,
            message="a link leads to what is not among the policies here, and has a mistake; nothing of it is shown",
            hint=f"remove the link, or see by `reconciler validate {shlex.quote(self._target)}` what is wrong",
        )

    def line(self, number: int) -> str:
        """Return a line by its number, counted from 0; an empty text when the file has fewer lines."""
        if self._lines is None:
            self._lines = split_lines(self.data.decode(errors="replace").removeprefix("\ufeff"))
        return self._lines[number] if number < len(self._lines) else ""


def split_lines(text: str) -> list[str]:
    """Split as YAML 1.1 counts lines; str.splitlines would count form feeds too."""
    for line_break in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(line_break, "\n")
    return text.split("\n")
