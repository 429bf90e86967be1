"""Saved plans, version 2: `Plan` to text and back. Published as schemas/plan.v2.schema.json, which a test compares."""

from __future__ import annotations

from reconciler.core.plan.plan import Plan
from reconciler.errors import FileError
from reconciler.formats import codec, document
from reconciler.formats.upgrade import plan_from_v1

NAME = document.PLAN
VERSION = 2


def dump_plan(plan: Plan) -> str:
    """Write a plan as JSON. The same plan gives the same bytes (law 4)."""
    return document.dump(NAME, VERSION, codec.encode(plan))


def load_plan(text: str, *, source: str) -> Plan:
    """Read a saved plan. Raises FileError unless it is an unchanged plan of version 1 or 2."""
    version, body = document.load(text, NAME, VERSION, source=source, oldest=1)
    try:
        plan: Plan = codec.decode(Plan, plan_from_v1(body) if version == 1 else body)
    except ValueError as error:
        raise FileError(f"{source} is not a plan that this tool wrote: {error}", hint="make it again") from None
    return plan
