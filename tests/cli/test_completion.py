"""Completion as a shell asks for it: a process with click's variables; and in real shells, where they are here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import AS_IT_IS, BLOCKS_BOB, RAISE_PLATFORM, Shell


def offered(shell: Shell, *words: str, incomplete: str = "") -> list[str]:
    """Return what bash would be offered after these words."""
    shell.set(
        _RECONCILER_COMPLETE="bash_complete",
        COMP_WORDS="\n".join(["reconciler", *words, incomplete]),
        COMP_CWORD=str(len(words) + 1),
    )
    ran = shell.warm()
    assert (ran.code, ran.err) == (0, "")
    return [line.partition(",")[2] for line in ran.out.splitlines() if line.startswith("plain,")]


def test_commands_are_offered_although_no_arguments_show_the_help(shell: Shell) -> None:
    assert offered(shell, incomplete="exp") == ["export", "explain"]


def test_options_are_offered(shell: Shell) -> None:
    assert offered(shell, "apply", incomplete="--auto") == ["--auto-approve"]


def test_nothing_is_offered_after_a_command_that_does_not_exist(shell: Shell) -> None:
    """Not even a traceback, which a shell would show in the middle of the line."""
    offered(shell, "vlidate", incomplete="--")
    assert offered(shell, "vlidate", "policies", incomplete="x") == []


def test_hazards_are_offered(shell: Shell) -> None:
    assert offered(shell, "plan", "--allow", incomplete="B") == ["BLOCKS_USERS=1"]


def test_organizations_and_addresses_of_the_policies_are_offered(shell: Shell) -> None:
    shell.policy(RAISE_PLATFORM)
    shell.policy(BLOCKS_BOB, "policies/bob.yaml")
    assert offered(shell, "export") == ["acme"]
    assert offered(shell, "plan", "--only", incomplete="group/") == ["group/acme/*", "group/acme/platform"]
    assert offered(shell, "plan", "--only", incomplete="user/") == ["user/*", "user/bob"]


def test_a_policy_with_problems_offers_nothing_and_says_nothing(shell: Shell) -> None:
    shell.policy("version: [")
    assert offered(shell, "export") == []


def test_saved_plans_and_journals_are_offered(coder: Shell) -> None:
    coder.policy(AS_IT_IS)
    assert coder.run("plan", "-o", "saved.plan").code == 0
    (coder.folder / ".reconciler").mkdir()
    (coder.folder / ".reconciler" / "run.jsonl").write_text('{"format": "reconciler journal", "version": 1}\n')
    (coder.folder / "other.json").write_text("{}")
    assert offered(coder, "apply") == ["saved.plan"]
    assert offered(coder, "show") == ["saved.plan", ".reconciler/run.jsonl"]
    assert offered(coder, "revert") == [".reconciler/run.jsonl"]


SHELLS = {
    "bash": "source /dev/stdin; COMP_WORDS=(NAME apply --auto-a); COMP_CWORD=2; FUNCTION NAME; echo ${COMPREPLY[@]}",
    "zsh": "autoload -U compinit; compinit -D; source /dev/stdin; print ${_comps[NAME]}",
    "fish": "source -; complete -C 'NAME apply --auto-a'",
}
EXPECTED = {"bash": "--auto-approve", "zsh": "FUNCTION", "fish": "--auto-approve"}


@pytest.mark.parametrize("program", SHELLS)
@pytest.mark.parametrize("name", ["reconciler", "coder-budgets"])
def test_a_real_shell_completes(program: str, name: str, shell: Shell, tmp_path: Path) -> None:
    script = shell.process("completion", program)
    assert (script.code, script.err) == (0, "")
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    (commands / name).chmod(0o755)
    function = f"_{name.replace('-', '_')}_completion"
    line = SHELLS[program].replace("NAME", name).replace("FUNCTION", function)
    environment = shell.clean() | {"PATH": f"{commands}:{shell.clean()['PATH']}"}
    done = subprocess.run(
        [program, *(["--norc"] if program == "bash" else []), "-c", line],
        input=script.out, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert EXPECTED[program].replace("FUNCTION", function) in done.stdout, done.stderr
