"""What the tests of status, snapshots, forecasts and replays share: companies at one instant, and their policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import time_machine

from reconciler.sandbox import Options, Sandbox
from tests.cli.running import Shell

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"
COMPANY = "60-users,8-groups"


@contextmanager
def company(shell: Shell, *, seed: str = COMPANY, role: str = "auditor", **options: Any) -> Iterator[Sandbox]:
    """Connect the shell to a company that stands still at NOW, as does the clock of this process."""
    with Sandbox(Options(seed=seed, now=NOW, **options)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, role)
        yield sandbox


def settled(text: str, sandbox: Sandbox) -> str:
    """Return a text without what differs from run to run."""
    return text.replace(sandbox.url, "https://coder.example")


def document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
