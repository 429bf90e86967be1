"""The workers: order, errors, and that nobody waits for them."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from reconciler.coder import pool
from reconciler.coder.pool import begin, run_in_order
from tests.patience import PATIENCE_S, wait_until


@pytest.mark.parametrize("width", [1, 2, 8, 100])
def test_results_come_in_order(width: int) -> None:
    assert [n * n for n in range(50)] == run_in_order(lambda n: n * n, 50, width=lambda: width)


def test_nothing_to_do() -> None:
    assert run_in_order(lambda n: n, 0, width=lambda: 8) == []


def test_a_single_call_stays_in_this_thread() -> None:
    assert [threading.current_thread()] == run_in_order(lambda _: threading.current_thread(), 1, width=lambda: 8)


def test_at_most_so_many_at_once() -> None:
    barrier = threading.Barrier(3)
    threads = run_in_order(lambda _: (barrier.wait(PATIENCE_S), threading.current_thread())[1], 9, width=lambda: 3)
    assert len(set(threads)) == 3


def test_the_first_error_is_raised_at_once_and_cancels_what_has_not_started() -> None:
    started: list[int] = []
    never = threading.Event()

    def work(index: int) -> None:
        started.append(index)
        if index == 0:
            raise LookupError("first")
        never.wait(PATIENCE_S)

    with pytest.raises(LookupError, match="first"):
        run_in_order(work, 100, width=lambda: 2)  # does not wait for the one that hangs
    never.set()
    assert len(started) <= 3


def test_workers_die_with_the_program() -> None:
    assert run_in_order(lambda _: threading.current_thread().daemon, 2, width=lambda: 2) == [True, True]


def test_a_thread_that_has_nothing_to_do_takes_the_next_work() -> None:
    run_in_order(lambda n: n, 8, width=lambda: 4)
    wait_until(lambda: len(pool._waiting) >= 1)
    before = threading.active_count()
    for _ in range(20):
        assert begin(lambda: 1)() == 1
        wait_until(lambda: len(pool._waiting) >= 1)
    assert threading.active_count() <= before


FORKS = """
import os, time
from reconciler.coder import pool
pool.begin(int)()
while not pool._waiting:
    time.sleep(0.01)
child = os.fork()
pool.begin(int)()
os._exit(os.waitpid(child, 0)[1] if child else 0)
"""


def test_a_child_process_has_threads_of_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], check=True, timeout=PATIENCE_S)


def test_where_the_system_starts_no_more_threads_the_work_is_done_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a limit of processes: of a container, of a service, or of `ulimit -u`."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(pool, "_waiting", [])
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert run_in_order(lambda n: n * n, 9, width=lambda: 4) == [n * n for n in range(9)]
    assert begin(lambda: 7)() == 7

    def fail(_: int) -> None:
        raise LookupError("first")

    with pytest.raises(LookupError, match="first"):
        run_in_order(fail, 9, width=lambda: 4)
