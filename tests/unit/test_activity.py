"""Who changed what differs: our own writes are told by their User-Agent."""

from datetime import UTC, datetime

import pytest

from reconciler.core.activity import AuditEntry, LastChange


@pytest.mark.parametrize(
    ("user_agent", "is_ours"),
    [("reconciler/0.1.0 plan/9f8e12ab34cd", True), ("curl/8.5.0", False), ("not-reconciler/1", False), ("", False)],
)
def test_our_own_writes(user_agent: str, is_ours: bool) -> None:
    change = AuditEntry(at=datetime(2026, 11, 23, tzinfo=UTC), by="olivia", action="write", user_agent=user_agent)

    assert LastChange(address="group/acme/platform", change=change).is_ours is is_ours
