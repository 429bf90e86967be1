"""The prices that a server brings along: a few rows of Coder's own price book, written at every start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clock import as_text

if TYPE_CHECKING:
    from ..clock import Clock
    from ..database import Database

# Micro-dollars for a million tokens: input, output, read from and written to the cache; None is unknown.
_BOOK: tuple[tuple[str, str, int, int, int, int | None], ...] = (
    ("anthropic", "claude-haiku-4-5", 1_000_000, 5_000_000, 100_000, 1_250_000),
    ("anthropic", "claude-opus-4-1", 15_000_000, 75_000_000, 1_500_000, 18_750_000),
    ("anthropic", "claude-opus-5", 5_000_000, 25_000_000, 500_000, 6_250_000),
    ("anthropic", "claude-sonnet-4-5", 3_000_000, 15_000_000, 300_000, 3_750_000),
    ("openai", "gpt-5", 1_250_000, 10_000_000, 125_000, None),
)


def apply_price_book(database: Database, clock: Clock) -> None:
    """Write the default prices; prices that somebody set stay beside them."""
    now = as_text(clock.now())
    database.run_many(
        "INSERT INTO ai_model_prices (provider, model, source, input_price, output_price, cache_read_price, "
        "cache_write_price, created_at, updated_at) VALUES (?, ?, 'default', ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [(*row, now, now) for row in _BOOK],
    )
