"""Answers that no Coder should give, through the whole program: an error that names method, path and what was wrong.

Never a plan, whole or in part, and never a write. What coder-api.md says Coder does is tolerated instead.
"""

from __future__ import annotations

import copy
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from typing import Any

import pytest

from reconciler.sandbox import Fault, Sandbox
from tests.cli.running import AT, COMPANY, Ran, Shell
from tests.patience import PATIENCE_S

API = "/api/v2"
GROUPS = f"{API}/organizations/*/groups"
MEMBERS = f"{API}/organizations/*/members"
ORGANIZATIONS = f"{API}/organizations"
BUILD = f"{API}/buildinfo"
ME = f"{API}/users/me"

POLICY = """\
version: 1
organization: acme
manage: {group_budgets: exact, user_overrides: exact}
group_budgets:
  - {group: platform, limit: 1000}
user_overrides:
  - {user: bob, group: platform, limit: 1500}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Faults are queued on it for many times, and cleared: a request of the test before may come late and take one."""
    with Sandbox(COMPANY) as started:
        yield started


@pytest.fixture
def ready(shell: Shell, sandbox: Sandbox) -> Iterator[Shell]:
    shell.policy(POLICY)
    yield shell.connect(sandbox)
    sandbox.forget_faults()


def get(sandbox: Sandbox, path: str) -> Any:
    """Ask for a good answer, to make a bad one of it."""
    headers = {"Coder-Session-Token": sandbox.tokens["user-admin"]}
    with urllib.request.urlopen(
        urllib.request.Request(sandbox.url + path, headers=headers), timeout=PATIENCE_S
    ) as answer:
        return json.load(answer)


def sandbox_paths(sandbox: Sandbox) -> list[str]:
    return sorted({request.path for request in sandbox.requests if request.method == "GET"})


def assert_no_plan(ran: Ran, *says: str) -> None:
    assert (ran.code, ran.out) == (1, ""), ran.out
    assert "Traceback" not in ran.err
    for text in says:
        assert text in ran.err, ran.err


EVERY_READ = (BUILD, ME, ORGANIZATIONS, GROUPS, f"{MEMBERS}*", f"{API}/*/ai/spend")


@pytest.mark.parametrize("path", EVERY_READ)
@pytest.mark.parametrize("kind", ["truncate", "lost", "reset"])
def test_an_answer_that_does_not_arrive_whole(ready: Shell, sandbox: Sandbox, kind: Any, path: str) -> None:
    sandbox.fault(Fault(kind, method="GET", path=path, times=60))
    ran = ready.run("plan", *AT)
    assert_no_plan(ran, "GET /api/v2/", "5 attempts")


@pytest.mark.parametrize("path", EVERY_READ)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>Bad gateway</html>", "text/html"),
        ("", "application/json"),
        ('{"a": ', "application/json"),
        ("\x00\x01", "application/octet-stream"),
        ("[" * 100_000, "application/json"),
        ('"text"', "application/json"),
        ("null", "application/json"),
        ("17", "application/json"),
        ('[{"id": 1}]', "application/json"),
        ('{"groups": [null], "members": 3, "organizations": {}}', "application/json"),
    ],
)
def test_an_answer_that_is_no_answer(ready: Shell, sandbox: Sandbox, path: str, body: str, content_type: str) -> None:
    headers = {"content-type": content_type}
    sandbox.fault(Fault("raw", method="GET", path=path, status=200, body=body, headers=headers, times=60))
    ran = ready.run("plan", *AT)
    if body == "null" and path.startswith(MEMBERS):  # Go's empty list; the groups list their members all the same
        assert ran.out.count("group/acme/platform  ") == 1
    else:
        assert_no_plan(ran)


@pytest.mark.parametrize("where", [0, -1])
@pytest.mark.parametrize("path", EVERY_READ)
def test_an_answer_that_says_two_things_of_one_key(ready: Shell, sandbox: Sandbox, path: str, where: int) -> None:
    """The last would be the true one, as it is without the first; nothing says that it is."""
    ready.run("plan", *AT)
    asked = next(request.path for request in sandbox.requests if fnmatch(request.path.partition("?")[0], path))
    text = json.dumps(get(sandbox, asked))
    first_key = list(re.finditer(r'{("[a-z_]+"): ', text))[where]
    twice = f"{text[: first_key.start()]}{{{first_key[1]}: 0, {text[first_key.start() + 1 :]}"
    assert json.loads(twice) == json.loads(text)
    headers = {"content-type": "application/json"}
    sandbox.fault(Fault("raw", method="GET", path=path, status=200, body=twice, headers=headers, times=60))
    assert_no_plan(ready.run("plan", *AT), "GET /api/v2/", "names a key twice")


STATUSES = (400, 401, 403, 405, 409, 418, 500, 501)
# One huge limit makes the bulk read answer 500 in early builds of 2.36: then budgets are read one by one instead.
REFUSED = [(path, status) for path in (GROUPS, f"{API}/*/ai/spend") for status in STATUSES]
REFUSED.remove((f"{API}/*/ai/spend", 500))


@pytest.mark.parametrize(("path", "status"), REFUSED)
def test_a_refusal_names_the_request(ready: Shell, sandbox: Sandbox, path: str, status: int) -> None:
    body = {"message": "No\x1b[31m way."}
    sandbox.fault(Fault("status", method="GET", path=path, status=status, body=body, times=60))
    ran = ready.run("plan", *AT)
    assert "\x1b" not in ran.out + ran.err
    assert_no_plan(ran, "GET /api/v2/", str(status), "way.")


def test_busy_servers_are_asked_again(ready: Shell, sandbox: Sandbox) -> None:
    for status in (502, 503, 504):
        sandbox.fault(Fault("status", method="GET", path=GROUPS, status=status))
    assert ready.run("drift", *AT).code == 2


Change = Callable[[Any], object]


def first(rows: Any) -> Any:
    return rows[0]


GROUP_CHANGES: dict[str, Change] = {
    "a null list": lambda groups: first(groups).update(members="everybody"),
    "an id of another shape": lambda groups: first(groups).update(id=17),
    "no id": lambda groups: first(groups).pop("id"),
    "a name that is a number": lambda groups: first(groups).update(name=3),
    "duplicate ids": lambda groups: groups.append(copy.deepcopy(first(groups))),
}


@pytest.mark.parametrize("change", GROUP_CHANGES)
def test_a_list_of_groups_of_another_shape(ready: Shell, sandbox: Sandbox, change: str) -> None:
    groups = get(sandbox, f"{API}/organizations/acme/groups")
    GROUP_CHANGES[change](groups)
    path = f"{API}/organizations/{groups[0]['organization_id']}/groups"
    sandbox.fault(Fault("status", method="GET", path=path, status=200, body=groups, times=60))
    ran = ready.run("plan", *AT)
    if change == "duplicate ids":  # tolerated: the same group twice is one group
        assert ran.out.count("group/acme/platform  ") == 1
        return
    assert_no_plan(ran, "GET /api/v2/organizations/", "/groups")


def budget_reads(sandbox: Sandbox, shell: Shell) -> list[tuple[str, Any]]:
    """The bulk reads of a plan that carry amounts, with their good answers."""
    sandbox.forget_requests()
    shell.run("plan", *AT)
    left_out = ("/users/me/", "/spend/export")  # discovery; a table of CSV, which tests/coder/test_export.py spoils
    paths = [path for path in sandbox_paths(sandbox) if "/ai/" in path and not any(part in path for part in left_out)]
    bodies = [(path, get(sandbox, path)) for path in paths]
    return [(path, body) for path, body in bodies if "_micros" in json.dumps(body)]


def _each_amount(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("_micros") and isinstance(inner, int):
                yield value, key
            yield from _each_amount(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _each_amount(inner)


@pytest.mark.parametrize("amount", [1.5, 5e8, "500", True, -1, [5]])
def test_an_amount_that_is_no_whole_number(ready: Shell, sandbox: Sandbox, amount: object) -> None:
    reads = budget_reads(sandbox, ready)
    assert reads, "a plan reads amounts"
    for path, body in reads:
        for holder, key in _each_amount(body):
            holder[key] = amount
        sandbox.fault(Fault("status", method="GET", path=path.partition("?")[0], status=200, body=body, times=9))
        ran = ready.run("plan", *AT)
        assert_no_plan(ran, "GET " + path.partition("?")[0], "_micros")
        sandbox.forget_faults()


def test_a_limit_above_the_maximum_is_shown_as_it_is(shell: Shell) -> None:
    shell.policy(POLICY)
    with Sandbox(COMPANY) as sandbox:
        sandbox.execute("PRAGMA ignore_check_constraints = 1")
        sandbox.execute(
            "UPDATE group_ai_budgets SET spend_limit_micros = 5000000000000000 WHERE group_id ="
            " (SELECT id FROM groups WHERE name = 'platform')"
        )
        ran = shell.connect(sandbox).run("plan", *AT)
    assert "$5,000,000,000.00 -> " in ran.out


def test_unknown_extra_fields_are_ignored(ready: Shell, sandbox: Sandbox) -> None:
    expected = ready.run("drift", "--json", *AT).document
    groups = get(sandbox, f"{API}/organizations/acme/groups")
    for group in groups:
        group["favourite_colour"] = {"r": 1.5}
    path = f"{API}/organizations/{groups[0]['organization_id']}/groups"
    sandbox.fault(Fault("status", method="GET", path=path, status=200, body=groups, times=60))
    assert expected == ready.run("drift", "--json", *AT).document
