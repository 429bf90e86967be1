"""What a person waits for, before and now: the commands of an older commit beside today's, in turns, on one machine.

    python -m tests.bench.before                  against the end of the first round
    python -m tests.bench.before REVISION         against any commit of this repository
    python -m tests.bench.before --write          and the table of docs/explanation/performance.md

Both run with the same Python and the same libraries, against the same sandbox of today; the network is a delay of every
answer, or `real`: each request takes as long as on a real server, and as many at once as one can carry.
"""

from __future__ import annotations

import argparse
import io
import shutil
import statistics
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.formats.document import JOURNALS
from tests.bench import whole
from tests.bench.results import PAGE, machine, table, write_section
from tests.bench.whole import RECONCILER, Company, Run, company

FIRST_ROUND = "4add911"
"""The last commit before widths found themselves: eight requests at once, whatever the network."""
ROOT = Path(__file__).parents[2]
ROUNDS = 3
BEGIN, END = "<!-- before: written by `python -m tests.bench.before --write` -->\n", "<!-- end of before -->\n"
APPLY = ("apply", "--auto-approve")
_EVERYBODY_HAD_LESS = "UPDATE user_ai_budget_overrides SET spend_limit_micros = spend_limit_micros - 500000"
"""An apply that only raises needs no consent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A command on a company. Where it applies, everybody's override is raised by it."""

    what: str
    seed: str
    command: Sequence[str] = ("plan",)
    version: str = "2.37"
    latency_s: float = 0.0
    profile: str = "none"
    has_overrides: bool = True


SCENES = (
    Scene(what="`validate`, 1,000 overrides", seed="1000-users,20-groups", command=("validate",)),
    Scene(what="`plan`, 36 people, as a real 2.36", seed="36-users,6-groups", version="2.36", profile="real"),
    Scene(what="`plan`, 3,000 people, as a real 2.36", seed="3000-users,100-groups", version="2.36", profile="real"),
    Scene(what="`plan`, 1,000 people, as a real 2.35", seed="1000-users,50-groups", version="2.35", profile="real"),
    Scene(what="`plan`, 1,000 people, 2.35, 50 ms", seed="1000-users,50-groups", version="2.35", latency_s=0.05),
    Scene(what="`plan`, 5,000 people, 2.37, here", seed="5000-users,200-groups"),
    Scene(what="`plan`, 5,000 people, 2.37, 50 ms", seed="5000-users,200-groups", latency_s=0.05),
    Scene(what="`plan`, group budgets of 100,000 people, here", seed="100000-users,1000-groups", has_overrides=False),
    Scene(what="`apply`, 1,000 changes, here", seed="1000-users,20-groups", command=APPLY),
    Scene(what="`apply`, 200 changes, 50 ms", seed="200-users,20-groups", command=APPLY, latency_s=0.05),
)


def main() -> None:
    """Measure them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.before")
    parser.add_argument("revision", nargs="?", default=FIRST_ROUND, help="a commit of this repository")
    parser.add_argument("--write", action="store_true", help="write the table of docs/explanation/performance.md")
    arguments = parser.parse_args()
    rows = [("", "s before", "s now", "times as fast", "MB before", "MB now"), ("---", *["--:"] * 5)]
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder, "old")
        try:
            _check_out(arguments.revision, old)
        except subprocess.CalledProcessError as error:  # as in a shallow clone
            parser.error(f"{error.stderr.decode().strip()}\nname a commit that this clone has, or fetch all of them")
        for scene in SCENES:
            rows.append(_cells(scene, *_measure(scene, old, Path(folder))))
            print(*rows[-1], sep="  ", flush=True)
    if arguments.write:
        write_section(
            PAGE, BEGIN, END, f"{machine()}.\nBefore is the commit `{arguments.revision}`.\n\n{table(rows)}\n"
        )


def _check_out(revision: str, folder: Path) -> None:
    """Lay the files of a commit there. Raises CalledProcessError, with what Git said, where there is none."""
    archive = subprocess.run(["git", "archive", revision, "reconciler"], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(folder, filter="data")


def _measure(scene: Scene, old: Path, folder: Path) -> tuple[list[Run], list[Run]]:
    """Return the rounds of both, which took turns; each ran once before, so that what Python compiles is there."""
    before: list[Run] = []
    now: list[Run] = []
    with company(scene.seed, version=scene.version, latency_s=scene.latency_s, profile=scene.profile) as acme:
        (folder / "policy.yaml").write_text(acme.policy(has_overrides=scene.has_overrides), encoding="utf-8")
        for _ in range(1 + ROUNDS):
            before.append(_run(scene, acme, old, folder))
            now.append(_run(scene, acme, ROOT, folder))
    return before[1:], now[1:]


def _run(scene: Scene, acme: Company, code: Path, folder: Path) -> Run:
    """Run the command once with the code of that folder."""
    if scene.command == APPLY:
        acme.sql(_EVERYBODY_HAD_LESS)
        shutil.rmtree(folder / JOURNALS, ignore_errors=True)
    environment = acme.environment | {"PYTHONPATH": str(code)}
    return whole.run([*RECONCILER, *scene.command, "policy.yaml"], environment, cwd=folder)


def _cells(scene: Scene, before: Sequence[Run], now: Sequence[Run]) -> tuple[str, ...]:
    """Return a row of the table: medians, and how many times as fast the medians and the rounds are."""
    seconds = [statistics.median(run.seconds for run in runs) for runs in (before, now)]
    peaks = [statistics.median(run.peak_mb for run in runs) for runs in (before, now)]
    rounds = [then.seconds / today.seconds for then, today in zip(before, now, strict=True)]
    times = f"{seconds[0] / seconds[1]:.2f} ({min(rounds):.2f} to {max(rounds):.2f})"
    return (scene.what, *(f"{value:.2f}" for value in seconds), times, *(f"{value:.0f}" for value in peaks))


if __name__ == "__main__":
    main()
