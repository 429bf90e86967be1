"""Ctrl-C and SIGTERM: at once while nothing is written, after the writes in flight once something is."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from types import FrameType

from reconciler.cli import exits
from reconciler.errors import ReconcilerError

_SLICE_S = 0.1


class Interruption:
    """Satisfies operations.execution.Stop. Make one at the beginning of a command that writes."""

    def __init__(self) -> None:
        self._journal = ""
        self._has_begun = False
        self._requested = False
        self._ends_at_next = False
        """Whether the next SIGINT or SIGTERM ends the process. SIGHUP neither does so nor leads to it: of a window that
        is closed both the kernel and the shell send it, and a service manager may send it behind SIGTERM."""
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # not under nohup
            signals.append(signal.SIGHUP)
        for number in signals:
            signal.signal(number, self._handle)

    @property
    def requested(self) -> bool:
        return self._requested

    def name_journal(self, path: str) -> None:
        """Tell which file says what was written, as it is to be named to people."""
        self._journal = path

    def begin_writing(self) -> None:
        """From here on a signal only sets `requested`; a second Ctrl-C or SIGTERM ends the process at once.

        There is no way back: every sentence after the first write must be true of it.
        """
        self._has_begun = True

    def sleep(self, seconds: float) -> None:
        """Wait, as the client does before it asks again. Raises ReconcilerError once the run is interrupted."""
        ends = time.monotonic() + seconds
        while (remaining_s := ends - time.monotonic()) > 0:
            if self._requested:
                raise ReconcilerError("interrupted while waiting for Coder")
            time.sleep(min(remaining_s, _SLICE_S))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._has_begun:
            raise KeyboardInterrupt
        if self._ends_at_next and number != signal.SIGHUP:
            journal = shlex.quote(self._journal)
            _say(f"Interrupted again: ended at once. `reconciler show {journal}` says what is in doubt.")
            os._exit(exits.INTERRUPTED)
        self._ends_at_next = self._ends_at_next or number != signal.SIGHUP
        if self._requested:
            return
        self._requested = True
        _say("Interrupted: finishing the writes in flight, beginning nothing new.")


def _say(text: str) -> None:
    """Write to stderr past Python's buffers: the code that was interrupted may be holding them."""
    if sys.stderr is not None:
        try:
            os.write(sys.stderr.fileno(), f"{text}\n".encode(errors="backslashreplace"))
        except OSError:  # nobody reads it; the exit code says it too
            return
