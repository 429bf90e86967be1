"""Seeds: deterministic, the size that was asked for, kept in a file when wanted, and clear about mistakes."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.sandbox import Options, Sandbox
from reconciler.sandbox.seeds import document
from tests.sandbox_server.callers import Start

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROLES = {"owner", "user-admin", "organization-admin", "organization-user-admin", "auditor", "member"}
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md"
TOKEN = re.compile(r"[A-Za-z0-9]{10}-[A-Za-z0-9]{22}")


@pytest.mark.parametrize("seed", ["demo", "empty", "60-users,7-groups,2-organizations"])
def test_each_role_has_a_token_that_is_its_own(start: Start, seed: str) -> None:
    world = start(seed=seed)
    assert set(world.sandbox.tokens) == ROLES
    for role, token in world.sandbox.tokens.items():
        assert TOKEN.fullmatch(token)
        me = world.get("/users/me", role=role).json()
        inside = world.get("/users/me/roles", role=role).json()["organization_roles"].values()
        names = {entry["name"] for entry in me["roles"]} | {name for roles in inside for name in roles}
        assert names == ({role} - {"member"})


def rows_of(sandbox: Sandbox) -> dict[str, list[tuple[object, ...]]]:
    """Return the definition and the rows of every table."""
    tables = sandbox.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {sql: sandbox.execute(f'SELECT * FROM "{name}"') for name, sql in tables}


@pytest.mark.parametrize("seed", ["demo", "empty", "new"])
def test_sandboxes_of_one_seed_begin_alike_and_share_nothing(seed: str, tmp_path: Path) -> None:
    """In memory they are copies of a database that was filled once; a file is filled itself."""
    with Sandbox(Options(seed=seed, now=NOW, database=str(tmp_path / "state.db"))) as sandbox:
        expected = rows_of(sandbox)
    with Sandbox(Options(seed=seed, now=NOW)) as changed, Sandbox(Options(seed=seed, now=NOW)) as beside:
        changed.execute("UPDATE organizations SET name = name || '-changed'")
        changed.execute("DELETE FROM users", unguarded=True)
        assert rows_of(changed) != expected or seed == "new"
        assert rows_of(beside) == expected
        with Sandbox(Options(seed=seed, now=NOW)) as later:
            assert rows_of(later) == expected


def test_a_seed_is_sown_in_the_month_of_the_clock_and_as_it_is_written_now(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    for number in range(20):  # more than are kept
        path.write_text(f"organizations: [{{name: company-{number}, default: true}}]", encoding="utf-8")
        for month in (11, 12):
            with Sandbox(Options(seed=str(path), now=datetime(2026, month, 3, tzinfo=UTC))) as sandbox:
                assert sandbox.execute("SELECT name FROM organizations") == [(f"company-{number}",)]
    for month in (11, 12, 11):
        with Sandbox(Options(now=datetime(2026, month, 3, tzinfo=UTC))) as sandbox:
            assert sandbox.execute("SELECT min(day) FROM ai_daily_spend") == [(f"2026-{month}-01",)]


def test_the_demo_is_the_company_of_the_story(start: Start) -> None:
    world = start()
    assert {row["name"] for row in world.get("/organizations").json()} == {"acme", "labs"}
    users = world.get("/users").json()
    assert users["count"] == 43
    assert {"active", "dormant", "suspended"} == {user["status"] for user in users["users"]}
    assert world.get("/users/me", role="user-admin").json()["username"] == "ci-budgets"
    platform = world.get("/organizations/acme/groups/platform").json()
    assert (platform["total_member_count"], len(platform["members"])) == (12, 12)
    spent = {row[0]: row[1] for row in world.sandbox.execute("SELECT user_id, cost_micros FROM ai_daily_spend")}
    assert (spent[world.user("bob")], spent[world.user("eve")]) == (212_100_000, 61_000_000)


@pytest.mark.parametrize(
    ("seed", "users", "groups", "organizations"),
    [
        ("6-users,1-group", 6, 1, 1),
        ("500-users,20-groups", 500, 20, 1),
        ("50-users,9-groups,3-organizations", 50, 9, 3),
    ],
)
def test_a_size_counts_what_the_lists_count(
    start: Start, seed: str, users: int, groups: int, organizations: int
) -> None:
    world = start(seed=seed)
    assert world.get("/users?limit=1").json()["count"] == users
    assert len(world.get("/groups").json()) == groups
    assert len(world.get("/organizations").json()) == organizations


@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-16", "2028-02-29", "2026-12-31"])
def test_a_company_is_worth_playing_with_on_any_day(start: Start, day: str) -> None:
    world = start(seed="300-users,30-groups", now=datetime.fromisoformat(f"{day}T10:00:00Z"))

    def number(sql: str) -> int:
        return int(world.sandbox.execute(f"SELECT count(*) FROM ({sql})")[0][0])

    assert number("SELECT 1 FROM group_ai_budgets") >= 20
    assert number("SELECT 1 FROM group_ai_budgets WHERE spend_limit_micros = 0") in (0, 1)
    assert number("SELECT 1 FROM user_ai_budget_overrides") == 30
    assert number("SELECT 1 FROM groups WHERE source = 'oidc'") >= 9
    assert number("SELECT 1 FROM users WHERE is_service_account") >= 3
    assert number("SELECT 1 FROM users WHERE deleted") == 6
    assert number("SELECT 1 FROM users WHERE deleted AND id IN (SELECT user_id FROM ai_daily_spend)") >= 3
    for status in ("dormant", "suspended"):
        assert number(f"SELECT 1 FROM users WHERE status = '{status}'") >= 5
    for column, least in (("user_id", 220), ("model", 5), ("provider", 2), ("provider_name", 4), ("client", 4)):
        assert number(f"SELECT DISTINCT {column} FROM ai_daily_spend") >= least, column
    assert number("SELECT 1 FROM ai_daily_spend WHERE unpriced_usage_count AND cost_micros = 0") >= 10
    assert number("SELECT DISTINCT substr(day, 1, 7) FROM ai_daily_spend") == 2
    assert number(f"SELECT 1 FROM ai_daily_spend WHERE day > '{day}'") == 0
    near, reached = (number(f"SELECT 1 FROM ai_budget_crossings WHERE percent = {percent}") for percent in (85, 100))
    assert near - reached >= 10
    assert 5 <= reached <= 30
    assert {row[2] for row in world.control("GET", "crossings").json()} == {85, 100}


def test_spend_that_moves_forward_crosses_limits(start: Start) -> None:
    world = start(seed="300-users,30-groups", now=datetime(2026, 11, 9, 10, tzinfo=UTC), advance_days=1)
    before = len(world.control("GET", "crossings").json())
    world.sandbox.advance(20)
    crossings = world.control("GET", "crossings").json()
    assert len(crossings) > before
    assert {row[3][:8] for row in crossings} == {"2026-11-"}


def test_the_same_seed_makes_the_same_world() -> None:
    def world() -> object:
        with Sandbox(Options(seed="80-users,9-groups")) as sandbox:
            tables = ("deployment", "users", "groups", "group_members", "group_ai_budgets", "user_ai_budget_overrides")
            return [sandbox.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables[1:]]

    assert world() == world()


def test_deployments_differ_by_seed_and_not_by_run() -> None:
    def identity(seed: str) -> object:
        with Sandbox(Options(seed=seed)) as sandbox:
            return sandbox.execute("SELECT id FROM deployment")

    assert identity("demo") == identity("demo") != identity("empty")


def test_a_database_file_is_kept_and_not_sown_again(tmp_path: Path) -> None:
    options = Options(database=str(tmp_path / "coder.db"))
    with Sandbox(options) as sandbox:
        tokens = sandbox.tokens
        sandbox.execute("DELETE FROM group_ai_budgets")
    with Sandbox(options) as sandbox:
        assert sandbox.tokens == tokens
        assert sandbox.execute("SELECT count(*) FROM group_ai_budgets") == [(0,)]


def test_what_another_sandbox_writes_to_the_file_is_seen_at_once(start: Start, tmp_path: Path) -> None:
    database = str(tmp_path / "coder.db")
    mine, others = start(database=database), start(database=database)
    organization = mine.organization("acme")
    paths = [f"/organizations/{organization}/groups", f"/organizations/{organization}/ai/spend/export"]
    assert all("bob" in mine.get(path).text for path in paths)
    others.sandbox.execute("UPDATE users SET username = 'robert' WHERE username = 'bob'")
    assert all("robert" in mine.get(path).text for path in paths)


@pytest.mark.parametrize("content", [b"no database at all, and long enough to have a header", b""])
def test_another_file_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "coder.db"
    path.write_bytes(content)
    if not content:
        sqlite3.connect(path).execute("CREATE TABLE something (id TEXT)").connection.close()
    with pytest.raises(ValueError, match=r"coder\.db: "):
        Sandbox(Options(database=str(path))).__enter__()


def test_a_file_of_another_version_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "coder.db"
    with Sandbox(Options(database=str(path))):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(ValueError, match="not made by this version of the sandbox; name another file"):
        Sandbox(Options(database=str(path))).__enter__()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM users WHERE NOT deleted").fetchone()[0] > 40
    connection.close()


def test_a_seed_that_failed_leaves_the_file_empty(tmp_path: Path) -> None:
    wrong, database = tmp_path / "wrong.yaml", str(tmp_path / "coder.db")
    wrong.write_text("organizations: [{name: acme, members: [nobody]}]", encoding="utf-8")
    with pytest.raises(ValueError, match="nobody"):
        Sandbox(Options(seed=str(wrong), database=database)).__enter__()
    with Sandbox(Options(database=database)) as sandbox:
        assert len(sandbox.effective()) == 43


def test_a_document_of_ones_own(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(
        "organizations: [{name: acme, default: true, groups: [{name: a, members: [ana], budget: 0.000001}]}]\n"
        "users: [{username: ana, roles: [owner]}]\ntokens: {owner: ana}\n",
        encoding="utf-8",
    )
    world = start(seed=str(path))
    assert [row[1:4] for row in world.sandbox.effective()] == [("ana", 1, "group")]
    assert set(world.sandbox.tokens) == {"owner"}


def test_the_documented_format_is_the_format(start: Start, tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "world.yaml"
    path.write_text(block, encoding="utf-8")
    world = start(seed=str(path))
    assert [row[1:4] for row in world.sandbox.effective()] == [
        ("ana", 1_500_000_000, "user_override"),
        ("bob", 500_000_000, "group"),
        ("cleo", 9_000_000, "user_override"),
    ]
    documented = {name for part in yaml.safe_load(block).values() for body in part for name in _keys(body)}
    assert documented >= document._USER | document._ORGANIZATION | document._GROUP | document._OVERRIDE
    assert documented >= document._SESSION
    assert documented >= document._SPEND - {"output_tokens", "cache_read_tokens", "cache_write_tokens"}


def _keys(body: object) -> set[str]:
    """Return the keys of a mapping and of the mappings inside."""
    match body:
        case dict():
            return {str(key) for key in body} | {name for value in body.values() for name in _keys(value)}
        case list():
            return {name for value in body for name in _keys(value)}
        case _:
            return set()


def test_a_document_can_hold_what_only_races_and_deletions_leave_behind(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(
        "organizations:\n"
        "  - {name: acme, default: true, members: [ana, bob], groups: [{name: a, strangers: [cleo], budget: 5}]}\n"
        "  - {name: gone, deleted: true, members: [cleo], groups: [{name: Everyone, budget: 7}]}\n"
        "users: [{username: ana, roles: [owner]}, {username: bob}, {username: cleo}]\n"
        "overrides: [{user: bob, group: acme/a, limit: 3, stale: true}, {user: cleo, group: gone/Everyone, limit: 2}]\n"
        "spend: [{user: bob, group: acme/a, amount: 0, client: codex, unpriced: 4}]\ntokens: {owner: ana}\n",
        encoding="utf-8",
    )
    world = start(seed=str(path))
    assert [row[1:4] for row in world.sandbox.effective()] == [
        ("ana", None, None),
        ("bob", 3_000_000, "user_override"),
        ("cleo", 2_000_000, "user_override"),
    ]
    assert world.get(f"/groups/{world.group('acme/a')}").json()["total_member_count"] == 1
    assert [row["name"] for row in world.get("/organizations").json()] == ["acme"]
    with pytest.raises(sqlite3.IntegrityError, match="must_be_group_member"):
        world.sandbox.execute("UPDATE user_ai_budget_overrides SET spend_limit_micros = 1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("organisations: []", "unknown keys organisations"),
        ("organizations: [{name: acme, colour: red}]", "unknown keys colour"),
        ("organizations: [{name: acme, members: [nobody]}]", "nobody"),
        ("users: [{username: ana}]\noverrides: [{user: ana, group: acme/a, limit: 5}]", "must_be_group_member"),
        ('organizations: [{name: acme, groups: [{name: a, budget: "0.0000001"}]}]', "more than six decimals"),
        ("organizations: [{name: acme, groups: [{name: a, budget: lots}]}]", "'lots' is not an amount in US dollars"),
        ("organizations: [{name: acme, groups: [{name: a, budget: -1}]}]", "CHECK constraint"),
        ("- a list", "should be a mapping"),
        ("{", "while parsing a flow node"),
    ],
)
def test_a_mistake_in_a_document_names_the_file_and_the_mistake(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"seed wrong\.yaml: ") as caught:
        Sandbox(Options(seed=str(path))).__enter__()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": "nothing-like-it"}, "no seed 'nothing-like-it'"),
        ({"seed": "5-users,1-groups"}, "at least 6 users"),
        ({"seed": "9-users,1-groups,2-organizations"}, "a group for each organization"),
        ({"coder_version": "2.99"}, "unknown Coder version '2.99'"),
    ],
)
def test_options_that_mean_nothing_are_refused(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Sandbox(Options(**changes)).__enter__()  # type: ignore[arg-type]
