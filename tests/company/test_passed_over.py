"""What `apply --due` leaves to a person, it says: live is not as the entry whose date came left it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine

from reconciler.sandbox import Options, Sandbox
from tests.cli.running import NOW, Shell
from tests.company import live
from tests.wire import send

POLICY = """\
version: 1
organization: acme
manage: {group_budgets: listed, user_overrides: listed}
user_overrides:
  - {user: bob, group: platform, limit: $700, expires: 2026-11-20}
  - {user: dan, group: platform, limit: $800, starts: 2026-11-22}
  - {user: carol, group: platform, limit: $800, starts: 2026-10-22}
"""
DUE = ("apply", "--due", "--auto-approve")
ENDED = "user/bob: its entry ended 2026-11-20, and live is $900.00 (platform), not the $700.00 that it granted"
BEGAN = "user/dan: its entry began 2026-11-22, and live is $55.00 (platform), not $800.00 (platform)"
WHAT_TO_DO = "`reconciler apply` without --due does what the policy says"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        for user, dollars in (("bob", 900), ("dan", 55), ("carol", 55)):
            live.override(sandbox, user, "platform", dollars)
        yield sandbox


def test_what_a_date_asks_for_and_live_does_not_explain_is_said(shell: Shell, sandbox: Sandbox) -> None:
    shell.connect(sandbox).policy(POLICY)
    saves = [f"--save={name}=due.{name}" for name in ("json", "markdown", "html", "github")]
    ran = shell.run(*DUE, *saves)
    assert ran.code == 0
    assert f"Left alone: {ENDED}.\nLeft alone: {BEGAN}.\n  {WHAT_TO_DO}" in ran.out
    assert ran.out.endswith("No changes; 2 entries left alone.\n")
    assert "carol" not in ran.out, "that she has another limit than an entry of last month is for `drift` to say"
    pages = {name: (shell.folder / f"due.{name}").read_text() for name in ("markdown", "html", "github")}
    words = [re.sub("`|</?code>", "", page) for page in pages.values()]
    assert all(ENDED in page and WHAT_TO_DO.replace("`", "") in page for page in words)
    assert "::warning title=AI budgets%3A left-alone::" in pages["github"]
    document = shell.run("show", "due.json", "--json").document
    assert document["plan"]["left_alone"] == [ENDED, BEGAN]


def test_what_was_set_again_to_the_same_amount_is_said_to_be_set_since(shell: Shell, sandbox: Sandbox) -> None:
    """The audit log tells it: this is an Owner's token."""
    shell.connect(sandbox, "owner").policy(POLICY)
    live.override(sandbox, "bob", "platform", 600)
    path = f"{sandbox.url}/api/v2/users/{live.user_id(sandbox, 'bob')}/ai/budget/override"
    body = {"spend_limit_micros": 700_000_000, "group_id": live.group_id(sandbox, "platform")}
    send("PUT", path, json=body, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    assert (
        "user/bob: its entry ended 2026-11-20, and live is $700.00 (platform), set since then." in shell.run(*DUE).out
    )


def test_nothing_is_said_of_what_is_done(shell: Shell, sandbox: Sandbox) -> None:
    shell.connect(sandbox).policy(POLICY.replace("$700", "$900").replace("$800", "$55"))
    assert "eft alone" not in shell.run(*DUE).out
    assert "eft alone" not in shell.run("plan").out
