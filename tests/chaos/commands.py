"""Starting commands, waiting for them and hurting them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Command:
    """One command to run, and what is wrong with its machine."""

    arguments: tuple[str, ...]
    folder: Path
    url: str
    token: str
    name: str
    """Of its output files."""
    is_cold: bool = False
    """Whether to start Python anew instead of forking."""
    is_closed: bool = False
    """Whether stdout is closed."""
    disk: int = 0
    """How many bytes a file may have; 0 for as many as it wants."""
    crash: dict[str, Any] = field(default_factory=dict)
    """For launcher.py: `kill -9` itself at a line of the journal."""

    @property
    def out(self) -> Path:
        return self.folder.parent / f"{self.name}.out"

    @property
    def err(self) -> Path:
        return self.folder.parent / f"{self.name}.err"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "CODER_URL": self.url,
            "CODER_SESSION_TOKEN": self.token,
            "NO_COLOR": "1",
        }

    @property
    def told(self) -> dict[str, Any]:
        """What launcher.py needs to know."""
        return {
            "arguments": self.arguments,
            "folder": str(self.folder),
            "environment": self.environment,
            "out": str(self.out),
            "err": str(self.err),
            "closed": self.is_closed,
            "disk": self.disk,
            "crash": self.crash,
        }


@dataclass(frozen=True)
class Running:
    """A command on its way."""

    pid: int
    process: subprocess.Popen[bytes] | None = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; one that ended already takes no harm, since nobody has waited for it yet."""
        if self.process is None or self.process.poll() is None:
            os.kill(self.pid, number)


class Launcher:
    """Runs commands: forked off a warm process, or cold."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.chaos.launcher"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def start(self, command: Command) -> Running:
        """Start a command in a process of its own, to send it signals."""
        return self._start_cold(command) if command.is_cold else Running(self._ask(start=command.told))

    def has_ended(self, running: Running) -> bool:
        """Tell whether a command has ended by itself; it still has to be waited for."""
        if running.process is not None:
            return running.process.poll() is not None
        return bool(self._ask(ended=running.pid))

    def wait(self, running: Running) -> int | str:
        """Return the exit code, negative for a signal, or `hung`."""
        if running.process is not None:
            try:
                return running.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
                return "hung"
        code: int | str = self._ask(wait=running.pid)
        return code

    def run(self, command: Command) -> int | str:
        """Run a command to its end."""
        return self.run_beside(command)[0]

    def run_beside(self, *commands: Command) -> list[int | str]:
        """Run commands beside each other to their ends. Those that nothing happens to need no process of their own."""
        if any(command.is_cold or command.is_closed or command.disk or command.crash for command in commands):
            return [self.wait(running) for running in [self.start(command) for command in commands]]
        codes: list[int | str] = self._ask(run=[command.told for command in commands])
        return codes

    def _start_cold(self, command: Command) -> Running:
        with open(command.out, "wb") as out, open(command.err, "wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.chaos.launcher", *command.arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=command.folder, env=command.environment,
            )  # fmt: skip
        return Running(process.pid, process)

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())
