"""The audit log: who changed a budget, and who may not know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.coder import audit_log
from reconciler.coder.client import open_writer
from reconciler.core.audit import Changes
from reconciler.core.budget import Budget, GroupRef
from reconciler.money import Micros
from reconciler.sandbox import Fault
from tests.coder.helpers import answer, connection_to, sandbox_and_reader
from tests.coder.test_reader import group_named, named

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_who_changed_a_budget_and_with_what() -> None:
    with sandbox_and_reader(role="owner") as (sandbox, reader):
        group, ana = group_named(reader.directory(), "acme/platform"), named(reader.directory(), "ana")
        before = datetime.now(UTC) - timedelta(days=2)
        with open_writer(connection_to(sandbox), user_agent_suffix="plan/1") as writer:
            writer.put(group, Budget(Micros(5_000_000), GroupRef(group.id)))
            writer.put(ana, Budget(Micros(5_000_000), GroupRef(group.id)))
            writer.delete(ana)
        (change,) = reader.log.changes(group, before).entries
        assert (change.by, change.action) == ("ci-budgets", "write")
        assert change.user_agent.endswith("plan/1")
        assert [one.action for one in reader.log.changes(ana, before).entries] == ["write", "delete"]
        assert reader.log.changes(group, datetime.now(UTC) + timedelta(days=1)) == Changes()


def test_who_may_not_read_the_log_is_told_so() -> None:
    with sandbox_and_reader() as (_, reader):
        found = reader.log.changes(group_named(reader.directory(), "acme/platform"), LONG_AGO)
        assert found.entries == ()
        assert "may not read the audit log" in found.reason


def test_a_server_that_does_not_record_overrides_says_so() -> None:
    with sandbox_and_reader("2026-05-29", role="owner") as (_, reader):
        assert "does not record" in reader.log.changes(named(reader.directory(), "ana"), LONG_AGO).reason


def entry(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": f"e-{number}", "resource_id": f"r-{number}", "time": "2026-08-03T09:30:00Z", "status_code": 200,
        "action": "write", "user_agent": "x", "user": None,
    } | changes  # fmt: skip


def test_entries_of_requests_that_failed_and_of_nobody() -> None:
    page = audit_log.load_changes(answer({"audit_logs": [entry(1), entry(2, status_code=404)]}))
    assert [(change.by, change.action) for _, change in page.rows if change is not None] == [("", "write")]


def test_a_grant_that_moved_to_a_group_of_the_same_name_is_no_record_of_a_grant() -> None:
    """From Everyone of one organization to another's: neither amount nor group name, so it fitted any entry."""
    group_id = {"old": "75f9b627-6e99-5249-8418-51fdda1d0b4b", "new": "c42fdf75-3097-471c-8c33-fb52454d81c0"}
    named = {"group_id": group_id, "group_name": {"old": "Everyone", "new": "platform"}}
    who = {"resource_id": "29b96dc6-abf8-487e-a605-d6af09adc6e9", "resource_target": "ana"}
    rows = [entry(1, **who, diff={"group_id": group_id}), entry(2, **who, diff=named)]
    page = audit_log.load_grant_records(answer({"audit_logs": rows}))
    assert [record.group_name for _, record in page.rows if record is not None] == ["platform"]


@pytest.mark.parametrize("refused", [[], [7]], ids=["all", "all but one"])
def test_a_refused_write_hides_nothing_that_is_older(refused: list[int]) -> None:
    """Of the first hundred entries 99 were of use, which passed for the last page: who changed the rest was unknown."""
    with sandbox_and_reader(role="owner") as (sandbox, reader):
        group = group_named(reader.directory(), "acme/platform")
        rows = [entry(n, status_code=404 if n in refused else 200) for n in range(130)]
        for page in (rows[:100], rows[100:]):
            sandbox.fault(Fault("status", path="*/audit", status=200, body={"audit_logs": page, "count": 130}))
        recent = reader.log.recent_changes([group], LONG_AGO)
        assert (len(recent.newest), recent.is_whole) == (130 - len(refused), True)


def test_a_server_with_shorter_pages_is_read_to_its_end() -> None:
    with sandbox_and_reader(role="owner") as (sandbox, reader):
        group = group_named(reader.directory(), "acme/platform")
        rows = [entry(n) for n in range(60)]
        for start in range(0, 60, 25):
            body = {"audit_logs": rows[start : start + 25], "count": 60}
            sandbox.fault(Fault("status", path="*/audit", status=200, body=body))
        recent = reader.log.recent_changes([group], LONG_AGO)
        assert (len(recent.newest), recent.is_whole) == (60, True)
        asked = [request.path for request in sandbox.requests if "/audit?" in request.path]
        assert [path.rpartition("=")[2] for path in asked] == ["0", "25", "50"]


def test_a_log_that_counts_more_than_it_shows_ends_with_an_empty_page() -> None:
    with sandbox_and_reader(role="owner") as (sandbox, reader):
        group = group_named(reader.directory(), "acme/platform")
        for rows in ([entry(n) for n in range(60)], []):
            sandbox.fault(Fault("status", path="*/audit", status=200, body={"audit_logs": rows, "count": 99}))
        recent = reader.log.recent_changes([group], LONG_AGO)
        assert (len(recent.newest), recent.is_whole) == (60, True)


def test_a_log_that_is_longer_than_what_is_read_is_not_called_whole() -> None:
    """One refused write among two thousand was enough for "whole"."""
    with sandbox_and_reader(role="owner") as (sandbox, reader):
        group = group_named(reader.directory(), "acme/platform")
        for page in range(audit_log.RECENT_PAGES):
            rows = [entry(n, status_code=404 if n == 1 else 200) for n in range(100 * page, 100 * page + 100)]
            sandbox.fault(Fault("status", path="*/audit", status=200, body={"audit_logs": rows, "count": 9_999}))
        assert not reader.log.recent_changes([group], LONG_AGO).is_whole
