"""No name that Coder gives can command a CI runner that shows what a command prints: `##[` and `##vso[` anywhere in a
line, `::` at its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from reconciler.cli.app import COMMANDS
from reconciler.sandbox import Sandbox
from tests.cli.running import AT, COMPANY, Ran, Shell

SETS_A_PATH, IS_AN_ERROR, STOPS = "##vso[task.setvariable variable=PATH]x", "##[error]x", "::stop-commands::x"
COMMAND = re.compile(r"##(?:vso)?\[|^[ \t]*::", re.IGNORECASE | re.MULTILINE)
HOSTILE = (
    ("groups", SETS_A_PATH, "platform"), ("groups", IS_AN_ERROR, "data"), ("groups", STOPS, "design"),
    ("users", IS_AN_ERROR, "bob"), ("users", STOPS, "ana"), ("organizations", SETS_A_PATH, "acme"),
)  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Iterator[Sandbox]:
    with Sandbox(COMPANY) as sandbox:
        for table, name, before in HOSTILE:
            column = "username" if table == "users" else "name"
            sandbox.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (name, before))
        yield sandbox


@pytest.fixture
def ready(shell: Shell, hostile: Sandbox) -> Shell:
    return shell.connect(hostile, "owner")


def harmless(ran: Ran) -> Ran:
    assert not COMMAND.search(ran.out + "\n" + ran.err)
    assert "Traceback" not in ran.err
    return ran


def test_an_export_is_the_same_policy_without_a_command_in_it(ready: Shell) -> None:
    exported = harmless(ready.run("export", SETS_A_PATH))
    policy = yaml.safe_load(exported.out)
    assert policy["organization"] == SETS_A_PATH
    assert {SETS_A_PATH, IS_AN_ERROR, STOPS} <= {entry["group"] for entry in policy["group_budgets"]}
    assert {IS_AN_ERROR, STOPS} <= {entry["user"] for entry in policy["user_overrides"]}
    ready.policy(exported.out)
    assert "No changes" in harmless(ready.run("plan", *AT)).out
    ready.policy(exported.out.replace("$500.00", "$600.00").replace("$1,500.00", "$1,400.00"))
    for command in ("plan", "status", "drift", "validate"):
        for choice in ("text", "json", "markdown", "html", "metrics"):
            harmless(ready.run(command, "--format", choice))
    for arguments in (["explain", IS_AN_ERROR], ["explain", "no" + STOPS], ["status", "no" + SETS_A_PATH], ["doctor"],
                      ["plan", "--only", "no" + SETS_A_PATH], ["export", STOPS], ["apply", "--expect-digest", STOPS],
                      ["plan", "--debug"]):  # fmt: skip
        harmless(ready.run(*arguments))


def test_the_files_that_are_listed(ready: Shell) -> None:
    """The name of an organization is a part of the name of its file; the folder's name is the user's own."""
    assert "vso[task" in harmless(ready.run("init", "here")).out
    assert "vso[task" in harmless(ready.run("export", "--all", "-o", STOPS)).out
    first = ready.folder / "here/policies" / f"{SETS_A_PATH}.yaml"
    assert yaml.safe_load(first.read_text(encoding="utf-8"))["organization"] == SETS_A_PATH


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("argument", [SETS_A_PATH, STOPS, f"--{IS_AN_ERROR}", f"--format={IS_AN_ERROR}"])
def test_wrong_usage(shell: Shell, command: str, argument: str) -> None:
    if command not in ("sandbox", "demo", "init") or argument.startswith("--"):
        harmless(shell.run(command, argument))


def test_colours_change_nothing(shell: Shell) -> None:
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: x, limit: 1e3}]\n", name=f"{STOPS}.yaml")
    ran = harmless(shell.run("validate", "--color", "always", f"{STOPS}.yaml"))
    assert "\n| ::stop" in "\n" + ran.err
