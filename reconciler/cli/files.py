"""Files that are not policies: saved plans and journals. Read whole or not at all; written whole, mode 0600."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from reconciler.errors import FileError

MAX_BYTES = 256 * 2**20


def read_text(path: str) -> str:
    """Read a file of ours. Raises FileError when it cannot be read, is not a file, is huge, or is not UTF-8."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{path} is not a file")
        if status.st_size > MAX_BYTES:
            raise FileError(f"{path} is larger than {MAX_BYTES // 2**20} MiB; no plan or journal is")
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path} is not UTF-8 text") from None


def starts_with(path: str, *, characters: int = 200) -> str:
    """Return the beginning of a regular file as text; empty for anything that cannot be read so."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(characters)
    except OSError:
        return ""


def write_private(path: str, text: str) -> None:
    """Write a file that holds names and amounts: mode 0600, and whole or not at all. Raises FileError."""
    folder = os.path.dirname(path) or "."
    try:
        fd, temporary = tempfile.mkstemp(prefix=".reconciler-", dir=folder)
        try:
            with open(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from None
