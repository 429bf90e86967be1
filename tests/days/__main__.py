"""Run the suite on other days: `python -m tests.days`, or on the days that are named.

Each day has a Python environment of its own that stops the clock of every process started with it, so that children
travel without an environment variable, which many tests take away, and without a hook in the product.

The tests are dealt out: each runs on one of the days, and those with the marker `every_day` run on all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from tests.days import moved_clock
from tests.days.dealing import DAYS, Day

ROOT = Path(__file__).parents[2]
LINK = """\
import site; site.addsitedir({packages!r})
import moved_clock; moved_clock.stop({at}, {zone!r})
"""
ALREADY_THERE = "Module already imported so cannot be rewritten; time_machine"


def main(names: list[str]) -> int:
    """Return 1 if a day failed; print how each went as soon as it is known."""
    unknown = set(names) - {day.name for day in DAYS}
    if unknown:
        print(f"unknown days: {', '.join(sorted(unknown))}; the days are {', '.join(day.name for day in DAYS)}")
        return 2
    days = [day for day in DAYS if day.name in names or not names]
    at_once = 2 * (os.cpu_count() or 1)  # seven days, two at once, would leave a core with nothing to do in the last
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(at_once) as pool:
        results = pool.map(lambda day: run(day, Path(folder, day.name)), days)
        failed = [_say(day, *result) for day, result in zip(days, results, strict=True)]
    return int(any(failed))


def _say(day: Day, code: int, output: str) -> bool:
    """Print how a day went, all of it if it failed; return whether it failed."""
    lines = output.rstrip().splitlines() or [""]
    print(f"{day.name}, {day.why}: {lines[-1]}", *(lines if code else ()), sep="\n", flush=True)
    return code != 0


def run(day: Day, folder: Path) -> tuple[int, str]:
    """Run the demo and this day's tests; return the exit code and the output."""
    python = environment(day, folder)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--day", day.name]
    command += ["-W", f"ignore:{ALREADY_THERE}:pytest.PytestAssertRewriteWarning"]
    for arguments in ([str(python), "-m", "reconciler", "demo"], command):
        done = subprocess.run(
            arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            break
    return done.returncode, done.stdout


def environment(day: Day, folder: Path) -> Path:
    """Make an environment with the libraries of this one, where it is that day; return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(_output(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (packages / "moved_clock.py").write_text(Path(moved_clock.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    link = LINK.format(packages=sysconfig.get_path("purelib"), at=int(day.at.timestamp()), zone=day.zone)
    (packages / "moved_clock.pth").write_text(link, encoding="utf-8")
    command = folder / "bin" / "reconciler"  # what a pipeline calls
    command.write_text(
        f"#!{python}\nimport sys\nfrom reconciler.cli.entry import main\nsys.exit(main())\n", encoding="utf-8"
    )
    command.chmod(0o755)
    # Python goes on when a line of a .pth file fails, and then it would be today.
    now = _output(python, "from datetime import *; print(datetime.now(timezone.utc).isoformat())")
    assert datetime.fromisoformat(now) == day.at, f"the clock was not stopped: it is {now}, not {day.at}"
    return python


def _output(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], env={}, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
