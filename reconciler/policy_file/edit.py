"""Changes to entries of a policy file as changes to its text: comments, order and formatting of the rest stay.

The file is parsed once more, for offsets. Each change becomes a span of the old text and the new text in its place.

In a block the new text looks like its neighbours. Between braces it is JSON, which is YAML too, so JSON stays JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.core.policy import Entry, UserOverrideEntry
from reconciler.dataclass import dataclass
from reconciler.errors import Place
from reconciler.policy_file.outline import Item, Outline, Section, outline
from reconciler.policy_file.shapes import ENTRIES, Shape
from reconciler.policy_file.spelling import in_double_quotes
from reconciler.policy_file.write import entry_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """Give keys of the entry at a place new values; a key with the value None is taken out."""

    place: Place
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEntry:
    """Take the entry at a place out."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEntry:
    """Add an entry at the end of its list; the list is made where the file has none."""

    entry: Entry


Edit = ChangeEntry | RemoveEntry | AddEntry
_COMMENT = re.compile(r"\s#")
_COMMA = re.compile(r"(?:\s|#[^\r\n]*[\r\n])*,")
"""The comma behind an entry; a comment may be before it."""


class _Span(NamedTuple):
    """Characters of the old text, and what takes their place."""

    start: int
    end: int
    text: str


def edit(text: str, edits: Iterable[Edit]) -> str:
    """Return the text of a policy file with its entries changed.

    The text must load without findings. Raises LookupError where no entry is at a place.
    Law 7: the result loads as the policy that the edits describe.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""  # the parsers count this byte order mark or do not
    editor = _Editor(text.removeprefix(mark))
    for change in edits:
        match change:
            case ChangeEntry():
                editor.change(change)
            case RemoveEntry():
                editor.remove(change)
            case AddEntry():
                editor.add(change)
    return mark + editor.result()


def section_of(entry: Entry) -> str:
    """Return the key of the list to which an entry belongs."""
    return "user_overrides" if isinstance(entry, UserOverrideEntry) else "group_budgets"


class _Editor:
    """Collects the spans of all edits; lists are written at the end, when it is known what remains of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._outline: Outline = outline(text)
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._spans: list[_Span] = []
        self._removed: dict[str, set[int]] = {key: set() for key in ENTRIES}
        self._added: dict[str, list[Entry]] = {key: [] for key in ENTRIES}
        self._numbers = {
            (name.line, name.column): (key, number)
            for key, section in self._outline.sections.items()
            for number, item in enumerate(section.items)
            for name in (item.pairs[ENTRIES[key].first_key].value,)
        }

    def change(self, change: ChangeEntry) -> None:
        key, number = self._find(change.place)
        item, shape = self._outline.sections[key].items[number], ENTRIES[key]
        for name, value in change.values.items():
            if value is None:
                self._drop(item, name)
            elif name in item.pairs:
                self._spans.append(self._replaced(item, name, shape.kinds[name].write(value)))
            else:
                raise LookupError(f"{change.place} has no {name}")

    def remove(self, change: RemoveEntry) -> None:
        key, number = self._find(change.place)
        self._removed[key].add(number)

    def add(self, change: AddEntry) -> None:
        self._added[section_of(change.entry)].append(change.entry)

    def result(self) -> str:
        for key in ENTRIES:
            if self._removed[key] or self._added[key]:
                self._write_list(key)
        pieces, at = [], 0
        for span in sorted(self._spans):
            pieces += [self._text[at : span.start], span.text]
            at = span.end
        return "".join([*pieces, self._text[at:]])

    def _find(self, place: Place) -> tuple[str, int]:
        at = (place.line - 1, place.column - 1)
        if at not in self._numbers:
            raise LookupError(f"no entry is at {place}")
        return self._numbers[at]

    def _replaced(self, item: Item, name: str, new: str) -> _Span:
        value = item.pairs[name].value
        if item.is_flow:
            new = new if new.startswith('"') else in_double_quotes(new)
        end = len(self._text[: value.end].rstrip("\r\n"))  # a folded text ends in the next line
        return _Span(value.start, end, new)

    def _drop(self, item: Item, name: str) -> None:
        """Take a key out, with its line where it has lines of its own."""
        names = list(item.pairs)
        if name not in names:
            return
        i, pair = names.index(name), item.pairs[name]
        if item.is_flow:
            start = item.pairs[names[i - 1]].value.end if i else pair.key.start
            end = pair.value.end if i else item.pairs[names[1]].key.start
        elif i:
            start, end = self._line_start(pair.key.start), self._line_end(pair.value.end)
        else:  # beside the dash: the next key moves there
            start, end = pair.key.start, item.pairs[names[1]].key.start
        self._spans.append(_Span(start, end, ""))

    def _write_list(self, key: str) -> None:
        section, shape, added = self._outline.sections.get(key), ENTRIES[key], self._added[key]
        if section is None:
            self._spans.append(self._new_section(key, added))
        elif section.is_flow and (section.items or self._outline.is_flow):
            self._write_flow(section, self._removed[key], [_json(shape, entry) for entry in added])
        elif section.is_flow:
            self._spans += self._opened(section, self._lines(shape, added, self._outline.column + 2, 2))
        else:
            self._write_block(section, self._removed[key], shape, added)

    def _write_flow(self, section: Section, removed: set[int], added: Sequence[str]) -> None:
        kept = [number for number in range(len(section.items)) if number not in removed]
        items = section.items
        if removed and not self._outline.is_flow and _COMMENT.search(self._text, section.start, section.end):
            self._spans += [self._without(items[number]) for number in removed]
        else:
            for number in sorted(removed):
                if kept and number < kept[-1]:
                    self._spans.append(_Span(items[number].start, items[number + 1].start, ""))
            if items and not kept:
                self._spans.append(_Span(items[0].start, self._behind_comma(items[-1]), ", ".join(added)))
                return
            if kept and kept[-1] < len(items) - 1:
                self._spans.append(_Span(items[kept[-1]].end, items[-1].end, ""))
        at = items[kept[-1]].end if kept else section.start + 1
        text = ", ".join(["", *added] if kept else added)
        self._spans.append(_Span(at, at, text))

    def _without(self, item: Item) -> _Span:
        """Take an item out with its comma, and with its lines and the comment behind it where no other is in them."""
        start, end = self._line_start(item.start), self._behind_comma(item)
        behind = self._text[end : self._line_end(end)].strip()
        if self._text[start : item.start].strip() or (behind and not behind.startswith("#")):
            return _Span(item.start, end, "")
        return _Span(start, self._line_end(end), "")

    def _behind_comma(self, item: Item) -> int:
        """Return where the comma behind an item ends; where the item does if there is none."""
        comma = _COMMA.match(self._text, item.end)
        return comma.end() if comma else item.end

    def _write_block(self, section: Section, removed: set[int], shape: Shape, added: Sequence[Entry]) -> None:
        kept = [number for number in range(len(section.items)) if number not in removed]
        for number in removed:
            item = section.items[number]
            self._spans.append(_Span(self._line_start(item.dash), self._line_end(item.end), ""))
        last = section.items[kept[-1] if kept else -1]
        if added:
            indent = last.dash - self._line_start(last.dash)
            lines = self._lines(shape, added, indent, max(2, last.column - indent))
            self._spans.append(self._inserted(self._line_end(last.end), lines))
        elif not kept:
            colon = self._text.index(":", section.key_end) + 1
            self._spans.append(_Span(colon, colon, " []"))

    def _opened(self, section: Section, lines: Sequence[str]) -> list[_Span]:
        """Turn `key: []` into a list with lines below the key."""
        start = len(self._text[: section.start].rstrip(" "))
        return [_Span(start, section.end, ""), self._inserted(self._line_end(section.end), lines)]

    def _new_section(self, key: str, added: Sequence[Entry]) -> _Span:
        shape = ENTRIES[key]
        if self._outline.is_flow:
            entries = ", ".join(_json(shape, entry) for entry in added)
            return _Span(self._outline.end, self._outline.end, f', "{key}": [{entries}]')
        column = self._outline.column
        lines = [" " * column + f"{key}:", *self._lines(shape, added, column + 2, 2)]
        return self._inserted(self._outline.end, lines)

    def _lines(self, shape: Shape, entries: Sequence[Entry], indent: int, step: int) -> list[str]:
        """Write entries as lines whose dashes are at `indent`, and whose keys are `step` further."""
        dash, blank = " " * indent + "-".ljust(step), " " * (indent + step)
        return [
            (blank if line.startswith("   ") else dash) + line[4:]
            for entry in entries
            for line in entry_lines(shape, entry)
        ]

    def _inserted(self, at: int, lines: Sequence[str]) -> _Span:
        before = "" if at == 0 or self._text[at - 1] in "\r\n" else self._newline
        return _Span(at, at, before + "".join(line + self._newline for line in lines))

    def _line_start(self, at: int) -> int:
        return max(self._text.rfind("\n", 0, at), self._text.rfind("\r", 0, at)) + 1

    def _line_end(self, at: int) -> int:
        """Return where the next line begins; `at` itself when it is the beginning of a line already."""
        if at and self._text[at - 1] in "\r\n":
            return at
        end = at
        while end < len(self._text) and self._text[end] not in "\r\n":
            end += 1
        if self._text.startswith("\r\n", end):
            return end + 2
        return min(end + 1, len(self._text))


def _json(shape: Shape, entry: Entry) -> str:
    pairs = ((key, value if value.startswith('"') else in_double_quotes(value)) for key, value in shape.write(entry))
    return "{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}"
