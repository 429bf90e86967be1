"""A plan without changes of 5,000 people against `terraform plan` of 5,000 `terraform_data`, which sends nothing."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from pathlib import Path

from tests.bench import whole
from tests.bench.results import Report, ratio
from tests.bench.share import Share
from tests.bench.whole import RECONCILER, company, times

WEIGHT, SLOW = 35, True
COUNT = 5_000


def run(report: Report, share: Share) -> None:
    """Measure T10, where there is a terraform."""
    if shutil.which("terraform") is None:
        report("T10", "plan of 5,000 / terraform plan of 5,000 blocks", "no terraform", 0.1)
        return
    with tempfile.TemporaryDirectory() as name, company(f"{COUNT}-users,200-groups") as live:
        folder = Path(name)
        blocks = (f'resource "terraform_data" "r{n}" {{ input = {n} }}' for n in range(COUNT))
        (folder / "main.tf").write_text("\n".join(blocks), encoding="utf-8")
        (folder / "terraform.tfstate").write_text(json.dumps(_applied()), encoding="utf-8")
        (folder / "policy.yaml").write_text(live.policy(), encoding="utf-8")
        whole.run(["terraform", f"-chdir={folder}", "init"], live.environment)
        commands = {
            "ours": [*RECONCILER, "plan", str(folder / "policy.yaml")],
            "theirs": ["terraform", f"-chdir={folder}", "plan", "-detailed-exitcode"],  # fails when it sees a change
        }
        taken = times(commands, live.environment, share.rounds())
    what = f"plan of 5,000 in {statistics.median(taken['ours']):.2f} s / terraform plan of 5,000 blocks"
    report("T10", what, ratio(taken["ours"], taken["theirs"]), 0.1)


def _applied() -> dict[str, object]:
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
        for n in range(COUNT)
    ]  # fmt: skip
    return {"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "bench", "resources": resources}
