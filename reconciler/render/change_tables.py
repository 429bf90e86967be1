"""The changes of a plan, and the differences of a drift, as Markdown tables: all in one, or one a policy file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from reconciler.core.moment import instant
from reconciler.core.plan.drift import Drift
from reconciler.render.changes import TURNED, ChangeRow, changed_by
from reconciler.render.formats import Facts
from reconciler.render.markup import code, link, place_url, prose
from reconciler.render.text import day
from reconciler.words import count

FILES_SHOWN = 10
_ROOM_FOR_LEFT_OUT = 2_000
"""Characters for what is said of the files left out."""
NOT_LISTED = "not in a policy file"

Parts = Mapping[str, Sequence[ChangeRow]]
"""Changes below titles, in the order of the page; an empty title is not shown."""


class ChangeTable:
    """The changes of a plan."""

    columns: Sequence[tuple[str, str]] = (
        ("", "---"), ("who", "---"), ("now", "--:"), ("after", "--:"), ("", "---"), ("people", "--:"), ("why", "---"),
    )  # fmt: skip
    """Names and alignments; the last column is why."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def whole(self, rows: Sequence[ChangeRow]) -> list[str]:
        """One table, in the order in which the changes run, each linked to its line."""
        return [*self._table([self._cells(row, is_linked=True) for row in rows]), ""] if rows else []

    def titled(self, title: str, rows: Sequence[ChangeRow]) -> list[str]:
        """A table below a title, if it has one; nothing where there are no rows."""
        return [*_title(title, rows), *self.whole(rows)]

    def by_file(self, parts: Parts, *, room: int) -> list[str]:
        """A table a file below each title, whole files as far as there is room (in characters), then what was left out.

        Of the first file that has no room the first changes are shown, so that one large file is not a page of nothing.

        Where not every file has room, no table says why: there is room for twice as many changes then.
        """
        files = {title: _files_of(part) for title, part in parts.items()}
        room -= _ROOM_FOR_LEFT_OUT * sum(map(bool, files.values()))
        pairs = [pair for part in files.values() for pair in part.items()]
        with_why = sum(len(self._of_file(file, rows, with_why=True)) for file, rows in pairs) <= room
        lines = [] if with_why else ["The reasons are in the full plan: there is no room for them here.", ""]
        for title, part in files.items():
            shown = self._that_have_room(part, with_why=with_why, room=room)
            room -= sum(len(text) for text, _ in shown.values())
            left = {file: len(rows) - shown.get(file, ("", 0))[1] for file, rows in part.items()}
            lines += [*_title(title, parts[title]), *(shown[file][0] for file in part if file in shown)]
            lines += _left_out([(file, number) for file, number in left.items() if number])
        return lines

    def _that_have_room(
        self, files: Mapping[str, Sequence[ChangeRow]], *, with_why: bool, room: int
    ) -> dict[str, tuple[str, int]]:
        """Return the tables of the files that have room, and of the first that has none its beginning.

        Each with its number of changes.
        """
        shown: dict[str, tuple[str, int]] = {}
        cut = None
        for file, rows in files.items():
            table = self._of_file(file, rows, with_why=with_why)
            if len(table) <= room:
                shown[file] = table, len(rows)
                room -= len(table)
            elif cut is None:
                cut = file, table
        if cut is not None:
            beginning, number = _beginning(cut[1], room=room)
            if number:
                shown[cut[0]] = beginning, number
        return shown

    def _of_file(self, file: str, rows: Sequence[ChangeRow], *, with_why: bool) -> str:
        place = rows[0].place
        url = place_url(place, self._facts.link_base).partition("#")[0] if place else ""
        title = f"**{link(file, url)}**" if file else f"**{NOT_LISTED}**"
        table = self._table([self._cells(row, is_linked=False) for row in rows], with_why=with_why)
        return "\n".join([title, "", *table, ""])

    def _table(self, rows: Sequence[Sequence[str]], *, with_why: bool = True) -> list[str]:
        shown = len(self.columns) if with_why else len(self.columns) - 1
        names, alignments = zip(*self.columns[:shown], strict=True)
        head = "|".join(f" {name} " if name else " " for name in names)
        return [f"|{head}|", f"|{'|'.join(alignments)}|", *(f"| {' | '.join(row[:shown])} |" for row in rows)]

    def _who(self, row: ChangeRow, *, is_linked: bool) -> str:
        url = place_url(row.place, self._facts.link_base) if is_linked and row.place else ""
        booked = f" ({code(row.group)})" if row.group else ""
        return f"{link(row.address, url)}{booked}"

    def _cells(self, row: ChangeRow, *, is_linked: bool) -> tuple[str, ...]:
        ends = f"until {day(row.ends)}" if row.ends else ""
        return (
            row.sign,
            self._who(row, is_linked=is_linked),
            _short(row.before),
            _short(row.after),
            row.arrow,
            f"{row.people:,}" if row.people else "",
            "; ".join(filter(None, (code(row.why), ends, prose(row.note)))),
        )


class DriftTable(ChangeTable):
    """What differs: the policy, live, and who changed it last."""

    columns = (
        ("who", "---"), ("policy", "--:"), ("live", "--:"), ("", "---"), ("`apply` would", "---"),
        ("changed by", "---"), ("when", "---"), ("why in the policy", "---"),
    )  # fmt: skip

    def __init__(self, drifts: Sequence[Drift], facts: Facts) -> None:
        super().__init__(facts)
        self._changes = {change.address: change for drift in drifts for change in drift.last_changes.changes}

    def _cells(self, row: ChangeRow, *, is_linked: bool) -> tuple[str, ...]:
        last = self._changes.get(row.address)
        return (
            self._who(row, is_linked=is_linked),
            _short(row.after),
            f"{_short(row.before)} on {code(row.moved_from)}" if row.moved_from else _short(row.before),
            TURNED.get(row.arrow, row.arrow),
            str(row.kind),
            code(changed_by(last.change, row.subject)) if last else "",
            instant(last.change.at) if last else "",
            code(row.why),
        )


def _title(title: str, rows: Sequence[ChangeRow]) -> list[str]:
    return [f"**{title}: {len(rows):,}**", ""] if title and rows else []


def _files_of(rows: Sequence[ChangeRow]) -> dict[str, list[ChangeRow]]:
    """Return the rows of each policy file, sorted by its path; last those that are in none."""
    files: dict[str, list[ChangeRow]] = {}
    for row in sorted(rows, key=lambda row: (not row.file, row.file)):
        files.setdefault(row.file, []).append(row)
    return files


def _beginning(table: str, *, room: int) -> tuple[str, int]:
    """Return the first rows of a file's table as far as there is room, and how many they are."""
    lines = table.split("\n")
    head, rows = lines[:4], lines[4:-1]
    ends = list(accumulate((len(line) + 1 for line in rows), initial=sum(len(line) + 1 for line in head)))
    number = max(0, bisect_right(ends, room) - 1)
    return "\n".join([*head, *rows[:number], ""]), number


def _left_out(files: Sequence[tuple[str, int]]) -> list[str]:
    if not files:
        return []
    changes = count(sum(number for _, number in files), "change")
    named = ", ".join(f"{code(file) or NOT_LISTED} ({number:,})" for file, number in files[:FILES_SHOWN])
    more = f" and {len(files) - FILES_SHOWN:,} more" if len(files) > FILES_SHOWN else ""
    return [
        f"**Not shown, because the page is too long: {changes} in {count(len(files), 'file')}**: {named}{more}.",
        "",
    ]


def _short(amount: str) -> str:
    return amount.removesuffix(".00")
