"""Stops the wall clock of a process, before any other code of it runs; a `.pth` file of an environment imports this.

Monotonic time goes on: it is what waits and timeouts are made of. This module must not import anything of ours.
"""

from __future__ import annotations

import os
import sys
import time


def stop(at: int, zone: str) -> None:
    """Stop the clock at a Unix time, in a time zone as POSIX writes it (`X-14` is 14 hours ahead of UTC)."""
    os.environ["TZ"] = zone
    time.tzset()
    is_testing = "pytest" in sys.modules
    if not is_testing:
        sys.modules["pytest"] = None  # type: ignore[assignment]  # time_machine would import it, which is slow
    import time_machine

    if not is_testing:
        del sys.modules["pytest"]
    time_machine.travel(at, tick=False).start()
