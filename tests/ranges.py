"""Long runs in several sittings: ranges of seeds, whose results are added up in a file that a report reads.

Each finished batch is a line, so a run that is stopped keeps what it did. Of a range that ran
twice the last run counts. The function that runs a range must not be in a `__main__`: other processes import it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a range of seeds has found: what happened how often, and one text for each broken law."""

    kind: str
    start: int
    number: int
    counts: dict[str, int]
    broken: tuple[str, ...]


def batches(start: int, number: int, *, size: int) -> list[range]:
    """Cut the seeds from `start` on into ranges of `size`; the last may be shorter."""
    end = start + number
    return [range(first, min(first + size, end)) for first in range(start, end, size)]


def run_all(run: Callable[[range], Batch], seeds: list[range], *, results: Path, workers: int = 0) -> list[Batch]:
    """Run the ranges on `workers` processes (0: one a processor), and write each result as it comes."""
    started = time.monotonic()
    done: list[Batch] = []
    with (
        ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=get_context("spawn")) as pool,
        results.open("a", encoding="utf-8") as file,
    ):
        for batch in pool.map(run, seeds):
            done.append(batch)
            file.write(json.dumps(asdict(batch)) + "\n")
            file.flush()
            _show_progress(done)
    begin = "\n" if sys.stderr.isatty() else ""
    print(f"{begin}{sum(batch.number for batch in done):,} in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return done


def read(results: Path) -> list[Batch]:
    """Return all batches in a file, of each start the last."""
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    batches = [Batch(**{**row, "broken": tuple(row["broken"])}) for row in rows]
    return list({(batch.kind, batch.start): batch for batch in batches}.values())


def tell(batches: list[Batch]) -> int:
    """Print the sums of each kind and the first broken laws; return the exit code."""
    for kind in sorted({batch.kind for batch in batches}):
        alike = [batch for batch in batches if batch.kind == kind]
        counts = sum((Counter(batch.counts) for batch in alike), Counter[str]())
        print(f"{kind}: {sum(batch.number for batch in alike):,} runs in {len(alike):,} ranges")
        print(", ".join(f"{name}: {number:,}" for name, number in sorted(counts.items())))
    broken = [text for batch in batches for text in batch.broken]
    print("\n".join([*broken[:20], f"{len(broken)} laws broken"]))
    return 1 if broken else 0


def _show_progress(done: list[Batch]) -> None:
    """Draw one line over and over on a terminal; into a log write a line each."""
    broken = sum(len(batch.broken) for batch in done)
    begin, end = ("\r", "") if sys.stderr.isatty() else ("", "\n")
    print(f"{begin}{sum(batch.number for batch in done):,} runs, {broken} broken", end=end, file=sys.stderr, flush=True)
