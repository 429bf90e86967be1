"""What one run puts on record: each event in memory, from which its outcome is made, and in its journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.core.plan.outcome import Ended, Event, Intent, Outcome, Started, replay
from reconciler.errors import FileError
from reconciler.operations.journal_file import Journal


class Record:
    """The events of a run, in the order in which they happened. Every thread may use it."""

    def __init__(self, started: Started, *, distrusted: Callable[[str], None]) -> None:
        """Begin without a journal. `distrusted` is told why the journal is no longer whole, when that happens."""
        self._events: list[Event] = [started]
        self._distrusted = distrusted
        self._journal: Journal | None = None
        self._trouble = ""

    @property
    def so_far(self) -> Outcome:
        """What the events come to."""
        return replay(self._events)

    @property
    def announced(self) -> frozenset[int]:
        """The numbers of the actions that were announced."""
        return frozenset(event.action for event in self._events if isinstance(event, Intent))

    def attach(self, journal: Journal) -> None:
        """Begin the journal. Raises FileError when that is not possible."""
        for event in self._events:
            journal.append(event)
        journal.flush()
        self._journal = journal

    def announce(self, event: Intent) -> bool:
        """Put on disk what is about to happen; say whether it may."""
        if self._journal is None:
            return False
        try:
            self._journal.append(event)
            self._journal.flush()
        except FileError as error:
            self._distrust(error)
            return False
        self._events.append(event)
        return True

    def note(self, event: Event) -> None:
        """Put on record what has happened already, which a full disk cannot undo."""
        self._events.append(event)
        try:
            if self._journal is not None:
                self._journal.append(event)
        except FileError as error:
            self._distrust(error)

    def put_on_disk(self) -> None:
        """Flush what was noted."""
        try:
            if self._journal is not None:
                self._journal.flush()
        except FileError as error:
            self._distrust(error)

    def end(self, ended: Ended) -> Outcome:
        """Note the end; where the journal is not whole, the outcome does not pass for that of a clean run."""
        self.note(ended)
        self.put_on_disk()
        if self._trouble:
            self._events[-1] = replace(ended, is_verified=False, differences=(*ended.differences, self._trouble))
        return self.so_far

    def _distrust(self, error: FileError) -> None:
        self._trouble = error.message
        self._distrusted(error.message)
