"""The state a sandbox starts with: chooses the seed, and hands out the tokens that go with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..database import Database
from ..effective import create_view
from ..identifiers import derived_uuid
from .bulk import Size, parse_bulk, sow_bulk
from .document import sow_document
from .people import tokens_of

if TYPE_CHECKING:
    from datetime import datetime

    from ..clock import Clock

_NAMED = ("demo", "empty", "new")
_MOST_SOWN = 12
_MOST_USERS_KEPT = 1_000
_SOWN: dict[tuple[_Document | _Bulk, datetime], Database] = {}
"""Databases filled from a seed in a month or on a day, oldest first. Nothing but `copy` reads them."""
_SOWING = threading.Lock()
"""Held by the thread that uses `_SOWN`."""


def sow(database: Database, clock: Clock, seed: str, *, is_older: bool) -> dict[str, str]:
    """Fill a new database; return a token for each role that somebody has. A database with content is left alone.

    `is_older` is for servers before 2.36.
    *Raises* ValueError for a seed that does not exist or cannot be read, saying what is wrong with it.
    """
    if database.is_empty:
        size = parse_bulk(seed)
        _fill(database, _Document.read(seed) if size is None else _Bulk(seed, size, is_older), clock)
    return tokens_of(database)


@dataclass(frozen=True, slots=True)
class _Document:
    """A seed that is a YAML document, whose days are those of a month."""

    seed: str
    name: str
    text: bytes
    is_kept = True

    @classmethod
    def read(cls, seed: str) -> _Document:
        path = _document(seed)
        return cls(seed, path.name, path.read_bytes())

    def moment(self, clock: Clock) -> datetime:
        return clock.period()[0]

    def sow(self, database: Database, month: datetime) -> None:
        sow_document(database, self.text, name=self.name, month=month)


@dataclass(frozen=True, slots=True)
class _Bulk:
    """A seed that is a size."""

    seed: str
    size: Size
    is_older: bool

    @property
    def is_kept(self) -> bool:
        return self.size.users <= _MOST_USERS_KEPT

    def moment(self, clock: Clock) -> datetime:
        return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)

    def sow(self, database: Database, today: datetime) -> None:
        create_view(database, is_older=self.is_older)
        sow_bulk(database, self.size, today=today.date())


def _fill(database: Database, seed: _Document | _Bulk, clock: Clock) -> None:
    """Fill a file from the seed, and a database in memory from another one that was: tests open thousands."""
    moment = seed.moment(clock)
    if database.is_in_file or not seed.is_kept:
        _sow(database, seed, moment)
        return
    with _SOWING:
        if (seed, moment) not in _SOWN:
            original = Database()
            try:
                _sow(original, seed, moment)
            except BaseException:
                original.close()
                raise
            if len(_SOWN) == _MOST_SOWN:
                _SOWN.pop(next(iter(_SOWN))).close()
            _SOWN[seed, moment] = original
        database.copy(_SOWN[seed, moment])


def _sow(database: Database, seed: _Document | _Bulk, moment: datetime) -> None:
    if not database.is_in_file:
        database.create()
    with database.transaction():
        _name_deployment(database, seed.seed)
        seed.sow(database, moment)


def _name_deployment(database: Database, seed: str) -> None:
    database.run("INSERT INTO deployment (id) VALUES (?)", derived_uuid("deployment", seed))


def _document(seed: str) -> Path:
    path = Path(__file__).with_name(f"{seed}.yaml") if seed in _NAMED else Path(seed)
    if not path.is_file() and seed.endswith((".yaml", ".yml")):
        raise ValueError(f"there is no file {seed}")
    if not path.is_file():
        raise ValueError(
            f"no seed {seed!r}: one of {', '.join(_NAMED)}, N-users,M-groups[,K-organizations], or a YAML file"
        )
    return path
