"""Results of an apply as they happen: printed as soon as they are known, in the order of the plan.

A result is printed when all before it are known, so that two runs of a plan print the same lines in the same order
although writes run side by side. What is not printed by the end (not attempted, or corrected by the last read) is left
to the end's own lines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from reconciler.cli.progress import Progress
from reconciler.core.action import Action
from reconciler.core.plan.outcome import ActionOutcome
from reconciler.core.plan.report import OutcomeReport
from reconciler.errors import ReconcilerError
from reconciler.render.outcome import result_line, why_of, width_of
from reconciler.render.text import Line


class Results:
    """Prints results by `show`; tells of progress where nothing can be printed."""

    def __init__(self, actions: Sequence[Action], *, show: Callable[[list[Line]], None], progress: Progress) -> None:
        """`actions`: the plan's, in its order."""
        self._total, self._width, self._show, self._progress = len(actions), width_of(actions), show, progress
        self._lock = threading.Lock()
        self._known: dict[int, ActionOutcome] = {}
        self._printed: dict[int, ActionOutcome] = {}

    def __call__(self, number: int, outcome: ActionOutcome) -> None:
        """Take the result of the action with this number in the plan. Raises nothing; any thread may call it."""
        with self._lock:
            self._known[number] = outcome
            lines = [] if self._printed else [Line("")]
            while (i := len(self._printed)) in self._known:
                self._printed[i] = self._known[i]
                lines.append(result_line(self._known[i], width=self._width))
            if any(lines):
                self._progress.clear()
                with suppress(OSError, ReconcilerError):  # nobody reads it; the journal has it all
                    self._show(lines)
            self._progress(len(self._known), self._total)

    def remaining(self, report: OutcomeReport) -> list[Line]:
        """Return the lines of the results that were not printed, or differ from what was printed."""
        lines = [
            result_line(row, width=self._width, why=why_of(report))
            for i, row in enumerate(report.results)
            if self._printed.get(i) != row
        ]
        return lines if self._printed else [Line(""), *lines]
