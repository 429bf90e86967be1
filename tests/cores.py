"""Which core a worker of the suite runs on.

The sandbox's thread and those of its client never run at the same time, since Python has a lock. Where the kernel puts
them on two cores, a request wakes the other core four times, which costs a tenth of it. So each worker stays on a core;
the one that is left over goes to where there is room, and so do the processes that commands are forked off.
"""

from __future__ import annotations

import os
from contextlib import suppress

_USABLE = "CORES_OF_THE_SUITE"
"""A variable for the processes of a worker: the cores that it may use."""


def cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]


def stay_on_a_core() -> None:
    """Keep this worker on its core, if there are more workers than cores; with fewer, cores may be busy otherwise."""
    usable, worker = cores(), os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or not hasattr(os, "sched_setaffinity"):
        return
    number = int(worker.removeprefix("gw"))
    if number < len(usable) < int(os.environ["PYTEST_XDIST_WORKER_COUNT"]):
        with suppress(OSError):  # a container may forbid it; then the kernel chooses
            os.sched_setaffinity(0, {usable[number]})
            os.environ[_USABLE] = " ".join(map(str, usable))


def use_all_cores() -> None:
    """Let this process and its children use the cores again that its worker may use."""
    if _USABLE in os.environ:
        os.sched_setaffinity(0, [*map(int, os.environ[_USABLE].split())])
