"""Times in queries, held against the answers of Go's own `time.Parse` (1.26) to the same texts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.sandbox.gotime import DAY, RFC3339, parse_time

# Layout, text, and what Go says behind "parsing time"; "..." stands for the layout, and "" for a time that it reads.
GO = [
    (RFC3339, "GARBAGE", '"GARBAGE" ... cannot parse "GARBAGE" as "2006"'),
    (DAY, "garbage", '"garbage" ... cannot parse "garbage" as "2006"'),
    (RFC3339, "", '"" ... cannot parse "" as "2006"'),
    (DAY, "", '"" ... cannot parse "" as "2006"'),
    (RFC3339, "2026", '"2026" ... cannot parse "" as "-"'),
    (DAY, "2026", '"2026" ... cannot parse "" as "-"'),
    (RFC3339, "2026-", '"2026-" ... cannot parse "" as "01"'),
    (DAY, "2026-", '"2026-" ... cannot parse "" as "01"'),
    (RFC3339, "2026-1-01T00:00:00Z", '"2026-1-01T00:00:00Z" ... cannot parse "1-01T00:00:00Z" as "01"'),
    (DAY, "2026-1-01T00:00:00Z", '"2026-1-01T00:00:00Z" ... cannot parse "1-01T00:00:00Z" as "01"'),
    (RFC3339, "2026-13-01T00:00:00Z", '"2026-13-01T00:00:00Z": month out of range'),
    (DAY, "2026-13-01T00:00:00Z", '"2026-13-01T00:00:00Z": month out of range'),
    (RFC3339, "2026-02-30T00:00:00Z", '"2026-02-30T00:00:00Z": day out of range'),
    (DAY, "2026-02-30T00:00:00Z", '"2026-02-30T00:00:00Z": extra text: "T00:00:00Z"'),
    (RFC3339, "2026-01-01", '"2026-01-01" ... cannot parse "" as "T"'),
    (DAY, "2026-01-01", ""),
    (RFC3339, "2026-01-01 00:00:00Z", '"2026-01-01 00:00:00Z" ... cannot parse " 00:00:00Z" as "T"'),
    (DAY, "2026-01-01 00:00:00Z", '"2026-01-01 00:00:00Z": extra text: " 00:00:00Z"'),
    (RFC3339, "2026-01-01T00:00:00", '"2026-01-01T00:00:00" ... cannot parse "" as "Z07:00"'),
    (DAY, "2026-01-01T00:00:00", '"2026-01-01T00:00:00": extra text: "T00:00:00"'),
    (RFC3339, "2026-01-01T25:00:00Z", '"2026-01-01T25:00:00Z": hour out of range'),
    (DAY, "2026-01-01T25:00:00Z", '"2026-01-01T25:00:00Z": extra text: "T25:00:00Z"'),
    (RFC3339, "2026-01-01T1:00:00Z", ""),
    (DAY, "2026-01-01T1:00:00Z", '"2026-01-01T1:00:00Z": extra text: "T1:00:00Z"'),
    (RFC3339, "2026-01-01T00:60:00Z", '"2026-01-01T00:60:00Z": minute out of range'),
    (DAY, "2026-01-01T00:60:00Z", '"2026-01-01T00:60:00Z": extra text: "T00:60:00Z"'),
    (RFC3339, "2026-01-01T00:00:60Z", '"2026-01-01T00:00:60Z": second out of range'),
    (DAY, "2026-01-01T00:00:60Z", '"2026-01-01T00:00:60Z": extra text: "T00:00:60Z"'),
    (RFC3339, "2026-01-01T00:00:00.Z", '"2026-01-01T00:00:00.Z" ... cannot parse ".Z" as "Z07:00"'),
    (DAY, "2026-01-01T00:00:00.Z", '"2026-01-01T00:00:00.Z": extra text: "T00:00:00.Z"'),
    (RFC3339, "2026-01-01T00:00:00.5Z", ""),
    (DAY, "2026-01-01T00:00:00.5Z", '"2026-01-01T00:00:00.5Z": extra text: "T00:00:00.5Z"'),
    (RFC3339, "2026-01-01T00:00:00,5Z", ""),
    (DAY, "2026-01-01T00:00:00,5Z", '"2026-01-01T00:00:00,5Z": extra text: "T00:00:00,5Z"'),
    (RFC3339, "2026-01-01T00:00:00ZX", '"2026-01-01T00:00:00ZX": extra text: "X"'),
    (DAY, "2026-01-01T00:00:00Zx", '"2026-01-01T00:00:00Zx": extra text: "T00:00:00Zx"'),
    (RFC3339, "2026-01-01T00:00:00+0100", '"2026-01-01T00:00:00+0100" ... cannot parse "+0100" as "Z07:00"'),
    (DAY, "2026-01-01T00:00:00+0100", '"2026-01-01T00:00:00+0100": extra text: "T00:00:00+0100"'),
    (RFC3339, "2026-01-01T00:00:00+01:00", ""),
    (DAY, "2026-01-01T00:00:00+01:00", '"2026-01-01T00:00:00+01:00": extra text: "T00:00:00+01:00"'),
    (RFC3339, "2026-01-01T00:00:00+24:00", ""),
    (DAY, "2026-01-01T00:00:00+24:00", '"2026-01-01T00:00:00+24:00": extra text: "T00:00:00+24:00"'),
    (RFC3339, "2026-01-01T00:00:00+25:00", '"2026-01-01T00:00:00+25:00": time zone offset hour out of range'),
    (DAY, "2026-01-01T00:00:00+25:00", '"2026-01-01T00:00:00+25:00": extra text: "T00:00:00+25:00"'),
    (RFC3339, "2026-01-01T00:00:00+01:60", ""),
    (DAY, "2026-01-01T00:00:00+01:60", '"2026-01-01T00:00:00+01:60": extra text: "T00:00:00+01:60"'),
    (RFC3339, "2026-01-01T00:00:00*01:00", '"2026-01-01T00:00:00*01:00" ... cannot parse "*01:00" as "Z07:00"'),
    (DAY, "2026-01-01T00:00:00*01:00", '"2026-01-01T00:00:00*01:00": extra text: "T00:00:00*01:00"'),
    (RFC3339, "2026-00-01T00:00:00Z", '"2026-00-01T00:00:00Z": month out of range'),
    (DAY, "2026-00-01T00:00:00Z", '"2026-00-01T00:00:00Z": month out of range'),
    (RFC3339, "2026-01-00T00:00:00Z", '"2026-01-00T00:00:00Z": day out of range'),
    (DAY, "2026-01-00T00:00:00Z", '"2026-01-00T00:00:00Z": extra text: "T00:00:00Z"'),
    (RFC3339, "2026-01-01T00:00:00 01:00", '"2026-01-01T00:00:00 01:00" ... cannot parse " 01:00" as "Z07:00"'),
    (DAY, "2026-01-01T00:00:00 01:00", '"2026-01-01T00:00:00 01:00": extra text: "T00:00:00 01:00"'),
    (RFC3339, "+026-01-01", '"+026-01-01" ... cannot parse "+026-01-01" as "2006"'),
    (DAY, "+026-01-01", '"+026-01-01" ... cannot parse "+026-01-01" as "2006"'),
    (RFC3339, "2026-01-01T00:00:00Z", ""),
    (DAY, "2026-01-01t00:00:00z", '"2026-01-01t00:00:00z": extra text: "t00:00:00z"'),
    (RFC3339, "2026-1X-01T00:00:00Z", '"2026-1X-01T00:00:00Z" ... cannot parse "1X-01T00:00:00Z" as "01"'),
    (DAY, "2026-1x-01T00:00:00Z", '"2026-1x-01T00:00:00Z" ... cannot parse "1x-01T00:00:00Z" as "01"'),
    (RFC3339, "Ä", '"\\xc3\\x84" ... cannot parse "\\xc3\\x84" as "2006"'),
    (DAY, "ä", '"\\xc3\\xa4" ... cannot parse "\\xc3\\xa4" as "2006"'),
    (RFC3339, "2026-01-01T00:00:00.1234567891Z", ""),
    (DAY, "2026-01-01T00:00:00.1234567891Z", '"2026-01-01T00:00:00.1234567891Z": extra text: "T00:00:00.1234567891Z"'),
]


@pytest.mark.parametrize(("layout", "text", "fault"), GO)
def test_times_are_refused_in_gos_words(layout: str, text: str, fault: str) -> None:
    expected = "parsing time " + fault.replace(" ... ", f' as "{layout}": ') if fault else ""
    assert fault_of(text, layout) == expected


def fault_of(text: str, layout: str) -> str:
    try:
        parse_time(text, layout)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T02:30:00.1234567+02:00", datetime(2026, 11, 1, 0, 30, 0, 123456, tzinfo=UTC)),
        ("2026-11-01T7:00:00,5-01:00", datetime(2026, 11, 1, 8, 0, 0, 500000, tzinfo=UTC)),
        ("0000-02-29T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_times_are_read_as_go_reads_them(text: str, moment: datetime) -> None:
    assert parse_time(text, RFC3339) == moment
