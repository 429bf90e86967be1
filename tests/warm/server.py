"""The process behind a warm folder: takes one command a connection, and forks. It ends when its stdin is closed."""

from __future__ import annotations

import os
import select
import socket
import sys

from tests.cores import use_all_cores
from tests.hearing import hear_signals
from tests.warm.process import run_command, run_script, warm_up


def main() -> None:
    """Serve at the address in the first argument. A single thread, so that what is forked is whole."""
    hear_signals()
    use_all_cores()
    warm_up(with_sandbox=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    _become(connection)
            _reap()


def _reap() -> None:
    """Take the exit codes of children that ended; their clients have them already."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _become(connection: socket.socket) -> None:
    """Run the command that a connection brings, with its streams, and end."""
    code = 1
    try:
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
        sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]  # it is a TextIOWrapper
        sys.argv = [os.fsdecode(part) for part in parts[: int(count)]]
        os.environb.clear()
        os.environb.update((name, value) for name, _, value in (part.partition(b"=") for part in parts[int(count) :]))
        code = run_script() if sys.argv[0].endswith("/python3") else run_command()
    finally:
        connection.sendall(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    main()
