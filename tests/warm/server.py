"""The process behind a warm folder: takes one command a connection, and ends when its stdin is closed.

`reconciler` runs in a companion: a child that goes on to the next command when it has ended one. A first command costs
twice what the next one does, for memory that the kernel copies and for what Python makes once a process. As many
companions are forked as commands run beside each other. A script is forked for itself, since it may import what stands
beside it.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from tests.cores import use_all_cores
from tests.hearing import hear_signals
from tests.warm.process import run_command_again, run_script, warm_up


def main() -> None:
    """Serve in the folder of the first argument. A single thread, so that what is forked is whole."""
    hear_signals()
    use_all_cores()
    warm_up(with_sandbox=True)
    commands, scripts = (_listening(Path(sys.argv[1], f"{name}.socket")) for name in ("reconciler", "python3"))
    companions = _Companions()
    print("ready", flush=True)
    while sys.stdin not in (ready := select.select([commands, scripts, sys.stdin, *companions.busy], [], [])[0]):
        companions.look_at([one for one in ready if one in companions.busy])
        if commands in ready:
            companion = companions.take()  # before there is a connection, which a child would keep open
            with commands.accept()[0] as connection:
                socket.send_fds(companion, [b"."], [connection.fileno()])
        if scripts in ready:
            with scripts.accept()[0] as connection:
                if os.fork() == 0:
                    _end_with(connection, run_script)
        _reap()


def _listening(address: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(address))
    listening.listen(64)
    return listening


class _Companions:
    """The children that run commands, each known by the socket to it."""

    def __init__(self) -> None:
        self.busy: list[socket.socket] = []
        self._free: list[socket.socket] = []

    def take(self) -> socket.socket:
        """Return the socket to a companion that has no command, to give it one."""
        companion = self._free.pop() if self._free else self._fork()
        self.busy.append(companion)
        return companion

    def look_at(self, companions: list[socket.socket]) -> None:
        """Note which have ended their command, and which have ended."""
        for companion in companions:
            self.busy.remove(companion)
            if companion.recv(1):
                self._free.append(companion)
            else:
                companion.close()

    def _fork(self) -> socket.socket:
        companion, its = socket.socketpair()
        if os.fork():
            its.close()
            return companion
        for other in (companion, *self.busy, *self._free):
            other.close()
        try:
            while handed := socket.recv_fds(its, 1, 1)[1]:
                with socket.socket(fileno=handed[0]) as connection:
                    _answer(connection, run_command_again)
                    its.sendall(b".")
        finally:
            os._exit(0)


def _reap() -> None:
    """Take the exit codes of children that ended; their clients have them already."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _end_with(connection: socket.socket, run: Callable[[], int]) -> None:
    try:
        _answer(connection, run)
    finally:
        os._exit(0)


def _answer(connection: socket.socket, run: Callable[[], int]) -> None:
    """Run what a connection brings, with its streams, let go of them, and tell the exit code."""
    code = 1
    try:
        _become(connection)
        code = run()
    finally:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        os.close(nowhere)
        sys.stdin = sys.stdout = sys.stderr = None  # what could not be written goes nowhere
        connection.sendall(str(code).encode())


def _become(connection: socket.socket) -> None:
    """Take the streams, the folder, the arguments and the environment that a connection brings."""
    _, handed, _, _ = socket.recv_fds(connection, 1, 4)
    text = b""
    while piece := connection.recv(65536):
        text += piece
    count, *parts = text.split(b"\0")
    for target, number in enumerate(handed[:3]):
        os.dup2(number, target)
    os.fchdir(handed[3])
    for number in handed:
        os.close(number)
    sys.stdin, sys.stdout, sys.stderr = (_opened(number) for number in (0, 1, 2))
    sys.argv = [os.fsdecode(part) for part in parts[: int(count)]]
    os.environb.clear()
    os.environb.update((name, value) for name, _, value in (part.partition(b"=") for part in parts[int(count) :]))


def _opened(number: int) -> TextIO:
    """Open a stream as Python did at the start: what one command did to it is not there for the next one."""
    buffering = 1 if number == 2 or os.isatty(number) else -1
    encoding, errors = _AT_THE_START[number]
    return open(number, "w" if number else "r", buffering, encoding, errors, closefd=False)


_AT_THE_START = [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)]

if __name__ == "__main__":
    main()
