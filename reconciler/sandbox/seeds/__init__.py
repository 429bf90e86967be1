"""The state a sandbox starts with: chooses the seed, and hands out the tokens that go with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..database import Database
from ..identifiers import derived_uuid
from .bulk import parse_bulk, sow_bulk
from .document import sow_document
from .people import tokens_of

if TYPE_CHECKING:
    from datetime import datetime

    from ..clock import Clock

_NAMED = ("demo", "empty", "new")
_MOST_SOWN = 8
_SOWN: dict[tuple[_Document, datetime], Database] = {}
"""Databases filled from a document in a month, oldest first. Nothing but `copy` reads them."""
_SOWING = threading.Lock()
"""Held by the thread that uses `_SOWN`."""


def sow(database: Database, clock: Clock, seed: str) -> dict[str, str]:
    """Fill a new database; return a token for each role that somebody has. A database with content is left alone.

    *Raises* ValueError for a seed that does not exist or cannot be read, saying what is wrong with it.
    """
    if database.is_empty:
        size = parse_bulk(seed)
        if size is None:
            _sow_document(database, _Document.read(seed), clock.period()[0])
        else:
            if not database.is_in_file:
                database.create()
            with database.transaction():
                _name_deployment(database, seed)
                sow_bulk(database, clock, size)
    return tokens_of(database)


@dataclass(frozen=True, slots=True)
class _Document:
    """A seed that is a YAML document."""

    seed: str
    name: str
    text: bytes

    @classmethod
    def read(cls, seed: str) -> _Document:
        path = _document(seed)
        return cls(seed, path.name, path.read_bytes())

    def sow(self, database: Database, month: datetime) -> None:
        with database.transaction():
            _name_deployment(database, self.seed)
            sow_document(database, self.text, name=self.name, month=month)


def _sow_document(database: Database, document: _Document, month: datetime) -> None:
    """Fill a file from the document, and a database in memory from another one that was: tests open thousands."""
    if database.is_in_file:
        document.sow(database, month)
        return
    with _SOWING:
        if (document, month) not in _SOWN:
            original = Database()
            try:
                original.create()
                document.sow(original, month)
            except BaseException:
                original.close()
                raise
            if len(_SOWN) == _MOST_SOWN:
                _SOWN.pop(next(iter(_SOWN))).close()
            _SOWN[document, month] = original
        database.copy(_SOWN[document, month])


def _name_deployment(database: Database, seed: str) -> None:
    database.run("INSERT INTO deployment (id) VALUES (?)", derived_uuid("deployment", seed))


def _document(seed: str) -> Path:
    path = Path(__file__).with_name(f"{seed}.yaml") if seed in _NAMED else Path(seed)
    if not path.is_file():
        raise ValueError(
            f"no seed {seed!r}: one of {', '.join(_NAMED)}, N-users,M-groups[,K-organizations], or a YAML file"
        )
    return path
