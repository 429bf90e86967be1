"""Two clocks, by whole processes: the sandbox tells its time in `Date`, as Go's servers do, and can be moved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from reconciler.cli import applying
from reconciler.core.plan.outcome import Outcome
from reconciler.operations import apply
from reconciler.sandbox import Options, Sandbox
from reconciler.sandbox.clock import Clock
from reconciler.words import span
from tests.cli.running import NOW, Shell

DAYS_NOTE = (
    "Note: this machine's clock is 3 days behind Coder's; entries with a date between the two clocks are left alone.\n"
)
MINUTES_NOTE = (
    "Note: this machine's clock is 10 minutes behind Coder's; `starts` and `expires` follow this machine's clock.\n"
)
OWN_NOTE = "Note: this machine's clock is 3 days behind Coder's; dates follow this machine's clock.\n"
CODERS_NOTE = OWN_NOTE.replace("this machine's clock.", "Coder's clock.")
ASKED_NOTE = "Note: this machine's clock is {} behind Coder's; consents end by {}.\n"
LEFT_OUT = "has come by Coder's clock and not by this machine's; they are 3 days apart"
ANA = re.compile(r"^  [-+~] user/ana", re.MULTILINE)


@contextmanager
def company(shell: Shell, *, ahead: timedelta) -> Iterator[Sandbox]:
    """Live has $1,500 for ana and for bob. Ana's grant ends between clocks that are 3 days apart, bob's has ended."""
    now = datetime.now(UTC)
    with Sandbox(Options()) as sandbox:
        sandbox.set_now(now + ahead, stopped=False)
        shell.connect(sandbox)
        shell.policy(f"""\
version: 1
organization: acme
manage: {{user_overrides: exact}}
user_overrides:
  - {{user: ana, group: platform, limit: $1500, expires: {now + timedelta(days=1.5):%Y-%m-%dT%H:%M:%SZ}}}
  - {{user: bob, group: platform, limit: $1500, expires: {now - timedelta(days=1.5):%Y-%m-%dT%H:%M:%SZ}}}
  - {{user: victor, group: Everyone, limit: $80}}
""")
        yield sandbox


def overrides(sandbox: Sandbox) -> dict[str, int]:
    sql = "SELECT username, spend_limit_micros FROM user_ai_budget_overrides JOIN users ON users.id = user_id"
    return {
        str(name): int(limit) // 1_000_000 for name, limit in sandbox.execute(sql) if name in ("ana", "bob", "victor")
    }


def test_days_apart(shell: Shell) -> None:
    """It is said once by each command; the entry with a date between the clocks is left alone, and the rest is done."""
    with company(shell, ahead=timedelta(days=3)) as sandbox:
        for command in (["plan"], ["drift"], ["drift", "--accept", "user/victor", "--format", "json"]):
            ran = shell.warm(*command)
            assert ran.err.count(DAYS_NOTE) == ran.err.count("Note:") == 1, command
            assert LEFT_OUT in ran.out, command
            assert not ANA.search(ran.out), command
        accepted = (shell.folder / "policies/acme.yaml").read_text(encoding="utf-8")
        assert "$75.00" in accepted
        shell.policy(accepted.replace("$75.00", "$80"))

        due = shell.warm("apply", "--due", "--auto-approve")
        assert (due.code, due.err.count(DAYS_NOTE)) == (0, 1)
        assert overrides(sandbox) == {"ana": 1500, "victor": 75}, "bob's has ended by both clocks"
        applied = shell.warm("apply", "--auto-approve")
        assert (applied.code, applied.err.count(DAYS_NOTE)) == (0, 1)
        assert "Left out: 1 (user/ana)." in applied.out
        assert overrides(sandbox) == {"ana": 1500, "victor": 80}

        status = shell.warm("status")
        assert (status.code, status.err) == (0, CODERS_NOTE)
        doctor = shell.warm("doctor")
        assert "note  clock     the server's clock is 3 days ahead of ours\n" in doctor.out
        assert doctor.err == "", "the check tells it"


def test_days_apart_and_ana_is_not_accepted(shell: Shell) -> None:
    with company(shell, ahead=timedelta(days=3)):
        before = (shell.folder / "policies/acme.yaml").read_text(encoding="utf-8")
        ran = shell.warm("drift", "--accept", "user/ana")
        assert ran.err.count(DAYS_NOTE) == 1
        assert LEFT_OUT in ran.out + ran.err
        assert (shell.folder / "policies/acme.yaml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(("ahead", "note"), [(timedelta(minutes=10), MINUTES_NOTE), (timedelta(), "")])
def test_minutes_apart_and_not_apart(shell: Shell, ahead: timedelta, note: str) -> None:
    """Nothing is left alone."""
    with company(shell, ahead=ahead) as sandbox:
        assert shell.warm("drift").err == note
        applied = shell.warm("apply", "--auto-approve")
        assert (applied.code, applied.err.count(MINUTES_NOTE)) == (0, int(bool(note)))
        assert "Left out" not in applied.out
        assert overrides(sandbox) == {"ana": 1500, "victor": 80}
        check = "note  clock     the server's clock is 10 minutes ahead" if note else "ok    clock     agrees"
        assert check in shell.warm("doctor").out


@pytest.mark.parametrize(
    ("ahead", "note"),
    [
        (timedelta(days=3), ASKED_NOTE.format("3 days", "the clock that is ahead")),
        (timedelta(minutes=10), ASKED_NOTE.format("10 minutes", "this machine's clock")),
    ],
)
def test_nothing_is_left_alone_for_an_instant_that_was_asked_for(shell: Shell, ahead: timedelta, note: str) -> None:
    with company(shell, ahead=ahead) as sandbox:
        for command in (["plan"], ["drift"], ["apply", "--auto-approve"]):
            ran = shell.warm(*command, "--at", f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
            writes_now = ran.err.count("Note: the plan is for")
            assert (ran.err.count(note), ran.err.count("Note:") - writes_now) == (1, 1), command
            assert writes_now == ("apply" in command)
            assert LEFT_OUT not in ran.out, command
        assert overrides(sandbox) == {"ana": 1500, "victor": 80}


def test_a_command_without_dates_says_nothing_of_clocks(shell: Shell) -> None:
    with company(shell, ahead=timedelta(days=3)):
        assert shell.warm("export", "acme").err == ""
        assert "Note:" not in shell.warm("init", "new").err
        assert CODERS_NOTE in shell.warm("explain", "ana").err
        assert OWN_NOTE in shell.warm("snapshot", "-o", "live.json").err


@pytest.mark.parametrize("days", [2, 40])
def test_period_pace_and_replay_are_by_coders_clock(shell: Shell, days: int) -> None:
    """Period and spend are Coder's: by another clock a month had 71 days left, and the last days no spend."""
    now = NOW + timedelta(days=days)
    with Sandbox(Options(seed="20-users,5-groups", now=now)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "owner")
        status = shell.run("status", "--json").document
        pace = status["pace"]
        assert status["at"][:10] == f"{now:%Y-%m-%d}"
        assert (pace["basis"], pace["until"][:10]) == ("last-days", f"{now:%Y-%m-%d}")
        assert status["period"]["start"] <= status["at"] < status["period"]["end"]
        name = status["people"][0]["username"]
        assert f"{now:%Y-%m}-01" in shell.run("explain", name).out
        group = next(row["group"]["name"] for row in status["groups"] if row["group"]["name"] != "Everyone")
        organization = status["groups"][0]["group"]["organization"]
        shell.policy(f"version: 1\norganization: {organization}\ngroup_budgets: [{{group: {group}, limit: $5000}}]\n")
        plan = shell.run("plan", "--json").document
        assert plan["forecast"]["reason"] == ""
        assert shell.run("plan", "--replay", f"{now:%Y-%m}", "--json").document["replay"] is not None


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "rubbish", ""])
@pytest.mark.parametrize("version", ["2.35", "2.37"])
def test_a_date_that_cannot_be_coders_changes_no_period_and_no_pace(
    date: str, version: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy said it: by such a clock 20,788 days of the month were left, or there was no answer at all."""
    options = Options(
        seed="20-users,5-groups", now=NOW, coder_version=version, experiments=("ai-gateway-cost-control",)
    )
    with Sandbox(options) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "owner")
        name = shell.run("status", "--json").document["people"][0]["username"]
        commands = [("status",), ("explain", name)]
        expected = [shell.run(*command).out for command in commands]
        monkeypatch.setattr(Clock, "date", lambda _: date.encode())
        if version == "2.37":
            assert [shell.run(*command).out for command in commands] == expected
        else:  # it says no period that would tell
            assert [shell.run(*command).code for command in commands] == [0, 0]


SILLY = ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]
ENDING = """\
version: 1
organization: acme
user_overrides:
  - {user: bob, group: platform, limit: $900, expires: 2026-12-24}
"""


@pytest.mark.parametrize("date", SILLY)
def test_a_date_that_cannot_be_coders_moves_no_entry_and_is_told_by_no_command(
    date: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the year 9999 every entry with an end stood between two clocks, and was left alone."""
    monkeypatch.setattr(Clock, "date", lambda _: date.encode())
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "owner").policy(ENDING)
        commands = [["plan"], ["drift"], ["plan", "--at", "2026-12-01"], ["plan", "-o", "saved.plan"], ["status"]]
        for command in [*commands, ["explain", "bob"], ["apply", "saved.plan", "--auto-approve"]]:
            ran = shell.run(*command)
            assert "clock" not in ran.out + ran.err, command
        assert overrides(sandbox)["bob"] == 900
        assert " clock " not in shell.run("doctor").out


def test_where_our_own_clock_is_wrong_an_entry_between_two_clocks_is_left_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coder's own period tells that ours is wrong, too: it is not followed."""
    monkeypatch.setattr(Clock, "date", lambda _: SILLY[0].encode())
    wrong = NOW.replace(year=2020)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(wrong, tick=False):
        shell.connect(sandbox, "owner").policy(ENDING.replace("2026-12-24", "2026-01-01"))
        ran = shell.run("apply", "--auto-approve")
        assert "clock is " in ran.err
        assert overrides(sandbox)["bob"] == 1500


def test_clocks_that_differ_cost_no_request(shell: Shell) -> None:
    counts = []
    for days in (0, 2):
        options = Options(seed="20-users,5-groups", now=NOW + timedelta(days=days))
        with Sandbox(options) as sandbox, time_machine.travel(NOW, tick=False):
            assert shell.connect(sandbox, "owner").run("status").code == 0
            counts.append(len(sandbox.requests))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"), (-1, "1 second"), (59.4, "59 seconds"), (60, "1 minute"), (-3_540, "59 minutes"),
        (3_600, "1 hour"), (80_000, "22 hours"), (-86_400, "1 day"), (259_199, "3 days"), (1e9, "11,574 days"),
    ],
)  # fmt: skip
def test_a_span_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_each_command_that_writes_knows_when_it_began_to_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that did not say it would take what it read an hour ago for what it read just now."""
    read_from: list[datetime | None] = []

    def observed(*given: Any, **named: Any) -> Outcome:
        read_from.append(named["approval"].read_from)
        return really(*given, **named)

    really = apply.apply_plan
    monkeypatch.setattr(applying, "apply_plan", observed)
    text = "version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: $%d}]\n"
    with Sandbox(Options()) as sandbox:
        shell.connect(sandbox).policy(text % 175)
        assert shell.run("plan", "-o", "saved.plan").code == 0
        for command in ("apply saved.plan --journal it.jsonl", "revert it.jsonl", "apply"):
            read_from.clear()
            assert shell.run(*command.split(), "--auto-approve").code == 0
            assert len(read_from) == 1, command
            assert read_from[0] is not None, command
