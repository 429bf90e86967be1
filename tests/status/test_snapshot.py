"""Plans without a server: what a snapshot holds, that it plans as the server does, and what a redacted one hides."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from reconciler.core.budget import ABSENT, Budget, GroupId, OrganizationId, UserId
from reconciler.core.directory import User
from reconciler.core.moment import present
from reconciler.core.policy import Policy
from reconciler.core.recording import Recording, redact
from reconciler.core.snapshot import Snapshot
from reconciler.core.spend import Export, Window
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.formats import document
from reconciler.formats.documents import dump, load
from reconciler.formats.plan import dump_plan
from reconciler.money import Micros
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.operations.recorded import NOT_RECORDED, RecordedReader
from reconciler.operations.snapshot import record
from reconciler.sandbox import Sandbox
from tests.cli.goldens import assert_golden
from tests.cli.running import Shell
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW as AT
from tests.effects.worlds import World, group_of, limit
from tests.property.strategies import situations
from tests.status.helpers import COMPANY, GOLDEN, company, settled

POLICY = """\
version: 1
organization: acme
manage: {group_budgets: exact, user_overrides: exact}
group_budgets:
  - {group: platform, limit: $90}
  - {group: data, limit: none}
user_overrides:
  - {user: ana, group: platform, limit: $1500, expires: 2026-12-01}
"""
GROUPS = POLICY.replace("platform, limit: $90", "payments, limit: $300").split("user_overrides:\n")[0]


def without_source(body: Any) -> Any:
    """Return a plan without what says where it came from."""
    return {key: value for key, value in body.items() if key not in ("snapshot_at", "checksum")}


@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
@pytest.mark.parametrize(("seed", "policy"), [("demo", POLICY), (COMPANY, GROUPS)])
@pytest.mark.parametrize("role", ["user-admin", "auditor"])
def test_a_plan_of_a_snapshot_is_the_live_plan(shell: Shell, version: str, seed: str, policy: str, role: str) -> None:
    if version == "2.35" and "user_overrides:\n" in policy:
        policy = GROUPS.replace("payments", "platform")
    shell.policy(policy)
    with company(shell, role=role, seed=seed, coder_version=version):
        assert shell.run("snapshot", "-o", "live.json").code == 0
        live = shell.run("plan", "--json")
        status, explained = shell.run("status", "--json"), shell.run("explain", "audrey", "--json")
    shell.set(CODER_URL="", CODER_SESSION_TOKEN="")
    with company(shell, role=role, seed=seed):  # time stands still
        shell.set(CODER_URL="http://127.0.0.1:9", CODER_SESSION_TOKEN="")
        saved = shell.run("plan", "--live", "live.json", "--json")
        again = shell.run("status", "--live", "live.json", "--json")
        explained_again = shell.run("explain", "audrey", "--live", "live.json", "--json")
    assert (live.code, without_source(live.document)) == (saved.code, without_source(saved.document))
    assert live.document["snapshot_at"] is None
    assert saved.document["snapshot_at"] == "2026-11-23T12:00:00Z"
    assert without_source(status.document) == without_source(again.document)
    if seed == "demo":
        same = {"usage": None}
        assert without_source(explained.document) | same == without_source(explained_again.document) | same


def test_the_text_of_plan_status_and_explain_says_where_it_comes_from(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, seed="demo", role="user-admin") as sandbox:
        ran = shell.run("snapshot", "-o", "live.json")
        assert_golden(GOLDEN / "snapshot.text", settled(ran.err, sandbox))
        plan = shell.run("plan", "--live", "live.json")
        assert plan.err.startswith("Note: live state is from a snapshot of 2026-11-23T12:00:00Z, made now.")
        assert_golden(GOLDEN / "snapshot_plan.text", settled(plan.out, sandbox))
        shown = shell.run("show", "live.json")
        assert settled(shown.out, sandbox) == settled(ran.err, sandbox)
        for command in (("status",), ("explain", "ana")):
            assert (
                "From a snapshot of 2026-11-23T12:00:00Z; the server was not asked."
                in shell.run(*command, "--live", "live.json").out
            )
    assert stat.S_IMODE(os.stat("live.json").st_mode) == 0o600


def test_who_is_not_in_a_snapshot_may_be_newer(shell: Shell) -> None:
    """It said that they are unknown, and to remove the entry if they left."""
    with company(shell, seed="demo", role="user-admin"):
        shell.run("snapshot", "-o", "live.json")
        shell.policy(
            "version: 1\norganization: acme\ngroup_budgets: [{group: newest, limit: $5}]\n"
            "user_overrides: [{user: hired, group: platform, limit: $5}, {user: mia, group: platform, limit: $5}]\n"
        )
        live, saved = (shell.run("plan", *source, "--json").document for source in ((), ("--live", "live.json")))
    hints = [{row["address"]: row["hint"] for row in document["orphans"]} for document in (live, saved)]
    assert hints[0]["user/hired"] == "remove the entry if they left"
    assert hints[1] == {
        "group/acme/newest": "it may be newer than the snapshot; else remove the entry if the group is gone",
        "user/hired": "they may be newer than the snapshot, or in no organization; else remove the entry if they left",
        "user/mia": hints[0]["user/mia"],
    }


def test_an_absence_of_who_is_not_in_a_snapshot_is_not_said_to_be_there(shell: Shell) -> None:
    """It said that they are gone, and that the entry may be removed; hired since, their override would stay."""
    with company(shell, seed="demo", role="user-admin"):
        shell.run("snapshot", "-o", "live.json")
        shell.policy("version: 1\norganization: acme\nuser_overrides: [{user: hired, group: platform, limit: none}]\n")
        live = shell.run("plan").out
        saved = shell.run("plan", "--live", "live.json", "--save", "markdown=page.md", "--json").document
        text = shell.run("plan", "--live", "live.json").out
    says = "is gone, or has another name now, or is newer than the snapshot"
    assert "Entries that may be removed from the policy: 1 (user/hired is gone, or has another name now, " in live
    assert f"Entries of people and groups that are not in this snapshot: 1 (user/hired {says}, policies" in text
    assert "may be removed" not in text + Path("page.md").read_text("utf-8")
    assert [notice["kind"] for notice in saved["effects"]["notices"]] == ["not-in-snapshot"]


@pytest.mark.parametrize("command", ["explain", "status"])
def test_of_who_is_not_in_a_snapshot_no_other_token_is_advised(shell: Shell, command: str) -> None:
    with company(shell, seed="demo", role="user-admin"):
        shell.run("snapshot", "-o", "live.json")
        live, saved = shell.run(command, "hired"), shell.run(command, "hired", "--live", "live.json")
    assert (live.code, saved.code) == (1, 1)
    assert "check the name, or use a token that may see them; " in live.err
    says = "check the name, or leave out --live: who is newer, or in no organization, is not in the snapshot; "
    assert says in saved.err


def test_a_snapshot_that_does_not_say_where_groups_are_hidden_is_read(shell: Shell) -> None:
    """It was "not a reconciler snapshot that this tool wrote". Groups may be hidden anywhere, as far as it is known."""
    shell.policy("version: 1\norganization: acme\nmanage: {group_budgets: exact}\ngroup_budgets: []\n")
    with company(shell, seed="demo", role="owner"):
        shell.run("snapshot", "-o", "live.json")
    body = json.loads(Path("live.json").read_text("utf-8"))
    for key in ("hides_groups", "unpriced_requests", "checksum", "format", "version"):
        del body[key]
    Path("older.json").write_text(document.dump("reconciler snapshot", 1, body), encoding="utf-8")
    ran = shell.run("plan", "--live", "older.json")
    assert (ran.code, shell.run("explain", "ana", "--live", "older.json").code) == (1, 0)
    assert "acme" in ran.out + ran.err
    assert "0 to delete" not in ran.out


def test_apply_takes_no_plan_of_a_snapshot(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, seed="demo", role="user-admin") as sandbox:
        shell.run("snapshot", "-o", "live.json")
        refused = shell.run("plan", "--live", "live.json", "-o", "saved.plan")
        assert (refused.code, "--save json=FILE" in refused.err) == (1, True)
        shell.run("plan", "--live", "live.json", "--save=json=saved.plan")
        sandbox.forget_requests()
        ran = shell.run("apply", "saved.plan", "--auto-approve")
        assert ran.code == 3
        assert "was made from a snapshot of 2026-11-23T12:00:00Z; nothing was written" in ran.err
        assert not [request for request in sandbox.requests if request.method in ("PUT", "DELETE")]
        assert shell.run("apply", "--live", "live.json").code == 1


def test_what_is_no_snapshot(shell: Shell) -> None:
    Path("live.json").write_text("{}", encoding="utf-8")
    ran = shell.run("plan", "--live", "live.json")
    assert (ran.code, "live.json is not a snapshot" in ran.err) == (1, True)
    assert "name a file that `reconciler snapshot -o FILE` wrote" in ran.err, "and not to write one over it"


def test_a_redacted_snapshot_names_nobody(shell: Shell) -> None:
    with company(shell, seed="demo", role="user-admin") as sandbox:
        assert shell.run("snapshot", "-o", "live.json", "--redact").code == 0
        text = Path("live.json").read_text("utf-8")
        names = [name for (name,) in sandbox.execute("SELECT username FROM users WHERE length(username) > 3")]
        names += [name for (name,) in sandbox.execute("SELECT email FROM users WHERE email <> ''")]
        names += [name for (name,) in sandbox.execute("SELECT name FROM groups WHERE name <> 'Everyone'")]
        names += [name for (name,) in sandbox.execute("SELECT name FROM organizations")]
        names += [sandbox.url]
        assert [name for name in names if f'"{name}"' in text or "@" in text] == []
        live, hidden = shell.run("status", "--json"), shell.run("status", "--live", "live.json", "--json")
    assert live.document["total"] == hidden.document["total"]
    first = load(text, source="live.json")
    assert isinstance(first, Recording)
    assert redact(first).people == first.people or redact(first) != first


def test_stdout_gets_the_document(shell: Shell) -> None:
    with company(shell, seed="demo"):
        ran = shell.run("snapshot")
    assert json.loads(ran.out)["format"] == "reconciler snapshot"


@given(situations(unreadable=True))
def test_a_recorded_world_plans_as_the_world_does(situation: tuple[World, Snapshot, tuple[Policy, ...]]) -> None:
    _, snapshot, policies = situation
    reader = SnapshotReader(snapshot)
    text = dump(record(reader, at=AT))
    recording = load(text, source="live.json")
    assert isinstance(recording, Recording)
    assert dump(recording) == text
    request = PlanRequest(policies=policies, sources=(), moment=present(AT))
    results = []
    for each in (reader, RecordedReader(recording)):
        try:
            results.append(dump_plan(make_plan(request, each).plan))
        except (PolicyError, ReconcilerError) as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_what_was_not_recorded_is_unknown_and_nothing_can_be_written() -> None:
    recording = record(SnapshotReader(World({"acme": ["ana"]}, {"acme": 5}).snapshot()), at=AT)
    reader = RecordedReader(recording)
    assert reader.group_budgets([group_of("acme/new")]) == {GroupId("acme/new"): NOT_RECORDED}
    assert reader.spend({GroupId("acme/new"): [UserId("ana")]}) == {GroupId("acme/new"): {}}
    assert reader.log.changes(group_of("acme"), AT).reason
    assert reader.may_write(organizations=(), overrides=False)
    assert [reader.user_spend(UserId(name)) for name in ("ana", "eve")] == [None, None], "ana's limit is not recorded"
    assert isinstance(reader.budget(group_of("acme")), Budget)
    assert reader.budget(User(username="ana", id=UserId("ana"))) == ABSENT
    assert reader.budget(group_of("acme/new")) == reader.budget(User(username="eve", id=UserId("eve"))) == NOT_RECORDED
    assert reader.ai_sessions(UserId("ana"), AT) is None
    assert reader.find_users(["eve"]) == ()
    with pytest.raises(ReconcilerError, match="cannot be written to"):
        reader.reserve(1)


def test_what_a_person_spent_is_not_made_up_where_it_was_not_recorded() -> None:
    made = record(SnapshotReader(World({"acme": ["ana"]}, {"acme": 5}).snapshot()), at=AT)
    people = tuple(replace(row, reported=limit(5, "acme")) for row in made.people)
    known = replace(made, people=people, period=Window(start=AT, end=AT))
    assert RecordedReader(replace(known, spend={})).user_spend(UserId("ana")) is None
    spent = {GroupId("acme"): {UserId("ana"): Micros(7)}}
    found = RecordedReader(replace(known, spend=spent)).user_spend(UserId("ana"))
    assert found is not None
    assert (found.spend, found.effective) == (7, limit(5, "acme"))


def test_an_export_tells_of_the_organizations_that_are_asked_about() -> None:
    acme, beta = OrganizationId("acme"), OrganizationId("beta")
    recording = record(SnapshotReader(World({"acme": ["ana"], "beta": ["kim"]}).snapshot()), at=AT)
    window = Window(start=AT, end=AT + timedelta(days=1))
    booked = {GroupId(group): {UserId("ana"): Micros(1)} for group in ("acme", "beta", "gone")}
    export = Export(window=window, booked=booked, unpriced=(), left_out={acme: "no answer", beta: "no answer"})
    (told,) = RecordedReader(replace(recording, exports=(export,))).exports([acme], [window])
    assert (set(told.booked), set(told.left_out)) == ({"acme", "gone"}, {acme}), "a group that is gone may be of acme"


def test_a_recording_asks_no_more_than_bulk_reads(shell: Shell) -> None:
    with company(shell, seed="400-users,9-groups", role="auditor") as sandbox:
        shell.run("snapshot", "-o", "live.json")
        assert len(sandbox.requests) < 30
        assert isinstance(sandbox, Sandbox)
