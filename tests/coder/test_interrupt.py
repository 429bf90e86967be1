"""Ctrl-C ends a read at once, whatever is in flight."""

from __future__ import annotations

import signal
import subprocess
import sys

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
