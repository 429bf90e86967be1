"""`--help` is click's own, kept in files so that showing it imports nothing; these tests keep the two the same."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import reconciler
from reconciler.cli import entry
from reconciler.cli.app import COMMANDS, run
from tests.cli.goldens import assert_golden
from tests.cli.running import Shell

HELP = Path(entry.__file__).parent / "help"
KEPT_WITH = "8.5."
"""The click whose texts are kept."""
HEAVY = ("click", "httpx", "jsonschema", "yaml", "asyncio", "ssl")


def clicks_own(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run([*arguments, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["_all", *COMMANDS])
def test_the_kept_help_is_clicks_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = clicks_own(capsys, *([] if name == "_all" else [name]))
    if version("click").startswith(KEPT_WITH):
        assert_golden(HELP / f"{name}.txt", text)
    else:  # another click has another layout, and the same words
        kept = (HELP / f"{name}.txt").read_text(encoding="utf-8")
        assert set(re.findall(r"--[a-z-]+", text)) == set(re.findall(r"--[a-z-]+", kept))


def test_no_help_is_kept_of_a_command_that_does_not_exist() -> None:
    assert sorted([*COMMANDS, "_all"]) == sorted(file.stem for file in HELP.iterdir())


def test_clicks_own_help_does_not_depend_on_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = clicks_own(capsys, "plan")
    monkeypatch.setenv("COLUMNS", "200")
    assert narrow == clicks_own(capsys, "plan")


@pytest.mark.parametrize("name", ["_all", *COMMANDS])
def test_help_fits_a_terminal_and_says_something(name: str) -> None:
    text = (HELP / f"{name}.txt").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) > 5
    undescribed = [line for line in text.splitlines() if line.startswith("  --") and len(line.split("  ")) == 2]
    described_below = [line for line in undescribed if text.split(line + "\n")[1].startswith(" " * 20)]
    assert described_below == undescribed, "an option without a description"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], [], ["plan", "-h"], ["--version"]])
def test_what_is_looked_up_is_answered(shell: Shell, arguments: list[str]) -> None:
    ran = shell.process(*arguments)
    assert (ran.code, ran.err) == (0, "")
    expected = {"plan": "plan", "--version": ""}.get(arguments[0] if arguments else "", "_all")
    text = (HELP / f"{expected}.txt").read_text(encoding="utf-8") if expected else ""
    assert (text or f"reconciler {reconciler.__version__}\n") == ran.out


@pytest.mark.parametrize("name", ["../help/plan", "_all", "nosuch"])
def test_help_of_what_is_no_command(shell: Shell, name: str) -> None:
    ran = shell.process(name, "--help")
    assert (ran.code, ran.out) == (1, "")
    assert f"There is no command {name!r}" in ran.err


def imported_by(*arguments: str) -> set[str]:
    code = (
        f"import sys; sys.argv = ['reconciler', *{list(arguments)!r}]\n"
        "from reconciler.cli import entry; entry.main()\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "--help"]])
def test_looking_something_up_imports_nothing(arguments: list[str]) -> None:
    imported = imported_by(*arguments)
    assert not imported & set(HEAVY)
    assert {"reconciler", "reconciler.cli", "reconciler.cli.entry"} == {m for m in imported if m.startswith("recon")}


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [(["validate"], {"click", "yaml"}), (["schema", "plan"], {"click"}), (["show", "x"], {"click"})],
)
def test_a_command_imports_nothing_heavy_that_it_does_not_need(arguments: list[str], needed: set[str]) -> None:
    assert imported_by(*arguments) & {*HEAVY, "starlette", "uvicorn", "sqlite3"} <= needed


def test_a_plan_does_not_load_the_command_line_of_httpx() -> None:
    code = "import sys, reconciler.coder.client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "httpx" in done.stdout.split()
    assert not {"rich", "pygments"}.intersection(done.stdout.split())


def test_a_plan_of_nothing_loads_no_room_that_it_does_not_enter(coder: Shell) -> None:
    coder.policy("version: 1\norganization: acme\nmanage: {group_budgets: listed}\n")
    imported = imported_by("plan")
    assert "reconciler.operations.plan" in imported
    entered_by_others = {
        "coder": ("activity", "audit_log", "prices", "token", "writer"),
        "operations": ("attribution", "authors", "outlook", "pace", "recorded"),
    }
    unwanted = {f"reconciler.{room}.{name}" for room, names in entered_by_others.items() for name in names}
    assert unwanted & imported == set()
