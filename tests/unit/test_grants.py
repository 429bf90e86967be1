"""Records of writes: which of them count for an entry, and when they are no evidence."""

from __future__ import annotations

from reconciler.core.budget import GroupId, UserId
from reconciler.core.grant_records import GrantRecord
from reconciler.core.plan.grants import Holders
from tests.effects.worlds import usd
from tests.unit.test_core import override as entry


def record(user: str, dollars: int | None, *, name: str = "gone", group: str = "") -> GrantRecord:
    return GrantRecord(
        username=name,
        user_id=UserId(user),
        limit_micros=None if dollars is None else usd(dollars),
        group_name=group,
        group_id=GroupId(group) if group else None,
        source="a journal",
    )


GONE = entry("gone", "eng", 50)


def test_a_record_counts_by_name_amount_and_group() -> None:
    assert Holders([record("ana", 50)]).holder(GONE) == "ana"
    assert Holders([record("ana", 50, name="GONE", group="eng")]).holder(GONE) == "ana"
    assert Holders([record("ana", None)]).holder(GONE) == "ana", "the log of people knows no amount"
    for other in (record("ana", 51), record("ana", 50, name="bob"), record("ana", 50, group="ops")):
        assert Holders([other]).holder(GONE) is None


def test_two_people_are_no_evidence_and_two_records_of_somebody_are() -> None:
    assert Holders([record("ana", 50), record("bob", 50)]).holder(GONE) is None
    assert Holders([record("ana", 50), record("bob", 51)]).holder(GONE) == "ana"
    assert Holders([record("ana", 50), record("ana", 50, group="eng")]).holder(GONE) == "ana"
