"""A plan as a whole process: against its bare requests, against `terraform plan`, against the obvious program."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.bench import whole
from tests.bench.results import Ratio, Report, ratio
from tests.bench.whole import LIBRARIES, RECONCILER, Company, company, times

SLOW = True
SIZE = "5000-users,200-groups"
LARGE = "100000-users,1000-groups"
# Seconds of latency -> how many at once; at 50 ms one needs more of them in flight to be busy (performance notes).
SINGLE_WIDTHS = {0.0: 8, 0.005: 16, 0.05: 64}
SINGLE_PROMISES = {0.0: 1.25, 0.005: 1.2, 0.05: 1.1}
BULK_PROMISES = {0.0: 1.9, 0.005: 1.7, 0.05: 1.25}
OBVIOUS, SCRIPT = (Path(__file__).parent / name for name in ("obvious.py", "obvious.sh"))
FLOOR = [sys.executable, "-m", "tests.bench.floor"]


def run(report: Report) -> None:
    """Measure T1, T2, T7, T10, T11 and T16; and beside the targets the floor and the obvious script."""
    with tempfile.TemporaryDirectory() as folder:
        _measure_plans(report, Path(folder))
        _measure_peers(report, Path(folder))
        _measure_large(report, Path(folder))
        _measure_terraform(report, Path(folder))


def _measure_plans(report: Report, folder: Path) -> None:
    """T1 and T2: the plan of 5,000 people against bare."""
    for latency_s, width in SINGLE_WIDTHS.items():
        found, requests = _against_bare(folder, "2.35", latency_s, width)
        what = f"plan, 5,000 single reads, {latency_s * 1000:.0f} ms, {width} wide, {requests:,} requests / bare"
        report("T1", what, found, SINGLE_PROMISES[latency_s])
    for version in ("2.37", "2.36"):
        for latency_s, promise in BULK_PROMISES.items():
            found, requests = _against_bare(folder, version, latency_s, 8)
            what = f"plan on {version}, bulk reads, {latency_s * 1000:.0f} ms, 8 wide, {requests:,} requests / bare"
            report("T2", what, found, promise)


def _measure_peers(report: Report, folder: Path) -> None:
    """The plan of 5,000 people against the fastest client, and against curl and jq, one request after another."""
    with company(SIZE) as live:
        plan = [*RECONCILER, "plan", "--parallelism", "8", str(_write(folder / "policy.yaml", live.policy()))]
        requests = live.requests_of(plan)
        sent = _write(folder / "requests.json", json.dumps(whole.in_waves(requests)))
        reads = [request["path"] for request in requests if request["method"] == "GET"]
        commands = {"plan": plan}
        if find_spec("pyreqwest"):
            commands["floor"] = [*FLOOR, str(sent), "8"]
        if shutil.which("curl") and shutil.which("jq"):
            commands["script"] = ["sh", str(SCRIPT), str(_write(folder / "paths", "\n".join(reads) + "\n"))]
        taken = times(commands, live.environment, rounds=3)
    for peer, what, promise in (("floor", "the fastest client", 5.0), ("script", "curl and jq, one by one", 0.5)):
        if peer in taken:
            report(peer, f"plan on 2.37, bulk reads, 0 ms / {what}", ratio(taken["plan"], taken[peer]), promise)


def _measure_large(report: Report, folder: Path) -> None:
    """T7, T11 and T16: 100,000 people in 1,000 groups, as the sandbox makes them, and with an override for each."""
    with company(LARGE, everybody_has_one=False) as large:
        for has_overrides, policy in ((False, "its group budgets"), (True, "its group budgets and 10,000 overrides")):
            file = _write(folder / "large.yaml", large.policy(has_overrides=has_overrides))
            plan = [*RECONCILER, "plan", "--detailed-exitcode", str(file)]  # fails when it sees a change
            runs = [whole.run(plan, large.environment) for _ in range(3)]
            what = f"plan of 100,000 people in 1,000 groups, {policy}"
            report("T16", f"{what}, peak memory, MB", max(took.peak_mb for took in runs), 250)
            report("T16", f"{what}, its own CPU, s", statistics.median(took.cpu_s for took in runs), 3.0)
            report("T16", f"{what}, in all, s", statistics.median(took.seconds for took in runs), 5.0)
        large.give_everybody_one()
        _measure_entries(report, folder, large)


def _measure_entries(report: Report, folder: Path, large: Company) -> None:
    policy = _write(folder / "large.yaml", large.policy())
    plan = [*RECONCILER, "plan", str(policy)]
    requests = large.requests_of(plan)
    ours = [whole.run(plan, large.environment) for _ in range(2)]
    report("T7", "plan with an override for each of them, peak memory, MB", max(took.peak_mb for took in ours), 400)
    sent = _write(folder / "large.json", json.dumps(requests))
    libraries = whole.run([*LIBRARIES, str(policy), str(sent), "8"], large.environment)
    what = f"its own CPU ({ours[-1].cpu_s:.1f} s) / that of its libraries alone: events, requests, JSON"
    report("T16", what, statistics.median(took.cpu_s for took in ours) / libraries.cpu_s, 2.5)
    obvious = whole.run([sys.executable, str(OBVIOUS), str(policy), str(sent)], large.environment)
    what = f"it, in {ours[-1].seconds:.1f} s and {len(requests):,} requests / the obvious program"
    report("T11", what, ratio([took.seconds for took in ours], [obvious.seconds] * len(ours)), 0.25)


def _measure_terraform(report: Report, folder: Path) -> None:
    """T10: a plan without changes of 5,000 against one of `terraform_data`, which sends nothing at all."""
    if shutil.which("terraform") is None:
        return
    blocks = (f'resource "terraform_data" "r{n}" {{ input = {n} }}' for n in range(5000))
    _write(folder / "main.tf", "\n".join(blocks))
    _write(folder / "terraform.tfstate", json.dumps(_applied(5000)))
    with company(SIZE) as live:
        policy = _write(folder / "policy.yaml", live.policy())
        whole.run(["terraform", f"-chdir={folder}", "init"], live.environment)
        commands = {
            "ours": [*RECONCILER, "plan", str(policy)],
            "theirs": ["terraform", f"-chdir={folder}", "plan", "-detailed-exitcode"],  # fails when it sees a change
        }
        taken = times(commands, live.environment, rounds=3, warm_up=False)
    what = f"plan of 5,000 in {statistics.median(taken['ours']):.2f} s / terraform plan of 5,000 blocks"
    report("T10", what, ratio(taken["ours"], taken["theirs"]), 0.1)


def _applied(count: int) -> dict[str, object]:
    """Return the state that `terraform apply` would leave behind after many minutes."""
    provider = 'provider["terraform.io/builtin/terraform"]'
    resources = [
        {
            "mode": "managed", "type": "terraform_data", "name": f"r{n}", "provider": provider,
            "instances": [{"schema_version": 0, "sensitive_attributes": [], "attributes": {
                "id": f"{n:08x}-0000-4000-8000-000000000000", "triggers_replace": None,
                "input": {"value": n, "type": "number"}, "output": {"value": n, "type": "number"},
            }}],
        }
        for n in range(count)
    ]  # fmt: skip
    return {"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "bench", "resources": resources}


def _against_bare(folder: Path, version: str, latency_s: float, width: int) -> tuple[Ratio, int]:
    with company(SIZE, version=version, latency_s=latency_s) as live:
        return whole.against_bare(live, folder, live.policy(), width, is_long=version == "2.35")


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file
