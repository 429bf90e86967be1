"""The process behind a warm folder: takes one command a connection, and ends when its stdin is closed.

A command runs in a companion: a child that goes on to the next command when it has ended one. A first command costs
twice what the next one does, for memory that the kernel copies and for what Python makes once a process. As many
companions are forked as commands run beside each other.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from typing import TextIO

from tests.cores import use_all_cores
from tests.hearing import hear_signals
from tests.warm.process import run_again, warm_up


def main() -> None:
    """Serve at the address in the first argument. A single thread, so that what is forked is whole."""
    hear_signals()
    use_all_cores()
    warm_up(with_sandbox=True)
    companions = _Companions()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(64)
        print("ready", flush=True)
        while sys.stdin not in (ready := select.select([listening, sys.stdin, *companions.busy], [], [])[0]):
            companions.look_at([companion for companion in ready if companion in companions.busy])
            if listening in ready:
                companion = companions.take()  # before there is a connection, which a child would keep open
                with listening.accept()[0] as connection:
                    socket.send_fds(companion, [b"."], [connection.fileno()])
    companions.end()


class _Companions:
    """The children that run commands, each known by the socket to it."""

    def __init__(self) -> None:
        self.busy: list[socket.socket] = []
        self._free: list[socket.socket] = []
        self._pids: dict[socket.socket, int] = {}

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
                self._end(companion)

    def end(self) -> None:
        """End all of them."""
        for companion in tuple(self._pids):
            self._end(companion)

    def _end(self, companion: socket.socket) -> None:
        companion.close()
        pid = self._pids.pop(companion)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def _fork(self) -> socket.socket:
        companion, its = socket.socketpair()
        if pid := os.fork():
            its.close()
            self._pids[companion] = pid
            return companion
        for other in (companion, *self._pids):
            other.close()
        try:
            while handed := socket.recv_fds(its, 1, 1)[1]:
                with socket.socket(fileno=handed[0]) as connection:
                    _answer(connection)
                    its.sendall(b".")
        finally:
            os._exit(0)


def _answer(connection: socket.socket) -> None:
    """Run what a connection brings, with its streams, let go of them, and tell the exit code."""
    code = 1
    try:
        _become(connection)
        code = run_again()
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
