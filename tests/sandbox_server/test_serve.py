"""In the foreground, as a process of its own: ready, answering, and ended cleanly by a signal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.patience import PATIENCE_S

PROGRAM = """
import json
from dataclasses import asdict
from reconciler.sandbox import Options, serve
serve(Options(seed="empty"), lambda ready: print(json.dumps(asdict(ready)), flush=True))
print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_until_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["url"] + "/api/v2/buildinfo", timeout=PATIENCE_S) as response:
            assert json.load(response)["workspace_proxy"] is False
        process.send_signal(number)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, rest) == (0, "ended\n")
    assert set(ready["tokens"]) >= {"owner", "user-admin", "member"}
