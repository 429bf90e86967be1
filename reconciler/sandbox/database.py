"""The sandbox's SQLite: opens it, applies the schema and executes statements; holds no rule of its own."""

from __future__ import annotations

import re
import sqlite3
import zlib
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SCHEMA = Path(__file__).with_name("schema.sql")

# PRAGMAs that neither write a file nor change where SQLite writes one. Every other PRAGMA is denied.
_HARMLESS_PRAGMAS = frozenset(
    {"data_version", "foreign_key_check", "foreign_keys", "ignore_check_constraints", "table_info"}
)
_DENIED_ACTIONS = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE})
_TRANSACTIONS = frozenset({sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT})
_DENIED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})


@cache
def _schema() -> tuple[str, int]:
    """Return the schema and its version, which no comment and no space changes."""
    schema = SCHEMA.read_text(encoding="utf-8")
    return schema, zlib.crc32(re.sub(r"--.*|\s+", "", schema).encode()) & 0x7FFF_FFFF


class Database:
    """Wrap one connection; all calls come from the server's thread, which makes every request atomic."""

    def __init__(self, path: str | None = None) -> None:
        """Open the file, with the schema in it, or a database in memory, which gets its schema by `create` or `copy`.

        *Raises* ValueError for a file that is not a database of the sandbox.
        """
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._is_foreign = False
        self.is_in_file = path is not None
        try:
            self._prepare(in_file=self.is_in_file)
        except sqlite3.Error as error:
            self._connection.close()
            raise ValueError(f"database {path}: {error}") from error

    def _prepare(self, *, in_file: bool) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        if in_file:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            if not self.value("SELECT count(*) FROM sqlite_master"):
                self.create()
                self._connection.execute(f"PRAGMA user_version = {_schema()[1]}")
            elif self.value("PRAGMA user_version") != _schema()[1]:
                raise sqlite3.DatabaseError("it was not made by this version of the sandbox; name another file")
        self.is_empty = not in_file or not self.value("SELECT count(*) FROM deployment")
        self._connection.set_authorizer(self._authorize)

    def create(self) -> None:
        """Apply the schema to a database that has nothing."""
        self._connection.executescript(_schema()[0])

    def copy(self, original: Database) -> None:
        """Replace the content, the schema too, by that of another database, with which no statement is under way."""
        original._connection.backup(self._connection)

    @property
    def changes(self) -> tuple[int, int]:
        """Count the rows changed here, and the changes by other connections to the file, such as another sandbox's.

        While both counts stand still, so does everything that was read.
        """
        return self._connection.total_changes, self.value("PRAGMA data_version") if self.is_in_file else 0

    def row(self, sql: str, *parameters: object) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def rows(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """Return all rows."""
        return self._connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, *parameters: object) -> Any:
        """Return the first column of the first row, or None."""
        row = self._connection.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def run(self, sql: str, *parameters: object) -> int:
        """Execute a statement; return how many rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Execute a statement once for each row."""
        self._connection.executemany(sql, rows)

    def run_foreign(self, sql: str, *parameters: object, unguarded: bool = False) -> list[sqlite3.Row]:
        """Execute a statement that came from outside the room; return its rows.

        `unguarded` executes it without the triggers, so that it can leave behind what two transactions at the same
        moment leave behind in Coder, such as an override without its membership.
        *Raises* ValueError for a statement that may reach another file, or that begins or ends a transaction.
        """
        if not unguarded:
            return self._run_foreign(sql, parameters)
        with self.transaction(), self.without_triggers():
            return self._run_foreign(sql, parameters)

    @contextmanager
    def without_triggers(self) -> Iterator[None]:
        """Leave the triggers out; only inside a transaction, which brings them back when something fails."""
        triggers = self.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        for trigger in triggers:
            self._connection.execute(f'DROP TRIGGER "{trigger["name"]}"')
        yield
        for trigger in triggers:
            self._connection.execute(trigger["sql"])

    def _run_foreign(self, sql: str, parameters: Sequence[object]) -> list[sqlite3.Row]:
        self._is_foreign = True
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            if "not authorized" not in str(error) and "prohibited" not in str(error):
                raise
            raise ValueError(
                f"{error}: ATTACH, DETACH, VACUUM, BEGIN, COMMIT, virtual tables, extensions and most PRAGMAs are not "
                "allowed here"
            ) from None
        finally:
            self._is_foreign = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make several statements one: all or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _authorize(self, action: int, name: str | None, detail: str | None, *_: str | None) -> int:
        """Deny what can open or write another file: ATTACH (VACUUM INTO needs it, too), extensions, most PRAGMAs."""
        is_denied = (
            action in _DENIED_ACTIONS
            or (action in _TRANSACTIONS and self._is_foreign)
            or (action == sqlite3.SQLITE_FUNCTION and detail in _DENIED_FUNCTIONS)
            or (action == sqlite3.SQLITE_PRAGMA and name not in _HARMLESS_PRAGMAS)
        )
        return sqlite3.SQLITE_DENY if is_denied else sqlite3.SQLITE_OK
