"""The changes of a plan, and the differences of a drift, as Markdown tables: all in one, or one a policy file."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.plan.drift import Drift
from reconciler.render.changes import TURNED, ChangeRow
from reconciler.render.drift import acceptance_lines
from reconciler.render.formats import Facts
from reconciler.render.markup import code, fenced, link, place_url
from reconciler.render.text import day

KEPT_SHOWN = 50
NOT_LISTED = "not in a policy file"


class ChangeTable:
    """The changes of a plan."""

    head = ("| | who | now | after | | people | why |", "|---|---|--:|--:|---|--:|---|")

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def whole(self, rows: Sequence[ChangeRow]) -> list[str]:
        """One table, in the order in which the changes run, each linked to its line."""
        return [*self.head, *(self.line(row, is_linked=True) for row in rows), ""] if rows else []

    def titled(self, title: str, rows: Sequence[ChangeRow]) -> list[str]:
        """A table below a title; nothing where there are no rows."""
        return [f"**{title}: {len(rows):,}**", "", *self.whole(rows)] if rows else []

    def of_file(self, file: str, rows: Sequence[ChangeRow]) -> list[str]:
        """The table of one policy file."""
        place = rows[0].place
        url = place_url(place, self._facts.link_base).partition("#")[0] if place else ""
        title = f"**{link(file, url)}**" if file else f"**{NOT_LISTED}**"
        return [title, "", *self.head, *(self.line(row, is_linked=False) for row in rows), ""]

    def line(self, row: ChangeRow, *, is_linked: bool) -> str:
        url = place_url(row.place, self._facts.link_base) if is_linked and row.place else ""
        booked = f" ({code(row.group)})" if row.group else ""
        cells = (
            row.sign,
            f"{link(row.address, url)}{booked}",
            _short(row.before),
            _short(row.after),
            row.arrow,
            f"{row.people:,}" if row.people else "",
            self._why(row),
        )
        return f"| {' | '.join(cells)} |"

    def _why(self, row: ChangeRow) -> str:
        ends = f"until {day(row.ends)}" if row.ends else ""
        return "; ".join(filter(None, (code(row.why), ends, code(row.note))))


class DriftTable(ChangeTable):
    """What differs: the policy, live, and who changed it last."""

    head = (
        "| who | policy | live | | `apply` would | changed by | when | why in the policy |",
        "|---|--:|--:|---|---|---|---|---|",
    )

    def __init__(self, drifts: Sequence[Drift], facts: Facts) -> None:
        super().__init__(facts)
        self._changes = {change.address: change for drift in drifts for change in drift.last_changes.changes}

    def line(self, row: ChangeRow, *, is_linked: bool) -> str:
        url = place_url(row.place, self._facts.link_base) if is_linked and row.place else ""
        booked = f" ({code(row.group)})" if row.group else ""
        last = self._changes.get(row.address)
        cells = (
            f"{link(row.address, url)}{booked}",
            _short(row.after),
            _short(row.before),
            TURNED.get(row.arrow, row.arrow),
            str(row.kind),
            code(last.change.by or "somebody") if last else "",
            last.change.at.strftime("%Y-%m-%d %H:%M UTC") if last else "",
            code(row.why),
        )
        return f"| {' | '.join(cells)} |"


def undo_or_keep(drifts: Sequence[Drift]) -> list[str]:
    """Say how to undo what was changed in Coder, and what to write in the policy to keep it."""
    kept = [acceptance for drift in drifts for acceptance in drift.acceptances if not acceptance.is_taken]
    lines = [line.removeprefix("  ") for acceptance in kept[:KEPT_SHOWN] for line in acceptance_lines(acceptance)]
    if len(kept) > KEPT_SHOWN:
        lines.append(f"and {len(kept) - KEPT_SHOWN:,} more, which `reconciler drift` shows")
    edits = ["<details><summary>What to write to keep it</summary>", "", fenced("\n".join(lines)), "", "</details>", ""]
    return [
        "- **Undo** what was changed in Coder: run `reconciler apply`.",
        "- **Keep** it: run `reconciler drift --accept ADDRESS` in the policy's repository, and commit the edit.",
        "",
        *(edits if kept else ()),
    ]


def _short(amount: str) -> str:
    return amount.removesuffix(".00")
