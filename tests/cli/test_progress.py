"""Progress: quiet at first, a bar on a terminal, a line every ten seconds elsewhere; results in the plan's order."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from reconciler.cli.progress import CLEAR, Progress
from reconciler.cli.results import Results
from reconciler.core.plan.outcome import ActionOutcome, Result
from reconciler.errors import ReconcilerError
from tests.unit.test_core import ACTIONS


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_elsewhere_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("Reading", "requests", clock=clock)
    for second in range(25):
        clock.now = float(second)
        progress(100 * second, 4_000)
    assert told(capsys) == "Reading: 1,000 of 4,000 requests\nReading: 2,000 of 4,000 requests\n"
    clock.now = 60.0
    progress(4_000, 4_000)
    progress.clear()
    assert told(capsys) == ""


def test_a_terminal_gets_a_bar_from_the_second_second_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = Clock()
    progress = Progress("Writing", "changes", clock=clock)
    progress(1, 20)
    assert told(capsys) == ""
    clock.now = 1.5
    progress(10, 20)
    progress(11, 20)
    assert told(capsys) == f"{CLEAR}Writing: [###############---------------] 10 of 20 changes"
    progress.clear()
    assert told(capsys) == CLEAR
    progress(12, 20)
    assert "12 of 20" in told(capsys)
    progress(20, 20)
    assert told(capsys) == CLEAR


def test_what_has_ended_tells_nothing_more(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads go on while an apply writes; their bar was drawn over the question and over the bar of the writes."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = Clock()
    progress = Progress("Reading", "requests", clock=clock)
    clock.now = 5.0
    progress(1, 3)
    progress.end()
    assert told(capsys).endswith(CLEAR)
    clock.now = 50.0
    progress(2, 3)
    assert told(capsys) == ""


def outcome(number: int, result: Result = Result.DONE) -> ActionOutcome:
    return ActionOutcome(action=ACTIONS[number], result=result, detail="")


def test_results_are_printed_in_the_order_of_the_plan() -> None:
    printed: list[str] = []
    results = Results(ACTIONS, show=printed.extend, progress=Progress("Writing", "changes"))
    results(1, outcome(1))
    assert printed == []
    results(0, outcome(0))
    assert printed == [
        "",
        "  updated        group/acme/ops  $30.00 -> $31.00",
        "  deleted        group/acme/eng  $20.00 -> no limit",
    ]


def test_a_reader_that_went_away_changes_nothing() -> None:
    def show(lines: Any) -> None:
        raise ReconcilerError("stdout is closed")

    Results(ACTIONS, show=show, progress=Progress("Writing", "changes"))(0, outcome(0))
