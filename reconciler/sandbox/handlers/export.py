"""The CSV export of an organization's spend, one row for each person, group, model and provider."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..answers import Answer, forbidden, refusal
from ..clock import as_text, shown
from .deployment import RETENTION_DAYS

if TYPE_CHECKING:
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

_NUMBERS = COLUMNS.index("input_tokens")
"""Behind it no cell holds what people write."""

_ROWS = """
SELECT s.user_id, u.username, s.group_id, g.name, o.id, o.name, s.model, s.provider, s.provider_name,
       sum(s.input_tokens), sum(s.output_tokens), sum(s.cache_read_tokens), sum(s.cache_write_tokens),
       sum(s.cost_micros)
FROM ai_daily_spend s
JOIN users u ON u.id = s.user_id JOIN groups g ON g.id = s.group_id JOIN organizations o ON o.id = g.organization_id
WHERE g.organization_id = ? AND s.day || 'T00:00:00.000000Z' >= ? AND s.day || 'T00:00:00.000000Z' < ?
GROUP BY s.user_id, s.group_id, s.provider, s.provider_name, s.model
ORDER BY s.user_id, s.group_id, s.provider, s.provider_name, s.model
"""


def export_spend(call: Call) -> Answer:
    """Answer with CSV; cells that a spreadsheet would take for a formula get an apostrophe in front."""
    if not call.caller.may("read", "group_member", organization=call.organization["id"]):
        raise forbidden()
    start, end = read_period(call.query(), call.world.clock)
    period = shown(as_text(start)), shown(as_text(end))
    rows = call.database.rows(_ROWS, call.organization["id"], as_text(start), as_text(end))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([*map(_harmless, row[:_NUMBERS]), *row[_NUMBERS:], *period] for row in rows)
    days = f"{start.date()}-to-{end.date()}"
    name = f'attachment; filename="ai-spend-export-{call.organization["name"]}-{days}.csv"'
    return Answer(200, text.getvalue().encode(), "text/csv; charset=utf-8", headers=(("Content-Disposition", name),))


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


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
