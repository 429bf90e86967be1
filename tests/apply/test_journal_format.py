"""Journals as text: they follow the published schema, come back as they were (law 7), and damage is named."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core.action import Action, Cause, Kind
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, UserId
from reconciler.core.directory import Group, User
from reconciler.core.plan.outcome import Ended, Ending, Event, Intent, Recorded, Result, Started, replay
from reconciler.core.policy import SourceFile
from reconciler.core.snapshot import Deployment, Offers
from reconciler.errors import FileError, Place
from reconciler.formats.journal import dump_event, load_events
from reconciler.money import Micros
from reconciler.sandbox import Fault
from tests.apply.site import SEVEN, Site

SCHEMAS = Path(__file__).parents[2] / "schemas"
SCHEMA = json.loads((SCHEMAS / "journal.v2.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

_TEXT = st.text(max_size=8)
_TIME = st.datetimes(timezones=st.just(UTC))
_REF = st.builds(GroupRef, _TEXT.map(GroupId), organization=_TEXT, name=_TEXT)
_BUDGET = st.builds(Budget, st.integers(0, 10**15).map(Micros), _REF)
_ACTION = st.builds(
    Action,
    subject=st.builds(
        Group, organization=_TEXT, name=_TEXT, id=_TEXT.map(GroupId), organization_id=_TEXT.map(OrganizationId)
    )
    | st.builds(User, username=_TEXT, id=_TEXT.map(UserId), email=_TEXT, status=_TEXT),
    before=st.just(ABSENT) | _BUDGET,
    after=st.just(ABSENT) | _BUDGET,
    cause=st.sampled_from(Cause),
    reason=_TEXT,
    expires=st.none() | _TIME,
    place=st.none() | st.builds(Place, _TEXT, st.integers(1, 9), st.integers(1, 9)),
)
_OFFERS = st.builds(
    Offers, overrides=st.booleans(), bulk_reads=st.booleans(), effective_budgets=st.booleans(), overrides_missing=_TEXT
)
_STARTED = st.builds(
    Started,
    run=_TEXT,
    tool=_TEXT,
    at=_TIME,
    who=_TEXT,
    digest=st.just("0" * 64),
    deployment=st.builds(
        Deployment, id=_TEXT, url=_TEXT, version=_TEXT, user=_TEXT, roles=st.lists(_TEXT).map(tuple), offers=_OFFERS
    ),
    actions=st.lists(_ACTION, max_size=3, unique_by=lambda one: (type(one.subject), one.subject.id.lower())).map(tuple),
    sources=st.lists(st.builds(SourceFile, path=_TEXT, sha256=st.just("0" * 64)), max_size=2).map(tuple),
    revision=_TEXT,
    consents=st.lists(_TEXT, max_size=2).map(tuple),
    unreadable=st.lists(_TEXT, max_size=2).map(tuple),
)
_OTHERS = st.one_of(
    st.builds(Intent, action=st.integers(0, 9), address=_TEXT, kind=st.sampled_from(Kind), at=_TIME),
    st.builds(
        Recorded, action=st.integers(0, 9), address=_TEXT, result=st.sampled_from(Result), detail=_TEXT, at=_TIME
    ),
    st.builds(
        Ended,
        ending=st.sampled_from(Ending),
        why=_TEXT,
        is_verified=st.booleans(),
        differences=st.lists(_TEXT, max_size=2).map(tuple),
        not_verified=st.integers(0, 9),
        at=_TIME,
    ),
)


@given(_STARTED, st.lists(_OTHERS, max_size=4), st.integers(0))
def test_a_journal_comes_back_and_follows_its_schema(started: Started, others: list[Event], cut: int) -> None:
    """Law 7; and cut anywhere, it is read up to its last whole line."""
    events = (started, *others)
    lines = [dump_event(event) for event in events]
    text = "".join(lines)
    assert load_events(text, source="it") == events
    for line in lines:
        VALIDATOR.validate(json.loads(line))
    cut %= len(text) + 1
    whole = text[:cut].count("\n")
    assert load_events(text[:cut], source="it") == events[:whole]


def test_two_journals_in_one_file_are_told_apart(site: Site) -> None:
    site.policy("platform: $600")
    assert site.apply().code == 0
    (path,) = site.journals
    text = path.read_text()
    with pytest.raises(FileError, match=f"more than one run: another journal begins on line {text.count(chr(10)) + 1}"):
        load_events(text + text, source="it")


def test_every_line_of_real_journals_follows_the_schema(site: Site) -> None:
    """Done, already done, in conflict, failed, in doubt, not attempted, stopped, reverted."""
    site.policy(*SEVEN)
    sql, parameters = site.set_budget("platform", 1)
    site.sandbox.fault(Fault("change", method="PUT", path=f"*/{site.id_of('ana')}/*", sql=sql, parameters=parameters))
    site.sandbox.fault(
        Fault("status", method="PUT", path=f"*/{site.id_of('eng')}/*", status=403, body={"message": "No."})
    )
    assert site.apply().code == 4
    assert site.run("revert", str(site.journals[0]), "--auto-approve", "--allow", "REMOVES_LIMIT=9").code == 0
    assert site.apply().code == 4
    assert site.apply().code == 0
    lines = [line for path in site.journals for line in path.read_text().splitlines()]
    assert {json.loads(line).get("result") for line in lines} >= {"done", "conflict", "failed", None}
    for line in lines:
        VALIDATOR.validate(json.loads(line))


BEGUN = '{"format": "reconciler journal", "version": 2, "type": "started"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "reconciler plan"}\n', "is not a reconciler journal"),
        (BEGUN.replace("2", "3"), "has format version 3"),
        (BEGUN, "line 1 of it is not an event"),
        ("[]\n", "it is not a reconciler journal"),
        ("version: 1\norganization: acme\n", "it is not a reconciler journal"),
        ("{\n{}\n", "line 1 of it is not complete: it breaks off in the middle"),
        ('{"format" 1}\n', "line 1 of it is not JSON: Expecting ':' delimiter"),
    ],
)
def test_damage_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        load_events(text, source="it")
    assert message in caught.value.message


def test_events_of_one_run_only(site: Site) -> None:
    """A journal is one run's: other sequences are refused and not guessed at."""
    site.policy("platform: $600")
    assert site.apply().code == 0
    events = load_events(site.journals[0].read_text(), source="it")
    for wrong, message in (
        ((), "does not begin with"),
        (events[1:], "does not begin with"),
        ((*events, events[0]), "more than one run"),
        (
            (events[0], Intent(action=7, address="group/acme/x", kind=Kind.CREATE, at=events[0].at)),
            "names action 7",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            replay(wrong)
    (site.folder / "twice.jsonl").write_text(site.journals[0].read_text() * 2)
    for command in (["show"], ["revert", "--auto-approve"]):
        said = site.run(*command, "twice.jsonl")
        assert (said.code, len(site.writes)) == (1, 1)
        assert "holds more than one run: another journal begins on line" in said.err
