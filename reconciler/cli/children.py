"""Every process that reconciler starts is started here, with an environment made of an allow-list.

A child gets no token, no credential of another tool and no variable that changes what a program loads or runs. It reads
no terminal, it has a time limit, and its program is never searched for in a relative folder or in the folder that the
policy comes from. tests/test_architecture.py holds that no other module starts a process; tests/cli/test_children.py
puts canaries into the environment of each child.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError

PASSED = (
    "COLORTERM", "COLUMNS", "FORCE_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TERM", "TMPDIR", "TZ",
)  # fmt: skip
"""Variables that every child may see. A variable that can hold a secret, or name code to run, must not be added."""
MAX_BYTES = 128 * 2**20
"""What a child may answer; a listing of a million files is about as long."""


class ChildError(ReconcilerError):
    """A child could not be started, took too long, or answered too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a child that ended by itself answered. `error` is its stderr as text."""

    code: int
    output: bytes
    error: str


def find_program(name: str, *, outside: str) -> str | None:
    """Return the absolute path of a program, never one from the folder `outside`; None where there is none."""
    program = shutil.which(name, path=search_path(outside=outside))
    return program if program and not _is_inside(program, outside) else None


def search_path(*, outside: str) -> str:
    """Return PATH without its relative entries and without those in the folder `outside`."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry) and not _is_inside(entry, outside))


def allowed(*names: str) -> dict[str, str]:
    """Return the variables that every child may see, and those of `names`, as far as they are set."""
    return {name: os.environ[name] for name in (*PASSED, *names) if name in os.environ}


def ask(
    command: Sequence[str],
    *,
    folder: str,
    environment: Mapping[str, str],
    questions: bytes = b"",
    max_bytes: int = MAX_BYTES,
    limit_s: float,
) -> Completed:
    """Run a command away from the terminal and return what it answers; `questions` is its whole input.

    Raises ChildError when it cannot be started, or takes or answers more than it may. It is ended then, with everything
    that it started.
    """
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    stdin = pipe if questions else nothing
    try:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=stdin, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        raise ChildError(f"{command[0]} cannot be started: {error.strerror}") from None
    with child:
        asking = threading.Thread(target=_write, args=(child.stdin, questions))
        ends = time.monotonic() + limit_s
        try:
            asking.start()
            output, complaint = _read(child, ends=ends, max_bytes=max_bytes)
            code = child.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ChildError(f"{command[0]} was ended because it took more than {limit_s:.0f} s") from None
        except RuntimeError:
            raise ChildError(f"{command[0]} cannot be asked: the system starts no more threads") from None
        finally:
            _end_group(child)
            if asking.ident is not None:
                asking.join()
    return Completed(code=code, output=output, error=complaint.decode("utf-8", "replace"))


def run_reconciler(*arguments: str, folder: str, variables: Mapping[str, str], limit_s: float) -> int:
    """Run a command of ours in a folder, on our own stdout and stderr; return its exit code."""
    with _reconciler(arguments, folder=folder, variables=variables, limit_s=limit_s, stdout=None) as child:
        return child.wait()


@contextmanager
def serving_reconciler(*arguments: str, folder: str, variables: Mapping[str, str], limit_s: float) -> Iterator[str]:
    """Run a command of ours beside the block, and end it with the block; give the first line that it prints.

    The line is empty when the command ends without one.
    """
    with _reconciler(arguments, folder=folder, variables=variables, limit_s=limit_s, stdout=subprocess.PIPE) as child:
        yield child.stdout.readline() if child.stdout else ""


@contextmanager
def _reconciler(
    arguments: Sequence[str], *, folder: str, variables: Mapping[str, str], limit_s: float, stdout: int | None
) -> Iterator[subprocess.Popen[str]]:
    """Start ourselves. `-P`: nothing is imported from the folder that it runs in; it imports from where we do."""
    environment = allowed() | {"PATH": search_path(outside=folder), "PYTHONPATH": _import_path()} | dict(variables)
    command = [sys.executable, "-P", "-m", "reconciler", *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, text=True
    ) as child:
        limit = threading.Timer(limit_s, child.kill)
        limit.daemon = True
        limit.start()
        try:
            yield child
        finally:
            limit.cancel()
            child.terminate()


def _write(stdin: IO[bytes] | None, questions: bytes) -> None:
    """Write all questions. A child that ended before it read them is told by its answer."""
    if stdin is not None:
        with suppress(BrokenPipeError), stdin:
            stdin.write(questions)


def _read(child: subprocess.Popen[bytes], *, ends: float, max_bytes: int) -> tuple[bytes, bytes]:
    """Read stdout and stderr to their ends. Raises subprocess.TimeoutExpired, and ChildError for too much."""
    texts: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    read = 0
    with selectors.DefaultSelector() as selector:
        for name in texts:
            selector.register(getattr(child, name), selectors.EVENT_READ, name)
        while selector.get_map():
            left = ends - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise subprocess.TimeoutExpired(child.args, 0)
            for key, _ in ready:
                chunk = os.read(key.fd, 2**18)
                if not chunk:
                    selector.unregister(key.fileobj)
                texts[key.data].append(chunk)
                read += len(chunk)
            if read > max_bytes:
                raise ChildError(f"an answer of more than {max_bytes // 2**20} MiB was not read")
    return b"".join(texts["stdout"]), b"".join(texts["stderr"])


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End a child that still runs, and what it started. (While it is not waited for, its number is not reused.)"""
    if child.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _import_path() -> str:
    return os.pathsep.join(entry for entry in sys.path if os.path.isabs(entry))


def _is_inside(path: str, folder: str) -> bool:
    parent = os.path.realpath(folder)
    return parent != os.sep and os.path.commonpath((parent, os.path.realpath(path))) == parent
