"""Apply a plan: check every object, write in the order of law 5, prove the result. It executes; it decides nothing.

    permission     one authcheck; what may not be written at all is learned before half of the work is done
    fresh check    every planned object is read again: as before: go; as after: already done; else: stale
    per object     GET, intent on disk, PUT or DELETE, answer compared, result on record     (write.py)
    per step       all results on disk before the next step begins; a thread's last one before its next write
    proof          one more read of all that was done or announced; only then *verified*     (law 6; proof.py)

A failure or a write in doubt stops what has not begun; a conflict is that object's alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from reconciler.core.action import Action
from reconciler.core.budget import Reading, Unknown
from reconciler.core.describe import describe
from reconciler.core.directory import Group, User
from reconciler.core.plan.order import schedule
from reconciler.core.plan.outcome import (
    ActionOutcome,
    Ended,
    Ending,
    Event,
    Intent,
    Outcome,
    Recorded,
    Result,
    Started,
    replay,
)
from reconciler.core.plan.plan import Plan
from reconciler.errors import DeniedError, FileError, ReconcilerError, RefusedError
from reconciler.operations.journal_file import Journal
from reconciler.operations.ports import Reader, Writer
from reconciler.operations.proof import read_again, read_for_proof
from reconciler.operations.write import Settled, write
from reconciler.words import count

_SETTLED = (Result.DONE, Result.ALREADY)


class Stop(Protocol):
    """How a person interrupts: at once while nothing is written, after the writes in flight once something is."""

    def begin_writing(self) -> None:
        """From here to the end of the process, an interruption only sets `requested`."""

    @property
    def requested(self) -> bool:
        """Whether to begin nothing new."""


Observe = Callable[[int, ActionOutcome], None]
"""Hears of the result of an action, by its number in the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Facts about a run for its journal. `clock` gives the time in UTC."""

    id: str
    tool: str
    who: str
    revision: str
    clock: Callable[[], datetime]
    parallelism: int = 4


def apply_plan(
    plan: Plan,
    reader: Reader,
    writer: Writer,
    *,
    open_journal: Callable[[], AbstractContextManager[Journal]],
    run: Run,
    stop: Stop,
    approve: Callable[[], None] = lambda: None,
    observe: Observe = lambda number, outcome: None,
) -> Outcome:
    """Execute a plan that passed the gate. `approve` is called last before anything is written, and raises when not.

    `observe` hears of each result as soon as it is on record, from any thread; it must raise nothing.

    Raises RefusedError when the plan is refused, stale or for another deployment, DeniedError without permission,
    FileError when the journal cannot be opened, ReconcilerError when it would need more requests than are allowed: in
    each case nothing was written. What happens later is in the outcome.
    """
    require_consent(plan)
    _require_same_deployment(plan, reader)
    _require_permission(plan, reader)
    requests = reader.requests
    live = read_again(plan.actions, reader)
    for_proof = reader.requests - requests
    _require_fresh(plan, live)
    execution = _Execution(plan, reader, writer, run, stop, observe)
    if all(reading == action.after for reading, action in zip(live, plan.actions, strict=True)):
        execution.note_all_done()
        return execution.outcome()
    reader.reserve(2 * len(plan.actions) + for_proof)  # a run that has begun to write must not stop for its limit
    approve()
    with open_journal() as journal:
        execution.attach(journal)
        stop.begin_writing()
        execution.execute()
        return execution.outcome()


class _Execution:
    """One run: what was recorded of it so far, and why it begins nothing new, once that is so."""

    def __init__(self, plan: Plan, reader: Reader, writer: Writer, run: Run, stop: Stop, observe: Observe) -> None:
        self._plan, self._reader, self._writer, self._run, self._stop = plan, reader, writer, run, stop
        self._observe = observe
        self._journal: Journal | None = None
        self._failure = ""
        self._journal_trouble = ""
        self._events: list[Event] = [self._started()]

    def attach(self, journal: Journal) -> None:
        """Begin the record. Raises FileError when that is not possible."""
        journal.append(self._events[0])
        journal.flush()
        self._journal = journal

    def note_all_done(self) -> None:
        """Record that live is as wanted everywhere; nothing is sent, so nothing needs to be journalled."""
        for i, action in enumerate(self._plan.actions):
            self._note(i, action, Settled(result=Result.ALREADY))

    def execute(self) -> None:
        """Run the steps, each when the one before it is through; begin nothing new after a failure."""
        number = {action.subject: i for i, action in enumerate(self._plan.actions)}
        with ThreadPoolExecutor(self._run.parallelism, thread_name_prefix="apply") as pool:
            for step in schedule(self._plan.actions):
                if self._is_stopped:
                    return
                list(pool.map(lambda action: self._attempt(number[action.subject], action), step.actions))
                self._put_on_disk()

    def outcome(self) -> Outcome:
        """Prove what was done, close the record, and say what happened."""
        differences = self._prove()
        interrupted = self._stop.requested
        ended = Ended(
            ending=Ending.INTERRUPTED if interrupted else Ending.STOPPED if self._failure else Ending.COMPLETED,
            why="the run was interrupted" if interrupted and not self._failure else self._failure,
            is_verified=not differences,
            differences=differences,
            at=self._run.clock(),
        )
        self._record(ended)
        self._put_on_disk()
        if self._journal_trouble:  # the record is not whole, so this run must not pass for a clean one
            self._events[-1] = replace(ended, is_verified=False, differences=(*differences, self._journal_trouble))
        return replay(self._events)

    @property
    def _is_stopped(self) -> bool:
        return bool(self._failure) or self._stop.requested

    def _attempt(self, i: int, action: Action) -> None:
        if self._is_stopped:
            return
        settled = write(action, self._reader, self._writer, announce=lambda: self._announce(i, action))
        if settled.result is Result.NOT_ATTEMPTED:
            return
        self._note(i, action, settled)
        if settled.result in (Result.FAILED, Result.IN_DOUBT):
            self._fail(f"{action.address}: {settled.detail}")

    def _announce(self, i: int, action: Action) -> bool:
        """Put the intent on disk; say whether the write may be sent."""
        if self._is_stopped or self._journal is None:
            return False
        event = Intent(action=i, address=action.address, kind=action.kind, at=self._run.clock())
        try:
            self._journal.append(event)
            self._journal.flush()
        except FileError as error:
            self._distrust_journal(error)
            return False
        self._events.append(event)
        return True

    def _note(self, i: int, action: Action, settled: Settled) -> None:
        detail = settled.detail
        if settled.live is not None:
            detail = f"{detail}: live is {describe(settled.live, action.subject)}"
        self._record(
            Recorded(action=i, address=action.address, result=settled.result, detail=detail, at=self._run.clock())
        )
        self._observe(i, ActionOutcome(action=action, result=settled.result, detail=detail))

    def _record(self, event: Event) -> None:
        """Put on record what has happened already: a full disk cannot undo it, but nothing new begins."""
        self._events.append(event)
        try:
            if self._journal is not None:
                self._journal.append(event)
        except FileError as error:
            self._distrust_journal(error)

    def _put_on_disk(self) -> None:
        try:
            if self._journal is not None:
                self._journal.flush()
        except FileError as error:
            self._distrust_journal(error)

    def _distrust_journal(self, error: FileError) -> None:
        self._journal_trouble = error.message
        self._fail(error.message)

    def _fail(self, why: str) -> None:
        """Begin nothing new from here on; the first reason is the one that counts."""
        self._failure = self._failure or why

    def _prove(self) -> tuple[str, ...]:
        """Read once more what was done, found done, or announced; return what differs from what the outcome says.

        A write in doubt that this read shows is recorded as done.
        """
        if self._stop.requested:
            return ("the result was not read again, because the run was interrupted",)
        results = replay(self._events).results
        announced = {event.action for event in self._events if isinstance(event, Intent)}
        numbers = [i for i, row in enumerate(results) if row.result in _SETTLED or i in announced]
        try:
            live = read_for_proof([results[i] for i in numbers], self._reader, self._writer.pause)
        except ReconcilerError as error:
            return (f"the result could not be read: {error.message}",)
        differences = []
        for i, reading in zip(numbers, live, strict=True):
            action, result = results[i].action, results[i].result
            if reading == action.after and result in (Result.IN_DOUBT, Result.FAILED):
                self._note(i, action, Settled(result=Result.DONE, detail="a read at the end shows the write"))
            elif reading != action.after and result in _SETTLED:
                differences.append(
                    f"{action.address} is {describe(reading, action.subject)}, "
                    f"not {describe(action.after, action.subject)}"
                )
        return tuple(differences)

    def _started(self) -> Started:
        plan, run = self._plan, self._run
        return Started(
            run=run.id,
            tool=run.tool,
            at=run.clock(),
            who=run.who,
            digest=plan.digest,
            deployment=plan.deployment,
            actions=plan.actions,
            sources=plan.sources,
            revision=run.revision,
            consents=tuple(str(grant) for grant in plan.verdict.used),
            left_out=plan.left_out,
            held_back=tuple(held.action.address for held in plan.held_back),
            unreadable=plan.unknown,
        )


def require_consent(plan: Plan) -> None:
    """Raise RefusedError unless the plan passes the gate."""
    refusals = plan.verdict.refusals
    if refusals:
        raise RefusedError(
            f"The plan is refused for {count(len(refusals), 'reason')}; nothing was written",
            details=tuple(f"{refusal.message}; {refusal.hint}" for refusal in refusals),
        )


def _require_same_deployment(plan: Plan, reader: Reader) -> None:
    deployment = reader.deployment()
    if deployment.id != plan.deployment.id:
        raise RefusedError(
            f"The plan is for the deployment {plan.deployment.id} ({plan.deployment.url}), "
            f"and this is {deployment.id} ({deployment.url}); nothing was written",
            hint="point CODER_URL at the deployment of the plan, or plan again",
        )


def _require_permission(plan: Plan, reader: Reader) -> None:
    organizations = {action.subject.organization_id for action in plan.actions if isinstance(action.subject, Group)}
    overrides = any(isinstance(action.subject, User) for action in plan.actions)
    missing = reader.may_write(organizations=sorted(organizations), overrides=overrides)
    if missing:
        raise DeniedError(
            f"{plan.deployment.user} may not write all of this plan: "
            f"{'; '.join(one.rstrip('.') for one in missing)}; nothing was written",
            hint="overrides need an Owner or a User Admin; group budgets one of these, or an admin of the organization",
        )


def _require_fresh(plan: Plan, live: list[Reading]) -> None:
    details = tuple(
        f"{action.address}: the plan saw {describe(action.before, action.subject)}, "
        f"live is {describe(reading, action.subject)}"
        for action, reading in zip(plan.actions, live, strict=True)
        if reading not in (action.before, action.after)
    )
    if details:
        unknown = any(isinstance(reading, Unknown) for reading in live)
        raise RefusedError(
            f"The plan is stale: {len(details)} of {len(plan.actions)} planned objects "
            f"{'changed or cannot be read' if unknown else 'changed'} since it was made; nothing was written",
            details=details,
            hint="plan again",
        )
