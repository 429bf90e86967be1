"""Ctrl-C ends a read at once, whatever is in flight."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from reconciler.sandbox import Options, Sandbox
from tests.patience import HELD_S, PATIENCE_S, wait_until

READ_FOR_EVER = """
import sys
from reconciler.coder.connection import Connection
from reconciler.coder.exchange import Request
from reconciler.coder.transport import Transport
transport = Transport(Connection(url=sys.argv[1], token="tok"))
print("begun", flush=True)
transport.send_all([Request("GET", "/api/v2/buildinfo")] * 100, lambda answer: answer)
"""


def test_ctrl_c_does_not_wait_for_what_is_in_flight() -> None:
    with Sandbox(Options(latency_s=HELD_S)) as sandbox:
        command = [sys.executable, "-c", READ_FOR_EVER, sandbox.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            wait_until(lambda: len(sandbox.requests) == 8)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")


CTRL_C_BESIDE = """
import signal, threading
from reconciler.coder.pool import begin, run_in_order
def work(_=0):
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # this thread hears it; nobody wakes who waits
    threading.Event().wait()
WAIT
"""


@pytest.mark.parametrize("wait", ["run_in_order(work, 2, width=lambda: 2)", "begin(work)()"])
def test_ctrl_c_that_wakes_nobody_is_heard_all_the_same(wait: str) -> None:
    """So it is when the signal comes just before the main thread falls asleep."""
    code = CTRL_C_BESIDE.replace("WAIT", wait)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == -signal.SIGINT
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
