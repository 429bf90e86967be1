"""Policy files: reading them with positions, checking them, and `validate` as a whole process.

T5 compares with PyYAML's fastest loader, which keeps no positions and loses duplicate keys; T6 with its parser alone,
draining the events; T9 with `terraform validate`, when there is a terraform.
"""

from __future__ import annotations

import gc
import shutil
import statistics
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

SIZES = ((1_000, 15, 15, 0.45), (10_000, 5, 3, 0.22), (100_000, 3, 1, 0.16))
"""Entries, rounds, those of the peer, which takes twelve times as long, and T5's promise."""


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


def run(report: Report) -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        loading: dict[int, list[float]] = {}
        for entries, rounds, peer_rounds, promised in SIZES:
            file = Path(folder) / f"{entries}.yaml"
            file.write_text(policy_text(entries), encoding="utf-8")
            drained, nodes, loaded, peer = _loading(file, rounds, peer_rounds)
            loading[entries] = loaded
            report(
                "T5",
                f"reading {entries:,} entries with positions, over CSafeLoader",
                ratio(nodes[: len(peer)], peer),
                promised,
            )
            report(
                "T6", f"loading and checking {entries:,} entries, over draining the events", ratio(loaded, drained), 2.2
            )
        report(
            "T6",
            "loading 100,000 entries, over 10,000",
            statistics.median(loading[100_000]) / statistics.median(loading[10_000]),
            12.0,
        )
        _validate(report, Path(folder))


def _loading(file: Path, rounds: int, peer_rounds: int) -> list[list[float]]:
    data = file.read_bytes()
    ways: list[Callable[[], object]] = [
        lambda: _drain(data),
        lambda: _nodes(data),
        lambda: load([str(file)]),
        lambda: yaml.load(data, Loader=yaml.CSafeLoader),
    ]
    return in_turn(ways, (rounds, rounds, rounds, peer_rounds), clock=time.process_time)


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


def _validate(report: Report, folder: Path) -> None:
    """Compare whole processes; terraform's own resource needs no provider and no network."""
    terraform = shutil.which("terraform")
    if terraform is None:
        return
    module = folder / "terraform"
    module.mkdir()
    blocks = (f'resource "terraform_data" "r{number}" {{\n  input = "{number}"\n}}\n' for number in range(100))
    (module / "main.tf").write_text("".join(blocks), encoding="utf-8")
    subprocess.run([terraform, f"-chdir={module}", "init", "-input=false"], check=True, capture_output=True)
    ours = [sys.executable, "-m", "reconciler", "validate", str(folder / "1000.yaml")]
    theirs = [terraform, f"-chdir={module}", "validate"]
    mine, peer = in_turn([lambda: _process(ours), lambda: _process(theirs)], (9, 9), clock=time.perf_counter)
    report("T9", "validate of 1,000 entries, over terraform validate of 100 resources", ratio(mine, peer), 2.0)


def _process(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
