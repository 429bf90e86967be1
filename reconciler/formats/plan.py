"""Saved plans, version 3: `Plan` to text and back. Published as schemas/plan.v3.schema.json, which a test compares."""

from __future__ import annotations

from reconciler.core.plan.plan import Plan
from reconciler.errors import FileError
from reconciler.formats import codec, document
from reconciler.formats.upgrade import upgraded

NAME = document.PLAN
VERSION = 3


def dump_plan(plan: Plan) -> str:
    """Write a plan as JSON. The same plan gives the same bytes (law 4)."""
    return document.dump(NAME, VERSION, codec.encode(plan))


def load_plan(text: str, *, source: str) -> Plan:
    """Read a saved plan. Raises FileError unless it is an unchanged plan of version 1, 2 or 3."""
    version, body = document.load(text, NAME, VERSION, source=source, oldest=1)
    try:
        plan: Plan = codec.decode(Plan, upgraded("plan", version, body))
    except ValueError as error:
        raise FileError(f"{source} is not a plan that this tool wrote: {error}", hint="make it again") from None
    return plan
