"""The CSV export of an organization's spend, one row for each person, group, model and provider."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..answers import as_json, forbidden, long_answer, refusal
from ..clock import as_text, shown
from ..shapes import IN_LIST
from .deployment import RETENTION_DAYS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from ..answers import Answer
    from ..calls import Call
    from ..clock import Clock
    from ..query import Parameters

MAXIMUM_DAYS = 31
_NEVER = datetime.min.replace(tzinfo=UTC)
COLUMNS = (
    "user_id", "username", "group_id", "group_name", "organization_id", "organization_name", "model", "provider",
    "provider_name", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_micros",
    "period_start", "period_end",
)  # fmt: skip

_PLAIN = re.compile(r"[0-9A-Za-z][^,\"\r\n]*")
"""A cell that is written as it is."""

_USERNAMES = "SELECT id, username FROM users"
_GROUPS = "SELECT id, name FROM groups WHERE organization_id = ?"
_ROWS = f"""
SELECT s.user_id, s.group_id, s.model, s.provider, s.provider_name,
       sum(s.input_tokens), sum(s.output_tokens), sum(s.cache_read_tokens), sum(s.cache_write_tokens),
       sum(s.cost_micros)
FROM ai_daily_spend s
WHERE s.group_id IN {IN_LIST} AND s.day || 'T00:00:00.000000Z' >= ? AND s.day || 'T00:00:00.000000Z' < ?
GROUP BY s.user_id, s.group_id, s.provider, s.provider_name, s.model
ORDER BY s.user_id, s.group_id, s.provider, s.provider_name, s.model
"""


def export_spend(call: Call) -> Answer:
    """Answer with CSV; cells that a spreadsheet would take for a formula get an apostrophe in front."""
    if not call.caller.may("read", "group_member", organization=call.organization["id"]):
        raise forbidden()
    start, end = read_period(call.query(), call.world.clock)
    texts = _as_csv(call, as_text(start), as_text(end))
    days = f"{start.date()}-to-{end.date()}"
    name = f'attachment; filename="ai-spend-export-{call.organization["name"]}-{days}.csv"'
    return long_answer(texts, "text/csv; charset=utf-8", headers=(("Content-Disposition", name),))


def read_period(query: Parameters, clock: Clock) -> tuple[datetime, datetime]:
    """Return the period asked for, else this month narrowed to what is retained. *Raises* Refused 400.

    As Coder does it: a key counts when it is sent, even without a value, and other keys are refused only beside it.
    """
    is_start_sent, is_end_sent = query.is_sent("period_start"), query.is_sent("period_end")
    oldest = clock.now() - timedelta(days=RETENTION_DAYS)
    if not is_start_sent and not is_end_sent:
        first, last = clock.period()
        return max(first, oldest), last
    if is_start_sent != is_end_sent:
        raise refusal(400, 'Query parameters "period_start" and "period_end" must be provided together.')
    start, end = query.instant("period_start"), query.instant("period_end")
    query.check(unknown_keys=True)
    start, end = start or _NEVER, end or _NEVER
    if start >= end:
        raise refusal(400, 'Query parameter "period_start" must be before "period_end".')
    if end - start > timedelta(days=MAXIMUM_DAYS):
        raise refusal(400, f"Query period must not exceed {MAXIMUM_DAYS} days.")
    if start < oldest:
        window = f"{RETENTION_DAYS * 24}h0m0s"
        raise refusal(
            400,
            f'Query parameter "period_start" is older than the configured AI Gateway data retention window ({window}).',
        )
    return start, end


def _as_csv(call: Call, start: str, end: str) -> Iterator[str]:
    """Read the spend of a period, and return it as lines."""
    names = call.world.memo.get("usernames", lambda: dict(map(tuple, call.database.rows(_USERNAMES))))
    groups = dict(map(tuple, call.database.rows(_GROUPS, call.organization["id"])))
    rows = call.database.rows(_ROWS, as_json([*groups]), start, end)
    return _lines(rows, names, groups, call.organization, f"{shown(start)},{shown(end)}")


def _lines(
    rows: Iterable[sqlite3.Row],
    names: Mapping[str, str],
    groups: Mapping[str, str],
    organization: sqlite3.Row,
    period: str,
) -> Iterator[str]:
    cell = _Cells()
    at = f"{organization['id']},{cell[organization['name']]}"
    yield f"{','.join(COLUMNS)}\n"
    for user, group, model, provider, provider_name, *counts in rows:
        if user in names:
            yield (
                f"{user},{cell[names[user]]},{group},{cell[groups[group]]},{at},{cell[model]},"
                f"{cell[provider]},{cell[provider_name]},{','.join(map(str, counts))},{period}\n"
            )


class _Cells(dict[str, str]):
    """Cells as CSV has them, each written once: names repeat in every row."""

    def __missing__(self, cell: str) -> str:
        text = cell
        if not _PLAIN.fullmatch(cell):
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow([_harmless(cell), ""])
            text = line.getvalue().removesuffix(",\n")
        self[cell] = text
        return text


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
