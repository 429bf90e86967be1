"""A command that shares a process with the commands before it does what a command in a process of its own does."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reconciler.sandbox import Options, Sandbox
from tests.chaos.commands import Command, Launcher
from tests.patience import wait_until

POLICY = """\
version: 1
organization: acme
manage: {group_budgets: listed, user_overrides: listed}
group_budgets:
  - {group: platform, limit: "$600"}
"""
_VARIES = re.compile(r"127[.]0[.]0[.]1:\d+|\d[.]\d s|\d+T\d+Z?|\d+-\d+-[\d:.T-]+Z?|\b[0-9a-f]{6,}\b")
"""The address, how long a read took, moments, and ids that are drawn."""
COMMANDS = (
    ("plan",), ("validate", "nothing.yaml"), ("no-such-command",), ("plan", "--json"), ("apply",),
    ("apply", "--auto-approve"), ("plan", "--detailed-exitcode"),
)  # fmt: skip


def test_a_shared_process_changes_nothing(launcher: Launcher, tmp_path: Path) -> None:
    assert said(launcher, tmp_path / "shared", is_shared=True) == said(launcher, tmp_path / "own", is_shared=False)


def said(launcher: Launcher, folder: Path, *, is_shared: bool) -> list[tuple[int | str, str, str]]:
    work = folder / "work"
    (work / "policies").mkdir(parents=True)
    (work / "policies" / "acme.yaml").write_text(POLICY)
    results = []
    with Sandbox(Options()) as sandbox:
        for number, arguments in enumerate(COMMANDS):
            command = Command(arguments, work, sandbox.url, sandbox.tokens["user-admin"], str(number))
            code = launcher.run(command) if is_shared else launcher.wait(launcher.start(command))
            results.append((code, command.out.read_text(), command.err.read_text()))
    return [(code, _VARIES.sub("#", out), _VARIES.sub("#", err)) for code, out, err in results]


def test_commands_run_beside_each_other(launcher: Launcher, tmp_path: Path) -> None:
    """The first goes on when somebody opens its output to read it, and nobody does before the second has ended."""
    folder = tmp_path / "work"
    folder.mkdir()
    first, second = (Command(("validate", f"{name}.yaml"), folder, "", "", name) for name in ("first", "second"))
    os.mkfifo(first.out)
    with ThreadPoolExecutor() as pool:
        codes = pool.submit(launcher.run_beside, first, second)
        wait_until(lambda: second.err.exists() and "1 problem" in second.err.read_text())
        with first.out.open("rb"):
            assert codes.result() == [1, 1]
    assert first.err.read_text().startswith("first.yaml:1:1: there is no such file")
