"""JUnit: a test case an entry of the policy, whatever is to be said of it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from reconciler.errors import ListedEntry, Place
from reconciler.formats.documents import dump
from reconciler.render.formats import render
from reconciler.sandbox import Sandbox
from tests.cli.running import AT, COMPANY, Shell
from tests.documents.samples import FACTS, plan

MIXED = """\
version: 1
organization: acme
manage: {group_budgets: listed, user_overrides: listed}
group_budgets:
  - {group: platform, limit: $500}
  - {group: research, limit: $123}
  - {group: nobody-knows, limit: $7}
user_overrides:
  - {user: carol, group: platform, limit: $9, starts: 2027-01-01}
  - {user: gone.long.ago, group: platform, limit: none}
"""
"""As it is live, a change, an orphan, an entry that begins later, one whose wish is fulfilled."""
WRONG = """\
version: 1
organization: acme
group_budgets:
  - group: platform
    limit: $20O
    reason: 5
  - group: eng
    limit: $10
    limit: $11
  - group: ops
    limit: $7
  - group: ops
    limit: $7
user_overrides:
- user: ana
  group: eng
  limit: $5
- 5
guardrails:
  max_limit: oops
"""


def cases(text: str) -> dict[str, str]:
    """What became of each case, by its name; fails where two have one name or the totals are not those of the cases."""
    suite = ElementTree.fromstring(text)
    rows = {}
    for case in suite.iter("testcase"):
        failure, skipped = case.find("failure"), case.find("skipped")
        assert case.get("name") not in rows
        rows[case.get("name") or ""] = (
            f"failed: {failure.get('message')}" if failure is not None
            else f"skipped: {skipped.get('message')}" if skipped is not None
            else "passed"
        )  # fmt: skip
    words = [row.partition(":")[0] for row in rows.values()]
    assert suite.get("tests") == str(len(rows))
    assert (suite.get("failures"), suite.get("skipped")) == (str(words.count("failed")), str(words.count("skipped")))
    return rows


@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
def test_every_entry_has_a_case(shell: Shell, command: str) -> None:
    with Sandbox(COMPANY) as company:
        shell.connect(company).policy(MIXED)
        options = ["--auto-approve"] if command == "apply" else []
        rows = cases(shell.run(command, *options, *AT, "--format", "junit").out)
    orphan = "group/acme/nobody-knows cannot be applied: group 'nobody-knows' is unknown in organization 'acme'"
    assert rows.pop("group/acme/platform") == "passed"
    assert rows.pop("user/carol") == "skipped: starts 2027-01-01 00:00 UTC"
    assert rows.pop("user/gone.long.ago") == "passed", "nobody is there, as it wants"
    changed = rows.pop("group/acme/research")
    assert changed.startswith("failed: differs from the policy") if command == "drift" else changed == "passed"
    became = rows.pop("group/acme/nobody-knows")
    assert became == (f"skipped: {orphan}" if command == "apply" else f"failed: {orphan}")
    assert rows == {}


def test_only_what_was_compared_has_a_case(coder: Shell) -> None:
    coder.policy(MIXED)
    rows = cases(coder.run("plan", *AT, "--only", "group/*", "--format", "junit").out)
    assert {*rows} == {"group/acme/platform", "group/acme/research", "group/acme/nobody-knows"}


def test_what_a_saved_plan_does_not_name_is_one_case(coder: Shell) -> None:
    coder.policy(MIXED)
    coder.run("plan", *AT, "-o", "saved.plan")
    rows = cases(coder.run("show", "saved.plan", "--format", "junit").out)
    assert {*rows} == {"1 entry as the policy wants", "group/acme/research", "group/acme/nobody-knows"}


def test_a_removal_that_is_withheld_is_no_success() -> None:
    made = plan()
    withheld = made.actions[-1]
    made = replace(made, actions=made.actions[:-1], withheld=(withheld,))
    entry = ListedEntry(address=withheld.address, place=Place("a.yaml", 9, 9))
    rows = cases(render("junit", (made,), replace(FACTS, entries=(entry,))))
    assert rows[withheld.address] == "skipped: its removal is withheld, because not everything is known"


def test_ten_thousand_entries_cost_their_lines_and_nothing_in_the_plan() -> None:
    made = replace(plan(), unchanged=10_000)
    entries = tuple(ListedEntry(address=f"user/p{i}", place=Place("a.yaml", i + 1, 5)) for i in range(10_000))
    text = render("junit", (made,), replace(FACTS, entries=entries))
    assert text.count("<testcase ") >= 10_000
    assert "user/p5" not in dump(made)


def test_validate_names_every_entry_right_or_wrong(shell: Shell) -> None:
    shell.policy(WRONG, "a.yaml")
    shell.policy("version: 1\norganization: beta\n  x: 3\n", "b.yaml")
    ran = shell.run("validate", "a.yaml", "b.yaml", "c.yaml", "--format", "junit")
    rows = cases(ran.out)
    assert ran.code == 1
    assert {name: row.partition(":")[0] for name, row in rows.items()} == {
        "group/acme/platform": "failed",
        "group/acme/eng": "failed",
        "group/acme/ops": "passed",
        "group/acme/ops at a.yaml:12:12": "failed",
        "user/ana": "passed",
        "a.yaml:18:3": "failed",
        "a.yaml:20:14": "failed",
        "b.yaml:3:4": "failed",
        "c.yaml:1:1": "failed",
    }
    assert "limit: expected an amount" in rows["group/acme/platform"]
    assert "reason: expected a text" in rows["group/acme/platform"]
    assert rows["group/acme/eng"] == "failed: key 'limit' is written twice"


def test_validate_names_every_entry_of_valid_files_and_files_without_entries(shell: Shell) -> None:
    shell.policy(MIXED + "guardrails: {max_limit: $200}\n", "a.yaml")
    shell.policy("version: 1\norganization: beta\n", "b.yaml")
    ran = shell.run("validate", "a.yaml", "b.yaml", "--format", "junit", "--save", "json=v.json")
    assert ran.code == 0
    rows = cases(ran.out)
    assert {*rows.values()} == {"passed"}, "what stood before is a warning, in text and exit code, too"
    assert "over the max_limit of $200.00" in ran.out
    assert {*rows} == {
        "group/acme/platform",
        "group/acme/research",
        "group/acme/nobody-knows",
        "user/carol",
        "user/gone.long.ago",
        "b.yaml",
    }
    assert {*cases(shell.run("show", "v.json", "--format", "junit").out)} == {"a.yaml", "b.yaml"}


def test_validate_fails_the_entry_that_breaks_a_guardrail_by_this_change(shell: Shell) -> None:
    shell.policy(MIXED.replace("$500", "$100") + "guardrails: {max_limit: $200}\n", "base/a.yaml")
    shell.policy(MIXED + "guardrails: {max_limit: $200}\n", "new/a.yaml")
    ran = shell.run("validate", "new", "--base", "base", "--format", "junit")
    rows = cases(ran.out)
    assert ran.code == 1
    assert [name for name, row in rows.items() if row.startswith("failed")] == ["group/acme/platform"]


def test_an_entry_that_cannot_be_applied_is_not_among_the_unchanged(coder: Shell) -> None:
    coder.policy(MIXED)
    out = coder.run("plan", *AT, "--format", "junit").out
    assert 'classname="orphan" name="group/acme/nobody-knows"' in out
    assert 'classname="unchanged" name="group/acme/platform"' in out
