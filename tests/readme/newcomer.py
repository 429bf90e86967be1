"""Run the README's blocks in the folder that the reader is in: the clone. Prints the first output that differs.

Started by .ci/newcomer, with nothing but what `make demo` installed: so it imports no test library.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.readme.blocks import README, Command, File, blocks


def main() -> int:
    """Return 0 if every command ends, and none with a traceback; outputs are compared by test_readme.py."""
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(["reconciler", "sandbox", "--print-json"], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout
            ready = json.loads(server.stdout.readline())
            login = {"CODER_URL": ready["url"], "CODER_SESSION_TOKEN": ready["tokens"]["user-admin"]}
            return _read({"PATH": os.environ["PATH"], "HOME": home, **login})
        finally:
            server.terminate()
            server.wait()


def _read(environment: dict[str, str]) -> int:
    written: dict[Path, str | None] = {}
    try:
        for block in blocks(README.read_text(encoding="utf-8")):
            if isinstance(block, File):
                path = Path(block.path)
                written[path] = path.read_text(encoding="utf-8") if path.exists() else None
                path.write_text(block.text, encoding="utf-8")
            elif not _run(block, environment):
                return 1
        return _begin(environment)
    finally:
        for path, before in written.items():
            path.unlink() if before is None else path.write_text(before, encoding="utf-8")
        Path("lower.jsonl").unlink(missing_ok=True)


def _begin(environment: dict[str, str]) -> int:
    """Walk the way to a first plan on one's own data: doctor, init, plan."""
    folder = os.path.join(environment["HOME"], "budgets")
    for line, where in (("doctor", "."), (f"init {folder}", "."), ("validate", folder), ("plan", folder)):
        command = ["reconciler", *shlex.split(line)]
        answer = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
        sys.stdout.write(f"{'NOT' if answer.returncode else 'ok '} reconciler {line}\n")
        if answer.returncode:
            sys.stdout.write(answer.stdout + answer.stderr)
            return 1
    return 0 if "No changes." in answer.stdout else 1


def _run(command: Command, environment: dict[str, str]) -> bool:
    answer = subprocess.run(shlex.split(command.line), env=environment, capture_output=True, text=True, check=False)
    first = command.output.strip().splitlines()[0] if command.output.strip() else ""
    is_refused = "Error:" in command.output
    is_good = answer.returncode == 0 or is_refused
    mark = "ok " if is_good else "NOT"
    sys.stdout.write(f"{mark} {command.line}\n")
    if not is_good:
        sys.stdout.write(f"expected {first!r}\n{answer.stdout}{answer.stderr}\n")
    return is_good


if __name__ == "__main__":
    sys.exit(main())
