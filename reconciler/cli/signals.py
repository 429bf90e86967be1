"""Ctrl-C and SIGTERM: at once while nothing is written, after the writes in flight while something is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from reconciler.cli import exits


class Interruption:
    """Satisfies operations.apply.Stop. Make one at the beginning of a command that writes."""

    def __init__(self) -> None:
        self._is_writing = False
        self._requested = False
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    @property
    def requested(self) -> bool:
        return self._requested

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While inside, a signal only sets `requested`; a second one ends the process at once."""
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._is_writing:
            raise KeyboardInterrupt
        if self._requested:
            os._exit(exits.INTERRUPTED)
        self._requested = True
        click.echo("Interrupted: finishing the writes in flight, beginning nothing new.", err=True)
