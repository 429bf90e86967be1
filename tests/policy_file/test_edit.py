"""Edits of a policy's text: what they leave alone, and law 7: the result loads as the policy that was meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.policy import Entry, GroupBudgetEntry, Policy, UserOverrideEntry
from reconciler.money import Micros
from reconciler.policy_file.edit import AddEntry, ChangeEntry, Edit, RemoveEntry, edit
from reconciler.policy_file.load import load
from reconciler.policy_file.shapes import CONSENT, ENTRIES
from reconciler.policy_file.write import dump
from tests.policy_file.policies import HERE, entries, limits, names, policies
from tests.policy_file.test_round_trip import without_places

HAND_WRITTEN = """\
# Who gets how much.
version: 1
organization: acme   # the company

tiers: {standard: $200}
group_budgets:
    # the interns too
    -   group: Everyone   # all of acme
        limit:   standard # a tier
        reason: >-
            everybody
            has this

    # the platform team
    -   group: "platform"
        limit: '$1,000'
# end of the groups
user_overrides: # few
- {user: ana, group: platform, limit: $5, expires: 2027-01-01} # sprint
- user: bob
  # bob's group
  group: platform
  expires: 2027-02-01  # soon
  limit: $7

- expires: 2027-03-01
  user: eve
  group: platform
  limit: >-
    $9
"""
JULY = datetime(2027, 7, 1, tzinfo=UTC)


def write(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_bytes(text.encode())
    return file


def loaded(file: Path) -> Policy:
    (policy,) = load([str(file)]).policies
    return policy


def edited(folder: Path, text: str, edits: Callable[[dict[str, Any]], list[Edit]]) -> str:
    """Edit a text; `edits` gets the places of its entries by the name of their subjects."""
    policy = loaded(write(folder, text))
    places: dict[str, Any] = {entry.group: entry.place for entry in policy.group_budgets}
    places |= {entry.user: entry.place for entry in policy.user_overrides}
    result = edit(text, edits(places))
    loaded(write(folder, result))
    return result


def change(place: Any, **values: Any) -> ChangeEntry:
    return ChangeEntry(place=place, values=values)


def difference(old: str, new: str) -> list[str]:
    """Return the lines that are not in both, as a reviewer sees them."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    return [f"- {line}" for line in old_lines if line not in new_lines] + [
        f"+ {line}" for line in new_lines if line not in old_lines
    ]


def test_a_limit_is_replaced_at_its_place(tmp_path: Path) -> None:
    new = edited(
        tmp_path,
        HAND_WRITTEN,
        lambda at: [
            change(at["Everyone"], limit=Micros(1_250_000_000)),
            change(at["platform"], limit=Micros(5)),
            change(at["ana"], limit=Micros(1_250_000_000), group="a, b"),
            change(at["eve"], limit=Micros(8_000_000)),
        ],
    )
    assert difference(HAND_WRITTEN, new) == [
        "-         limit:   standard # a tier",
        "-         limit: '$1,000'",
        "- - {user: ana, group: platform, limit: $5, expires: 2027-01-01} # sprint",
        "-   limit: >-",
        "-     $9",
        "+         limit:   $1,250.00 # a tier",
        "+         limit: $0.000005",
        '+ - {user: ana, group: "a, b", limit: "$1,250.00", expires: 2027-01-01} # sprint',
        "+   limit: $8.00",
    ]


def test_a_key_is_taken_out(tmp_path: Path) -> None:
    new = edited(tmp_path, HAND_WRITTEN, lambda at: [change(at[name], expires=None) for name in ("ana", "bob", "eve")])
    assert difference(HAND_WRITTEN, new) == [
        "- - {user: ana, group: platform, limit: $5, expires: 2027-01-01} # sprint",
        "-   expires: 2027-02-01  # soon",
        "- - expires: 2027-03-01",
        "-   user: eve",
        "+ - {user: ana, group: platform, limit: $5} # sprint",
        "+ - user: eve",
    ]
    policy = loaded(tmp_path / "policy.yaml")
    assert {entry.expires for entry in policy.user_overrides} == {None}


def test_entries_are_taken_out_and_comments_stay(tmp_path: Path) -> None:
    new = edited(tmp_path, HAND_WRITTEN, lambda at: [RemoveEntry(place=at["Everyone"]), RemoveEntry(place=at["bob"])])
    assert [entry.user for entry in loaded(tmp_path / "policy.yaml").user_overrides] == ["ana", "eve"]
    for comment in ("# Who gets", "# the interns too", "# the platform team", "# end of", "# few", "# sprint"):
        assert comment in new
    for gone in ("Everyone", "everybody", "bob"):
        assert gone not in new


def test_of_an_emptied_list_the_brackets_stay(tmp_path: Path) -> None:
    new = edited(tmp_path, HAND_WRITTEN, lambda at: [RemoveEntry(place=place) for place in at.values()])
    policy = loaded(tmp_path / "policy.yaml")
    assert (policy.group_budgets, policy.user_overrides) == ((), ())
    assert "group_budgets: []\n" in new
    assert "user_overrides: [] # few\n" in new


def test_a_new_entry_looks_like_its_neighbours(tmp_path: Path) -> None:
    added = [
        AddEntry(entry=GroupBudgetEntry(group="design", limit=Micros(5_000_000), reason="yes", place=HERE)),
        AddEntry(entry=UserOverrideEntry(user="kim", group="design", limit=Micros(0), expires=JULY, place=HERE)),
    ]
    new = edited(tmp_path, HAND_WRITTEN, lambda _: [*added])
    assert difference(HAND_WRITTEN, new) == [
        "+     -   group: design",
        "+         limit: $5.00",
        '+         reason: "yes"',
        "+ - user: kim",
        "+   group: design",
        "+   limit: $0.00",
        "+   expires: 2027-07-01",
    ]
    assert new.index("group: design") < new.index("# end of the groups")


HEAD = "version: 1\norganization: acme\n"
NEW = "group_budgets:\n  - group: a\n    limit: $1.00\n"
NEW_JSON = '{"group": "a", "limit": "$1.00"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD.strip(), HEAD + NEW),
        (HEAD + "...\n", HEAD + NEW + "...\n"),
        (HEAD + "group_budgets:   [ ] # none\nuser_overrides: []\n",
         HEAD + NEW.replace(":", ": # none", 1) + "user_overrides: []\n"),
        ((HEAD + "# end\n").replace("\n", "\r\n"), (HEAD + "# end\n" + NEW).replace("\n", "\r\n")),
        ("  version: 1\n  organization: acme\n",
         "  version: 1\n  organization: acme\n  group_budgets:\n    - group: a\n      limit: $1.00\n"),
        (f"\ufeff{HEAD}group_budgets: [{{group: é, limit: 5}}]\n",
         f"\ufeff{HEAD}group_budgets: [{{group: é, limit: 5}}, {NEW_JSON}]\n"),
        ('{"version": 1, "organization": "acme"}',
         f'{{"version": 1, "organization": "acme", "group_budgets": [{NEW_JSON}]}}'),
        ('{"version": 1, "group_budgets": [], "organization": "acme"}',
         f'{{"version": 1, "group_budgets": [{NEW_JSON}], "organization": "acme"}}'),
        (f"{HEAD}group_budgets: [\n  {{group: b, limit: 5}},\n]\n",
         f"{HEAD}group_budgets: [\n  {{group: b, limit: 5}}, {NEW_JSON},\n]\n"),
    ],
)  # fmt: skip
def test_where_a_new_entry_goes(tmp_path: Path, text: str, expected: str) -> None:
    entry = GroupBudgetEntry(group="a", limit=Micros(1_000_000), place=HERE)
    assert edited(tmp_path, text, lambda _: [AddEntry(entry=entry)]) == expected


@pytest.mark.parametrize(
    ("text", "removed", "expected"),
    [
        ("[{group: a, limit: 1}, {group: b, limit: 2},]", "a b", "[]"),
        ("[{group: a, limit: 1}, {group: b, limit: 2} , ]", "b", "[{group: a, limit: 1} , ]"),
        ("[ # two\n  {group: a, limit: 1}, # one\n  # why\n  {group: b, limit: 2}, # two\n]",
         "a", "[ # two\n  # why\n  {group: b, limit: 2}, # two\n]"),
        ("[ # two\n  {group: a, limit: 1}, # one\n  # why\n  {group: b, limit: 2} # two\n]",
         "b", "[ # two\n  {group: a, limit: 1}, # one\n  # why\n]"),
        ("[ # two\n  {group: a, limit: 1}, # one\n  # why\n  {group: b, limit: 2} # two\n]",
         "a b", "[ # two\n  # why\n]"),
        ("[{group: a, limit: 1}, # one\n  # why\n  {group: b, limit: 2}]",
         "a", "[ # one\n  # why\n  {group: b, limit: 2}]"),
        ("[{group: a, limit: 1}, # one\n  # why\n  {group: b,\n   limit: 2}]",
         "b", "[{group: a, limit: 1}, # one\n  # why\n  ]"),
        ("[ {group: a, limit: 1} # one, or two\n  , {group: b, limit: 2} # two\n  ]",
         "a", "[  {group: b, limit: 2} # two\n  ]"),
        ("[ {group: a, limit: 1} # one, or two\n  , {group: b, limit: 2} # two\n  ]",
         "a b", "[   # two\n  ]"),
    ],
)  # fmt: skip
def test_an_entry_between_brackets_goes_and_every_other_comment_stays(
    tmp_path: Path, text: str, removed: str, expected: str
) -> None:
    """A comma behind the last entry refused the edit, and comments of entries that stay went with their neighbour."""
    head, tail = f"{HEAD}group_budgets: ", "\nuser_overrides: [] # none\n"
    new = edited(tmp_path, head + text + tail, lambda at: [RemoveEntry(place=at[name]) for name in removed.split()])
    assert new == head + expected + tail


def test_json_stays_json_where_a_reason_has_a_number_sign(tmp_path: Path) -> None:
    """It looks like a comment, beside which a comma may be left; JSON takes none behind the last entry."""
    entries = [{"group": name, "limit": 1, "reason": "as in #4"} for name in "ab"]
    text = json.dumps({"version": 1, "organization": "acme", "group_budgets": entries}, indent=2)
    new = edited(tmp_path, text, lambda at: [RemoveEntry(place=at["b"])])
    assert json.loads(new)["group_budgets"] == entries[:1]


def test_an_entry_that_is_not_there_is_an_error() -> None:
    text = "version: 1\norganization: acme\ngroup_budgets:\n  - {group: a, limit: 5}\n"
    with pytest.raises(LookupError, match="no entry is at"):
        edit(text, [RemoveEntry(place=HERE)])
    with pytest.raises(LookupError, match="has no reason"):
        edit(text, [change(replace(HERE, line=4, column=13), reason="x")])


def _json(policy: Policy) -> str:
    """Write a policy as JSON, as a program would."""
    document: dict[str, Any] = {"version": 1, "organization": policy.organization}
    for key, shape in ENTRIES.items():
        document[key] = [dict(_plain(shape.write(entry))) for entry in getattr(policy, key)]
    document["allow"] = [{**dict(_plain(CONSENT.write(consent))), "up_to": consent.up_to} for consent in policy.allow]
    return json.dumps(document, indent=1)


def _plain(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    import yaml

    return [(key, yaml.load(value, Loader=yaml.BaseLoader)) for key, value in pairs]


def _commented(policy: Policy) -> str:
    lines = dump(policy).splitlines()
    return "\n".join(
        line if '"' in line or "[]" in line else f"{line}  # {i}\n\n  # {i}" for i, line in enumerate(lines)
    )


@st.composite
def changes(draw: st.DrawFn, policy: Policy) -> tuple[list[Edit], Policy]:
    """Draw edits of a policy that was loaded, and what it says after them."""
    edits: list[Edit] = []
    after: dict[str, list[Entry]] = {}
    for key in ENTRIES:
        after[key] = []
        for entry in getattr(policy, key):
            what = draw(st.sampled_from(["keep", "keep", "remove", "change"]))
            if what == "remove":
                edits.append(RemoveEntry(place=entry.place))
                continue
            if what == "change":
                values: dict[str, Any] = {"limit": draw(limits)}
                if isinstance(entry, UserOverrideEntry):
                    values |= {"group": draw(names), "expires": None}
                edits.append(ChangeEntry(place=entry.place, values=values))
                entry = replace(entry, **values)
            after[key].append(entry)
        taken = {_name(entry) for entry in getattr(policy, key)}
        for entry in draw(st.lists(entries[key], max_size=2, unique_by=_name)):
            if _name(entry) not in taken:
                edits.append(AddEntry(entry=entry))
                after[key].append(entry)
    order = draw(st.permutations([item for item in edits if not isinstance(item, AddEntry)]))
    sections: dict[str, Any] = {key: tuple(items) for key, items in after.items()}
    result = replace(policy, **sections)
    return [*order, *(item for item in edits if isinstance(item, AddEntry))], result


def _name(entry: Any) -> str:
    return entry.user.lower() if isinstance(entry, UserOverrideEntry) else str(entry.group)


@settings(max_examples=300)
@given(policies, st.sampled_from([dump, _json, _commented]), st.sampled_from(["\n", "\r\n"]), st.data())
def test_law_7_an_edited_text_loads_as_the_policy_that_was_meant(
    tmp_path_factory: pytest.TempPathFactory,
    policy: Policy,
    style: Callable[[Policy], str],
    newline: str,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("policy")
    text = style(policy).replace("\n", newline)
    before = loaded(write(folder, text))
    edits, after = data.draw(changes(before))
    new = edit(text, edits)
    assert without_places(loaded(write(folder, new))) == without_places(after)
    assert edit(text, []) == text
    if style is _json:
        json.loads(new)
    if style is _commented and not any(isinstance(item, RemoveEntry) for item in edits):
        kept = [line for line in text.splitlines() if line.strip().startswith("#")]
        assert [line for line in new.splitlines() if line in kept] == kept
