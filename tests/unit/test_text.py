"""Small pieces of text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import Failure, Finding, Place
from reconciler.render.failure import failure_lines
from reconciler.render.text import Line, Role, columns, day, distance, harmless, spend_text, text_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_days() -> None:
    assert day(datetime(2027, 1, 1, tzinfo=UTC)) == "2027-01-01"
    assert day(datetime(2027, 1, 1, 9, 30, tzinfo=UTC)) == "2027-01-01T09:30:00Z"


@pytest.mark.parametrize(
    ("hours", "text"),
    [(0, "now"), (0.5, "in 30 minutes"), (-1, "1 hour ago"), (23.9, "in 23 hours"), (47, "in 47 hours"),
     (48, "in 2 days"), (-47.5, "47 hours ago"), (-49, "2 days ago"), (24 * 1_000, "in 1,000 days")],
)  # fmt: skip
def test_distances(hours: float, text: str) -> None:
    assert text == distance(NOW + timedelta(hours=hours), NOW)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("platform", "platform"),
        ("Ñandú 日本 $1", "Ñandú 日本 $1"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_names_are_made_harmless(name: str, text: str) -> None:
    assert text == harmless(name)


def test_columns() -> None:
    rows = [("a", "1", "x"), ("bcd", "100", "")]
    assert columns([]) == []
    assert columns(rows, right=frozenset({1})) == ["a    1x", "bcd100"]


@pytest.mark.parametrize("name", ["##[error]x", "a ##[add-mask]x", "##vso[task.setvariable]x", "##VSO[x]"])
def test_no_name_is_a_command_to_a_ci_runner_wherever_it_stands(name: str) -> None:
    assert "##[" not in harmless(name)
    assert "##vso[" not in harmless(name).lower()
    assert harmless("## a heading [x] #[y]") == "## a heading [x] #[y]"


@pytest.mark.parametrize("role", [Role.PLAIN, Role.DANGER])
def test_a_coloured_line_is_no_command_either(role: Role) -> None:
    for line in (Line("  ::stop-commands::x", role), "::x"):
        assert not text_of([line], has_color=True).lstrip().startswith("::")


def test_no_line_is_a_command_to_a_ci_runner() -> None:
    """A policy file may be called `::error::x.yaml`, and hold a line `::stop-commands::x`."""
    finding = Finding(
        place=Place("::error::x.yaml", 1, 1),
        message="wrong",
        hint="::error::",
        source_line="  ::stop-commands::x ##[error]y",
    )
    failure = Failure(
        exit_code=1, message="no", hint="::error::\n::warning::", details=("::error::",), findings=(finding,)
    )
    text = text_of(failure_lines(failure))
    assert "##[" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert "  | ::stop-commands::x" in text


def test_what_people_spent_is_shown_in_cents_and_never_more_than_it_was() -> None:
    assert [spend_text(micros) for micros in (28_276_814, 19_999_999, 20_000_000, 4_000)] == [
        "$28.27", "$19.99", "$20.00", "$0.00",
    ]  # fmt: skip
