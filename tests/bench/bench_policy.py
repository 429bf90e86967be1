"""Policy files: reading them with positions, checking them, and `validate` as a whole process.

T5 compares with PyYAML's fastest loader, which keeps no positions and loses duplicate keys; T6 with its parser alone,
draining the events; T9 with `terraform validate`, when there is a terraform.
"""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from reconciler.policy_file.load import load
from reconciler.policy_file.nodes import PolicyText
from reconciler.policy_file.read import read
from tests.bench.results import Report, in_turn, ratio
from tests.bench.share import Share

WEIGHT = 16
PROMISES = {1_000: 0.45, 10_000: 0.22}
"""Of T5, by the number of entries."""


def policy_text(entries: int) -> str:
    """Return a policy of one organization: a tenth group budgets, the others overrides with a reason."""
    groups = entries // 10
    lines = ["version: 1", "organization: acme", "tiers:", "  standard: $200", "group_budgets:"]
    lines += [f"  - group: team-{number}\n    limit: standard" for number in range(groups)]
    lines.append("user_overrides:")
    for number in range(entries - groups):
        lines.append(f"  - user: user{number}\n    group: team-{number % groups}")
        lines.append(f"    limit: ${number % 900 + 1}.00\n    reason: ticket FIN-{number}")
    return "\n".join(lines) + "\n"


def run(report: Report, share: Share) -> None:
    """Measure and report."""
    parts = share.parts(2, 6, 8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for entries, promise in PROMISES.items():
            report_reading(report, written(folder, entries), promise, next(parts))
        _validate(report, folder, next(parts))


def written(folder: Path, entries: int) -> Path:
    """Write a policy of so many entries."""
    file = folder / f"{entries}.yaml"
    file.write_text(policy_text(entries), encoding="utf-8")
    return file


def report_reading(report: Report, file: Path, promise: float, share: Share) -> None:
    """Measure T5 and T6; in two sittings, because CSafeLoader takes longer than all others together."""
    data, entries = file.read_bytes(), f"{int(file.stem):,} entries"
    parts = share.parts(2, 1)
    read_: list[Callable[[], object]] = [lambda: _nodes(data), lambda: yaml.load(data, Loader=yaml.CSafeLoader)]
    nodes, peer = in_turn(read_, next(parts).rounds(), clock=time.process_time)
    report("T5", f"reading {entries} with positions, over CSafeLoader", ratio(nodes, peer), promise)
    loads: list[Callable[[], object]] = [lambda: _drain(data), lambda: load([str(file)])]
    drained, loaded = in_turn(loads, next(parts).rounds(), clock=time.process_time)
    report("T6", f"loading and checking {entries}, over draining the events", ratio(loaded, drained), 2.2)


def _drain(data: bytes) -> None:
    get_event = yaml.CSafeLoader(data).get_event
    while get_event() is not None:
        pass


def _nodes(data: bytes) -> object:
    """Read into a tree, the collector paused as in load(); there the tree is gone before the collector looks again."""
    gc.disable()
    tree = read(PolicyText("bench.yaml", data))
    gc.enable()
    return tree


def _validate(report: Report, folder: Path, share: Share) -> None:
    """Compare whole processes; terraform's own resource needs no provider and no network."""
    what = "validate of 1,000 entries, over terraform validate of 100 resources"
    terraform = shutil.which("terraform")
    if terraform is None:
        report("T9", what, "no terraform", 2.0)
        return
    module = folder / "terraform"
    module.mkdir()
    blocks = (f'resource "terraform_data" "r{number}" {{\n  input = "{number}"\n}}\n' for number in range(100))
    (module / "main.tf").write_text("".join(blocks), encoding="utf-8")
    subprocess.run([terraform, f"-chdir={module}", "init", "-input=false"], check=True, capture_output=True)
    ours = [sys.executable, "-m", "reconciler", "validate", str(folder / "1000.yaml")]
    theirs = [terraform, f"-chdir={module}", "validate"]
    mine, peer = in_turn([lambda: _process(ours), lambda: _process(theirs)], share.rounds(), clock=time.perf_counter)
    report("T9", what, ratio(mine, peer), 2.0)


def _process(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
