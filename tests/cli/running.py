"""The command line as the tests see it: a folder, an environment, and two ways to run a command in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.app import run
from reconciler.sandbox import Options, Sandbox
from tests.patience import PATIENCE_S
from tests.warm import warm_folder

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT = ("--at", "2026-11-23T12:00:00Z")
COMPANY = Options(now=NOW, dated=False)
"""Stands still at an instant, while the commands have the clock of the day: so it does not tell its time."""
RECONCILER = [sys.executable, "-m", "reconciler"]
HERE = Path(__file__).parent

RAISE_PLATFORM = """\
version: 1
organization: acme
manage: {group_budgets: listed, user_overrides: listed}
group_budgets:
  - group: platform
    limit: $1,000
"""
"""One update: platform has $500 in the demo company."""
AS_IT_IS = RAISE_PLATFORM.replace("$1,000", "$500")
"""No change at all."""
BLOCKS_BOB = """\
version: 1
organization: acme
manage: {group_budgets: listed, user_overrides: listed}
user_overrides:
  - {user: bob, group: platform, limit: $200}
"""
"""A hazard: bob has spent $212.10."""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; fails when there is anything else."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Shell:
    """`run` stays in this process and is fast; `process` and `warm` are for what only a whole process shows."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)

    def set(self, **variables: str) -> Shell:
        for name, value in variables.items():
            self.environment[name] = value
            self.monkeypatch.setenv(name, value)
        return self

    def connect(self, sandbox: Sandbox, role: str = "user-admin") -> Shell:
        return self.set(CODER_URL=sandbox.url, CODER_SESSION_TOKEN=sandbox.tokens[role])

    def policy(self, text: str, name: str = "policies/acme.yaml") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str | Path) -> Ran:
        self.capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ran(code, *self.capsys.readouterr())

    def process(self, *arguments: str | Path, **options: Any) -> Ran:
        return self._started(RECONCILER, arguments, options)

    def warm(self, *arguments: str | Path) -> Ran:
        """Run a process that is forked off a warm one: for what a start of Python has no part in."""
        return self._started([str(warm_folder() / "reconciler")], arguments, {})

    def _started(self, program: Sequence[str], arguments: Iterable[str | Path], options: Mapping[str, Any]) -> Ran:
        command = [*program, *map(str, arguments)]
        settings = {"capture_output": True, "stdin": subprocess.DEVNULL, "timeout": PATIENCE_S, **options}
        done = subprocess.run(command, cwd=self.folder, env=self.clean(), check=False, text=True, **settings)
        return Ran(done.returncode, done.stdout or "", done.stderr or "")

    def clean(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Nothing but what the test has set, and what pytest left for its children."""
        kept = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
        return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **kept, **self.environment, **(more or {})}
