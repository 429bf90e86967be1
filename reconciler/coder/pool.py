"""A few daemon threads that share one list of work; as many as a width that may change allows. Knows nothing of HTTP.

concurrent.futures joins its threads at exit, so Ctrl-C would last as long as the slowest answer; these are daemons.
They are started when there is work for them: a list of three starts three, and a width that grows starts more. A thread
that has nothing more to do waits for the next work: starting one takes as long as a short request.

The waiting thread looks up twice a second: Ctrl-C that comes just before a thread falls asleep does not wake it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")

LOOKS_UP_S = 0.5


def run_in_order(work: Callable[[int], T], count: int, *, width: Callable[[], int]) -> list[T]:
    """Call `work(0)` to `work(count - 1)` on at most `width()` threads and return the results in that order.

    The first error is raised at once; what has not started then never starts. A single call runs in this thread.
    """
    if count <= 1:
        return [work(index) for index in range(count)]
    return _Batch(work, count, width).run()


def beside_each_other(reads: Sequence[Callable[[], object]]) -> list[object]:
    """Call them all at once, each on a thread of its own, and return the results in their order."""
    return run_in_order(lambda index: reads[index](), len(reads), width=lambda: len(reads))


class Workers:
    """A pool of at most `width` threads, for those who may not know this room."""

    def __init__(self, width: int) -> None:
        self._width = width

    def map(self, function: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Call `function` with each item; see `run_in_order`."""
        return run_in_order(lambda index: function(items[index]), len(items), width=lambda: self._width)


def begin(work: Callable[[], T]) -> Callable[[], T]:
    """Start `work` on a thread of its own. What is returned waits for its result, or raises its error, each time."""
    ended = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  carried to the caller's thread, which would wait for ever
            errors.append(error)
        finally:
            ended.set()

    def wait() -> T:
        while not ended.wait(LOOKS_UP_S):
            pass
        if errors:
            raise errors[0]
        return results[0]

    _run_on_a_thread(run)
    return wait


def _run_on_a_thread(work: Callable[[], None]) -> None:
    """Call `work`, which must not raise, on a thread that waits for some, or else on a new one.

    Where the system starts no more threads (a limit of processes or of memory), call it here and now.
    """
    try:
        tasks = _waiting.pop()
    except IndexError:
        tasks = queue.SimpleQueue()
        try:
            threading.Thread(target=_work_for_ever, args=[tasks], daemon=True).start()
        except RuntimeError:
            work()
            return
    tasks.put(work)


def _work_for_ever(tasks: queue.SimpleQueue[Callable[[], None]]) -> None:
    while True:
        tasks.get()()
        _waiting.append(tasks)


_waiting: list[queue.SimpleQueue[Callable[[], None]]] = []
"""The tasks of each thread that has none."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_waiting.clear)  # threads do not come along


class _Batch(Generic[T]):
    def __init__(self, work: Callable[[int], T], count: int, width: Callable[[], int]) -> None:
        self._work, self._count, self._width = work, count, width
        self._results: dict[int, T] = {}
        self._indexes: Iterator[int] = iter(range(count))
        self._ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._started = 0
        self._lock = threading.Lock()

    def run(self) -> list[T]:
        """Start threads, wait for every result, and return them."""
        try:
            self._start_missing()
            if (error := self._wait_for_end()) is not None:
                raise error
        finally:
            self._stop.set()
        return [self._results[index] for index in range(self._count)]

    def _wait_for_end(self) -> BaseException | None:
        """Wait until all calls have ended, or one has failed; return its error."""
        while True:
            try:
                return self._ended.get(timeout=LOOKS_UP_S)
            except queue.Empty:
                continue

    def _start_missing(self) -> None:
        """Start the threads that the width allows and the work needs."""
        with self._lock:
            missing = min(max(1, self._width()), self._count) - self._started
            self._started += max(0, missing)
        for _ in range(missing):
            _run_on_a_thread(self._run_until_done)

    def _run_until_done(self) -> None:
        try:
            while not self._stop.is_set() and (index := next(self._indexes, None)) is not None:
                self._results[index] = self._work(index)
                if len(self._results) == self._count:
                    self._ended.put(None)
                if self._started < self._width():
                    self._start_missing()
        except BaseException as error:  # noqa: BLE001  carried to the caller's thread, which would wait for ever
            self._ended.put(error)
