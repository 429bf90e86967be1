"""What counts as covered, by the report of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.covered import ROOT, covered, main

CODE = """\
def sign(change):
    match change:
        case "create":
            return "+"
        case _:
            assert_never(change)
"""
ALL = {
    "executed_lines": [1, 2, 3, 4],
    "missing_lines": [5, 6],
    "executed_branches": [[2, 3]],
    "missing_branches": [[3, 5]],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "sign.py"
    file.write_text(CODE)
    return file


def test_what_mypy_proves_that_nothing_reaches_is_not_missing(file: Path) -> None:
    assert covered(ALL, file).missing == ()


def test_a_line_and_a_branch_are(file: Path) -> None:
    assert covered({**ALL, "executed_lines": [1, 2, 3], "missing_lines": [4, 5, 6]}, file).missing == (4,)
    assert covered({**ALL, "missing_branches": [[2, 0], [3, 5]]}, file).missing == (2,)


@pytest.mark.parametrize(
    ("name", "missing", "code", "printed"),
    [
        ("reconciler/core/moment.py", [1], 1, "moment.py: 1\nOf lines and branches ran 98.0 % in the core"),
        (
            "reconciler/words.py",
            [1],
            0,
            "Of lines and branches ran 100.0 % in the core (of 100), 98.0 % in all",
        ),
        ("reconciler/words.py", [1, 2, 3], 1, "words.py: 1, 2, 3\nOf lines and branches ran 100.0 % in the core"),
    ],
)
def test_the_core_is_covered_as_a_whole_and_nearly_all_of_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, missing: list[int], code: int, printed: str
) -> None:
    found = {
        "executed_lines": [*range(4, 53)],
        "missing_lines": missing,
        "executed_branches": [],
        "missing_branches": [],
    }
    (tmp_path / "coverage.json").write_text(json.dumps({"files": {name: found}}))
    assert (ROOT / name).exists()
    assert main(tmp_path / "coverage.json") == code
    assert printed in capsys.readouterr().out
