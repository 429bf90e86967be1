"""The state a sandbox starts with: chooses the seed, and hands out the tokens that go with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..identifiers import derived_uuid
from .bulk import parse_bulk, sow_bulk
from .document import sow_document
from .people import tokens_of

if TYPE_CHECKING:
    from ..clock import Clock
    from ..database import Database

_NAMED = ("demo", "empty", "new")


def sow(database: Database, clock: Clock, seed: str) -> dict[str, str]:
    """Fill a new database; return a token for each role that somebody has. A database with content is left alone.

    *Raises* ValueError for a seed that does not exist or cannot be read, saying what is wrong with it.
    """
    if database.is_empty:
        size = parse_bulk(seed)
        with database.transaction():
            database.run("INSERT INTO deployment (id) VALUES (?)", derived_uuid("deployment", seed))
            if size is not None:
                sow_bulk(database, clock, size)
            else:
                sow_document(database, clock, _document(seed))
    return tokens_of(database)


def _document(seed: str) -> Path:
    path = Path(__file__).with_name(f"{seed}.yaml") if seed in _NAMED else Path(seed)
    if not path.is_file():
        raise ValueError(
            f"no seed {seed!r}: one of {', '.join(_NAMED)}, N-users,M-groups[,K-organizations], or a YAML file"
        )
    return path
