"""The journal on disk: append-only, mode 0600, flushed to the disk before `append` returns.

A line is written whole or not at all: when the disk is full in the middle of one, what was written of it is taken back.
Threads share a flush: whoever finds that a later flush has covered their line does not flush again.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Protocol

from reconciler.core.outcome import Event
from reconciler.errors import FileError
from reconciler.formats.journal import dump_event


class Journal(Protocol):
    """Where the events of a run go. No journal, no write."""

    def append(self, event: Event) -> None:
        """Put an event on record for good. Raises FileError when that is not certain; then nothing may be written."""


class JournalFile:
    """A journal in a new file of its own."""

    def __init__(self, path: str) -> None:
        """Create the file. Raises FileError when that fails, or it exists: no run writes over another's record."""
        self.path = path
        try:
            folder = os.path.dirname(path)
            if folder:
                os.makedirs(folder, mode=0o700, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            hint = "name another file, or move that one away; it is the record of an earlier run"
            raise FileError(f"the journal {path} exists already; nothing was written", hint=hint) from None
        except OSError as error:
            hint = "name a writable place with --journal FILE"
            raise FileError(
                f"the journal {path} cannot be written: {error.strerror}; nothing was written", hint=hint
            ) from None
        self._write_lock, self._flush_lock = threading.Lock(), threading.Lock()
        self._written = self._flushed = 0

    def append(self, event: Event) -> None:
        line = dump_event(event).encode("utf-8", "surrogateescape")
        try:
            with self._write_lock:
                self._write_whole(line)
                mine = self._written = self._written + len(line)
            with self._flush_lock:
                if self._flushed < mine:
                    covered = self._written
                    os.fsync(self._fd)
                    self._flushed = covered
        except OSError as error:
            raise FileError(f"the journal {self.path} cannot be written: {error.strerror}") from None

    def _write_whole(self, line: bytes) -> None:
        try:
            sent = os.write(self._fd, line)
            while sent < len(line):
                sent += os.write(self._fd, line[sent:])
        except OSError:
            os.ftruncate(self._fd, self._written)
            raise

    def __enter__(self) -> JournalFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
