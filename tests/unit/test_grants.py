"""Records of writes: which of them count for an entry, and when they are no evidence."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.budget import GroupId, UserId
from reconciler.core.directory import User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.plan.grants import Holders, as_ended
from reconciler.core.plan.resolution import Resolution
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.errors import Place
from reconciler.money import Micros
from reconciler.operations import journals
from reconciler.operations.journals import grants_in_journals
from tests.effects.worlds import NOW, usd
from tests.unit.test_core import WORLD, policy, with_user
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
ENDED = entry("gone", "eng", 50, expires=-60)


def with_records(*records: GrantRecord, ended: UserOverrideEntry = ENDED, scope: Scope = EVERYTHING) -> Resolution:
    return resolve([policy(ended)], WORLD.directory(), at=NOW, scope=scope, records=records)


JOURNAL = Path(__file__).parents[1] / "documents" / "v1" / "run.jsonl"
DEPLOYMENT = "46b7984b-dd06-547f-ba2f-eb169c7d3338"


def test_a_journal_tells_what_it_gave_to_people_of_these_names(tmp_path: Path) -> None:
    shutil.copy(JOURNAL, tmp_path / "20261123.jsonl")
    found = grants_in_journals([str(tmp_path)], ["ANA", "victor", "nobody"], DEPLOYMENT)
    assert [(grant.username, grant.limit_micros, grant.group_name) for grant in found] == [
        ("ana", usd(2500), "platform")
    ]
    assert grants_in_journals([str(tmp_path / "nowhere"), str(tmp_path)], ["ana"], DEPLOYMENT) == found[:1]
    assert grants_in_journals([str(tmp_path)], ["ana"], "another") == ()
    (tmp_path / "20261123.jsonl").write_text(JOURNAL.read_text().replace('"done"', '"failed"'))
    assert grants_in_journals([str(tmp_path)], ["ana"], DEPLOYMENT) == (), "what failed was not given"
    shutil.copy(JOURNAL, tmp_path / "20261123.jsonl")
    (tmp_path / "20261123.jsonl").rename(tmp_path / "20261123.txt")
    assert grants_in_journals([str(tmp_path)], ["ana"], DEPLOYMENT) == ()


def test_of_more_journals_than_are_read_the_newest_count_and_a_larger_one_than_any_run_writes_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = tmp_path / "b", tmp_path / "a"
    for folder, day in ((older, "20261124"), (newer, "20261125"), (older, "20261123")):
        folder.mkdir(exist_ok=True)
        shutil.copy(JOURNAL, folder / f"{day}.jsonl")

    def days() -> list[str]:
        found = grants_in_journals([str(older), str(newer)], ["ana"], DEPLOYMENT)
        return sorted(grant.source[-14:-6] for grant in found)

    monkeypatch.setattr(journals, "MOST_FILES", 2)
    assert days() == ["20261124", "20261125"]
    with (newer / "20261125.jsonl").open("a") as file:
        file.write(" " * JOURNAL.stat().st_size)
    monkeypatch.setattr(journals, "MOST_BYTES", JOURNAL.stat().st_size)
    assert days() == ["20261124"]


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


def test_a_recorded_amount_is_that_of_the_entry_up_to_a_cent() -> None:
    """The audit log says amounts to the cent."""
    for micros, holder in ((usd(50) + 9_999, "ana"), (usd(50) + 10_000, None), (usd(50) - 10_000, None)):
        assert Holders([replace(record("ana", 50), limit_micros=Micros(micros))]).holder(GONE) == holder
    assert Holders([record("ana", 50)]).holder(entry("gone", "eng", None)) is None, "it grants nothing"


def test_the_groups_of_a_grant_are_those_on_which_this_person_got_it_under_their_names() -> None:
    def on(group: str, user: str = "ana", dollars: int = 50, name: str = "gone") -> GrantRecord:
        return replace(record(user, dollars, name=name), group_id=GroupId(group))

    known = [on("g1"), on("g2", name="Anna"), record("ana", 50)]
    others = [on("g3", user="bob"), on("g4", dollars=51), on("g5", name="bob")]
    assert Holders([*known, *others]).groups(GONE, UserId("ana"), ["gone", "anna"]) == {"g1", "g2"}


def test_a_grant_has_ended_from_the_instant_of_its_end_on() -> None:
    ends = [entry("gone", "eng", 50, expires=seconds) for seconds in (-1, 0, 1)]
    assert [as_ended(one, NOW) for one in ends] == [True, True, False]
    assert not as_ended(GONE, NOW)
    assert not as_ended(entry("gone", "eng", None, expires=-1), NOW), "it granted nothing"


def test_a_grant_is_lost_where_no_record_knows_whose_it_was_and_its_name_fits_nobody() -> None:
    (lost,) = with_records().lost
    assert lost.entry == ENDED
    assert with_records(record("deleted", 50)).lost == (), "it ended with its person"
    assert with_records(ended=entry("ana", "eng", 50, expires=-60)).lost == (), "ana has it"
    two = with_user(User(username="ana2", id=UserId("u-2"), email="gone"), "acme")
    two = replace(two, users={**two.users, UserId("gone"): User(username="gone", id=UserId("gone"))})
    assert resolve([policy(ENDED)], two, at=NOW).lost == (), "it is ambiguous"
    excluded = with_records(scope=Scope(exclude=("user/gone",)))
    assert (excluded.lost, excluded.expired) == ((), ())


def test_a_lost_grant_whose_group_is_unknown_was_on_any_group_of_its_organization() -> None:
    (lost,) = with_records(ended=entry("gone", "lab", 50, expires=-60)).lost
    assert lost.grant.groups == {"acme", "acme/eng", "acme/ops"}


def test_who_has_the_name_that_a_record_knows_loses_what_they_have_and_not_the_grant_alone() -> None:
    ana = entry("ana", "eng", 20, expires=-60)
    own = with_records(record("ana", 20, name="ana"), ended=ana).desired.users[UserId("ana")]
    others = with_records(record("bob", 20, name="ana"), ended=ana).desired.users[UserId("ana")]
    assert own.only is None
    assert others.only is not None


def test_of_two_entries_that_speak_of_one_person_by_former_names_the_first_has_them() -> None:
    first, second = ENDED, replace(entry("former", "eng", 60, expires=-60), place=Place("a.yaml", 9, 5))
    records = [record("bob", 50), record("bob", 60, name="former")]
    found = resolve([policy(second, first)], WORLD.directory(), at=NOW, records=records)
    assert [row.entry for row in found.renamed] == [first]
    assert [vacancy.listed.entry for vacancy in found.vacancies] == [second]


def test_who_is_excluded_by_the_name_of_today_is_left_alone_by_an_entry_with_a_former_one() -> None:
    found = with_records(record("bob", 50), scope=Scope(exclude=("user/bob",)))
    assert not found.desired.users
    assert found.desired.left_alone == {"bob"}
