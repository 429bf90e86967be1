"""Each worker of the suite stays on a core, and gives its processes all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cores import cores

SHOWN = "from tests.cores import *; stay_on_a_core(); print(*cores()); use_all_cores(); print(*cores())"
ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system tells no process where to run")
@pytest.mark.parametrize(("number", "more", "is_kept"), [(0, 1, True), (None, 1, False), (0, 0, False)])
def test_a_worker_stays_on_a_core(number: int | None, more: int, is_kept: bool) -> None:
    """`None` is the worker that there is more than cores. With a core for each worker the kernel chooses."""
    usable = cores()
    worker = len(usable) if number is None else number
    workers = {"PYTEST_XDIST_WORKER": f"gw{worker}", "PYTEST_XDIST_WORKER_COUNT": str(len(usable) + more)}
    done = subprocess.run([sys.executable, "-c", SHOWN], env=workers, cwd=ROOT, capture_output=True, text=True)
    everything = " ".join(map(str, usable))
    assert done.stdout.splitlines() == [str(usable[0]) if is_kept else everything, everything], done.stderr
