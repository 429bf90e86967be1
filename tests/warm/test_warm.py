"""A warm command and a command that starts Python say and do the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from tests.warm import warm_folder

WARM = str(warm_folder() / "reconciler")
COLD = f"{sys.executable} -m reconciler"


@pytest.mark.parametrize(
    "line",
    [
        "RECONCILER --version",
        "RECONCILER no-such-command",
        "RECONCILER validate wrong.yaml",
        "RECONCILER validate 'a name of 3 words.yaml' $'\\xff.yaml'",
        "cd below && RECONCILER validate ../wrong.yaml",
        "RECONCILER validate wrong.yaml --format json > /dev/full",
        "RECONCILER schema policy | head -c 100",
        "echo 'version: 1' | RECONCILER validate -",
        "CODER_URL=nowhere CODER_SESSION_TOKEN=x RECONCILER plan wrong.yaml; echo $?",
        "unset HOME; TERM=dumb COLUMNS=30 RECONCILER plan --help",
    ],
)
def test_it_does_what_a_cold_command_does(line: str, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "wrong.yaml").write_text("version: 1\norganization: acme\ngroup_budgets: [{group: a, limit: -1}]\n")
    assert ran(line.replace("RECONCILER", WARM), tmp_path) == ran(line.replace("RECONCILER", COLD), tmp_path)


def ran(line: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
