"""A few daemon threads that share one list of work. Knows nothing of HTTP.

concurrent.futures joins its threads at exit, so Ctrl-C would last as long as the slowest answer; these are daemons.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def run_in_order(work: Callable[[int], T], count: int, *, width: int) -> list[T]:
    """Call `work(0)` to `work(count - 1)` on at most `width` threads and return the results in that order.

    The first error is raised at once; what has not started then never starts. A single call runs in this thread.
    """
    if min(count, width) <= 1:
        return [work(index) for index in range(count)]
    results: dict[int, T] = {}
    indexes = iter(range(count))
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()

    def work_until_done() -> None:
        try:
            while not stop.is_set() and (index := next(indexes, None)) is not None:
                results[index] = work(index)
        except BaseException as error:  # noqa: BLE001  carried to the caller's thread, which would wait for ever
            ended.put(error)
        else:
            ended.put(None)

    threads = [threading.Thread(target=work_until_done, daemon=True) for _ in range(min(count, width))]
    try:
        for thread in threads:
            thread.start()
        for _ in threads:
            if (error := ended.get()) is not None:
                raise error
    finally:
        stop.set()
    return [results[index] for index in range(count)]
