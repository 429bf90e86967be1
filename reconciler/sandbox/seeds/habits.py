"""Two months of plausible spend for everybody in a new company: by day, person, model, provider and client.

One person in ten spends nothing. Of the others one in twenty has reached the limit, two in twenty are near it, and
the rest are somewhere below, as far as the month has gone. Without a limit people spend between $30 and $300 a month.
One person in fifteen also uses a model without a price. Large companies are booked on fewer days.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..database import Database

_ROWS_AIMED_AT = 20_000
_SATURDAY = 5
_DOLLAR = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Say what is used and what a thousand tokens of it cost; 0 without a price."""

    provider: str
    provider_name: str
    name: str
    client: str
    micros_per_1000_tokens: int


MODELS = (
    Model(
        provider="anthropic", provider_name="Anthropic", name="claude-sonnet-4-5", client="claude-code",
        micros_per_1000_tokens=6_000,
    ),
    Model(
        provider="anthropic", provider_name="Anthropic", name="claude-opus-4-1", client="claude-code",
        micros_per_1000_tokens=30_000,
    ),
    Model(provider="openai", provider_name="OpenAI", name="gpt-5", client="codex", micros_per_1000_tokens=4_000),
    Model(
        provider="anthropic", provider_name="Bedrock EU", name="claude-haiku-4-5", client="roo-code",
        micros_per_1000_tokens=2_000,
    ),
)  # fmt: skip
WITHOUT_PRICE = Model(
    provider="openai", provider_name="Own cluster", name="qwen3-coder-480b", client="opencode", micros_per_1000_tokens=0
)

_PEOPLE = """
SELECT e.user_id, e.effective_group_id, e.spend_limit_micros FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE e.effective_group_id IS NOT NULL AND e.spend_limit_micros IS NOT 0 AND u.status <> 'dormant'
ORDER BY 2, 1
"""
_BOOK = (
    "INSERT INTO ai_daily_spend (user_id, group_id, day, provider, provider_name, model, client, input_tokens, "
    "output_tokens, cache_read_tokens, cost_micros, unpriced_usage_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def sow_spend(database: Database, today: date) -> None:
    """Book the spend of last month and of this month until today."""
    people = [(row[0], row[1], row[2]) for row in database.rows(_PEOPLE)]
    if not people:
        return
    this_month = _working_days(today.replace(day=1), today)
    last_month = _working_days((today.replace(day=1) - timedelta(days=1)).replace(day=1), this_month[0])
    share = today.day / 31
    most = max(1, _ROWS_AIMED_AT // len(people) // 2)
    database.run_many(_BOOK, _bookings(people, this_month[-most:], share))
    database.run_many(_BOOK, _bookings(people, last_month[-most:], 1.0))
    start = today.replace(day=1).isoformat()
    database.run_many(
        "INSERT INTO ai_budget_crossings (user_id, period_start, percent, day) VALUES (?, ?, ?, ?)",
        ((user_id, start, percent, this_month[-1].isoformat()) for user_id, percent in _crossings(people, share)),
    )


def _working_days(first: date, last: date) -> list[date]:
    """Return the working days of a period; its last day when it has none."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < _SATURDAY and day.month == first.month] or [days[-1]]


def _bookings(
    people: Sequence[tuple[str, str, int | None]], days: Sequence[date], share: float
) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a month of which `share` (0 to 1) has passed."""
    texts = [day.isoformat() for day in days]
    for user_id, group_id, limit in people:
        number = zlib.crc32(user_id.encode())
        if number % 10 == 0:
            continue
        total = _month_micros(number, limit, share)
        model = MODELS[number // 7 % len(MODELS)]
        second = MODELS[number // 11 % len(MODELS)] if number % 3 == 0 else model
        for place, text in enumerate(texts):
            cost = total * (place + 1) // len(texts) - total * place // len(texts)
            yield (user_id, group_id, text, *_use(second if place % 2 else model, cost))
        if number % 15 == 1:
            yield (user_id, group_id, texts[-1], *_use(WITHOUT_PRICE, 0))


def _crossings(people: Sequence[tuple[str, str, int | None]], share: float) -> Iterator[tuple[str, int]]:
    """Yield who has crossed which percentage of their limit."""
    for user_id, _, limit in people:
        number = zlib.crc32(user_id.encode())
        if number % 10 == 0 or not limit:
            continue
        spent = _month_micros(number, limit, share)
        yield from ((user_id, percent) for percent in (85, 100) if spent * 100 >= limit * percent)


def _month_micros(number: int, limit: int | None, share: float) -> int:
    percent = number // 13 % 1000 / 10
    if limit is None:
        return int((30 + 2.7 * percent) * share) * _DOLLAR
    kind = number // 17 % 20
    if kind == 0:
        return limit * 101 // 100
    if kind <= 2:
        return int(limit * (0.86 + 0.13 * percent / 100))
    return int(limit * (0.05 + 0.65 * percent / 100) * share)


def _use(model: Model, cost: int) -> tuple[object, ...]:
    """Return the columns from the provider on."""
    tokens = cost * 1000 // model.micros_per_1000_tokens if model.micros_per_1000_tokens else 250_000
    unpriced = 0 if model.micros_per_1000_tokens else 3
    labels = (model.provider, model.provider_name, model.name, model.client)
    return (*labels, tokens * 9 // 10, tokens // 10, tokens * 4, cost, unpriced)
