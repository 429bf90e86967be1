"""Paths of the command line: standard input, and what looks like a policy and is not read."""

from __future__ import annotations

import io
import sys

import pytest

from reconciler.sandbox import Sandbox
from tests.cli.running import AS_IT_IS, AT, Shell

EXACT = "version: 1\norganization: acme\nmanage: {group_budgets: exact}\n"
DESIGN = "version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: $140}]\n"


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_while_a_file_is_hidden_nothing_is_removed_for_not_being_listed(coder: Shell, command: str) -> None:
    coder.policy(EXACT, "policies/head.yaml")
    coder.policy(DESIGN, "policies/.design.yaml")
    ran = coder.run(command, *AT)
    assert "Not read: policies/.design.yaml: a name in its path begins with a dot" in ran.err
    assert "removals withheld" in ran.out
    assert "0 to delete" in ran.out or "No changes" in ran.out
    coder.policy(DESIGN, "policies/design.yaml")
    (coder.folder / "policies" / ".design.yaml").unlink()
    ran = coder.run("plan", *AT)
    assert "Not read" not in ran.err
    assert "- group/acme/" in ran.out


def test_a_policy_from_standard_input(coder: Shell, company: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["validate", "-"], ["plan", "-", *AT], ["drift", "-", *AT]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(AS_IT_IS.encode())))
        assert coder.run(*command).code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"version: 1\n")))
    ran = coder.run("validate", "-")
    assert (ran.code, ran.err.split(" ")[0]) == (1, "<stdin>:1:1:")


def test_a_fragment_alone_removes_nothing(coder: Shell) -> None:
    coder.policy(DESIGN, "fragment.yaml")
    ran = coder.run("plan", "fragment.yaml", *AT)
    assert "0 to delete" in ran.out
