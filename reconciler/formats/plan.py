"""Saved plans, version 1: `Plan` to text and back. Published as schemas/plan.v1.schema.json, which a test compares."""

from __future__ import annotations

from reconciler.core.plan.plan import Plan
from reconciler.errors import FileError
from reconciler.formats import codec, document

NAME = "reconciler plan"
VERSION = 1


def dump_plan(plan: Plan) -> str:
    """Write a plan as JSON. The same plan gives the same bytes (law 4)."""
    return document.dump(NAME, VERSION, codec.encode(plan))


def load_plan(text: str, *, source: str) -> Plan:
    """Read a saved plan. Raises FileError when it is anything else than an unchanged plan of this version."""
    body = document.load(text, NAME, VERSION, source=source)
    try:
        plan: Plan = codec.decode(Plan, body)
    except ValueError as error:
        raise FileError(f"{source} is not a plan that this tool wrote: {error}", hint="make it again") from None
    return plan
