"""The exit codes, and which one follows from an error, a plan, a drift and an outcome. They never depend on the format.

tests/cli/test_exits_and_streams.py compares `EXITS` with the README's table and the help.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.errors import REFUSED as REFUSED
from reconciler.errors import ReconcilerError, RefusedError, StoppedError

if TYPE_CHECKING:  # `validate` needs none of them
    from reconciler.core.gate.breach import Breach
    from reconciler.core.plan.drift import Drift, DriftKind
    from reconciler.core.plan.outcome import Outcome
    from reconciler.core.plan.plan import Plan

DONE = 0
ERROR = 1
"""Wrong usage included: click's own 2 would read as drift."""
DIFFERENCES = 2
INCOMPLETE = 4
INTERRUPTED = 130

EXITS: Mapping[int, str] = {
    DONE: "done, or nothing to do; `plan` with changes too, unless `--detailed-exitcode`",
    ERROR: "error, wrong usage included; also a plan that could not read everything, or with new orphans",
    DIFFERENCES: "differences: `plan --detailed-exitcode`, and `drift` (see `--fail-on`)",
    REFUSED: "refused, nothing was written: a hazard without consent, a broken guardrail, a stale plan",
    INCOMPLETE: "incomplete: some writes were made, some were not (held back, failed, conflicting); see the journal",
    INTERRUPTED: "interrupted; the writes in flight were finished and journalled first",
}


def of_error(error: ReconcilerError) -> int:
    """Return the exit code for an error that ended a command."""
    if isinstance(error, StoppedError):
        return INTERRUPTED
    return REFUSED if isinstance(error, RefusedError) else ERROR


def of_plan(plan: Plan, *, has_detailed_exitcode: bool = False) -> int:
    """Return the exit code of `plan`: a plan that could not read everything must not pass for a clean plan."""
    if plan.verdict.is_refused:
        return REFUSED
    if not plan.is_complete or plan.new_orphans:
        return ERROR
    return DIFFERENCES if has_detailed_exitcode and plan.has_changes else DONE


def of_validation(validation_breaches: Iterable[Breach], *, is_whole: bool) -> int:
    """Return the exit code of `validate`; `is_whole`: whether every file was read."""
    is_broken = any(not breach.is_standing for breach in validation_breaches)
    return ERROR if is_broken or not is_whole else DONE


def of_drift(drift: Drift, fail_on: Collection[DriftKind] | None = None) -> int:
    """Return the exit code of `drift`, which writes nothing and so refuses nothing.

    `fail_on`: the kinds of difference that count; all of them unless given.
    """
    if not drift.plan.is_complete:
        return ERROR
    return DIFFERENCES if any(drift.counts[kind] for kind in (drift.counts if fail_on is None else fail_on)) else DONE


def of_nothing_to_do(plan: Plan, *, is_strict: bool = False) -> int:
    """Return the exit code of an `apply` whose plan has no changes."""
    if plan.verdict.is_refused or plan.held_back:
        return REFUSED
    if not plan.is_complete:
        return ERROR
    is_short = plan.overdue or (is_strict and plan.left_out)
    return INCOMPLETE if is_short else DONE


def of_outcome(outcome: Outcome, *, is_strict: bool = False) -> int:
    """Return the exit code of an `apply` that began: the journal says what was done and what was not."""
    started = outcome.started
    if outcome.was_interrupted:
        return INTERRUPTED
    is_whole = outcome.is_complete and not started.held_back and not (is_strict and started.left_out)
    return DONE if is_whole else INCOMPLETE
