"""A change of a policy, planned beside the policy before it."""

from __future__ import annotations

from reconciler.sandbox import Sandbox
from tests.cli.running import Shell

LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"


def plan(shell: Shell, sandbox: Sandbox, before: str, after: str, *options: str, code: int = 0) -> str:
    (shell.folder / "before.yaml").write_text(before)
    shell.policy(after)
    ran = shell.connect(sandbox, "auditor").run("plan", "--base", "before.yaml", *options)
    assert ran.code == code, ran.out + ran.err
    return ran.out
