"""Words that many sentences share: counted nouns, lists of names, and the name that was probably meant.

Text in, text out; nothing here knows what a policy or a person is.

The nearest name is looked up, never searched for. Two names that differ by a slip (a letter more, fewer, other, or two
swapped) become equal when a letter is left out of each. So each known name is filed under itself with letters left out,
once; a misspelt name leaves letters out of itself and looks. Work grows with the known names plus the misspelt names,
never with their product: a thousand people who left a company of five thousand cost a fraction of a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

NO_LIMIT = "no limit"
NO_OVERRIDE = "no override"
"""Of a person without one: the budgets of their groups may limit them."""
HINT_HOME = "write ~ at the beginning of a word, without quotes and not behind `=`, or write $HOME"
NAMES_SHOWN = 5
LONG_WAIT_S = 7_200
EXCERPT = 160

QUOTED = 60
MAX_NAME_COMPARED = 40
"""Longer texts have no near name; nobody mistypes them, and leaving letters out of them takes long."""
MAX_NAMES_COMPARED = 50_000
"""Among more names none is looked for: the index would take more memory than the hint is worth."""
MAX_NAMES_WITH_TWO_SLIPS = 500
"""Among more names, only one letter is left out of each, so that some names with two slips are not recognized."""
MIN_PREFIX = 4
"""Shorter beginnings are shared by names that have nothing to do with each other."""


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 person`, `3 people`, `1,200 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def span(seconds: float) -> str:
    """`3 days`, `5 hours`, `40 minutes`, `20 seconds`: the largest unit that fits, rounded; the sign is left out."""
    seconds = abs(seconds)
    for unit_s, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit_s:
            return count(round(seconds / unit_s), unit)
    return count(round(seconds), "second")


def home_left_alone(path: str) -> str:
    """Return the `~` or `~ana` with which a path begins, that a shell would have replaced; else empty."""
    first, slash, _ = path.partition("/")
    return first if slash and first.startswith("~") else ""


def wait(seconds: float) -> str:
    """`400 s`, `28 hours`, `11,574 days`: never less than it is; in seconds, as `--max-wait`, below two hours."""
    return span(seconds) if seconds >= LONG_WAIT_S else f"{ceil(seconds):,} s"


def count_people(number: int) -> str:
    """`1 person`, `3 people`."""
    return count(number, "person", "people")


def listed(names: Sequence[str], *, total: int | None = None, most: int = NAMES_SHOWN) -> str:
    """`ana, bob`, or `ana, bob, eve, kim, lee and 2 more`; `total` is the number of names when not all are given."""
    shown = names[:most]
    more = (len(names) if total is None else total) - len(shown)
    return f"{', '.join(shown)}{f' and {more:,} more' if more else ''}"


def any_of(words: Iterable[str]) -> str:
    """`exact or listed`, `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def shortened(text: str, most: int) -> str:
    """Cut a text that is longer than `most` characters, and show that it was cut."""
    return text if len(text) <= most else f"{text[:most]}..."


def quoted(value: object, most: int = QUOTED) -> str:
    """Quote a value that a file or a server holds, so that a message stays a sentence however long it is."""
    return repr(shortened(value, most)) if isinstance(value, str) else shortened(repr(value), most)


def spoken(name: str) -> str:
    """Return a name as a sentence of ours has it: quoted unless it is one word, so that none reads as our own words.

    `code` and `prose` of render/markup.py rely on it: what is quoted as Python does it is one piece, wherever it ends.
    """
    return name if _SPLITS.isdisjoint(name) else repr(name)


_SPLITS = frozenset(" '\"`")
"""What ends a word, a quotation or a command."""


def typed(command: str) -> str:
    """Return what is to be typed, in backticks; one that has a backtick stands alone, with its name quoted."""
    return command if "`" in command else f"`{command}`"


def excerpt(line: str, at: int, *, most: int = EXCERPT) -> str:
    """Return a line of source text, or the part of a very long line that is around character `at`, counted from 0."""
    if len(line) <= most:
        return line
    start = max(0, min(at - most // 4, len(line) - most))
    end = start + most
    return f"{'...' if start else ''}{line[start:end]}{'...' if end < len(line) else ''}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `did you mean 'platform'?`, or an empty text when no name is near. For few names; else NearNames."""
    return NearNames(names).question(name)


class NearNames:
    """Finds the name that was probably meant among the names that exist; reads them when it is first asked."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = names
        self._filed: dict[str, tuple[int, str]] | None = None
        self._sorted: list[tuple[str, str]] = []
        self._slips = 1

    def question(self, name: str) -> str:
        """Return `did you mean 'platform'?`, or an empty text when no name is near."""
        near = self.nearest(name)
        return f"did you mean {near!r}?" if near else ""

    def nearest(self, name: str) -> str:
        """Return the name with the fewest slips, else one that begins like this one; an empty text when none is near.

        Capitals do not matter. Of equally near names the first by the alphabet is returned, so order decides nothing.
        """
        if not name or len(name) > MAX_NAME_COMPARED:
            return ""
        if self._filed is None:
            self._filed = self._file()
        text = name.casefold()
        return self._by_slips(text, self._filed) or self._by_beginning(text)

    def _file(self) -> dict[str, tuple[int, str]]:
        names = sorted({name for name in self._names if name and len(name) <= MAX_NAME_COMPARED})
        filed: dict[str, tuple[int, str]] = {}
        if len(names) > MAX_NAMES_COMPARED:
            return filed
        self._slips = 2 if len(names) <= MAX_NAMES_WITH_TWO_SLIPS else 1
        self._sorted = sorted((name.casefold(), name) for name in names)
        for text, name in self._sorted:
            for left_out, shorter in _without_letters(text, self._slips):
                if shorter not in filed or left_out < filed[shorter][0]:
                    filed[shorter] = (left_out, name)
        return filed

    def _by_slips(self, text: str, filed: dict[str, tuple[int, str]]) -> str:
        hits = []
        for left_out, shorter in _without_letters(text, 2):
            if shorter in filed:
                left_out_there, name = filed[shorter]
                if 3 * len(shorter) >= len(text) + len(name):  # two thirds of both are the same
                    hits.append((max(left_out, left_out_there), left_out + left_out_there, name))
        return min(hits)[2] if hits else ""

    def _by_beginning(self, text: str) -> str:
        at = bisect_left(self._sorted, (text, ""))
        if len(text) >= MIN_PREFIX and at < len(self._sorted) and self._sorted[at][0].startswith(text):
            return self._sorted[at][1]
        for length in range(len(text) - 1, MIN_PREFIX - 1, -1):
            at = bisect_left(self._sorted, (text[:length], ""))
            if at < len(self._sorted) and self._sorted[at][0] == text[:length]:
                return self._sorted[at][1]
        return ""


def _without_letters(text: str, most: int) -> Iterator[tuple[int, str]]:
    """Yield the text without no letter, without each one, and without each two: how many, and what is left."""
    yield 0, text
    for i in range(len(text)):
        shorter = text[:i] + text[i + 1 :]
        yield 1, shorter
        if most > 1:
            for j in range(i, len(shorter)):
                yield 2, shorter[:j] + shorter[j + 1 :]


def in_a_row(*clauses: str) -> str:
    """Return clauses as one sentence, without the full stops that Coder's texts end in; empty clauses do not count."""
    *first, last = [clause for clause in clauses if clause] or [""]
    return "; ".join([*(clause.rstrip(".") for clause in first), last])
