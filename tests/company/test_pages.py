"""What each command says of what a company does to its policy, in full: golden texts with the exit code above them.

`UPDATE_GOLDEN=1 python -m pytest tests/company` writes the files anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import time_machine

from reconciler.sandbox import Options, Sandbox
from tests.cli.goldens import assert_golden
from tests.cli.running import NOW, Shell
from tests.company import live

GOLDEN = Path(__file__).parent / "golden"
LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
LABS = LISTED.replace("acme", "labs")
DESIGN = "group_budgets: [{group: design, limit: $140, reason: fewer seats}]\n"
CONTRACTOR = "user_overrides: [{user: contractor-x, group: Everyone, limit: $80, expires: 2027-10-01}]\n"
PLAN, DRIFT = ("plan",), ("drift",)


def _nothing(sandbox: Sandbox) -> None:
    """Live is as it is."""


@dataclass(frozen=True, kw_only=True)
class Case:
    policy: str
    commands: tuple[tuple[str, ...], ...]
    before: Callable[[Sandbox], None] = _nothing
    base: str = ""
    role: str = "user-admin"
    version: str = "2.37"


def _carol_ended(sandbox: Sandbox) -> None:
    live.budget(sandbox, "platform", 60)
    live.override(sandbox, "carol", "platform", 300)


def _hugo_would_be_free(sandbox: Sandbox) -> None:
    live.budget(sandbox, "ml", None, "labs")


def _bob_moved(sandbox: Sandbox) -> None:
    live.leave_group(sandbox, "bob", "platform")


ENDED = "user_overrides: [{user: carol, group: platform, limit: $300, expires: 2026-11-22}]\n"
GUARDRAILS = 'guardrails: {max_limit: $100, require_reason_above: $100, max_exposure: "$10,000"}\n'
AS_IT_IS = (
    LISTED + "group_budgets:\n  - {group: design, limit: $150}\n  - {group: research, limit: $800}\n" + GUARDRAILS
)

CASES = {
    "leaver": Case(
        policy=LISTED + DESIGN + CONTRACTOR,
        commands=(
            PLAN,
            ("plan", "--only", "group/*"),
            ("plan", "--exclude", "user/contractor-x"),
            DRIFT,
            ("apply", "--auto-approve"),
            ("apply", "--auto-approve", "--strict"),
        ),
    ),
    "leaver-standing": Case(
        policy=LISTED + DESIGN + CONTRACTOR, base=LISTED + CONTRACTOR, commands=(("plan", "--base", "base"),)
    ),
    "renamed": Case(
        policy=LISTED.replace("user_overrides: listed", "user_overrides: exact")
        + "user_overrides:\n  - {user: bobby, group: platform, limit: $1500}\n"
        + "  - {user: ana, group: platform, limit: $1500}\n",
        commands=(PLAN,),
    ),
    "wants-nothing-of-somebody-gone": Case(
        policy=LISTED
        + "group_budgets: [{group: gone, limit: none}]\nuser_overrides:\n"
        + "  - {user: contractor-x, group: Everyone, limit: $80, expires: 2026-10-01}\n"
        + "  - {user: gone, group: nogroup, limit: none}\n"
        + "  - {user: victor, group: nogroup, limit: $75, expires: 2026-11-20}\n"
        + "  - {user: not-hired-yet, group: newteam, limit: $80, starts: 2026-12-01}\n",
        commands=(PLAN, DRIFT),
    ),
    "moved-by-group-sync": Case(
        policy=LISTED + "user_overrides: [{user: bob, group: platform, limit: $1500}]\n" + DESIGN,
        before=_bob_moved,
        commands=(PLAN, DRIFT),
    ),
    "ended-yesterday": Case(
        policy=LISTED + DESIGN + ENDED,
        before=_carol_ended,
        commands=(PLAN, ("apply", "--due", "--auto-approve"), PLAN, DRIFT),
    ),
    "ended-and-would-be-unlimited": Case(
        policy=LABS
        + "group_budgets: [{group: robotics, limit: $301}]\n"
        + "user_overrides: [{user: hugo, group: ml, limit: $2000, expires: 2026-11-22}]\n",
        before=_hugo_would_be_free,
        commands=(
            PLAN,
            ("apply", "--auto-approve"),
            ("apply", "--due", "--auto-approve"),
            ("apply", "--due", "--auto-approve", "--format", "markdown"),
            ("apply", "--due", "--auto-approve", "--format", "github"),
        ),
    ),
    "grant-whose-end-frees-somebody": Case(
        policy=LABS + "user_overrides: [{user: hugo, group: ml, limit: $2500, expires: 2026-11-24}]\n",
        before=_hugo_would_be_free,
        commands=(PLAN,),
    ),
    "guardrails-introduced": Case(policy=AS_IT_IS, commands=(PLAN, DRIFT, ("apply", "--auto-approve"), ("validate",))),
    "guardrails-cut": Case(policy=AS_IT_IS.replace("$800", "$799"), commands=(PLAN,)),
    "guardrails-raise": Case(
        policy=AS_IT_IS.replace("$800", "$801"),
        base=AS_IT_IS,
        commands=(PLAN, ("plan", "--base", "base"), ("validate", "--base", "base")),
    ),
    "a-members-token": Case(
        policy=LISTED + "group_budgets: [{group: platform, limit: $1}]\n", role="member", commands=(PLAN,)
    ),
    "close-to-the-limit": Case(
        policy=LISTED + "user_overrides: [{user: carol, group: platform, limit: $96.41}]\n", commands=(PLAN,)
    ),
    "stock-2.35": Case(
        policy=LISTED.replace(", user_overrides: listed", "") + DESIGN,
        version="2.35",
        commands=(PLAN, DRIFT, ("apply", "--auto-approve"), PLAN, ("export", "acme")),
    ),
    "stock-2.35-with-overrides": Case(
        policy=LISTED + DESIGN + "user_overrides: [{user: bob, group: platform, limit: $5}]\n",
        version="2.35",
        commands=(PLAN,),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_texts_are_as_they_were_reviewed(name: str, shell: Shell) -> None:
    case = CASES[name]
    shell.policy(case.policy)
    if case.base:
        shell.policy(case.base, "base/acme.yaml")
    pages = []
    with Sandbox(Options(now=NOW, coder_version=case.version)) as sandbox, time_machine.travel(NOW, tick=False):
        case.before(sandbox)
        shell.connect(sandbox, case.role)
        for command in case.commands:
            ran = shell.run(*command)
            text = (ran.out + ran.err).replace(sandbox.url, "https://coder.example")
            pages.append(f"$ reconciler {' '.join(command)}\n{text.rstrip()}\nexit {ran.code}\n")
    assert_golden(GOLDEN / f"{name}.txt", _settled("\n".join(pages)))


def _settled(text: str) -> str:
    text = re.sub(r"Read [\d,]+ requests? in [\d.]+ s", "Read 9 requests in 0.1 s", text)
    return re.sub(r"\.reconciler/\S+", ".reconciler/JOURNAL.jsonl", text)
