"""The audit log: who changed a budget, and who may not know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.coder import audit_log
from reconciler.coder.client import open_writer
from reconciler.core.audit import Changes
from reconciler.core.budget import Budget, GroupRef
from reconciler.money import Micros
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


def test_entries_of_requests_that_failed_and_of_nobody() -> None:
    entry = {"time": "2026-08-03T09:30:00Z", "status_code": 200, "action": "write", "user_agent": "x", "user": None}
    found = audit_log.load_changes(answer({"audit_logs": [entry, entry | {"status_code": 404}]}))
    assert [(one.by, one.action) for one in found] == [("", "write")]
