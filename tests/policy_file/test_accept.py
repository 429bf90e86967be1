"""How a policy would say what is live: which file, which list and which lines, and when that is not possible."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, State, UserId
from reconciler.core.directory import Directory, Group, User
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan.acceptance import Taking
from reconciler.errors import Place, ReconcilerError
from reconciler.money import MAX_LIMIT, Micros
from reconciler.policy_file.accept import Proposed, accept, propose, propose_for_orphans, propose_removal
from reconciler.policy_file.load import load_texts
from reconciler.policy_file.opening import STDIN_NAME
from tests.effects.worlds import World, group_of, override, ref, usd

DIRECTORY = World(
    {"acme": ["ana", "bob"], "acme/eng": [], "acme/ops": [], "beta": ["kim"], "beta/eng": ["kim"], "corp": []}
).directory()
FILES = {
    "budgets.yaml": "version: 1\norganization: acme\ngroup_budgets: [{group: eng, limit: $20}]\n",
    "overrides.yaml": "version: 1\norganization: acme\nuser_overrides: [{user: bob, group: eng, limit: $9}]\n",
    "zeta.yaml": "version: 1\norganization: beta\nuser_overrides: [{user: kim, group: eng, limit: $9}]\n",
}
TOO_HIGH = "a policy cannot list a limit above $1,000,000.00; lower it in Coder first"
FROM_STDIN = "the entry came from standard input; change it at its source"


def proposed(
    subject: str,
    live: State,
    *,
    entry_of: str = "",
    files: dict[str, str] = FILES,
    directory: Directory = DIRECTORY,
) -> Proposed:
    """Propose to accept what is live; `entry_of` is the file of whose entry the plan speaks, if it speaks of one."""
    policies = load_texts(files)
    places = [entry.place for policy in policies for _, entry in policy.entries]
    kind, _, name = subject.partition("/")
    named = (user for user in directory.users.values() if user.username == name)
    who: Group | User = group_of(name) if kind == "group" else next(named)
    place = next((place for place in places if place.file == entry_of), None)
    (result,) = propose([Action(subject=who, before=live, after=ABSENT, place=place)], policies, directory)
    return result


ADDED = ["add overrides.yaml user_overrides", "- user: kim", "  group: Everyone", "  limit: $5.00"]


@pytest.mark.parametrize(
    ("subject", "live", "entry_of", "lines"),
    [
        (
            "group/acme/ops",
            override(5, "acme/ops"),
            "",
            ["add budgets.yaml group_budgets", "- group: ops", "  limit: $5.00"],
        ),
        ("user/bob", override(9, "acme/ops"), "overrides.yaml", ["change overrides.yaml user_overrides", "group: ops"]),
        (
            "user/bob",
            override(5, "acme/eng"),
            "overrides.yaml",
            ["change overrides.yaml user_overrides", "limit: $5.00"],
        ),
        ("user/bob", ABSENT, "overrides.yaml", ["remove overrides.yaml user_overrides"]),
        ("user/kim", override(5, "acme"), "", ADDED),
        ("user/kim", override(5, "acme"), "zeta.yaml", ADDED),
    ],
)
def test_what_is_live_is_written_where_its_neighbours_are(
    subject: str, live: State, entry_of: str, lines: list[str]
) -> None:
    found = proposed(subject, live, entry_of=entry_of)
    acceptance = found.acceptance
    assert [f"{acceptance.taking} {acceptance.file} {acceptance.section}", *acceptance.lines] == lines
    files = ["zeta.yaml", "overrides.yaml"] if subject == "user/kim" else [acceptance.file]
    assert [file for file, _ in found.edits] == files, "Coder keeps one override a person, so the other entry goes"


@pytest.mark.parametrize(
    "group", ["eng", "0a5c4a0e-4000-4000-8000-00000000000b", "0A5C4A0E-4000-4000-8000-00000000000B"]
)
def test_an_entry_keeps_the_way_in_which_it_names_its_group(group: str) -> None:
    id_ = GroupId("0a5c4a0e-4000-4000-8000-00000000000b")
    live = Budget(Micros(5_000_000), GroupRef(id_, organization="acme", name="eng"))
    files = FILES | {"overrides.yaml": FILES["overrides.yaml"].replace("group: eng", f"group: {group}")}
    found = proposed("user/bob", live, entry_of="overrides.yaml", files=files)
    assert found.acceptance.lines == ("limit: $5.00",)


@pytest.mark.parametrize(
    ("live", "problem"),
    [
        (ABSENT, "nothing is live, and no file lists it"),
        (Budget(Micros(MAX_LIMIT + 1), ref("acme")), TOO_HIGH),
        (Budget(Micros(1), GroupRef(GroupId("x"))), "its group cannot be read; use a token that may read it"),
        (override(5, "corp"), "no policy file is for organization corp; add one"),
        (Budget(MAX_LIMIT, ref("acme")), ""),
    ],
)  # fmt: skip
def test_what_no_policy_can_say_is_told_with_what_to_do(live: State, problem: str) -> None:
    found = proposed("user/ana", live)
    assert found.acceptance.problem == problem
    assert (found.acceptance.taking is Taking.IMPOSSIBLE) is bool(problem)
    assert bool(found.edits) is not bool(problem)


def test_an_entry_from_standard_input_is_not_edited_nor_gets_a_neighbour() -> None:
    files = {STDIN_NAME: FILES["overrides.yaml"], "budgets.yaml": FILES["budgets.yaml"]}
    live = override(5, "acme/ops")
    for found in (
        proposed("user/bob", live, entry_of=STDIN_NAME, files=files),
        proposed("user/bob", ABSENT, entry_of=STDIN_NAME, files=files),
        proposed("user/ana", live, files=files),
        propose_removal(orphan("user/ana", file=STDIN_NAME)),
    ):
        assert (found.acceptance.problem, found.edits) == (FROM_STDIN, ())
    assert proposed("group/acme/ops", live, files=files).acceptance.file == "budgets.yaml"


def test_every_file_that_changes_is_returned_and_says_what_was_meant() -> None:
    moved = proposed("user/kim", override(5, "acme"))
    changed = proposed("user/bob", override(7, "acme/ops"), entry_of="overrides.yaml")
    texts = accept([moved, changed], FILES)
    assert sorted(texts) == ["overrides.yaml", "zeta.yaml"]
    entries = [entry for policy in load_texts(FILES | texts) for entry in policy.user_overrides]
    assert [(entry.user, entry.group, entry.limit) for entry in entries] == [
        ("bob", "ops", usd(7)), ("kim", "Everyone", usd(5))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ("limit", "overrides.yaml cannot be edited safely (expected"),
        (FILES["overrides.yaml"], "overrides.yaml cannot be edited safely (the new text would say something else)"),
    ],
)
def test_a_text_that_an_edit_would_spoil_is_not_returned(
    spoilt: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.policy_file.accept.edit", lambda _text, _edits: spoilt)
    with pytest.raises(ReconcilerError) as raised:
        accept([proposed("user/ana", override(5, "acme"))], FILES)
    assert raised.value.message.startswith(problem)
    assert raised.value.hint == "write the lines that `drift` shows by hand"


def test_a_name_that_fits_two_is_written_as_an_id() -> None:
    ana, namesake = (User(username=f"ana{end}", id=UserId(f"u-{end}"), email="ana") for end in ("", "2"))
    ops = replace(DIRECTORY.groups[GroupId("acme/ops")], name="acme/eng")
    directory = replace(DIRECTORY, users={ana.id: ana, namesake.id: namesake}, groups={**DIRECTORY.groups, ops.id: ops})
    found = proposed("user/ana", Budget(Micros(5_000_000), ops.ref), directory=directory)
    assert found.acceptance.lines == ("- user: u-", '  group: "acme/ops"', "  limit: $5.00")


def orphan(address: str, reason: OrphanReason = OrphanReason.NOT_A_MEMBER, *, file: str = "p.yaml") -> Orphan:
    place = Place(file, 7, 12)
    return Orphan(address=address, place=place, organization="acme", reason=reason, message="why", hint="do")


def test_an_orphan_is_taken_out_of_the_list_in_which_it_is() -> None:
    sections = [propose_removal(orphan(address)).acceptance.section for address in ("user/ana", "group/acme/lab")]
    assert sections == ["user_overrides", "group_budgets"]


def test_an_entry_whose_group_is_unknown_goes_only_if_its_person_has_nothing_that_a_policy_here_can_list() -> None:
    """Their group may have another name; what was read of them decides."""
    policies, lost = load_texts(FILES), orphan("user/ana", OrphanReason.UNKNOWN_GROUP)
    ana = User(username="ana", id=UserId("ana"))
    takings = []
    for live in (None, ABSENT, override(5, "corp"), override(5, "acme/ops")):
        asked = [] if live is None else [Action(subject=ana, before=live, after=override(1, "acme"))]
        (found,) = propose_for_orphans([lost], asked, policies, DIRECTORY)
        takings.append(found.acceptance.taking)
    assert takings == [Taking.IMPOSSIBLE, Taking.REMOVE, Taking.REMOVE, Taking.ADD]
