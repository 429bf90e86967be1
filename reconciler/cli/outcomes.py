"""Outcomes at the command line: read from a journal, as a document, and the exit code they mean."""

from __future__ import annotations

from typing import Any

from reconciler.cli import exits
from reconciler.core.plan.outcome import Ending, Outcome, Result, fold
from reconciler.errors import FileError
from reconciler.formats import codec
from reconciler.formats.journal import load_events


def read_outcome(text: str, *, source: str) -> Outcome:
    """Fold a journal's text into its outcome. Raises FileError."""
    try:
        return fold(load_events(text, source=source))
    except ValueError as error:
        raise FileError(f"{source} is not the journal of one run: {error}") from None


def exit_code_of(outcome: Outcome) -> int:
    """130 when interrupted, 0 when everything is done and proven, else 4: the journal says what is what."""
    if outcome.ended is not None and outcome.ended.ending is Ending.INTERRUPTED:
        return exits.INTERRUPTED
    return exits.DONE if outcome.is_complete else exits.INCOMPLETE


def outcome_document(outcome: Outcome, exit_code: int, *, journal: str) -> dict[str, Any]:
    """The outcome as the one JSON document of `apply --json` and `show JOURNAL --json`."""
    return {
        "format": "reconciler outcome",
        "version": 1,
        "exit_code": exit_code,
        "is_complete": outcome.is_complete,
        "journal": journal,
        "run": outcome.started.run,
        "digest": outcome.started.digest,
        "unreadable": list(outcome.started.unreadable),
        "counts": {result.value: outcome.count(result) for result in Result},
        "results": [
            {"action": codec.encode(one.action), "result": one.result.value, "detail": one.detail}
            for one in outcome.results
        ],
        "ended": codec.encode(outcome.ended) if outcome.ended else None,
    }
