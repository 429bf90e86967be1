"""The policy schema in an editor, by the real yaml-language-server. Not part of `make test`: it needs Node.

npm install --global yaml-language-server
.venv/bin/python -m pytest tests/editor/language_server.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.server import LanguageServer

HEAD = "version: 1\norganization: acme\n"
VALID = f"""{HEAD}manage: {{group_budgets: exact}}
tiers: {{standard: $200}}
group_budgets:
  - group: platform
    limit: $500
user_overrides:
  - user: ana
    group: platform
    limit: standard
    expires: 2027-01-01
guardrails: {{max_limit: 5000}}
allow: [{{hazard: BLOCKS_USERS, up_to: 2, reason: they left}}]
"""
LIMIT = "Write an amount such as $200 or $1,250.00 (at most $1,000,000, six decimals), the name of a tier, or none"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    running = LanguageServer(tmp_path_factory.mktemp("editor"))
    yield running
    running.close()


def test_a_valid_policy_has_no_errors(server: LanguageServer) -> None:
    assert server.errors(VALID) == []


@pytest.mark.parametrize("file", sorted((Path(__file__).parents[1] / "policies" / "valid").glob("*.yaml")), ids=str)
def test_what_we_read_is_no_error_in_an_editor(server: LanguageServer, file: Path) -> None:
    assert server.errors(file.read_bytes().decode("utf-8-sig")) == []


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("limit: $500", "The limit per month for each member of the group, in US dollars"),
        ("$500", "The limit per month for each member of the group, in US dollars"),
        ("limit: standard", "The limit per month for this person, in US dollars"),
        ("standard\n", "The limit per month for this person, in US dollars"),
        ("group: platform", "The group: its name in this organization, or its UUID."),
        ("exact", "a live group budget that no file lists is removed"),
        ("expires", "From then on the entry counts as"),
        ("max_limit", "No limit may be higher."),
        ("hazard", "REMOVES\\_LIMIT: somebody becomes unlimited."),
        ("up_to", "The largest number of people"),
        ("tiers", "Named amounts."),
    ],
)
def test_hover_says_what_a_key_means(server: LanguageServer, at: str, sentence: str) -> None:
    assert sentence in server.hover(VALID, at)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("group_budgets: [{group: a, limit: 5 EUR}]", f"3: {LIMIT}"),
        ("group_budgets:\n  - group: a\n    limit: $5.1234567", f"5: {LIMIT}"),
        ("group_budgets:\n  - group: a\n    limit:", f"5: {LIMIT}"),
        ("group_budgets: [{group: a, limit: -5}]", "3: Value is below the minimum of 0."),
        ("group_budgets: {a: 5}", "3: Write a list: each group budget begins with `- group: NAME`."),
        ("group_budgets: [{group: 5, limit: $5}]", "3: Write a name: not empty"),
        ("tiers: {1st: $5}", "3: Name a tier with a letter"),
        ("tiers: {a: b}", "3: Write an amount such as $200"),
        ("manage: {group_budgets: all}", "3: Write `exact` or `listed`."),
        (
            "allow: [{hazard: NOISE, up_to: 1, reason: x}]",
            "3: Write REMOVES_LIMIT, BLOCKS_USERS, UNSEEN_PEOPLE or MASS_CHANGE.",
        ),
        ("user_overrides: [{user: a, group: b, limit: $5, expires: soon}]", "3: Write a date such as 2026-11-01"),
        ("group_budgets: [{group: a, limit: $5, limt: $5}]", "3: Property limt is not allowed."),
    ],
)
def test_an_error_is_a_sentence_for_a_person(server: LanguageServer, text: str, error: str) -> None:
    errors = server.errors(HEAD + text + "\n")
    assert [shown[: len(error)] for shown in errors] == [error]
    assert all(len(shown) < 160 for shown in errors)


def test_completion_offers_keys_and_words_with_their_meaning(server: LanguageServer) -> None:
    keys = server.completions(HEAD)
    assert {"manage", "tiers", "group_budgets", "user_overrides", "guardrails", "allow"} <= keys.keys()
    entry = server.completions(f"{HEAD}user_overrides:\n  - user: ana\n    ")
    assert {"group", "limit", "reason", "starts", "expires"} <= entry.keys()
    assert entry["expires"]["documentation"].startswith("From then on the entry counts as")
    assert {"exact", "listed"} <= server.completions(f"{HEAD}manage:\n  group_budgets: ").keys()
    assert {"$200", "none"} <= server.completions(f"{HEAD}group_budgets:\n  - group: a\n    limit: ").keys()
    hazards = server.completions(f"{HEAD}allow:\n  - hazard: ")
    assert hazards["REMOVES_LIMIT"]["documentation"] == "Somebody becomes unlimited."
