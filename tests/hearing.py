"""Signals that `nohup`, or a background job of a shell, makes a process ignore: commands of a test would inherit it."""

from __future__ import annotations

import signal


def hear_signals() -> None:
    """Hear again the signals that end a command. Call it in the main thread."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
