"""The CSV export of an organization's spend, one row for each person, group, model and provider."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

from ..answers import INVALID_QUERY, Answer, Validation, forbidden, refusal
from ..clock import parse_instant
from .deployment import RETENTION_DAYS

if TYPE_CHECKING:
    from datetime import datetime

    from ..calls import Call

MAXIMUM_DAYS = 31
COLUMNS = (
    "user_id", "username", "group_id", "group_name", "organization_id", "organization_name", "model", "provider",
    "provider_name", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_micros",
    "period_start", "period_end",
)  # fmt: skip

_ROWS = """
SELECT s.user_id, u.username, s.group_id, g.name, o.id, o.name, s.model, s.provider, s.provider_name,
       sum(s.input_tokens), sum(s.output_tokens), sum(s.cache_read_tokens), sum(s.cache_write_tokens),
       sum(s.cost_micros)
FROM ai_daily_spend s
JOIN users u ON u.id = s.user_id JOIN groups g ON g.id = s.group_id JOIN organizations o ON o.id = g.organization_id
WHERE g.organization_id = ? AND s.day >= ? AND s.day < ?
GROUP BY s.user_id, s.group_id, s.model, s.provider, s.provider_name
ORDER BY lower(u.username), g.name, s.model, s.provider, s.provider_name
"""


def export_spend(call: Call) -> Answer:
    """Answer with CSV; cells that a spreadsheet would take for a formula get an apostrophe in front."""
    if not call.caller.may("read", "group_member", organization=call.organization["id"]):
        raise forbidden()
    start, end = _period(call)
    period = start.strftime("%Y-%m-%dT%H:%M:%SZ"), end.strftime("%Y-%m-%dT%H:%M:%SZ")
    until = (end + timedelta(days=1) - timedelta(microseconds=1)).date().isoformat()
    rows = call.database.rows(_ROWS, call.organization["id"], start.date().isoformat(), until)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in (*row, *period)] for row in rows)
    return Answer(200, text.getvalue().encode(), "text/csv; charset=utf-8")


def _period(call: Call) -> tuple[datetime, datetime]:
    """Return the period asked for, else this month narrowed to what is retained."""
    query = call.query()
    texts = {key: query.text(key) for key in ("period_start", "period_end")}
    oldest = call.world.clock.now() - timedelta(days=RETENTION_DAYS)
    if not any(texts.values()):
        start, end = call.world.clock.period()
        return max(start, oldest), end
    faults = []
    for key, text in texts.items():
        if parse_instant(text) is None:
            faults.append(Validation(key, f'Query param "{key}" must be a valid RFC 3339 time: "{text}"'))
    start_at, end_at = parse_instant(texts["period_start"]), parse_instant(texts["period_end"])
    if start_at is None or end_at is None:
        raise refusal(400, INVALID_QUERY, *faults)
    if start_at >= end_at:
        faults.append(Validation("period_end", "period_end must be after period_start"))
    elif end_at - start_at > timedelta(days=MAXIMUM_DAYS):
        faults.append(Validation("period_end", f"the period must not exceed {MAXIMUM_DAYS} days"))
    elif start_at < oldest:
        faults.append(Validation("period_start", f"period_start must not be older than {RETENTION_DAYS} days"))
    if faults:
        raise refusal(400, INVALID_QUERY, *faults)
    return start_at, end_at


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return cell
