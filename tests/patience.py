"""Waiting for what another thread or process does: as long as it takes, and never for a time that should be enough."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 300.0
"""After this a test gives up. Only a fault makes a test wait so long, on the slowest machine, too."""
HELD_S = 2 * PATIENCE_S
"""How long the sandbox holds up an answer that a test releases, or whose client has to go away."""


def wait_until(happened: Callable[[], bool]) -> None:
    """Return as soon as it has happened. Raises AssertionError after PATIENCE_S."""
    ends = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.002)
