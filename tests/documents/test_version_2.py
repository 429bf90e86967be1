"""Plans, drifts and outcomes of version 2 are read: they claim no more than they said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from reconciler.core.budget import ABSENT, UserId
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.errors import FileError
from reconciler.formats import document
from reconciler.formats.documents import Value, dump, load
from tests.documents.samples import outcome, plan, values
from tests.effects.worlds import NOW

LATER = Notice(
    kind=NoticeKind.STARTS_LATER,
    address="user/ana",
    place=None,
    text="none",
    at=NOW,
    wanted=ABSENT,
    until=NOW,
    user_id=UserId("1"),
)
NOT_SAID = replace(LATER, wanted=None, until=None, user_id=None)


def drift() -> Drift:
    made = values()["drift"]
    assert isinstance(made, Drift)
    return made


def with_notice(made: Plan, notice: Notice) -> Plan:
    return replace(made, effects=replace(made.effects, notices=(notice,)))


def older(value: Value, *without: str) -> str:
    """Write a document as version 2 had it."""
    body = json.loads(dump(value))
    name = body["format"]
    for key in ("format", "version", "checksum", *without):
        del body[key]
    held: dict[str, Any] = body if name == document.PLAN else body["plan"] or {"effects": {"notices": []}}
    for notice in held["effects"]["notices"]:
        del notice["wanted"], notice["until"], notice["user_id"]
    for acceptance in body.get("acceptances", ()):
        del acceptance["is_refused"]
    for row in body.get("last_changes", {"changes": ()})["changes"]:
        del row["change"]["name"]
    return document.dump(name, 2, body)


def test_of_what_starts_later_a_plan_does_not_say_what_it_wants() -> None:
    """So that a pipeline does not take it for announced."""
    made = plan()
    assert load(older(with_notice(made, LATER)), source="x") == with_notice(made, NOT_SAID)


def test_an_outcome_with_a_plan_and_without_one() -> None:
    made = outcome()
    whole = replace(made, plan=with_notice(plan(), LATER))
    read = load(older(whole), source="x")
    assert isinstance(read, OutcomeReport)
    assert read.plan == with_notice(plan(), NOT_SAID)
    assert load(older(replace(made, plan=None)), source="x") == replace(made, plan=None)


@pytest.mark.parametrize("since", [None, NOW])
def test_a_drift_does_not_say_whether_every_organization_was_read(since: datetime | None) -> None:
    made = replace(drift(), moves_since=since)
    read = load(older(made, "moves_read_all"), source="x")
    assert isinstance(read, Drift)
    assert read == replace(made, moves_read_all=since is None)


def test_a_drift_that_does_not_say_of_how_many_it_is_not_known_is_read_where_it_looked_at_nobody() -> None:
    """Of a drift with --people, 0 would say that nobody else's limit changed."""
    made = replace(drift(), moves_since=None)
    assert load(older(made, "moves_read_all", "moves_not_known"), source="x") == made
    with pytest.raises(FileError, match="moves_not_known is missing"):
        load(older(replace(made, moves_since=NOW), "moves_read_all", "moves_not_known"), source="x")


def test_what_is_not_of_version_2_is_one_clear_error() -> None:
    text = document.dump("reconciler drift", 2, {"moves_since": None})
    with pytest.raises(FileError, match="it is not of version 2: KeyError at 'last_changes'"):
        load(text, source="x")
