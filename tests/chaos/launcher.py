"""A process that has imported the command line, and whose children run commands. Run as a script, told by pipe.

    {"start": {...}}   fork; in the child: files, environment, folder, then the real `entry.main()`; answers the pid
    {"ended": pid}     answers whether it has ended; it stays there to be waited for
    {"wait": pid}      answers its status as waitpid gives it; one that does not end in time is killed and "hung"
    {"run": [{...}]}   run these beside each other, each in a child that goes on to the next `run`; answers exit codes

A third of what a forked command costs is memory that the kernel copies. Commands that nothing happens to are `run`,
which pays that once a child. This process has a single thread, so that what is forked is whole. The children change
nothing of the product but the client's waits, which they cut short, and, when a crash is asked for, `os.write` and
`os.fsync` as the journal sees them.

With arguments the process runs one command, that of the arguments, in a Python of its own: a cold start. Its waits are
cut short as well: Coder's own answer 429 asks for 60 s, and two of them would be taken for a command that hangs.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from reconciler.cli import entry, server, signals
from reconciler.operations import journal_file
from tests.cores import use_all_cores
from tests.hearing import hear_signals
from tests.patience import PATIENCE_S
from tests.warm.process import open_as, run_again, run_command, warm_up

_SHORTEST_S = 0.001


def main() -> None:
    """Serve until the pipe is closed, or run the one command of the arguments."""
    hear_signals()
    if len(sys.argv) > 1:
        sys.argv[0] = "reconciler"
        _wait_briefly()
        sys.exit(entry.main())
    use_all_cores()
    warm_up(with_sandbox=False)
    companions = _Companions()
    verbs: dict[str, Callable[[Any], object]] = {
        "start": _start, "ended": _has_ended, "wait": _wait, "run": companions.run,
    }  # fmt: skip
    for line in sys.stdin:
        ((verb, about),) = json.loads(line).items()
        print(json.dumps(verbs[verb](about)), flush=True)
    companions.end()


class _Companions:
    """As many companions as commands ran beside each other."""

    def __init__(self) -> None:
        self._companions: list[_Companion] = []

    def run(self, commands: list[dict[str, Any]]) -> list[int | str]:
        while len(self._companions) < len(commands):
            self._companions.append(_Companion())
        busy = self._companions[: len(commands)]
        for companion, command in zip(busy, commands, strict=True):
            companion.begin(command)
        return [companion.wait() for companion in busy]

    def end(self) -> None:
        for companion in self._companions:
            companion.end()


class _Companion:
    """A child that runs one command after the other, and is forked anew when it is gone."""

    def __init__(self) -> None:
        self._pid = 0

    def begin(self, command: dict[str, Any]) -> None:
        if not self._pid:
            self._fork()
        self._connection.sendall(json.dumps(command).encode() + b"\n")

    def wait(self) -> int | str:
        if select.select([self._connection], [], [], PATIENCE_S)[0] and (answer := self._connection.recv(16)):
            return int(answer)
        self.end()
        return "hung"

    def end(self) -> None:
        if self._pid:
            self._connection.close()
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0

    def _fork(self) -> None:
        self._connection, its = socket.socketpair()
        self._pid = os.fork()
        if self._pid:
            its.close()
            return
        self._connection.close()
        try:
            for line in its.makefile():
                its.sendall(str(_run_here(json.loads(line))).encode())
        finally:
            os._exit(0)


def _run_here(command: dict[str, Any]) -> int:
    """Run a command in this process, which then is as it was."""
    _become(command)
    return run_again()


def _start(command: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _become(command)
        code = run_command()
    except BaseException:  # noqa: BLE001  # as Python does at its end
        traceback.print_exc()
    finally:
        os._exit(code)


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait(pid: int) -> int | str:
    ends = time.monotonic() + PATIENCE_S
    pause = 0.0005
    while time.monotonic() < ends:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hung"


def _become(command: dict[str, Any]) -> None:
    os.chdir(command["folder"])
    for target, name in ((1, command["out"]), (2, command["err"])):
        open_as(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, target)
    open_as(os.devnull, os.O_RDONLY, 0)
    if command["closed"]:
        sys.stdout = None
        os.close(1)
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv = ["reconciler", *command["arguments"]]
    _wait_briefly()
    if command["disk"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (command["disk"], command["disk"]))
    if command["crash"]:
        vars(journal_file)["os"] = _Crash(**command["crash"])


def _wait_briefly() -> None:
    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, _SHORTEST_S))

    server.ServerOptions.reader.__wrapped__.__kwdefaults__["sleep"] = sleep  # type: ignore[attr-defined]
    vars(signals)["time"] = SimpleNamespace(monotonic=lambda: time.monotonic() * 1000, sleep=sleep)


class _Crash:
    """The `os` of journal_file.py, which kills the process at the n-th line: before it, in its middle, or behind it."""

    def __init__(self, line: int, where: str) -> None:
        self._line, self._where = line, where
        self._lines = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, fd: int, data: bytes) -> int:
        self._lines += 1
        if self._lines != self._line:
            return os.write(fd, data)
        if self._where != "before":
            os.write(fd, data if self._where == "behind" else data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


if __name__ == "__main__":
    main()
