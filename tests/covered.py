"""What a run with coverage did not reach: `python -m tests.covered FILE`, of the JSON that slipcover wrote.

The core has to run as a whole, and nearly all of the rest. What runs in processes that are forked off one is not seen.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORE = "reconciler/core/"
LEAST_PERCENT = 95
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Covered:
    """How many lines and branches of a file ran, and where those that did not begin."""

    ran: int
    missing: tuple[int, ...]


def main(report: Path) -> int:
    """Return 1 if what was reached is less than promised."""
    found = json.loads(report.read_text(encoding="utf-8"))["files"]
    files = {name: covered(found[name], ROOT / name) for name in sorted(found)}
    core = {name: file for name, file in files.items() if name.startswith(CORE)}
    in_core, in_all = percent(core.values()), percent(files.values())
    for name, file in (files if in_all < LEAST_PERCENT else core).items():
        if file.missing:
            print(f"{name}: {', '.join(map(str, file.missing))}")
    print(
        f"Of lines and branches ran {in_core:.1f} % in the core (of 100), {in_all:.1f} % in all (of {LEAST_PERCENT})."
    )
    return int(in_core < 100 or in_all < LEAST_PERCENT)


def covered(found: Mapping[str, Any], file: Path) -> Covered:
    """Return what ran of a file, but for what cannot run."""
    never = frozenset(unreachable(ast.parse(file.read_text(encoding="utf-8"))))
    lines = set(found["missing_lines"]) - never
    branches = {start for start, end in found["missing_branches"] if not never & {start, end}}
    ran = len(found["executed_lines"]) + len(found["executed_branches"])
    return Covered(ran, tuple(sorted(lines | branches)))


def unreachable(module: ast.Module) -> Iterator[int]:
    """Yield the lines of `case _: assert_never(...)`: mypy proves that nothing comes there."""
    for node in ast.walk(module):
        match node:
            case ast.match_case(
                pattern=pattern, body=[ast.Expr(value=ast.Call(func=ast.Name("assert_never"))) as last]
            ):
                yield from range(pattern.lineno, (last.end_lineno or last.lineno) + 1)
            case _:
                pass


def percent(files: Collection[Covered]) -> float:
    """Return how much of these files ran."""
    ran, missing = sum(file.ran for file in files), sum(len(file.missing) for file in files)
    return 100 * ran / (ran + missing) if missing else 100.0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
