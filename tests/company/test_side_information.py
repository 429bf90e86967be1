"""Side information that fails does not take the answer with it."""

from __future__ import annotations

import pytest
import time_machine

from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import AS_IT_IS, NOW, Shell
from tests.company import live

DESIGN = (
    "version: 1\norganization: acme\nmanage: {group_budgets: listed}\ngroup_budgets: [{group: design, limit: $140}]\n"
)


SESSION = {"id": "s", "started_at": "2026-11-20T09:00:00Z", "models": [5]}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/ai-gateway/sessions", 500, "AI sessions could not be read: "),
        ("/users/*/ai/spend", 500, "Spend could not be read: "),
        ("/users/*/ai/spend", 403, "Spend could not be read: "),
    ],
)
def test_explain_answers_what_it_knows(path: str, status: int, said: str, shell: Shell) -> None:
    with Sandbox(Options(now=NOW)) as sandbox:
        sandbox.fault(Fault("status", path=f"*{path}*", status=status, times=99))
        ran = shell.connect(sandbox, "owner").run("explain", "carol")
    assert ran.code == 0
    assert "carol may spend $500.00 a month" in ran.out
    assert said in ran.out
    assert str(status) in ran.out


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("explain", "carol"), "*/ai-gateway/sessions"),
        (("explain", "carol"), "*/users/*/ai/spend"),
        (("plan",), "*/ai/spend/export"),
        (("plan", "--no-forecast", "--replay", "2026-10"), "*/ai/spend/export"),
        (("drift",), "*/audit"),
        (("status",), "*/ai/spend/export"),
    ],
)
def test_a_token_that_ends_meanwhile_ends_the_command(shell: Shell, command: tuple[str, ...], path: str) -> None:
    """It is not side information that cannot be read: whatever is asked next, nothing more will be told."""
    shell.policy(DESIGN)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        live.budget(sandbox, "design", 50)
        sandbox.fault(Fault("status", path=path, status=401, body={"message": "The session has expired."}, times=99))
        ran = shell.connect(sandbox, "owner").run(*command)
    assert ran.code == 1
    assert "401 The session has expired." in ran.err
    assert ran.out == ""


def test_a_sentence_of_what_could_not_be_read_ends_once(shell: Shell) -> None:
    with Sandbox(Options(now=NOW)) as sandbox:
        sandbox.fault(Fault("status", path="*/users/*/ai/spend", status=200, body=[]))
        ran = shell.connect(sandbox, "owner").run("explain", "carol")
        sandbox.fault(Fault("status", path="*/sessions", status=200, body={"sessions": [SESSION]}))
        ran_again = shell.run("explain", "carol")
    assert "/ai/spend: answer is a list, not an object.\n" in ran.out
    assert "sessions[0].models is a list with something else than texts in it.\n" in ran_again.out


def test_drift_shows_differences_although_the_audit_log_fails(shell: Shell) -> None:
    shell.policy(DESIGN)
    with Sandbox(Options(now=NOW)) as sandbox:
        live.budget(sandbox, "design", 5_000)
        sandbox.fault(Fault("status", path="*/audit*", status=500, times=99))
        ran = shell.connect(sandbox, "auditor").run("drift")
    assert ran.code == 2
    assert "group/acme/design  policy $140.00  live $5,000.00" in ran.out
    assert "Who changed it is not known: " in ran.out
    assert "500" in ran.out


@pytest.mark.parametrize(
    ("status", "body", "note"),
    [
        (200, {"expires_at": "2026-11-26T09:00:00Z"}, "Note: the token ends 2026-11-26 09:00 UTC: make a new one"),
        (200, {"expires_at": "2026-11-26T09:00:00Z", "login_type": "oidc"}, ""),
        (200, {"expires_at": "2027-11-26T09:00:00Z"}, ""),
        (200, {"expires_at": 5}, ""),
        (500, {"message": "An internal server error occurred."}, ""),
    ],
)
def test_drift_says_when_the_token_ends(shell: Shell, status: int, body: dict[str, object], note: str) -> None:
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        sandbox.fault(Fault("status", path="*/keys/*", status=status, body=body))
        ran = shell.connect(sandbox, "auditor").run("drift")
    assert (ran.code, ran.err.strip()[: len(note)] if note else ran.err.strip()) == (0, note)
    assert "No changes. Live budgets match the policy." in ran.out
