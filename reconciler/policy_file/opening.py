"""One file to its bytes, or why it cannot be read. A FIFO or a device is refused before it is opened: nothing waits.

Only standard input, which `-` names, is read to its end, however long that takes.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from reconciler.policy_file.nodes import PolicyText

STDIN = "-"
STDIN_NAME = "<stdin>"
MAX_BYTES = 32 * 1024 * 1024
"""100,000 entries with every key take 16 MiB."""
_NOTHING_TO_OPEN = (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP)
"""How opening a socket, or a device that is not there, fails: Linux says ENXIO, macOS EOPNOTSUPP."""


class UnreadableError(Exception):
    """A file cannot be read; says why, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def read_file(path: str, *, target: str) -> PolicyText:
    """Read a file, or standard input; `target` is where a link leads to what is no policy. Raises UnreadableError."""
    if path == STDIN:
        return PolicyText(STDIN_NAME, _require_small(_standard_input()))
    try:
        return PolicyText(path, _require_small(read_bytes(path, MAX_BYTES + 1)), target=target)
    except FileNotFoundError:
        if os.path.islink(path):
            raise UnreadableError("the link leads to no file", "mend it, or remove it") from None
        hint = (
            "check the path, and the folder that you are in; `reconciler init` writes a first policy from what is live"
        )
        raise UnreadableError("there is no such file", hint) from None
    except OSError as error:
        raise UnreadableError(cannot_read("file", error)) from None


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise UnreadableError("standard input is closed", "write the policy to standard input, or name a file")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def read_bytes(path: str, most: int) -> bytes:
    """Return the first bytes of a file. Raises UnreadableError for what is no file or too large, else OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _NOTHING_TO_OPEN:
            raise
        raise _special() from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _special()
        if status.st_size > MAX_BYTES:
            raise _too_large()
        return file.read(most)


def _special() -> UnreadableError:
    return UnreadableError(
        "this is a socket, a pipe or a device, and not a file",
        "move it out of the policy folder; a policy from a pipe is read by `-`, standard input",
    )


def _require_small(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise _too_large()
    return data


def _too_large() -> UnreadableError:
    return UnreadableError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", "split it into several files")


def cannot_read(what: str, error: OSError) -> str:
    """Say why a `file` or a `folder` cannot be read."""
    return f"the {what} cannot be read: {error.strerror}"
