"""Outcomes at the command line: read from a journal."""

from __future__ import annotations

from reconciler.core.plan.outcome import Outcome, replay
from reconciler.errors import FileError
from reconciler.formats.journal import HINT_DAMAGED, load_events


def read_outcome(text: str, *, source: str) -> Outcome:
    """Fold a journal's text into its outcome. Raises FileError."""
    if text.strip() and "\n" not in text:
        raise FileError(f"{source} is not complete: it breaks off in its first line", hint=HINT_DAMAGED)
    try:
        return replay(load_events(text, source=source))
    except ValueError as error:
        raise FileError(f"{source} is not the journal of one run: {error}", hint=HINT_DAMAGED) from None
