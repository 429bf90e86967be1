"""`drift --accept`: what is live goes into the policy files, and nothing else in them changes."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path

import pytest

from tests.cli.running import AT, Shell

HEAD = "version: 1\norganization: acme\n"
GROUPS = f"""{HEAD}manage: {{group_budgets: exact, user_overrides: exact}}
tiers: {{standard: $200}}
group_budgets: # few
  # the interns too
  - group: Everyone
    limit: $50   # all of acme
  - group: platform
    limit: standard
    reason: agents in CI
  - group: eng
    limit: $10
# the end
"""
PEOPLE = f"""{HEAD}user_overrides:
  - {{user: ana, group: eng, limit: $5, reason: sprint}}
  - user: nobody-left
    group: platform
    limit: $80
"""


@pytest.fixture
def policies(coder: Shell) -> Path:
    coder.policy(GROUPS, "policies/groups.yaml")
    return coder.policy(PEOPLE, "policies/people.yaml").parent


def difference(old: str, new: str) -> list[str]:
    old_lines, new_lines = old.splitlines(), new.splitlines()
    return [f"- {line}" for line in old_lines if line not in new_lines] + [
        f"+ {line}" for line in new_lines if line not in old_lines
    ]


def test_the_report_contains_the_lines_to_paste(coder: Shell, policies: Path) -> None:
    ran = coder.run("drift", "--effects", "people")
    assert ran.code == 2
    assert "To keep what is live, run `drift --accept ADDRESS`, or write in the policy:" in ran.out
    assert "  group/acme/platform  policies/groups.yaml:9:12  limit: $500.00\n" in ran.out
    assert "  group/acme/eng  policies/groups.yaml:12:12  remove the entry\n" in ran.out
    assert (
        "  group/acme/design  policies/groups.yaml, group_budgets\n      - group: design\n        limit: $" in ran.out
    )
    assert "  user/nobody-left  policies/people.yaml:5:11  remove the entry\n" in ran.out
    assert (policies / "groups.yaml").read_text() == GROUPS


def test_the_override_of_somebody_outside_the_group_is_taken_in_and_not_its_entry_out(coder: Shell) -> None:
    """Their entry cannot be applied; without it the next plan would remove the override that they have."""
    head = f"{HEAD}manage: {{user_overrides: exact}}\nuser_overrides:\n"
    others = "".join(f"  - {{user: {name}, group: platform, limit: $1500}}\n" for name in ("ana", "bob"))
    file = coder.policy(f"{head}{others}  - {{user: victor, group: platform, limit: $80}}\n")
    ran = coder.run("drift", *AT)
    assert "! user/victor  victor is not a member of group/acme/platform" in ran.out
    advice = (
        "their override is $75.00 on group/acme/Everyone: write that in the entry to keep it, or `limit: none` to end"
        " it; or add them to group/acme/platform first\n"
    )
    assert f"policies/acme.yaml:7:12: {advice}" in ran.out, "without the entry, the next apply would remove it"
    assert "  user/victor  policies/acme.yaml:7:12  limit: $75.00, group: Everyone\n" in ran.out
    assert coder.run("drift", "--accept", "user/victor").code == 0
    assert file.read_text() == f'{head}{others}  - {{user: victor, group: "Everyone", limit: "$75.00"}}\n'
    assert "No changes. Live budgets match the policy." in coder.run("plan").out


def test_everything_that_is_live_is_accepted(coder: Shell, policies: Path) -> None:
    before = coder.run("drift")
    os.chmod(policies / "people.yaml", 0o640)
    ran = coder.run("drift", "--accept", "*")
    assert (before.code, ran.code) == (2, 0)
    assert "accepted into the policy: 9, left: 0.\n" in ran.out
    assert "Accepted into the policy files:" in ran.out
    assert coder.run("plan").out.count("No changes") == 1
    assert coder.run("drift", "--quiet").out == ""
    assert coder.run("drift", "--accept", "*").code == 0  # nothing is left to accept, which is no error
    groups, people = (policies / "groups.yaml").read_text(), (policies / "people.yaml").read_text()
    assert difference(GROUPS, groups)[:4] == [
        "-     limit: standard",
        "-   - group: eng",
        "-     limit: $10",
        "+     limit: $500.00",
    ]
    for comment in ("# few", "# the interns too", "# all of acme", "# the end"):
        assert comment in groups
    assert "nobody-left" not in people
    assert "{user: ana, group: " in people
    assert (policies / "people.yaml").stat().st_mode & 0o777 == 0o640


def test_single_addresses_are_accepted(coder: Shell, policies: Path) -> None:
    ran = coder.run("drift", "--accept", "group/acme/pl*", "--accept", "user/nobody-left", "--json")
    assert ran.code == 2
    acceptances = {item["address"]: item for item in json.loads(ran.out)["acceptances"]}
    taken = sorted(address for address, item in acceptances.items() if item["is_taken"])
    assert taken == ["group/acme/platform", "user/nobody-left"]
    assert acceptances["group/acme/platform"]["lines"] == ["limit: $500.00"]
    text = (policies / "groups.yaml").read_text()
    assert difference(GROUPS, text) == ["-     limit: standard", "+     limit: $500.00"]


def test_without_an_address_what_was_changed_by_hand_is_accepted(coder: Shell, policies: Path) -> None:
    """A path that the option takes for its value is still a path; entries of people who are gone stay."""
    ran = coder.run("drift", "--accept", "policies")
    assert ran.code == 2
    assert "Accepted into the policy files:" in ran.out
    assert "nobody-left" in (policies / "people.yaml").read_text()
    assert "0 to delete" not in coder.run("plan").out


def test_what_cannot_be_accepted_is_one_clear_error(
    coder: Shell, policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = coder.run("drift", "--accept", "user/zoe")
    assert ran.code == 1
    assert "--accept 'user/zoe' is not among the differences; nothing was written" in ran.err
    assert "--accept takes what is live now" in coder.run("drift", "--accept", "*", *AT).err
    (policies / "people.yaml").write_text(f"{HEAD}user_overrides: [{{user: eve, group: data, limit: 1}}]\n")
    load = "reconciler.cli.commands.drift.load_policies"
    from reconciler.cli.policies import load_policies

    def load_and_touch(paths: tuple[str, ...]) -> object:
        loaded = load_policies(paths)
        (policies / "people.yaml").write_text(HEAD)
        return loaded

    monkeypatch.setattr(load, load_and_touch)
    ran = coder.run("drift", "--accept", "*")
    assert ran.code == 1
    assert "people.yaml was changed while `drift` ran; nothing was written" in ran.err
    assert (policies / "groups.yaml").read_text() == GROUPS


def test_what_was_named_and_is_not_possible_is_told_among_many(coder: Shell) -> None:
    """It hid under "5 more entries", so that nothing said why the named entry was not accepted."""
    names = ("ana", "carol", "dan", "eve", "frank", "henry", "iris")
    entries = "".join(f"  - {{user: {name}, group: {name}s, limit: $5}}\n" for name in names)
    coder.policy(
        f"{HEAD}user_overrides:\n{entries}  - {{user: nobody, group: data, limit: $5}}\n", "policies/people.yaml"
    )
    ran = coder.run("drift", "--accept", "user/iris", "--save", "markdown=page.md")
    assert "Not accepted:\n  user/iris  not possible: group 'iriss' is unknown" in ran.out
    assert "more entries: --effects people" in ran.out
    assert "user/iris  not possible" in (coder.folder / "page.md").read_text()
    found = coder.run("drift", "--accept", "user/iris", "--json").document["acceptances"]
    assert [row["address"] for row in found if row["is_refused"]] == ["user/iris"]
    assert "Not accepted" not in coder.run("drift").out


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("", "Note: --accept wrote nothing: nothing that differs was changed by hand; name what to take"),
        ("user/*", "Note: --accept 'user/*' wrote nothing: no difference has such an address.\n"),
    ],
)
def test_where_nothing_is_accepted_it_is_said_why(coder: Shell, asked: str, says: str) -> None:
    """`drift --accept` of nothing but entries of a group that is gone was silent about it."""
    coder.policy(f"{HEAD}group_budgets:\n  - {{group: nope, limit: $10}}\n")
    ran = coder.run("drift", "--accept", asked)
    assert ran.code == 2
    assert says in ran.err
    assert "Note: --accept" not in coder.run("drift").err


def test_a_glob_that_fits_nothing_is_told_beside_one_that_was_taken(coder: Shell, policies: Path) -> None:
    ran = coder.run("drift", "--accept", "group/acme/eng", "--accept", "user/zo*")
    assert "Accepted into the policy files:\n  group/acme/eng" in ran.out
    assert ran.err.count("Note: --accept") == 1
    assert "Note: --accept 'user/zo*' wrote nothing: no difference has such an address.\n" in ran.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to somebody else")
def test_a_file_stays_its_owners(coder: Shell, policies: Path) -> None:
    """In a container that runs as root, the owner of the checkout could no longer write to the file."""
    os.chown(policies / "groups.yaml", 12345, 23456)
    coder.run("drift", "--accept", "group/acme/platform")
    facts = (policies / "groups.yaml").stat()
    assert "limit: $500.00" in (policies / "groups.yaml").read_text()
    assert (facts.st_uid, facts.st_gid) == (12345, 23456)


def test_where_one_file_cannot_be_written_no_file_is_changed(coder: Shell, policies: Path) -> None:
    people = PEOPLE + "# a long story\n" * 2000
    (policies / "people.yaml").write_text(people)

    coder.environment["PYTHONDONTWRITEBYTECODE"] = "1"  # Python would leave the beginning of its own files

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))

    ran = coder.process("drift", "--accept", "*", preexec_fn=fill_the_disk)
    assert ran.code == 1
    assert "policies/people.yaml cannot be written: File too large" in ran.err
    assert (policies / "groups.yaml").read_text() == GROUPS
    assert (policies / "people.yaml").read_text() == people
    assert sorted(os.listdir(policies)) == ["groups.yaml", "people.yaml"]


def test_what_was_written_before_a_file_that_could_not_be_replaced_is_told(
    coder: Shell, policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error named the second file alone, as if no file were changed."""
    replace = os.replace

    def refuse_people(old: str, new: str) -> None:
        if new.endswith("people.yaml"):
            raise OSError(errno.ESTALE, "Stale file handle")
        replace(old, new)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refuse_people)
        ran = coder.run("drift", "--accept", "*")
    assert ran.code == 1
    assert (policies / "groups.yaml").read_text() != GROUPS
    assert (policies / "people.yaml").read_text() == PEOPLE
    assert "policies/people.yaml cannot be written: Stale file handle; written before: policies/groups.yaml" in ran.err
    assert coder.run("drift", "--accept", "*").code == 0, "the rest is taken by the next run"
