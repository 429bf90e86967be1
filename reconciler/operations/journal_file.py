"""The journal on disk: append-only, mode 0600; what `flush` returned from is on the disk and stays there.

A line is written whole or not at all: when the disk is full in the middle of one, what was written of it is taken back.
After an error the file takes nothing more, since nobody knows what of it the disk holds. Threads share a flush: a
thread whose lines another thread's flush has covered does not flush again.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from types import TracebackType
from typing import Protocol

from reconciler.core.plan.outcome import Event
from reconciler.errors import FileError
from reconciler.formats.document import JOURNALS
from reconciler.formats.journal import dump_event
from reconciler.words import HINT_HOME, home_left_alone

ELSEWHERE = "name a writable place with --journal FILE"


class Journal(Protocol):
    """Where the events of a run go. No journal, no write. Both methods raise FileError, and go on raising it."""

    def append(self, event: Event) -> None:
        """Put an event on record: the end of this process cannot undo it any more."""

    def flush(self) -> None:
        """Put every appended line on the disk: the end of the machine cannot undo it any more."""


class JournalFile:
    """A journal in a new file of its own. Every thread may use it."""

    def __init__(self, path: str) -> None:
        """Create the file. Raises FileError when that fails, or it exists: no run writes over another's record."""
        self.path = path
        self._fd = _create(path)
        self._has_links = False
        """Whether a removal shows: some network file systems count no links."""
        with suppress(OSError):
            self._has_links = _links(self._fd) > 0
        self._write_lock, self._flush_lock = threading.Lock(), threading.Lock()
        self._written = self._flushed = 0
        self._trouble = ""

    def append(self, event: Event) -> None:
        line = dump_event(event).encode("ascii")
        with self._write_lock:
            self._require_sound()
            try:
                sent = os.write(self._fd, line)
                while sent < len(line):
                    sent += os.write(self._fd, line[sent:])
            except OSError as error:
                self._trouble = error.strerror or str(error)
                with suppress(OSError):  # half a line stays, as after a power cut: who reads the journal leaves it out
                    os.ftruncate(self._fd, self._written)
                self._require_sound()
            self._written += len(line)

    def flush(self) -> None:
        end_of_line = self._written
        with self._flush_lock:
            self._require_sound()
            if self._flushed >= end_of_line:
                return
            covered = self._written
            try:
                os.fsync(self._fd)
                if self._has_links and not _links(self._fd):  # it is on the disk, in a file that nobody can open
                    self._trouble = "it was removed"
            except OSError as error:
                self._trouble = error.strerror or str(error)
            self._require_sound()
            self._flushed = covered

    def _require_sound(self) -> None:
        if self._trouble:
            message = f"the journal {self.path} cannot be written: {self._trouble}"
            if self._flushed:
                raise FileError(message)
            raise FileError(f"{message}; nothing was written", hint=ELSEWHERE)

    def __enter__(self) -> JournalFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a quota or a file server may say no here; what counts was flushed, or failed then
            os.close(self._fd)
        if not self._written:  # it took not even the first line: no record of anything, and in the way of the next run
            with suppress(OSError):
                os.unlink(self.path)


def _links(fd: int) -> int:
    """Return how many names the file has."""
    return os.fstat(fd).st_nlink


def _create(path: str) -> int:
    folder = os.path.dirname(path) or os.curdir
    if _is_folder(path):
        raise _exists(path)
    try:
        _make_folders(folder)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.isdir(folder):
            raise _exists(path) from None
        message = f"the journal {path} cannot be written: {error.strerror}; nothing was written"
        raise FileError(message, hint=ELSEWHERE) from None
    with suppress(OSError):  # a umask can take even the owner's rights; some file systems have none to give
        os.fchmod(fd, 0o600)
    _flush_folder(folder)
    return fd


def _make_folders(folder: str) -> None:
    """Create a folder, and those above it that are missing, for their owner alone under any umask."""
    missing = []
    while folder and not os.path.exists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        try:
            os.mkdir(path, 0o700)
            with suppress(OSError):
                os.chmod(path, 0o700)
        except FileExistsError:  # another run was faster, or the path goes up again (`new/../other`)
            continue
        if os.path.basename(path) == JOURNALS:
            _let_git_ignore(path)


def _let_git_ignore(folder: str) -> None:
    """Write the .gitignore of a new folder. A disk that does not take it leaves no folder to the next run, which would
    take its absence for its owner's wish."""
    path = os.path.join(folder, ".gitignore")
    try:
        with open(path, "x", encoding="ascii") as file:
            with suppress(OSError):
                os.fchmod(file.fileno(), 0o600)
            file.write("*\n")
    except OSError:
        with suppress(OSError):
            os.unlink(path)
        with suppress(OSError):
            os.rmdir(folder)
        raise


def require_new(path: str) -> None:
    """Raise FileError when the file exists already, or is a folder; for callers that must know before they open it."""
    if path == "-":
        raise FileError("'-' is not a file; nothing was written", hint="name a file for the journal, or leave it out")
    if os.path.lexists(path) or _is_folder(path):
        raise _exists(path)
    if (home := home_left_alone(path)) and not os.path.isdir(home):
        message = f"the journal {path} would go to a new folder called {home}; nothing was written"
        raise FileError(message, hint=HINT_HOME)


def _is_folder(path: str) -> bool:
    return path.endswith(os.sep) or os.path.isdir(path)


def _exists(path: str) -> FileError:
    if _is_folder(path):
        hint = "name a file in it, such as " + os.path.join(path, "run.jsonl")
        return FileError(f"the journal {path} is a folder; nothing was written", hint=hint)
    hint = "name a new file: each run has a journal of its own"
    return FileError(f"the journal {path} exists already; nothing was written", hint=hint)


def _flush_folder(folder: str) -> None:
    """Put the new file's name on the disk, without which its content could be lost with the machine.

    Where that is not possible (a folder that may be written but not read, some network file systems) we do without.
    """
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
