"""The journals of earlier runs, in which a plan with changes looks up who had these names then."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from reconciler.formats.document import JOURNALS
from reconciler.operations.journals import grants_in_journals
from tests.bench import whole
from tests.bench.results import Report, in_turn, ratio
from tests.bench.share import Share
from tests.bench.whole import RECONCILER, company

CHANGES = "1000-users,20-groups"
WEIGHT = 6


def run(report: Report, share: Share) -> None:
    """Measure a journal of 1,000 changes that concerns none of the people asked about, and one that concerns all."""
    with company(CHANGES) as acme, tempfile.TemporaryDirectory() as folder:
        policy = Path(folder, "policy.yaml")
        policy.write_text(acme.policy(), encoding="utf-8")
        acme.sql("UPDATE user_ai_budget_overrides SET spend_limit_micros = spend_limit_micros + 1000000")
        apply = [*RECONCILER, "apply", "--auto-approve", "--allow", "BLOCKS_USERS=9999", str(policy)]
        whole.run(apply, acme.environment, cwd=Path(folder))
        (journal,) = Path(folder, JOURNALS).glob("*.jsonl")
        _measure(report, journal, share)


def _measure(report: Report, journal: Path, share: Share) -> None:
    events = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    names = [action["subject"]["username"] for action in events[0]["actions"]]
    deployment, folder = events[0]["deployment"]["id"], os.fspath(journal.parent)
    strangers = [f"{name}-else" for name in names]
    passed, text, read, parsed = in_turn(
        [
            lambda: grants_in_journals([folder], strangers, deployment),
            lambda: journal.read_text("utf-8"),
            lambda: grants_in_journals([folder], names, deployment),
            lambda: [json.loads(line) for line in journal.read_text("utf-8").splitlines()],
        ],
        share.rounds(),
        clock=time.process_time,
    )
    what = f"the journal of {len(names):,} changes"
    report("J1", f"{what} that concerns nobody who is asked about, over reading its text", ratio(passed, text), 10.0)
    report("J2", f"{what} that concerns all of them, over parsing its JSON", ratio(read, parsed), 6.5)
