"""What benches measured: printed as it comes, and written as the table of docs/explanation/performance.md.

A ratio is of two medians of one run whose rounds took turns; its spread is the lowest and the highest round, so that a
reader sees how much of a difference is noise. Fewer rounds see less of it, so their number stands beside it.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "performance.md"
BEGIN, END = "<!-- measured: written by `make bench BENCH=--write` -->\n", "<!-- end of what was measured -->\n"
PACKAGES = ("httpx", "pyyaml", "jsonschema", "click")


@dataclass(frozen=True, kw_only=True, slots=True)
class Median:
    """The median of rounds, or a ratio of two; the lowest and the highest round; how many there were."""

    value: float
    low: float
    high: float
    rounds: int
    peer_rounds: int
    """Of what it is compared with."""

    def __str__(self) -> str:
        rounds = f"{self.rounds} round{'' if self.rounds == 1 else 's'}"
        if self.peer_rounds != self.rounds:
            rounds += f", {self.peer_rounds} of the other"
        spread = f"{self.low:,.2f} to {self.high:,.2f} in " if self.rounds > 1 else ""
        return f"{self.value:,.2f} ({spread}{rounds})"


def median(rounds: Sequence[float]) -> Median:
    """Return the median of one series."""
    middle, number = statistics.median(rounds), len(rounds)
    return Median(value=middle, low=min(rounds), high=max(rounds), rounds=number, peer_rounds=number)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Median:
    """Compare two series whose rounds took turns; where theirs has fewer, each of ours with the median of theirs."""
    peer = statistics.median(theirs)
    peers = theirs if len(theirs) == len(ours) else [peer] * len(ours)
    rounds = [mine / other for mine, other in zip(ours, peers, strict=True)]
    return Median(
        value=statistics.median(ours) / peer,
        low=min(rounds),
        high=max(rounds),
        rounds=len(ours),
        peer_rounds=len(theirs),
    )


def in_turn(
    ways: Sequence[Callable[[], object]], rounds: Iterable[int], *, clock: Callable[[], float]
) -> list[list[float]]:
    """Time each way once in each round, in turn, and return the seconds of each.

    In one process the clock is its own processor time, so that a busy machine does not blur the ratios.
    """
    times: list[list[float]] = [[] for _ in ways]
    for _ in rounds:
        for way, seconds in zip(ways, times, strict=True):
            gc.collect()
            started = clock()
            result = way()
            seconds.append(clock() - started)
            del result  # freeing it is not what is measured
    return times


Report = Callable[[str, str, "float | Median | str", float], None]
"""Hears of each figure: its target, what it says, the value, and the promise. A text says why there is no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One figure. A target whose name ends in `>` promises at least, any other at most."""

    target: str
    what: str
    measured: float | Median | str
    """A text where it could not be measured: `no time`, `no terraform`."""
    promised: float

    @property
    def holds(self) -> bool:
        """Whether the promise holds."""
        if isinstance(self.measured, str):
            return False
        value = self.measured.value if isinstance(self.measured, Median) else self.measured
        return value >= self.promised if self.target.endswith(">") else value <= self.promised

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table: target, what, measured, promise, verdict."""
        measured = f"{self.measured:,.2f}" if isinstance(self.measured, float | int) else str(self.measured)
        word = "at least" if self.target.endswith(">") else "at most"
        missed = "**not measured**" if isinstance(self.measured, str) else "**missed**"
        verdict = "holds" if self.holds else missed
        return self.target.rstrip(">"), self.what, measured, f"{word} {self.promised:,.2f}", verdict


class Results:
    """Collects rows; called as a `Report`."""

    def __init__(self, *, allowed_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.allowed_s = allowed_s
        self.rows: list[Row] = []
        self._clock = clock
        self._began = clock()

    def __call__(self, target: str, what: str, measured: float | Median | str, promised: float) -> None:
        row = Row(target=target, what=what, measured=measured, promised=promised)
        self.rows.append(row)
        name, text, value, promise, verdict = row.cells
        print(f"{name:<8}{text:<76}{value:>38}   {promise:<19}{verdict.strip('*')}", flush=True)

    def verdict(self) -> str:
        """Say how many promises hold, and how long it took beside how long it may."""
        held = [row for row in self.rows if row.holds]
        alone = sum(isinstance(row.measured, Median) and row.measured.rounds == 1 for row in held)
        by_one = f", {alone} of them by a single round" if alone else ""
        took_s = self._clock() - self._began
        took = f"It took {took_s:.0f} s, and may take {self.allowed_s:.0f}"
        too_long = ": too long" if took_s > self.allowed_s else ""
        return f"{len(held)} of {len(self.rows)} hold{by_one}. {took}{too_long}."

    def write(self, page: Path = PAGE) -> None:
        """Replace what the page says was measured."""
        write_section(page, BEGIN, END, self._section())

    def _section(self) -> str:
        head = ("Target", "What", "Measured", "Promised", "")
        rows = [head, ("---",) * len(head), *(row.cells for row in self.rows)]
        return f"{machine()}. {self.verdict()}\n\n{table(rows)}\n"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return the Markdown table of rows of cells; the second row is the line below the head."""
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def write_section(page: Path, begin: str, end: str, section: str) -> None:
    """Replace what stands on a page between two marks."""
    text = page.read_text(encoding="utf-8")
    before, after = text.partition(begin)[0], text.partition(end)[2]
    page.write_text(f"{before}{begin}\n{section}\n{end}{after}", encoding="utf-8")


def machine() -> str:
    """Say when and where: the day, the processors, the system, and the versions."""
    cpu = _cpu()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    where = f"{os.cpu_count()} processors ({cpu}), {platform.system()} {platform.release()}"
    return f"Measured on {datetime.now(UTC):%Y-%m-%d}: {where}, Python {platform.python_version()}, {packages}"


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1] if found else platform.machine()
