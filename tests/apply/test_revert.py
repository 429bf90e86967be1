"""Taking back what a run really did: of a whole run, a part of one, a revert; what has changed since is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.budget import Unknown
from reconciler.core.plan.outcome import Recorded, Result, replay
from reconciler.operations.revert import make_revert
from reconciler.sandbox import Fault, Options, Sandbox
from tests.apply.site import SEVEN, Site
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW, World, set_group, set_user
from tests.unit.test_core import STARTED

CONSENT = ("--allow", "REMOVES_LIMIT=99", "--allow", "BLOCKS_USERS=99", "--allow", "MASS_CHANGE=99")


def state(site: Site) -> list[object]:
    tables = ("group_ai_budgets", "user_ai_budget_overrides")
    keys = ("group_id", "user_id, group_id")
    return [
        site.sandbox.execute(f"SELECT {key}, spend_limit_micros FROM {table} ORDER BY 1")
        for key, table in zip(keys, tables, strict=True)
    ]


def applied(site: Site, *entries: str) -> Site:
    site.policy(*(entries or SEVEN))
    assert site.apply().code == 0
    return site


def test_a_run_its_revert_and_the_revert_of_that(site: Site) -> None:
    before = state(site)
    after = state(applied(site))
    for expected in (before, after, before):
        said = site.run("revert", str(site.journals[-1]), "--auto-approve", *CONSENT)
        assert said.code == 0, said.err
        assert expected == state(site)
        assert {row.action.cause.value for row in site.outcome.results} == {"revert"}
    assert len(site.journals) == 4


def test_of_a_part_of_a_run_only_that_part(site: Site) -> None:
    site.policy(*SEVEN)
    before = state(site)
    site.sandbox.fault(
        Fault("status", method="PUT", path=f"*/{site.id_of('platform')}/*", status=403, body={"message": "No."})
    )
    assert site.apply().code == 4
    said = site.run("revert", str(site.journals[-1]), "--auto-approve", *CONSENT)
    assert said.code == 0
    assert set(site.results) == {"user/ana", "user/eve"}
    assert before == state(site)


def test_of_a_run_that_was_killed_with_a_write_in_doubt(site: Site) -> None:
    site.policy(*SEVEN)
    before = state(site)
    assert site.apply("--parallelism", "1", crash={"line": 7, "where": "middle"}).code == -9
    assert list(site.results.values())[:3] == ["done", "done", "in-doubt"]
    assert site.budget("platform") == 600
    assert site.run("revert", str(site.journals[-1]), "--auto-approve", *CONSENT).code == 0
    assert before == state(site)


def test_what_a_killed_run_may_not_have_written_is_told_before_it_is_taken_back(site: Site) -> None:
    """It was killed between the line that announces the write and the write; then somebody else set the same."""
    site.policy("platform: $600")
    assert site.apply("--parallelism", "1", crash={"line": 2, "where": "behind"}).code == -9
    assert (site.writes, site.results) == ([], {"group/acme/platform": "in-doubt"})
    doubt = (
        "In doubt in that run, and taken back, too: group/acme/platform. "
        "Whether it wrote this is not known: somebody else may have set the same.\n"
    )
    assert doubt not in site.run("revert", str(site.journals[0]), *CONSENT).err, "live is as it was before that run"
    site.policy("platform: $600", "eng: $70")
    assert site.apply().code == 0
    said = site.run("revert", str(site.journals[0]), *CONSENT)
    assert (said.code, doubt in said.err, len(site.writes)) == (1, True, 2)
    of_the_other = site.run("revert", str(site.journals[-1]), "--auto-approve", *CONSENT)
    assert (of_the_other.code, "In doubt" in of_the_other.err) == (0, False)


def test_a_second_time_there_is_nothing_to_take_back(site: Site) -> None:
    applied(site)
    for _ in range(2):
        said = site.run("revert", str(site.journals[0]), "--auto-approve", *CONSENT)
        assert said.code == 0
    assert "Nothing to take back." in said.out
    assert len(site.writes) == 14
    assert len(site.journals) == 2


def test_what_has_changed_since_is_left_alone(site: Site) -> None:
    applied(site)
    site.sandbox.execute(*site.set_budget("platform", 777))
    said = site.run("revert", str(site.journals[0]), "--auto-approve", *CONSENT)
    assert said.code == 0
    assert "Left alone: group/acme/platform has changed since: it is $777.00." in said.out
    assert site.budget("platform") == 777
    assert len(site.results) == 6


@pytest.mark.parametrize("name", ["json", "markdown", "html", "github", "text"])
def test_every_page_says_what_is_left_alone_and_speaks_of_no_policy(site: Site, name: str) -> None:
    """Pages said "nothing to apply" or "Live budgets match the policy", and only stderr what was left as it is."""
    applied(site, "platform: $600")
    site.sandbox.execute(*site.set_budget("platform", 777))
    said = site.run("revert", str(site.journals[0]), "--auto-approve", "--format", name, "--save", "text=page.txt")
    assert (said.code, len(site.writes)) == (0, 1)
    assert "group/acme/platform has changed since: it is $777.00" in said.out.replace("`", "")
    assert "match the policy" not in said.out
    page = (site.folder / "page.txt").read_text()
    assert "Left alone: group/acme/platform has changed since: it is $777.00.\n" in page
    assert "Nothing to take back." in page


def test_a_deleted_group_and_a_person_who_left_theirs(site: Site) -> None:
    applied(site, "platform: $600", "finance: $80", "ana platform: none", "bob platform: $7")
    site.sandbox.execute("DELETE FROM groups WHERE name = 'finance'")
    site.sandbox.execute("DELETE FROM group_members WHERE user_id = ?", (site.id_of("ana"),))
    said = site.run("revert", str(site.journals[0]), "--auto-approve", *CONSENT)
    assert said.code == 0, said.err
    assert "Left alone: group/acme/finance is gone, or this token may not read it." in said.out
    assert "Left alone: user/ana is no longer a member of the group of $1,500.00 (platform)." in said.out
    assert set(site.results) == {"group/acme/platform", "user/bob"}
    assert (site.budget("platform"), site.override("bob"), site.override("ana")) == (500, 1500, None)


def test_a_group_that_this_token_may_not_read_is_not_said_to_be_left(site: Site) -> None:
    """It said that ana is no longer a member of labs/ml, which an admin of acme cannot know, and which is not so."""
    ana, ml = site.id_of("ana"), site.id_of("ml")
    site.sandbox.execute(
        "INSERT INTO organization_members SELECT user_id, (SELECT id FROM organizations WHERE name = 'labs'), roles, "
        "created_at, updated_at FROM organization_members WHERE user_id = ?",
        (ana,),
    )
    site.sandbox.execute("INSERT INTO group_members VALUES (?, ?)", (ana, ml))
    site.sandbox.execute("UPDATE user_ai_budget_overrides SET group_id = ? WHERE user_id = ?", (ml, ana))
    applied(site, "ana platform: $1,600")
    site.role = "organization-admin"
    said = site.run("revert", str(site.journals[0]), "--auto-approve", *CONSENT)
    assert said.code == 0
    assert f"Left alone: user/ana: the group of $1,500.00 ({ml}) is gone, or this token may not read it." in said.out


def test_a_person_who_is_gone(site: Site) -> None:
    applied(site, "bob platform: $7")
    site.sandbox.execute("UPDATE users SET deleted = 1 WHERE username = 'bob'")
    said = site.run("revert", str(site.journals[0]), "--auto-approve", *CONSENT)
    assert said.code == 0
    assert "Left alone: user/bob is gone" in said.out


def test_it_passes_through_the_same_gate(site: Site) -> None:
    applied(site, "eng: $70", "finance: $80")
    site.sandbox.execute(
        "DELETE FROM group_ai_budgets WHERE group_id = (SELECT id FROM organizations WHERE name = 'acme')"
    )
    said = site.run("revert", str(site.journals[0]), "--auto-approve")
    assert (said.code, len(site.writes)) == (3, 2)
    assert "REMOVES_LIMIT" in said.out + said.err
    assert site.run("revert", str(site.journals[0])).code in (1, 3)


def test_a_journal_of_another_deployment(site: Site) -> None:
    applied(site)
    with Sandbox(Options(seed="empty")) as other:
        token = other.tokens["user-admin"]
        said = site.run("revert", str(site.journals[0]), "--auto-approve", url=other.url, token=token)
        assert [request for request in other.requests if request.method in ("PUT", "DELETE")] == []
    assert said.code == 3
    assert "The journal is of the deployment" in said.err


def test_what_cannot_be_read_is_not_taken_back(site: Site) -> None:
    applied(site, "platform: $600")
    group = site.id_of("platform")
    site.sandbox.fault(Fault("raw", method="GET", path="*/groups/ai/spend", after=1, status=404, body={"message": "x"}))
    site.sandbox.fault(Fault("status", method="GET", path=f"*/{group}/ai/budget", times=20, status=500))
    said = site.run("revert", str(site.journals[0]), "--auto-approve", *CONSENT)
    assert said.code == 1
    assert len(site.writes) == 1


def test_it_says_that_the_policy_still_wants_it(site: Site) -> None:
    applied(site, "platform: $600")
    said = site.run("revert", str(site.journals[-1]), "--auto-approve", *CONSENT)
    sentence = "said $600.00 for group/acme/platform: if it still does, change it, or the next apply does it again."
    assert f"The policy of that run {sentence}" in said.err, "the policy of today may say something else"
    again = site.run("revert", str(site.journals[-1]), "--auto-approve", *CONSENT)
    assert "The policy" not in again.err, "the policy never wanted what a revert did"


def rewritten(site: Site, change: Callable[[dict[str, Any]], None]) -> str:
    """Write a copy of the first journal in which one subject is changed; return its path."""
    first, *others = site.journals[0].read_text().splitlines()
    event = json.loads(first)
    for action in event["actions"]:
        change(action)
        subject = action["subject"]
        is_user = subject["type"] == "user"
        action["address"] = (
            f"user/{subject['username']}" if is_user else f"group/{subject['organization']}/{subject['name']}"
        )
    addresses = [action["address"] for action in event["actions"]]
    lines = [json.loads(line) for line in others]
    for line in lines:
        if "address" in line:
            line["address"] = addresses[line["action"]]
    path = site.folder / "other.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (event, *lines)))
    return str(path)


def test_names_come_from_the_live_directory(site: Site) -> None:
    """A journal that calls platform `design` showed one name and would have written another group."""
    applied(site, "platform: $600", "ana platform: $1,600")

    def rename(action: dict[str, Any]) -> None:
        key = "username" if action["subject"]["type"] == "user" else "name"
        action["subject"][key] = "a\x1b[2J\n::error::b"
        action["before"]["group"]["name"] = "design"

    said = site.run("revert", rewritten(site, rename), "--auto-approve", *CONSENT)
    assert said.code == 0, said.err
    assert "group/acme/platform" in said.out
    assert "user/ana (platform)" in said.out
    assert "design" not in said.out
    assert set(site.results) == {"group/acme/platform", "user/ana"}
    assert (site.budget("platform"), site.override("ana")) == (500, 1500)


def test_a_group_of_another_organization_is_refused(site: Site) -> None:
    applied(site, "platform: $600")
    other = site.sandbox.execute("SELECT id FROM organizations WHERE name != 'acme'")[0][0]
    path = rewritten(site, lambda action: action["subject"].update(organization="beta", organization_id=other))
    said = site.run("revert", path, "--auto-approve", *CONSENT)
    assert (said.code, len(site.writes)) == (3, 1)
    assert "The journal calls group/acme/platform group/beta/platform, which is in another organization" in said.err


@pytest.mark.parametrize("id_", ["no-uuid", "../../users/me", ""])
def test_an_id_that_is_nobodys_is_left_alone(site: Site, id_: str) -> None:
    applied(site, "platform: $600")
    path = rewritten(site, lambda action: action["subject"].update(id=id_))
    said = site.run("revert", path, "--auto-approve", *CONSENT)
    assert (said.code, len(site.writes)) == (0, 1)
    assert "Left alone: group/acme/platform is gone, or this token may not read it." in said.out


def test_no_text_of_a_journal_reaches_the_terminal_as_it_is(site: Site) -> None:
    applied(site, "platform: $600")
    site.sandbox.execute(*site.set_budget("platform", 777))
    path = rewritten(site, lambda action: action["subject"].update(id="x", name="a\x1b[2J\n::error::b\u202e##[error]c"))
    for command in (("show", path), ("revert", path, "--auto-approve")):
        said = site.run(*command)
        text = said.out + said.err
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "##[" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_what_a_run_wrote_is_taken_back_unchanged_not_known_or_left_alone() -> None:
    members = {"acme": ["ana", "bob", "eve", "mia"], "acme/eng": ["ana"], "acme/lab": [], "acme/ops": [], "beta": []}
    then = World(
        {**members, "acme/gone": ["mia"], "acme/x": []},
        {"acme/eng": 20, "acme/ops": 30, "acme": 5, "beta": 1, "acme/x": 3},
        {"ana": (9, "acme/eng"), "bob": (9, "acme/eng"), "eve": (9, "acme/lab"), "mia": (9, "acme/gone")},
    )
    actions = (
        *(set_group(then, name, dollars) for name, dollars in (("acme/eng", 25), ("acme/ops", 31), ("acme", 6))),
        set_group(then, "beta", 2),
        *(set_user(then, name, None) for name in ("ana", "bob", "eve", "mia")),
        set_group(then, "acme/x", 4),
    )
    results = [Result.DONE, Result.DONE, Result.DONE, Result.IN_DOUBT, *[Result.DONE] * 4, Result.FAILED]
    recorded = [
        Recorded(action=i, address=action.address, result=result, detail="", at=NOW)
        for i, (action, result) in enumerate(zip(actions, results, strict=True))
    ]
    live = World(
        {**members, "acme/x": []},
        {"acme/eng": 25, "acme/ops": 30, "acme": 7, "beta": Unknown("500"), "acme/x": 4},
        hidden={"acme/lab": 1},
    )
    outcome = replay([replace(STARTED, actions=actions), *recorded])
    plan = make_revert(outcome, SnapshotReader(live.snapshot()), at=NOW)
    assert [(action.address, action.after) for action in plan.actions] == [
        (action.address, action.before) for action in (actions[4], actions[6], actions[0])
    ]
    assert (plan.unchanged, [row.subject.address for row in plan.unreadable]) == (1, ["group/beta/Everyone"])
    assert plan.left_alone == (
        "group/acme/Everyone has changed since: it is $7.00",
        "user/bob is no longer a member of the group of $9.00 (eng)",
        "user/mia: the group of $9.00 (acme/gone) is gone, or this token may not read it",
    )
