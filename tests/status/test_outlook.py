"""`plan` looks ahead and back: the forecast of the people concerned, and the replay of a month, against the sandbox."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.people.effects import Unseen
from reconciler.core.plan.plan import Plan
from reconciler.formats.documents import load
from reconciler.render.outlook import outlook_sentences
from reconciler.sandbox import Fault
from tests.cli.goldens import assert_golden
from tests.cli.running import Shell
from tests.status.helpers import GOLDEN, company, settled

POLICY = """\
version: 1
organization: acme
group_budgets:
  - {group: web, limit: $290}
  - {group: payments, limit: $600}
"""


def test_a_plan_says_who_reaches_their_new_limit_and_what_october_would_have_been(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin") as sandbox:
        ran = shell.run(
            "plan", "--replay", "2026-10", "--save=markdown=plan.md", "--save=html=plan.html", "--save=json=p.json"
        )
        assert_golden(GOLDEN / "outlook.text", _still(settled(ran.out, sandbox)))
        assert_golden(GOLDEN / "outlook.md", settled(Path("plan.md").read_text("utf-8"), sandbox))
        page = Path("plan.html").read_text("utf-8")
        assert "Replay of 2026-10" in page
        assert "What people of each group spent in 2026-10" in page
        body = shell.run("show", "p.json", "--json").document
        spent = sandbox.execute(
            "SELECT sum(cost_micros), count(DISTINCT user_id) FROM ai_daily_spend "
            "WHERE day >= '2026-10-01' AND day < '2026-11-01' AND cost_micros > 0"
        )
    assert (body["replay"]["spent_micros"], body["replay"]["people"]) == spent[0]
    assert body["forecast"]["pace"]["days"] == 7
    assert [reach["username"] for reach in body["forecast"]["people"]]
    assert body["replay"]["after"]["stopped_people"] >= body["replay"]["before"]["stopped_people"]


def test_of_whom_it_is_not_known_nobody_is_said_to_stay_below_their_limit(shell: Shell) -> None:
    """ "Nobody reaches their new limit" was said of a plan that also concerns people whose spend cannot be read."""
    shell.policy(re.sub(r"\$\d+", "$9999", POLICY))
    with company(shell, role="user-admin") as sandbox:
        known = shell.run("plan").out
        ((web,),) = sandbox.execute("SELECT id FROM groups WHERE name = 'web'")
        sandbox.fault(Fault("status", path="*/ai/spend/export", status=403, times=999))
        sandbox.fault(Fault("status", path=f"*/groups/{web}/members/ai/spend", times=999))
        ran = shell.run("plan")
    assert " nobody reaches their new limit before 2026-12-01. With today's limits:" in known
    assert " nobody whose limit and spend are known reaches their new limit before 2026-12-01." in ran.out


def test_where_members_are_hidden_nobody_is_said_to_stay_below_their_limit(shell: Shell) -> None:
    shell.policy(re.sub(r"\$\d+", "$9999", POLICY))
    with company(shell, role="user-admin"):
        plan = load(shell.run("plan", "--json").out, source="the plan")
    assert isinstance(plan, Plan)
    unseen = Unseen(address="group/acme/web", organization="acme", members=1, is_raise=True)
    hidden = replace(plan, effects=replace(plan.effects, unseen=(unseen,)))
    assert " nobody reaches their new limit before " in outlook_sentences(plan)[0]
    assert " nobody whose limit and spend are known reaches their new limit before " in outlook_sentences(hidden)[0]


@pytest.mark.parametrize("command", [["plan"], ["plan", "--replay", "2026-10"], ["drift", "--people", "then.json"]])
def test_every_request_is_counted_those_that_look_ahead_and_back_too(shell: Shell, command: list[str]) -> None:
    shell.policy(POLICY)
    with company(shell, role="owner") as sandbox:
        assert shell.run("snapshot", "-o", "then.json").code == 0
        sandbox.forget_requests()
        ran = shell.run(*command)
        sent = len(sandbox.requests)
    assert f"Read {sent} requests in" in ran.out


def test_the_replay_agrees_with_the_database(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin") as sandbox:
        body = shell.run("plan", "--replay", "2026-10", "--json").document["replay"]
        limits = {user: limit for user, _, limit, _, _ in sandbox.effective()}
        rows = sandbox.execute(
            "SELECT user_id, day, sum(cost_micros) FROM ai_daily_spend "
            "WHERE day >= '2026-10-01' AND day < '2026-11-01' GROUP BY 1, 2 ORDER BY 2"
        )
    total: dict[str, int] = {}
    days: dict[str, str] = {}
    for user, day, micros in rows:
        total[user] = total.get(user, 0) + micros
        limit = limits.get(user)  # nobody's, of a person who is gone
        if limit is not None and total[user] >= limit:
            days.setdefault(user, f"{day}T00:00:00Z")
    assert {person["user_id"]: person["on"] for person in body["before"]["stopped"]} == days
    assert body["before"]["unspent_micros"] == sum(total[user] - (limits[user] or 0) for user in days)


def test_one_export_when_only_the_sum_is_wanted(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin") as sandbox:
        sandbox.forget_requests()
        whole = shell.run("plan", "--no-forecast", "--replay", "2026-10", "--json").document["replay"]
        assert sum("export" in request.path for request in sandbox.requests) in (31, 32)
        sandbox.forget_requests()
        in_one = ("plan", "--no-forecast", "--replay", "2026-10", "--replay-days", "1")
        total = shell.run(*in_one, "--json").document["replay"]
        assert sum("export" in request.path for request in sandbox.requests) in (1, 2)
        text = shell.run(*in_one).out
    assert "its sum alone" in text
    assert (total["windows"], whole["windows"]) == (1, 31)
    assert total["groups"] == whole["groups"]
    for side in ("before", "after"):
        assert {row["user_id"] for row in total[side]["stopped"]} == {row["user_id"] for row in whole[side]["stopped"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--replay", "2026-13"], "is not a month"),
        (["--replay", "october"], "is not a month"),
        (["--replay", "2026-01"], "The spend of 2026-01 in acme cannot be read"),
        (["--replay", "2026-12"], "2026-12 has no complete day yet"),
    ],
)
def test_a_month_that_cannot_be_replayed(shell: Shell, arguments: list[str], message: str) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin"):
        ran = shell.run("plan", *arguments)
    assert (ran.code, message in ran.err) == (1, True)


def test_this_month_is_replayed_as_far_as_it_went(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin"):
        body = shell.run("plan", "--replay", "2026-11", "--json").document["replay"]
    assert body["month"] == {"start": "2026-11-01T00:00:00Z", "end": "2026-11-23T00:00:00Z"}


def test_a_month_in_which_nobody_is_stopped_says_so(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin"):
        replayed = ("plan", "--no-forecast", "--replay", "2026-10", "--replay-days", "1", "--json")
        plan = load(shell.run(*replayed).out, source="the plan")
    assert isinstance(plan, Plan)
    assert plan.replay is not None
    nobody = replace(plan.replay.after, stopped=(), unlimited=2, unknown=1)
    sentences = outlook_sentences(replace(plan, replay=replace(plan.replay, after=nobody)))
    says = "  this policy: nobody would have been stopped; 2 without a limit; 1 whose limit is not known."
    assert says in sentences


def test_a_server_without_export_has_no_replay_and_no_forecast(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin", coder_version="2.35"):
        ran = shell.run("plan", "--json")
        assert ran.document["forecast"] is None
        assert "no spend export" in shell.run("plan", "--replay", "2026-10").err


def test_who_may_not_read_the_export_gets_the_pace_of_the_period(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin") as sandbox:
        sandbox.fault(Fault("status", path="*/ai/spend/export", status=403, times=99))
        body = shell.run("plan", "--json").document["forecast"]
    assert body["pace"]["basis"] == "this-period"
    assert body["pace"]["days"] == 22


def test_a_forecast_that_cannot_be_made_takes_no_plan_with_it(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin") as sandbox:
        sandbox.fault(Fault("reset", path="*/ai/spend/export", times=999, after=1))
        ran = shell.run("plan", "--max-wait", "0", "--json")
        assert len(ran.document["actions"]) == 2
        assert ran.document["forecast"]["pace"]["basis"] == "this-period"
        sandbox.forget_faults()
        without = re.search(r"Read (\d+) requests", shell.run("plan", "--no-forecast").out)
        assert without is not None
        most = str(int(without[1]) + 1)
        ran = shell.run("plan", "--max-requests", most, "--json")
    assert len(ran.document["actions"]) == 2
    assert ran.document["forecast"]["pace"] is None
    assert "more are needed" in ran.document["forecast"]["reason"]


def test_no_forecast_asks_no_export(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin") as sandbox:
        sandbox.forget_requests()
        assert shell.run("plan", "--no-forecast", "--json").document["forecast"] is None
        assert sum("export" in request.path for request in sandbox.requests) <= 1  # what counts now


def test_a_plan_of_a_snapshot_has_the_same_forecast(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, role="user-admin"):
        shell.run("snapshot", "-o", "live.json")
        live, saved = shell.run("plan", "--json"), shell.run("plan", "--live", "live.json", "--json")
    assert live.document["forecast"] == saved.document["forecast"]
    assert live.document["forecast"]["people"]


def _still(text: str) -> str:
    """Drop the line that says how long the reading took."""
    return "\n".join(line for line in text.split("\n") if " requests in " not in line)
