"""The spend export: read in pieces, checked strictly, and in agreement with the bulk reads of spend."""

from __future__ import annotations

import csv
import io
import tracemalloc
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder import booked as booked_module
from reconciler.coder.client import CoderReader
from reconciler.coder.exchange import Answer
from reconciler.coder.export import ExportTable, load_export, read_table
from reconciler.core.budget import GroupId, UserId
from reconciler.core.spend import DAY, Booked, last_days, merge_booked
from reconciler.errors import DeniedError
from reconciler.money import Micros
from reconciler.sandbox import Fault
from tests.coder.helpers import ID_1, ID_2, ID_3, answer, asked, refusal, sandbox_and_reader

HEADER = (
    "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,provider_name,"
    "input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,period_start,period_end\n"
)
EXPORT = "/api/v2/organizations/x/ai/spend/export"


def row(user: str, group: str, cost: object, *, model: str = "claude", tokens: object = 5) -> str:
    return f"{user},ana,{group},eng,{ID_3},acme,{model},anthropic,Anthropic,{tokens},0,0,0,{cost},a,b\n"


def fed(text: str | bytes, size: int = 1_000_000) -> ExportTable:
    data = text.encode() if isinstance(text, str) else text
    table = ExportTable()
    for start in range(0, len(data), size):
        table.feed(data[start : start + size])
    table.close()
    return table


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1_000_000])
def test_rows_add_up_however_the_bytes_arrive(size: int) -> None:
    text = HEADER + row(ID_1, ID_2, 7) + row(ID_1, ID_2, 5, model='"a\n""b"",c é"') + row(ID_2, ID_2, 0, model="'=own")
    table = fed(text, size)
    assert table.problem == ""
    assert table.booked == {ID_2: {ID_1: 12, ID_2: 0}}
    assert table.unpriced == {("=own", "Anthropic"): ({ID_2}, 5)}


CELLS = st.text(st.sampled_from("a,\"\r\n é'=0\0"), max_size=4)


@given(models=st.lists(st.tuples(CELLS, st.booleans()), max_size=6), size=st.integers(1, 300))
def test_whatever_stands_in_a_cell_the_sums_are_right(models: list[tuple[str, bool]], size: int) -> None:
    file = io.StringIO()
    for number, (model, is_quoted) in enumerate(models):
        cells = row(ID_1, ID_2, number).strip().split(",")
        cells[6] = model
        dialect = csv.unix_dialect if is_quoted or "\r" in model else csv.excel
        csv.writer(file, dialect, lineterminator="\n").writerow(cells)
    table = fed(HEADER + file.getvalue(), size)
    assert table.problem == ""
    assert table.booked == ({ID_2: {ID_1: sum(range(len(models)))}} if models else {})


def test_lines_may_end_as_on_windows() -> None:
    assert fed((HEADER + row(ID_1, ID_2, 7)).replace("\n", "\r\n")).booked == {ID_2: {ID_1: 7}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cut short"),
        (HEADER[:-1], "cut short"),
        (HEADER + row(ID_1, ID_2, 7)[:-1], "cut short"),
        (HEADER + '"' + row(ID_1, ID_2, 7), "cut short"),
        (HEADER + '"' + row(ID_1, ID_2, 7) * 20_000, "no end"),
        (HEADER + "x" * 2_000_000, "no end"),
        (HEADER.replace("cost_micros", "cost"), "no column cost_micros"),
        (HEADER + "a,b\n", "different number of cells"),
        (HEADER + row("ana", ID_2, 7), "user_id"),
        (HEADER + row(ID_1, "eng", 7), "group_id"),
        (HEADER + row(ID_1, ID_2, "-7"), "cost_micros"),
        (HEADER + row(ID_1, ID_2, "7.0"), "cost_micros"),
        (HEADER + row(ID_1, ID_2, "٧"), "cost_micros"),
        (HEADER + row(ID_1, ID_2, "9" * 20), "cost_micros"),
        (HEADER + row(ID_1, ID_2, 0, tokens="x"), "tokens"),
        (HEADER.encode() + b"\xff\xfe\n", "not UTF-8"),
        (HEADER + row(ID_1, ID_2, 7, model='"a"b'), "not CSV"),
        (HEADER + row(ID_1, ID_2, 7, model="a\rb"), "not CSV"),
        ("<html>\n", "no column user_id"),
    ],
)
def test_what_is_no_export(text: str | bytes, problem: str) -> None:
    assert problem in fed(text).problem


def test_a_piece_that_unpacks_to_much_is_not_made_to_rows_at_once() -> None:
    """A kilobyte of gzip can be a megabyte of empty rows."""
    pieces = iter([HEADER.encode(), row(ID_1, ID_2, 7).encode() * 8_000, b"\n" * 4_000_000])
    tracemalloc.start()
    table = read_table(answer(b"", path=EXPORT, content_type="text/csv"), pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.booked == {ID_2: {ID_1: 56_000}}
    assert "different number of cells" in table.problem
    assert peak < 60_000_000


def test_what_is_no_export_is_left_out_and_says_why() -> None:
    def got(content_type: str, *pieces: bytes) -> Answer:
        """Return an answer as the exchange does: with the table that its stream made."""
        headed = answer(b"", path=EXPORT, content_type=content_type)
        return replace(headed, value=read_table(headed, iter(pieces)) if content_type == "text/csv" else None)

    assert isinstance(load_export(got("text/csv", HEADER.encode())), ExportTable)
    assert load_export(got("text/html")) == "the answer is text/html, not CSV"
    assert load_export(got("text/csv", HEADER.encode()[:-1])) == "the answer is cut short"
    assert load_export(refusal("Forbidden.", 403)) == "Forbidden."
    assert load_export(refusal("An internal server error occurred.", 500)) == "An internal server error occurred."
    with pytest.raises(DeniedError):
        load_export(refusal("You are signed out.", 401))


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_where_the_export_fails_the_bulk_reads_answer(status: int) -> None:
    with sandbox_and_reader(seed="400-users,9-groups") as (_, reader):
        whole = reader.spend(everybody(reader))
    with sandbox_and_reader(seed="400-users,9-groups") as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/ai/spend/export", status=status, times=99))
        assert reader.spend(everybody(reader)) == whole


def everybody(reader: CoderReader) -> dict[GroupId, list[UserId]]:
    directory = reader.directory()
    return {group: sorted(directory.members[group]) for group in directory.groups}


@pytest.mark.parametrize("version", ["2.36", "2.37"])
def test_export_and_bulk_reads_agree(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox_and_reader(version, seed="400-users,9-groups,2-organizations") as (sandbox, by_export):
        spend = by_export.spend(everybody(by_export))
        assert asked(sandbox)["GET /api/v2/organizations/*/ai/spend/export"] == 2
        assert not any("members/ai/spend" in path for path in asked(sandbox) if not path.endswith("ai/spend")), asked(
            sandbox
        )
    monkeypatch.setattr(booked_module, "MOST_BULK_REQUESTS", 1_000)
    with sandbox_and_reader(version, seed="400-users,9-groups,2-organizations") as (sandbox, in_bulk):
        assert spend == in_bulk.spend(everybody(in_bulk))
        assert asked(sandbox)["GET /api/v2/organizations/*/ai/spend/export"] == 0
    assert sum(micros for people in spend.values() for micros in people.values()) > 0


def test_who_may_not_export_asks_in_bulk_and_is_refused_once() -> None:
    with sandbox_and_reader(seed="400-users,9-groups", role="member") as (sandbox, reader):
        groups = everybody(reader)
        reader.spend({group: (people * 100)[:500] for group, people in groups.items()})
        reader.exports(sorted(reader.directory().organizations), last_days(datetime.now(UTC), 1))
        assert asked(sandbox)["GET /api/v2/organizations/*/ai/spend/export"] == 1


def test_who_refuses_the_period_is_not_asked_for_days_and_nobody_is_asked_twice() -> None:
    with sandbox_and_reader(seed="400-users,9-groups,2-organizations") as (sandbox, reader):
        kind, yesterday = "GET /api/v2/organizations/*/ai/spend/export", last_days(datetime.now(UTC), 1)
        period, organizations = reader.period(), sorted(reader.directory().organizations)
        sandbox.fault(Fault("status", path=f"*/{organizations[0]}/ai/spend/export", status=403, times=99))
        assert period is not None
        whole, day = reader.exports(organizations, [period, *yesterday])
        assert list(whole.left_out) == list(day.left_out) == organizations[:1]
        assert asked(sandbox)[kind] == 3
        assert reader.exports(organizations, [*yesterday, period]) == (day, whole)
        (alone,) = reader.exports(organizations[1:], [period])
        assert (alone.booked, alone.left_out) == (whole.booked, {})
        assert asked(sandbox)[kind] == 3


def test_few_people_cost_no_export() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        reader.spend(dict(sorted(everybody(reader).items())[:3]))
        assert asked(sandbox)["GET /api/v2/organizations/*/ai/spend/export"] == 0


def test_days_add_up_to_the_period() -> None:
    with sandbox_and_reader(seed="200-users,9-groups") as (sandbox, reader):
        sandbox.advance(9)
        period = reader.period()
        assert period is not None
        organizations = sorted(reader.directory().organizations)
        (whole,) = reader.exports(organizations, [period])
        days = [
            type(period)(start=period.start + n * DAY, end=period.start + (n + 1) * DAY) for n in range(period.days)
        ]
        exports = reader.exports(organizations, days)
        assert [export.window for export in exports] == days
        parts = merge_booked(export.booked for export in exports)
        assert _spenders(parts) == _spenders(whole.booked)


BOOKED = st.dictionaries(
    st.sampled_from([GroupId(ID_1), GroupId(ID_2)]),
    st.dictionaries(st.sampled_from([UserId(ID_1), UserId(ID_2), UserId(ID_3)]), st.integers(0, 99).map(Micros)),
)


@given(st.lists(BOOKED, max_size=4))
def test_what_is_added_up_leaves_its_parts_alone(parts: list[dict[GroupId, dict[UserId, Micros]]]) -> None:
    before = deepcopy(parts)
    total = merge_booked(parts)
    assert parts == before
    assert sum(map(sum, (people.values() for people in total.values()))) == sum(
        sum(people.values()) for part in parts for people in part.values()
    )
    for group, people in total.items():
        booked = [part[group] for part in parts if group in part]
        assert people == {user: sum(each.get(user, 0) for each in booked) for user in set().union(*booked)}
        assert len(booked) > 1 or people is booked[0], "the export of each organization is kept: no second copy"


def test_an_old_server_has_no_export() -> None:
    with sandbox_and_reader("2.35") as (_, reader):
        organizations = sorted(reader.directory().organizations)
        (export,) = reader.exports(organizations, last_days(datetime.now(UTC), 1))
        assert reader.period() is None
        assert sorted(export.left_out) == organizations


def test_a_month_that_is_older_than_the_retention_is_left_out() -> None:
    with sandbox_and_reader() as (_, reader):
        long_ago = last_days(datetime.now(UTC) - timedelta(days=300), 1)
        (export,) = reader.exports(sorted(reader.directory().organizations), long_ago)
        assert export.left_out


def test_a_connection_that_breaks_off_is_asked_again() -> None:
    with sandbox_and_reader(seed="400-users,9-groups") as (sandbox, reader):
        groups = everybody(reader)
        sandbox.fault(Fault("truncate", path="*/ai/spend/export"))
        spend = reader.spend(groups)
        assert asked(sandbox)["GET /api/v2/organizations/*/ai/spend/export"] == 2
        assert sum(map(len, spend.values())) == sum(map(len, groups.values()))


def test_an_export_that_always_breaks_off_leaves_the_bulk_reads() -> None:
    with sandbox_and_reader(seed="400-users,9-groups") as (_, reader):
        whole = reader.spend(everybody(reader))
    with sandbox_and_reader(seed="400-users,9-groups") as (sandbox, reader):
        sandbox.fault(Fault("truncate", path="*/ai/spend/export", times=999))
        assert reader.spend(everybody(reader)) == whole


@pytest.mark.parametrize("fault", [Fault("truncate"), Fault("lost"), Fault("status", status=503)])
def test_an_export_that_always_breaks_off_is_its_organizations_trouble(fault: Fault) -> None:
    with sandbox_and_reader(seed="60-users,9-groups,3-organizations") as (sandbox, reader):
        broken, *others = sorted(reader.directory().organizations)
        sandbox.fault(replace(fault, path=f"*/{broken}/ai/spend/export", times=999))
        period = reader.period()
        assert period is not None
        for export in reader.exports([broken, *others], [period, replace(period, end=period.start + DAY)]):
            assert list(export.left_out) == [broken]


def test_an_export_says_nothing_of_people_who_are_not_members() -> None:
    """An override can outlive its membership, and its spend stands in the export; the bulk reads leave it out."""
    with sandbox_and_reader(seed="400-users,9-groups") as (_, reader):
        groups = everybody(reader)
        small = min((group for group in groups if groups[group]), key=lambda group: len(groups[group]))
        stranger = next(user for people in groups.values() for user in people if user not in groups[small])
        spend = reader.spend({**groups, small: [*groups[small], stranger]})
        assert stranger not in spend[small]


def _spenders(booked: Booked) -> dict[GroupId, dict[UserId, Micros]]:
    """Who booked nothing stands in the export of a month, and in none of its days."""
    spent = {group: {user: micros for user, micros in people.items() if micros} for group, people in booked.items()}
    return {group: people for group, people in spent.items() if people}
