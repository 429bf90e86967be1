"""An Organization Admin's token: what a plan does to people who are also in organizations that it may not read.

The truth is the sandbox's own SQL before and after the writes, read past every right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

import httpx
import pytest

from reconciler.core.people.agreement import UNCONFIRMED
from reconciler.core.people.effects import Effects
from reconciler.operations.review import find_effects
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Fault, Options, Sandbox
from tests.chaos.company import insert
from tests.cli.running import Shell
from tests.coder.helpers import asked, sandbox_and_reader
from tests.company import live
from tests.effects.test_operation import policy, propose, write

Limit = tuple[int | None, str | None]
DOLLARS = (None, 0, 20, 50, 100, 300, 700)
WORLDS = 25


def _shuffle(sandbox: Sandbox, chance: Random, *, with_staff: bool) -> dict[str, int | None]:
    """Put a third of acme into labs, draw the budgets and what people spent; return new budgets for groups of acme."""
    labs = live.group_id(sandbox, "Everyone", "labs")
    people = [str(row[0]) for row in sandbox.execute("SELECT id FROM users WHERE NOT deleted ORDER BY id")]
    staff = {str(row[0]) for row in sandbox.execute("SELECT user_id FROM api_keys")}
    moved = [person for person in people if (with_staff or person not in staff) and chance.random() < 0.3]
    columns = "organization_members (user_id, organization_id, created_at, updated_at)"
    rows_of_moved = [(person, labs, live.TIME, live.TIME) for person in moved]
    insert(sandbox, columns, rows_of_moved, verb="INSERT OR IGNORE")
    sandbox.execute("DELETE FROM ai_daily_spend")
    rows = [(str(row[0]), str(row[1])) for row in sandbox.execute("SELECT name, organization_id FROM groups")]
    for name, organization in rows:
        live.budget(sandbox, name, chance.choice(DOLLARS), "labs" if organization == labs else "acme")
    groups = [str(row[0]) for row in sandbox.execute("SELECT id FROM groups ORDER BY id")]
    today = datetime.now(UTC).date().isoformat()  # SQLite's own clock is not stopped on other days
    spent = [
        (person, group, today, "p", "p", "m", "c", 1, 1, 0, 0, chance.choice((10, 60, 200, 800)) * 1_000_000)
        for person in people
        for group in chance.sample(groups, 2)
    ]
    columns = (
        "ai_daily_spend (user_id, group_id, day, provider, provider_name, model, client, "
        "input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros)"
    )
    insert(sandbox, columns, spent)
    ours = sorted(name for name, organization in rows if organization != labs)
    return {name: chance.choice(DOLLARS) for name in chance.sample(ours, 3)}


def _limits(sandbox: Sandbox) -> dict[str, tuple[str, Limit]]:
    return {name: (str(id_), (limit, group)) for id_, name, limit, _, group in sandbox.effective()}


def _spent(sandbox: Sandbox) -> Mapping[tuple[str, str], int]:
    """Return what people spent on each group."""
    sql = "SELECT user_id, group_id, sum(cost_micros) FROM ai_daily_spend GROUP BY 1, 2"
    return {(str(user), str(group)): int(micros) for user, group, micros in sandbox.execute(sql)}


def _blocked(limits: dict[str, tuple[str, Limit]], spent: Mapping[tuple[str, str], int]) -> set[str]:
    """Return who may not spend any more."""
    return {
        name
        for name, (id_, (limit, group)) in limits.items()
        if limit is not None and spent.get((id_, str(group)), 0) >= limit
    }


@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
def test_nobody_is_blocked_or_freed_unseen(version: str) -> None:
    """No missed block, nobody freed unseen, and what is claimed of anybody is true."""
    seen = 0
    for seed in range(WORLDS):
        chance = Random(seed)
        with sandbox_and_reader(version, role="organization-admin") as (sandbox, reader):
            wanted = _shuffle(sandbox, chance, with_staff=seed % 3 == 0)
            before = _limits(sandbox)
            spent = _spent(sandbox)
            proposal = propose(policy(wanted), reader)
            effects = find_effects(proposal, reader)
            write(proposal, sandbox)
            after = _limits(sandbox)
            blocked = _blocked(after, spent) - _blocked(before, spent)
        freed = {name for name in before if before[name][1][0] is not None and after[name][1][0] is None}
        blocked &= {name for name in before if before[name] != after[name]}
        assert freed <= _may_be_freed(effects), (seed, wanted)
        if version != "2.35" and seed % 3:  # 2.35 does not say what anybody spent; the others hide members of labs
            assert blocked <= _may_be_blocked(effects), (seed, wanted)
        for person in effects.people:
            name = person.username
            amount = None if person.after.is_unlimited else person.after.limit_micros
            group = None if amount is None and version == "2.35" else person.after.group.id
            assert (amount, group) == after[name][1], (seed, name, wanted)
        seen += len(freed) + len(blocked)
    assert seen > WORLDS


def _may_be_freed(effects: Effects) -> set[str]:
    unclear = {person.username for person in effects.unclear if person.may_become_unlimited}
    return unclear | {person.username for person in effects.unlimited}


def _may_be_blocked(effects: Effects) -> set[str]:
    unclear = {person.username for person in effects.unclear if person.may_become_blocked}
    return unclear | {person.username for person in (*effects.blocked, *effects.maybe_blocked)}


@pytest.mark.parametrize(("role", "calls"), [("organization-admin", 1), ("user-admin", 0)])
def test_memberships_are_asked_for_once_and_only_where_they_may_be_hidden(role: str, calls: int) -> None:
    with sandbox_and_reader(role=role) as (sandbox, reader):
        proposal = propose(policy({"Everyone": 40}), reader)
        sandbox.forget_requests()
        find_effects(proposal, reader)
        assert asked(sandbox).get("GET /api/v2/users", 0) == calls


def test_memberships_are_read_from_shorter_pages_than_were_asked_for() -> None:
    """Who was not in the first page passed for somebody who is in no other organization."""
    with sandbox_and_reader(role="organization-admin") as (sandbox, reader):
        users = reader.directory().users.keys()
        wanted = reader.elsewhere(users)
        rows = httpx.get(f"{sandbox.url}/api/v2/users", headers={"Coder-Session-Token": sandbox.tokens["owner"]}).json()
        for start in range(0, rows["count"], 20):
            body = {"users": rows["users"][start : start + 20], "count": rows["count"]}
            sandbox.fault(Fault("status", path="*/users", status=200, body=body))
        assert wanted
        assert reader.elsewhere(users) == wanted


def test_a_page_with_the_own_row_alone_is_no_measure_of_the_others() -> None:
    """A token that may read nobody else; a request for each of those who are counted would take all day."""
    with sandbox_and_reader(role="organization-admin") as (sandbox, reader):
        users = reader.directory().users
        own = {"id": next(iter(users)), "organization_ids": []}
        sandbox.fault(Fault("status", path="*/users", status=200, body={"users": [own], "count": 2_000}))
        reader.elsewhere(users.keys())
        assert asked(sandbox)["GET /api/v2/users"] == 4


@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
def test_explain_and_status_claim_no_limit_that_a_budget_elsewhere_may_raise(shell: Shell, version: str) -> None:
    """On 2.35 they said $800 of felix, who has $1,000 by a group of an organization that the token may not read."""
    options = Options(coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))
    with Sandbox(options) as sandbox:
        shell.connect(sandbox, "organization-admin")
        explained, person = (shell.run(command, "felix", "--json").document for command in ("explain", "status"))
        quinn = shell.run("explain", "quinn", "--json").document
        sandbox.forget_requests()
        shell.connect(sandbox, "owner").run("explain", "felix")
        calls = asked(sandbox)
    if version == "2.35":
        assert explained["effective"]["reason"] == UNCONFIRMED
    else:  # there Coder tells the limit of a person who is asked for
        assert explained["effective"]["limit_micros"] == 1_000_000_000
    assert [row["standing"] for row in person["people"]] == ["unknown"]
    assert quinn["effective"]["limit_micros"] == 800_000_000
    assert "GET /api/v2/users/*" not in calls, "who reads every organization has nothing to ask"
