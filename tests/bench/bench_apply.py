"""An apply of up to 1,000 changes as a whole process, against a bare client that makes the same requests.

The bare client keeps no journal: what it does not do is to put every intent on the disk before its write. With a disk
that takes a millisecond for it and a server that answers at once, that alone is as long as a request; so the same is
measured again with the journal in memory, and with a server that is 5 ms away, as the nearest real one is.

Run as a script, this is the bare client: a JSON file with what to send.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from reconciler.coder.pool import run_in_order
from reconciler.formats.document import JOURNALS
from tests.bench import whole
from tests.bench.bare import new_transport, request_of
from tests.bench.results import Report, ratio
from tests.bench.share import Share
from tests.bench.whole import RECONCILER, Company, company

Sent = dict[str, Any]

WEIGHT, SLOW = 67, True
PROMISE = 1.3
STEP_MICROS = 1_000_000
MEMORY = Path("/dev/shm")
READS, WRITES = 8, 4
APPLY = (*RECONCILER, "apply", "--auto-approve", "--allow", "BLOCKS_USERS=9999", "--parallelism", str(READS))
BARE = (sys.executable, "-m", "tests.bench.bench_apply")


def run(report: Report, share: Share) -> None:
    """Measure T17 with a server here and ones 5 and 50 ms away, where each change takes 28 ms, so there are fewer."""
    memory = {"in memory": MEMORY} if os.access(MEMORY, os.W_OK) else {}
    parts = share.parts(20, 20, 27)
    _measure(report, "100-users,20-groups", 0.05, {"on disk": None}, next(parts))
    _measure(report, "600-users,20-groups", 0.005, {"on disk": None}, next(parts))
    _measure(report, "1000-users,20-groups", 0.0, {**memory, "on disk": None}, next(parts))


def _measure(report: Report, size: str, latency_s: float, places: Mapping[str, Path | None], share: Share) -> None:
    """Measure an apply with its journal in each of the places, and one bare client for all of them."""
    with company(size, latency_s=latency_s) as acme, ExitStack() as stack:
        folders = {where: stack.enter_context(_folder(parent)) for where, parent in places.items()}
        turns = _Turns(acme, next(iter(folders.values())))
        taken: dict[str, list[float]] = {where: [] for where in (*folders, "bare")}
        for _ in share.rounds():
            for where, folder in folders.items():
                taken[where].append(turns.apply(folder))
            taken["bare"].append(turns.bare())
    for where in folders:
        each_ms = 1000 * statistics.median(taken[where]) / turns.changes
        how = f"{latency_s * 1000:.0f} ms, journal {where}, {each_ms:.1f} ms each"
        report("T17", f"apply, {turns.changes:,} changes, {how} / bare", ratio(taken[where], taken["bare"]), PROMISE)


class _Turns:
    """There and back again: whoever has a turn sets every limit from one of two states to the other."""

    def __init__(self, acme: Company, folder: Path) -> None:
        self._acme = acme
        self._policies = [folder / "lower.yaml", folder / "higher.yaml"]
        self._policies[0].write_text(acme.policy(), encoding="utf-8")
        acme.sql(f"UPDATE user_ai_budget_overrides SET spend_limit_micros = spend_limit_micros + {STEP_MICROS}")
        self._policies[1].write_text(acme.policy(), encoding="utf-8")
        self._is_higher = True
        self._sent: list[Sent] = []
        self._file = folder / "sent.json"

    @property
    def changes(self) -> int:
        """How many limits there are."""
        return sum(one["method"] == "PUT" for one in self._sent)

    def apply(self, folder: Path) -> float:
        """Apply, keep what was sent, and return the seconds."""
        shutil.rmtree(folder / JOURNALS, ignore_errors=True)  # of the turn before; bench_journals.py has what they cost
        command = [*APPLY, str(self._policies[not self._is_higher])]
        took, self._sent = self._acme.recorded(command, cwd=folder)
        self._is_higher = not self._is_higher
        return took.seconds

    def bare(self) -> float:
        """Send the same requests with the other limits, and return the seconds."""
        step = -STEP_MICROS if self._is_higher else STEP_MICROS
        for one in self._sent:
            if one["method"] == "PUT":
                one["body"]["spend_limit_micros"] += step
        self._file.write_text(json.dumps(self._sent), encoding="utf-8")
        seconds = whole.run([*BARE, str(self._file)], self._acme.environment).seconds
        self._is_higher = not self._is_higher
        return seconds


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def bare(sent: list[Sent]) -> None:
    """Send the reads that came first, then each object's read and write one after the other, then the last reads."""
    transport = new_transport(READS)

    def send(requests: list[Sent]) -> None:
        for one in requests:
            transport.send(request_of(one))

    writes = {one["path"]: one for one in sent if one["method"] == "PUT"}
    first = next(number for number, one in enumerate(sent) if one["path"] in writes)
    last = len(sent) - next(number for number, one in enumerate(reversed(sent)) if one["method"] == "PUT")
    chains = [[{**one, "method": "GET", "body": None}, one] for one in writes.values()]
    for waves, width in ((sent[:first], READS), (chains, WRITES), (sent[last:], READS)):
        work = [wave if isinstance(wave, list) else [wave] for wave in waves]
        run_in_order(lambda index, work=work: send(work[index]), len(work), width=lambda width=width: width)  # type: ignore[misc]


if __name__ == "__main__":
    bare(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
