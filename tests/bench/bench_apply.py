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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.coder.pool import run_in_order
from reconciler.formats.document import JOURNALS
from tests.bench import whole
from tests.bench.bare import new_transport, request_of
from tests.bench.results import Ratio, Report, ratio
from tests.bench.whole import RECONCILER, Company, company

Sent = dict[str, Any]

SLOW = True
SIZES = {0.05: "100-users,20-groups", 0.005: "600-users,20-groups", 0.0: "1000-users,20-groups"}
"""By latency: at 50 ms each change takes 28 ms, so there are fewer of them."""
ROUNDS = 3
PROMISE = 1.3
MEMORY = Path("/dev/shm")
READS, WRITES = 8, 4


def run(report: Report) -> None:
    """Measure the ratio on a real disk and in memory, with a server here and ones 5 and 50 ms away."""
    for latency_s, folder in ((0.05, None), (0.005, None), (0.0, MEMORY), (0.0, None)):
        if folder is not None and not os.access(folder, os.W_OK):
            continue
        found, changes, each_ms = _measure(latency_s, folder)
        where = "in memory" if folder else "on disk"
        what = f"apply, {changes:,} changes, {latency_s * 1000:.0f} ms, journal {where}, {each_ms:.1f} ms each / bare"
        report("T17", what, found, PROMISE)


def _measure(latency_s: float, parent: Path | None) -> tuple[Ratio, int, float]:
    """Return the ratio, the number of changes, and the milliseconds that each of them took."""
    with company(SIZES[latency_s], latency_s=latency_s) as acme, _folder(parent) as folder:
        apply = [*RECONCILER, "apply", "--auto-approve", "--allow", "BLOCKS_USERS=9999", "--parallelism", str(READS)]
        old, new = folder / "old.yaml", folder / "new.yaml"
        old.write_text(acme.policy(), encoding="utf-8")
        acme.sql("UPDATE user_ai_budget_overrides SET spend_limit_micros = spend_limit_micros + 1000000")
        new.write_text(acme.policy(), encoding="utf-8")
        sent = _sent(acme, [*apply, str(old)], folder)
        bare = [sys.executable, "-m", "tests.bench.bench_apply", str(folder / "sent.json")]
        (folder / "sent.json").write_text(json.dumps(sent), encoding="utf-8")
        seconds: list[tuple[float, float]] = []
        for _ in range(ROUNDS):  # there and back again: an apply of `new`, then the requests of one of `old`
            shutil.rmtree(folder / JOURNALS)  # of the round before; bench_journals.py has what they cost
            both = [whole.run(command, acme.environment, cwd=folder).seconds for command in ([*apply, str(new)], bare)]
            seconds.append((both[0], both[1]))
    changes = sum(one["method"] == "PUT" for one in sent)
    ours, theirs = [ours for ours, _ in seconds], [theirs for _, theirs in seconds]
    return ratio(ours, theirs), changes, 1000 * statistics.median(ours) / changes


def _sent(acme: Company, command: list[str], folder: Path) -> list[Sent]:
    """Apply once and return what was sent."""
    acme.control("DELETE", "requests")
    whole.run(command, acme.environment, cwd=folder)
    sent: list[Sent] = acme.control("GET", "requests")
    acme.control("DELETE", "requests")
    return [{key: one[key] for key in ("method", "path", "body")} for one in sent]


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
