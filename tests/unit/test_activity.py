"""Who changed what differs: our own writes name a plan in their User-Agent, which a journal can confirm."""

from datetime import UTC, datetime

import pytest

from reconciler.core.attribution import LastChange, Ours, tell_ours
from reconciler.core.audit import AuditEntry

OURS = "reconciler/0.1.0 plan/9f8e12ab34cd"


@pytest.mark.parametrize(
    ("user_agent", "by", "ours"),
    [
        (OURS, "olivia", Ours.USER_AGENT),
        (OURS, "ci-budgets", Ours.ACCOUNT),
        ("reconciler/0.1.0 plan/0123456789ab", "old-bot", Ours.JOURNAL),
        ("reconciler/0.1.0 plan/0123456789ab", "olivia", Ours.USER_AGENT),
        ("reconciler/0.1.0", "ci-budgets", Ours.NOT),
        ("reconciler/0.1.0 plan/9f8e12ab34cd and more", "ci-budgets", Ours.NOT),
        ("curl/8.5.0", "ci-budgets", Ours.NOT),
        ("not-reconciler/1 plan/9f8e12ab34cd", "ci-budgets", Ours.NOT),
        ("", "", Ours.NOT),
    ],
)
def test_our_own_writes(user_agent: str, by: str, ours: Ours) -> None:
    change = AuditEntry(at=datetime(2026, 11, 23, tzinfo=UTC), by=by, action="write", user_agent=user_agent)

    assert tell_ours(change, account="ci-budgets", journaled={("0123456789ab", "old-bot")}) is ours
    last = LastChange(address="group/acme/platform", change=change, ours=ours)
    assert last.is_ours is (ours is not Ours.NOT)
