"""Results that are kept until the database changes.

Without them, reading a large company page by page would compute the same lists and sums for each page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .database import Database

Result = TypeVar("Result")


class Memo:
    """Keep results by key; the first question after any write finds it empty."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._results: dict[Hashable, Any] = {}
        self._changes = (-1, 0)

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return the result kept under the key, computed when there is none. The key must name its type."""
        if self._changes != self._database.changes:
            self._results.clear()
            self._changes = self._database.changes
        if key not in self._results:
            self._results[key] = compute()
        result: Result = self._results[key]
        return result
