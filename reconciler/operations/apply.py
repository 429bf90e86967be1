"""Apply a plan: check every object, get the approval, execute. It decides nothing.

    checks         consent, deployment, rights, dates, and every planned object read again     (checks.py)
    approval       if it took longer than a moment, or the plan was read long ago: the plan is made anew and compared,
                   and all checks again
    execution      the writes, and the proof of what they did                                  (execution.py)

No write is covered by a check that is older than a wait.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from reconciler.core.plan.outcome import Outcome
from reconciler.core.plan.plan import Plan
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass
from reconciler.operations.checks import require_consent, require_ready, require_same
from reconciler.operations.execution import Execution, Observe, Run, Stop
from reconciler.operations.journal_file import Journal
from reconciler.operations.ports import Reader, Writer
from reconciler.operations.write import was_a_wait

LONGEST_READ = timedelta(minutes=10)
"""What was read for the plan before that is read again: the machine was suspended meanwhile, or Coder made it wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """How a plan is approved, and how it is made anew where that took long or the plan is old."""

    ask: Callable[[], None] = lambda: None
    """Called last before anything is written; raises where the plan is not approved."""
    renew: Callable[[], Plan] | None = None
    """Makes the plan anew from a new read; it must be what was approved. None where the plan itself says all."""
    read_from: datetime | None = None
    """When the plan began to read (UTC); None for a moment ago."""


APPROVED = Approval()
"""Of a plan that was read and approved a moment ago."""


def apply_plan(
    plan: Plan,
    reader: Reader,
    writer: Writer,
    *,
    open_journal: Callable[[], AbstractContextManager[Journal]],
    run: Run,
    stop: Stop,
    approval: Approval = APPROVED,
    observe: Observe = lambda number, outcome: None,
) -> Outcome:
    """Execute a plan that passed the gate.

    `observe` hears of each result as soon as it is on record, from any thread; it must raise nothing.

    Raises RefusedError when the plan is refused, stale or for another deployment, DeniedError without permission,
    FileError when the journal cannot be opened, ReconcilerError when it would need more requests than are allowed: in
    each case nothing was written. What happens later is in the outcome.
    """
    requests = reader.requests
    live = require_ready(plan, reader, now=run.clock())
    for_proof = reader.requests - requests
    if not _is_done(plan, live):
        reader.reserve(2 * len(plan.actions) + for_proof)  # a run that has begun to write must not stop for its limit
        live = _approved(plan, live, reader=reader, run=run, approval=approval)
    execution = Execution(plan, live.directory, reader=reader, writer=writer, run=run, stop=stop, observe=observe)
    if _is_done(plan, live):
        execution.note_all_done()
        return execution.outcome()
    with open_journal() as journal:
        execution.record.attach(journal)
        stop.begin_writing()
        execution.execute()
        return execution.outcome()


def _is_done(plan: Plan, live: Snapshot) -> bool:
    return all(live.reading(action.subject) == action.after for action in plan.actions)


def _approved(plan: Plan, live: Snapshot, *, reader: Reader, run: Run, approval: Approval) -> Snapshot:
    """Ask for approval; return the live state that was checked last.

    It is as old as a moment at most, and the effects that were consented to are as old as LONGEST_READ.
    """
    asked_at = run.clock()
    approval.ask()
    now = run.clock()
    if not was_a_wait(now - asked_at) and timedelta() <= now - (approval.read_from or now) <= LONGEST_READ:
        return live
    again = approval.renew() if approval.renew is not None else plan
    live = require_ready(plan, reader, now=run.clock())
    require_consent(again)
    require_same(plan, again, live)
    return live
