"""The README cannot lie: its commands are run in order, and their outputs are what it shows.

`UPDATE_GOLDEN=1` writes what really happened into the README.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reconciler.cli.app import COMMANDS
from reconciler.cli.commands.demo import WRITTEN
from reconciler.sandbox import Options, Sandbox
from tests.patience import PATIENCE_S
from tests.readme.blocks import README, Command, File, blocks, moved, moved_back, settled, with_outputs, within_a_day

pytestmark = pytest.mark.every_day


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the README's commands print, run as a reader would run them."""
    return within_a_day(lambda: _run_all(tmp_path_factory.mktemp("reader")))


def _run_all(folder: Path) -> list[str]:
    with Sandbox(Options(seed="demo")) as sandbox:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CODER_URL": sandbox.url,
            "CODER_SESSION_TOKEN": sandbox.tokens["user-admin"],
        }
        return [_run(block, folder, environment) for block in _written(folder)]


def _written(folder: Path) -> list[Command]:
    """Write the files of the README; return its commands."""
    found = blocks(README.read_text(encoding="utf-8"))
    for file in (block for block in found if isinstance(block, File)):
        path = folder / file.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(moved(file.text, since=WRITTEN), encoding="utf-8")
    return [block for block in found if isinstance(block, Command)]


def _run(command: Command, folder: Path, environment: dict[str, str]) -> str:
    program, *arguments = shlex.split(command.line)
    assert program == "reconciler"
    answer = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return moved_back(settled(answer.stdout + answer.stderr), since=WRITTEN)


def test_outputs_are_what_the_commands_print(outputs: list[str]) -> None:
    text = README.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(with_outputs(text, outputs), encoding="utf-8")
        return
    commands = [block for block in blocks(text) if isinstance(block, Command)]
    shown = [command.shown(output) for command, output in zip(commands, outputs, strict=True)]
    assert [settled(command.output) for command in commands] == shown


def _comment() -> str:
    """Return the comment of a pull request with the first policy, as a quotation, without what differs between runs."""
    with Sandbox(Options(seed="demo")) as sandbox, tempfile.TemporaryDirectory() as folder:
        _written(Path(folder))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "CODER_URL": sandbox.url,
            "CODER_SESSION_TOKEN": sandbox.tokens["user-admin"],
        }
        line = "reconciler plan policies --format markdown --no-forecast"  # there is one on some days of a month
        text = _run(Command(line, ""), Path(folder), environment)
    shown = re.sub(r"<!--.*?-->\n?|<details>.*?</details>\n*", "", text, flags=re.DOTALL).strip()
    return "".join(f"> {line}".rstrip() + "\n" for line in shown.splitlines())


def test_the_comment_is_what_a_pull_request_gets() -> None:
    text, comment = README.read_text(encoding="utf-8"), within_a_day(_comment)
    before, begin, rest = text.partition("<!-- comment -->\n")
    shown, end, after = rest.partition("<!-- /comment -->")
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text("".join((before, begin, comment, end, after)), encoding="utf-8")
        return
    assert shown == comment


def test_safety_ends_in_a_refusal_then_a_consent_then_a_revert(outputs: list[str]) -> None:
    refused, consented, reverted = outputs[-3:]

    assert "nothing was written" in refused
    assert "Apply complete: 0 created, 1 updated, 0 deleted." in consented
    assert "Apply complete: 0 created, 1 updated, 0 deleted." in reverted


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`{command}" in README.read_text(encoding="utf-8")
