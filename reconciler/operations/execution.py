"""Carry out a plan that was checked and approved: its writes in the order of law 5, and the proof of the result.

    per object     GET, intent on disk, PUT or DELETE, answer compared, result on record       (write.py)
    per step       all results on disk before the next step begins; a thread's last one before its next write
    proof          one more read of everything done or announced; only then *verified*       (law 6; proof.py)

A failure or a write in doubt stops what has not begun. A conflict, and an override whose end comes during the run, stop
what shares people with them (left_alone.py); other actions go on. An error of our own stops the run like a failure, and
the journal still gets its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from traceback import extract_tb
from typing import Protocol

from reconciler.core.action import Action
from reconciler.core.describe import describe
from reconciler.core.directory import Directory
from reconciler.core.plan.order import schedule
from reconciler.core.plan.outcome import (
    ActionOutcome,
    Ended,
    Ending,
    Intent,
    Outcome,
    Recorded,
    Result,
    Started,
)
from reconciler.core.plan.plan import Plan
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError
from reconciler.operations.checks import has_ended
from reconciler.operations.left_alone import LeftAlone
from reconciler.operations.ports import Reader, Writer
from reconciler.operations.proof import read_for_proof
from reconciler.operations.record import Record
from reconciler.operations.write import Settled, write
from reconciler.words import spoken

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


class Pool(Protocol):
    """Runs a function that raises nothing over items, several at once; returns when all have ended."""

    def map(self, function: Callable[[Action], None], items: Sequence[Action], /) -> Iterable[None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Facts about a run for its journal. `clock` gives the time in UTC."""

    id: str
    tool: str
    who: str
    revision: str
    clock: Callable[[], datetime]
    pool: Pool


class Execution:
    """One run: the events so far, and the reason it stopped starting new writes, if it did."""

    def __init__(
        self,
        plan: Plan,
        directory: Directory,
        *,
        reader: Reader,
        writer: Writer,
        run: Run,
        stop: Stop,
        observe: Observe,
    ) -> None:
        self._plan, self._reader, self._writer, self._run, self._stop = plan, reader, writer, run, stop
        self._observe = observe
        self._left_alone = LeftAlone(plan.actions, directory)
        self._failure = ""
        self._not_ours: set[int] = set()
        """Actions of which no request can have taken effect, though they were announced."""
        self.record = Record(self._started(), distrusted=self._fail)

    def note_all_done(self) -> None:
        """Record that live is as wanted everywhere; nothing is sent, so nothing needs to be journalled."""
        for i, action in enumerate(self._plan.actions):
            self._note(i, action, Settled(result=Result.ALREADY))

    def execute(self) -> None:
        """Run the steps, each when the one before it is through; begin nothing new after a failure."""
        number = {action.subject: i for i, action in enumerate(self._plan.actions)}
        with self._surviving_bugs():
            for step in schedule(self._plan.actions):
                if self._is_stopped:
                    return
                self._run.pool.map(lambda action: self._attempt(number[action.subject], action), step.actions)
                self.record.put_on_disk()

    def outcome(self) -> Outcome:
        """Prove what was done, close the record, and say what happened."""
        differences, not_verified = self._prove()
        interrupted = self._stop.requested
        why = self._why_stopped or self._left_alone.why
        ended = Ended(
            ending=Ending.INTERRUPTED if interrupted else Ending.STOPPED if why else Ending.COMPLETED,
            why=why,
            is_verified=not differences,
            differences=differences,
            not_verified=not_verified,
            at=self._run.clock(),
        )
        return self.record.end(ended)

    @property
    def _is_stopped(self) -> bool:
        return bool(self._failure) or self._stop.requested

    @property
    def _why_stopped(self) -> str:
        """Say why nothing new is begun; empty while something may be."""
        return self._failure or ("the run was interrupted" if self._stop.requested else "")

    def _attempt(self, i: int, action: Action) -> None:
        """Carry out one action unless something stops it, and put on record what became of it."""
        with self._surviving_bugs(), self._writer.turn():
            self._write(i, action)

    @contextmanager
    def _surviving_bugs(self) -> Iterator[None]:
        """Stop the run at an error that is not ours, but let it come to its proof and the end of its journal."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - after any error, what was written must be said
            self._fail(_bug(error))

    def _write(self, i: int, action: Action) -> None:
        """Carry out one action, unless the run has stopped or it must be left alone."""
        if self._is_stopped:
            return
        settled = Settled(result=Result.NOT_ATTEMPTED)
        if i not in self._left_alone:
            settled = write(
                action,
                self._reader,
                self._writer,
                may_send=lambda: self._may_send(i, action),
                announce=lambda: self._announce(i, action),
                clock=self._run.clock,
            )
        if not settled.may_be_ours:
            self._not_ours.add(i)
        if settled.result is Result.NOT_ATTEMPTED:
            if i in self._left_alone:
                self._note(i, action, replace(settled, detail=self._left_alone.why_not(i)))
            elif i in self.record.announced:  # so its record needs an end
                self._note(i, action, replace(settled, detail=self._why_stopped or settled.detail))
            return
        if settled.result is Result.CONFLICT:
            self._left_alone.add(i, has_ended=False)
        self._note(i, action, settled)
        if settled.result in (Result.FAILED, Result.IN_DOUBT):
            self._fail(f"{spoken(action.address)}: {settled.detail}")

    def _may_send(self, i: int, action: Action) -> bool:
        """Say whether a write may be sent now; time may have passed since anything was asked before."""
        if has_ended(action, self._plan, now=self._run.clock()):
            self._left_alone.add(i, has_ended=True)
        return not self._is_stopped and i not in self._left_alone

    def _announce(self, i: int, action: Action) -> bool:
        """Put the intent on disk; say whether it is there."""
        return self.record.announce(Intent(action=i, address=action.address, kind=action.kind, at=self._run.clock()))

    def _note(self, i: int, action: Action, settled: Settled) -> None:
        detail = settled.detail
        if settled.live is not None:
            detail = f"{detail}: live is {describe(settled.live, action.subject)}"
        self.record.note(
            Recorded(action=i, address=action.address, result=settled.result, detail=detail, at=self._run.clock())
        )
        self._observe(i, ActionOutcome(action=action, result=settled.result, detail=detail))

    def _fail(self, why: str) -> None:
        """Begin nothing new from here on; the first reason counts."""
        self._failure = self._failure or why

    def _prove(self) -> tuple[tuple[str, ...], int]:
        """Read once more what was done, found done, or announced.

        Return what differs from what the outcome says, a sentence each, and how many objects are not verified. A write
        that was announced and is shown by this read is recorded as done, unless it cannot be that of this run.
        """
        results = self.record.so_far.results
        settled = sum(row.result in _SETTLED for row in results)
        if self._stop.requested:
            return ("the result was not read again, because the run was interrupted",), settled
        announced = self.record.announced
        numbers = [i for i, row in enumerate(results) if row.result in _SETTLED or i in announced]
        try:
            live = read_for_proof([results[i] for i in numbers], self._reader, self._writer.pause)
        except Exception as error:  # noqa: BLE001 - after any error, the journal gets its end
            reason = error.message if isinstance(error, ReconcilerError) else _bug(error)
            return (f"the result could not be read: {reason}",), settled
        differences = []
        for i, reading in zip(numbers, live, strict=True):
            action, result = results[i].action, results[i].result
            if reading == action.after and result not in _SETTLED:
                self._note(i, action, _BY_ANOTHER if i in self._not_ours else _SHOWN_AT_THE_END)
            elif reading != action.after and result in _SETTLED:
                differences.append(
                    f"{spoken(action.address)} is {describe(reading, action.subject, beside=action.after)}, "
                    f"not {describe(action.after, action.subject, beside=reading)}"
                )
        return tuple(differences), len(differences)

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
            held_back=plan.overdue,
            unreadable=plan.unknown,
        )


_SHOWN_AT_THE_END = Settled(result=Result.DONE, detail="a read at the end shows the write")
_BY_ANOTHER = Settled(result=Result.ALREADY, detail="a read at the end shows it: somebody else wrote it meanwhile")


def _bug(error: Exception) -> str:
    """Name an error that is not one of ours by its type and place alone: its text may hold a secret."""
    frames = extract_tb(error.__traceback__)
    place = f" in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"an error in reconciler itself ({type(error).__name__}{place}); please report it"
