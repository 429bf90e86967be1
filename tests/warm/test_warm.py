"""A warm command and a command that starts Python say and do the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from tests.warm import warm_folder

COLD = f"{sys.executable} -m reconciler"
REPORT = Path(__file__).parents[2] / "deploy" / "github" / "report.py"


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
        "RECONCILER no-such-command 2> /dev/full; RECONCILER schema policy > /dev/full; RECONCILER --version; echo $?",
        "echo 'version: 1' | { RECONCILER validate - wrong.yaml; RECONCILER validate -; }",
        "RECONCILER validate - < wrong.yaml; RECONCILER --version > /dev/null; RECONCILER validate - < /dev/null",
        "echo 'version: 1' | RECONCILER validate - | RECONCILER validate -; echo 'version: 2' | RECONCILER validate -",
        "RECONCILER validate no-such-file.yaml 2>&1 | cat; RECONCILER validate wrong.yaml 2> /dev/full; echo $?",
        "unset HOME; TERM=dumb COLUMNS=30 RECONCILER plan --help",
    ],
)
def test_it_does_what_a_cold_command_does(line: str, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "wrong.yaml").write_text("version: 1\norganization: acme\ngroup_budgets: [{group: a, limit: -1}]\n")
    warm = str(warm_folder() / "reconciler")
    assert ran(line.replace("RECONCILER", warm), tmp_path) == ran(line.replace("RECONCILER", COLD), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        f"PYTHON3 {REPORT}",
        f"cd below && PYTHON3 -Es {REPORT} facts ..",
        "PYTHON3 sums.py 1 2",
        "PYTHON3 -I sums.py 1 2 2> /dev/null",
        "PYTHON3 -Es sums.py 1 2",
        "PYTHON3 sums.py 1; PYTHON3 -I sums.py 1 2> /dev/null; echo $?",
        "PYTHON3 sums.py 1; PYTHON3 below/sums.py 1; PYTHON3 sums.py 1",
        "PYTHON3 sums.py; echo $?",
        "PYTHON3 -c 'import sys; print(sys.argv, sys.flags.isolated)' sums.py",
        "cat sums.py | PYTHON3 - 1 2",
    ],
)
def test_a_script_does_what_it_does_in_a_python_of_its_own(line: str, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "plan.json").write_text('{"digest": "d", "actions": [1, 2]}')
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    (tmp_path / "below" / "beside.py").write_text("NAME = 'below'")
    sums = (
        "import sys, __main__\nprint(sys.argv, __name__, __main__.__file__)\n"
        "import beside\nprint(beside.NAME)\nsum(map(int, sys.argv[1:])) or sys.exit('nothing to add')\n"
        "raise SystemExit(sum(map(int, sys.argv[1:])))\n"
    )
    for folder in (tmp_path, tmp_path / "below"):
        (folder / "sums.py").write_text(sums)
    warm = ran(line.replace("PYTHON3", str(warm_folder() / "python3")), tmp_path)
    assert warm == ran(line.replace("PYTHON3", str(Path(sys.executable).with_name("python3"))), tmp_path)


def ran(line: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
