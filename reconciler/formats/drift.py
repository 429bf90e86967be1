"""What `drift --json` prints: the plan, and who changed what differs."""

from __future__ import annotations

import json

from reconciler.core.activity import Attribution
from reconciler.core.plan.plan import Plan
from reconciler.formats import codec
from reconciler.formats.plan import dump_plan

NAME = "reconciler drift"
VERSION = 1


def dump_drift(plan: Plan, attribution: Attribution) -> str:
    """Write both as one JSON document; the plan is a saved plan, whole."""
    document = {"format": NAME, "version": VERSION, "plan": json.loads(dump_plan(plan))}
    return json.dumps({**document, "last_changes": codec.encode(attribution)}, indent=2, ensure_ascii=False) + "\n"
