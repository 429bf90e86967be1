"""Commands that start warm: a folder for PATH whose `reconciler` runs in a process that has imported all of it.

Its `python3 SCRIPT` runs in such a process as well, which has what the scripts of pipelines import; any other `python3`
starts Python.

A test of a pipeline or of a page starts dozens of commands, and three quarters of what each costs are imports. A warm
command has its own arguments, environment, folder, streams and exit code, and runs `entry.main()` as the installed
command does, in a process that runs one command at a time (server.py). What it cannot show is how Python starts, and it
hears no signal that is sent to the command's process: tests of these start Python anew.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_CLIENT = _ROOT / "tests" / "warm" / "client.py"


@cache
def warm_folder() -> Path:
    """Return the folder, and start the process behind it, which ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    for name in ("reconciler", "python3"):
        client = folder / name
        client.write_text(f"#!{sys.executable} -IS\n{_CLIENT.read_text(encoding='utf-8')}", encoding="utf-8")
        client.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.warm.server", str(folder / "socket")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"

    def end() -> None:
        server.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    return folder
