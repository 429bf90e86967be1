"""Write one action, so that its result is known: read, announce, send, compare, and read back when in doubt.

Coder offers no conditional write, so between the read and the write a small window remains; it is as short as one
request. Nothing is sent after a wait without a new read, and a lost answer is never resent blind:

    the answer                          then                     live as before     live as wanted    anything else
    ----------------------------------  -----------------------  -----------------  ----------------  -------------
    refused for now (429), never sent   wait as told, read       send               already done      conflict
    the same, and the run ends          nothing: not attempted
    lost; a time-out; 502, 503, 504     read; wait, read twice   send, 3 times; at  done              conflict
                                        more                     the end: in doubt
    500 in Coder's own words            read; wait, read         send, 3 times; at  done              conflict
                                                                 the end: failed
    404 of a DELETE                     read                     failed             already done      conflict
    the same after a lost answer        read                     in doubt           done              conflict
    the person left the override's      nothing: conflict; in doubt where an answer was lost before
      group (400)
    another value than was sent         read                     in doubt           done              in doubt
    any other refusal                   nothing: failed

What a gateway gave up on may reach Coder seconds later: it is in doubt, never "not written". What cannot be read back
is in doubt. How long one run waits in all is the writer's to say (`pause`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Absent, Budget, Reading, State, Unknown
from reconciler.core.plan.outcome import Result
from reconciler.dataclass import dataclass
from reconciler.errors import (
    DeniedError,
    NotAMemberError,
    NotFoundError,
    ReconcilerError,
    RejectedError,
    RetryLaterError,
    UnreachableError,
)
from reconciler.operations.ports import Reader, Writer
from reconciler.words import in_a_row

ATTEMPTS = 3
"""How often an action is sent whose answers are lost."""
LATE_WAITS_S = (1.0, 2.0)
"""Before each further read for a write that may still be on its way, and then before it is sent again."""
FAILED_WAITS_S = (1.0,)
"""The same where Coder itself answered 500: its request is over."""
LONGEST_MOMENT = timedelta(seconds=5)
"""What took longer was a wait, after which everything is checked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one action; `live` is what a read showed, where that is the point."""

    result: Result
    detail: str = ""
    live: Reading | None = None
    may_be_ours: bool = True
    """Whether live may come to be as wanted by a request of this run."""


def write(
    action: Action,
    reader: Reader,
    writer: Writer,
    *,
    may_send: Callable[[], bool],
    announce: Callable[[], bool],
    clock: Callable[[], datetime],
) -> Settled:
    """Carry out one action and say what became of it; errors of Coder end here.

    `announce` is called before each request that writes, and puts it on record; `may_send` is called before that, and
    again when it is on record. When one of them says no, nothing is sent.
    """
    writing = _Writing(action, reader, writer, may_send, announce, clock)
    settled = writing.run()
    return replace(settled, may_be_ours=writing.has_lost or settled.result in (Result.DONE, Result.IN_DOUBT))


def was_a_wait(took: timedelta) -> bool:
    """Whether something took so long that what was read before it is too old; also when the clock was set back."""
    return not timedelta() <= took <= LONGEST_MOMENT


class _Writing:
    """One action on its way: how often it was sent, and what is not known about that."""

    def __init__(
        self,
        action: Action,
        reader: Reader,
        writer: Writer,
        may_send: Callable[[], bool],
        announce: Callable[[], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._action, self._reader, self._writer = action, reader, writer
        self._may_send, self._announce = may_send, announce
        self._clock = clock
        self._asked_at = clock()
        """When the last read was asked for: what it shows is as old as that."""
        self._lost: UnreachableError | None = None
        """The last answer that was lost."""
        self._may_still_happen = False
        """Whether an attempt may still be on its way."""
        self._postponed: RetryLaterError | None = None
        self._lost_count = 0

    @property
    def has_lost(self) -> bool:
        """Whether an answer was lost, so that what it answered may have happened."""
        return self._lost is not None

    def run(self) -> Settled:
        """Prepare, then read and send in turns until the result is known."""
        try:
            self._writer.prepare(self._action.subject)
        except ReconcilerError as error:
            return Settled(result=Result.FAILED, detail=f"not written: {_explain(error)}")
        while True:
            settled = self._compare() or self._wait_for_late_write()
            if settled is not None:
                return settled
            if self._lost_count >= ATTEMPTS or not (self._may_send() and self._announce()):
                return self._left()
            settled = self._compare() if was_a_wait(self._clock() - self._asked_at) else None
            if settled is None:
                settled = self._send() if self._may_send() else self._left()
            if settled is not None:
                return settled

    def _compare(self) -> Settled | None:
        """Read; return the result unless live is as before, so that the action may be sent."""
        self._asked_at = self._clock()
        live = _read(self._action, self._reader)
        if live == self._action.after:
            if self._lost is None:
                return Settled(result=Result.ALREADY)
            return Settled(result=Result.DONE, detail=_SHOWN)
        if live == self._action.before:
            return None
        if isinstance(live, Unknown) and self._lost is not None:
            detail = in_a_row(self._lost.message, f"and it cannot be read back: {live.reason}")
            return Settled(result=Result.IN_DOUBT, detail=detail)
        if isinstance(live, Unknown):
            return Settled(result=Result.FAILED, detail=f"not written, because it could not be read: {live.reason}")
        detail = "the answer was lost, and somebody else changed it" if self._lost else _CHANGED
        return Settled(result=Result.CONFLICT, detail=detail, live=live)

    def _wait_for_late_write(self) -> Settled | None:
        """Wait and read again after a lost answer; return the result unless live is still as before."""
        if self._lost is None or self._postponed is not None:
            return None
        for seconds in LATE_WAITS_S if self._lost.may_still_happen else FAILED_WAITS_S:
            settled = self._pause(seconds) or self._compare()
            if settled is not None:
                return settled
        return None

    def _send(self) -> Settled | None:
        """Send once; return the result, None when live has to be read again."""
        self._postponed = None
        try:
            echo = self._send_once()
        except NotFoundError:
            return self._after_not_found()
        except RetryLaterError as error:
            self._postponed = error
            return self._pause(error.retry_after_s)
        except UnreachableError as error:
            self._lost, self._lost_count = error, self._lost_count + 1
            self._may_still_happen = self._may_still_happen or error.may_still_happen
            return None
        except ReconcilerError as error:
            if self._may_still_happen:
                detail = in_a_row(_explain(error), "an earlier attempt may still arrive")
                return Settled(result=Result.IN_DOUBT, detail=detail)
            result = Result.CONFLICT if isinstance(error, NotAMemberError) else Result.FAILED
            return Settled(result=result, detail=_explain(error))
        if echo == self._action.after:
            return Settled(result=Result.DONE)
        return _after_different_echo(self._action, self._reader)

    def _send_once(self) -> State:
        match self._action.after:
            case Absent():
                self._writer.delete(self._action.subject)
                return ABSENT
            case Budget() as budget:
                return self._writer.put(self._action.subject, budget)

    def _after_not_found(self) -> Settled:
        """Coder says 404 both for what is gone and for what one may not touch: only a read tells.

        Whose delete it was, Coder does not say: where an answer of ours was lost before, it was probably ours.
        """
        live = _read(self._action, self._reader)
        if live == self._action.after:
            if self._lost is not None:
                return Settled(result=Result.DONE, detail=_SHOWN)
            detail = "gone at the same moment: somebody else removed it, or a proxy sent it twice"
            return Settled(result=Result.ALREADY, detail=detail)
        if live != self._action.before and not isinstance(live, Unknown):
            return Settled(result=Result.CONFLICT, detail="changed by somebody else at the same moment", live=live)
        detail = "Coder answers 404 although a read shows it: this token may not write it, or the read is out of date"
        if isinstance(live, Unknown):
            detail = f"Coder answers 404, and it can no longer be read: {live.reason}"
        if self._may_still_happen:
            return Settled(result=Result.IN_DOUBT, detail=in_a_row(detail, "an earlier attempt may still arrive"))
        return Settled(result=Result.FAILED, detail=detail)

    def _pause(self, seconds: float) -> Settled | None:
        """Wait; return the result when this run may not wait any longer."""
        try:
            self._writer.pause(seconds)
        except ReconcilerError as error:
            return self._left(why=in_a_row(error.message, error.hint))
        return None

    def _left(self, *, why: str = "") -> Settled:
        """Return the result of an action that is not sent again while live is as it was before."""
        error = self._postponed or self._lost
        if error is None:
            return Settled(result=Result.NOT_ATTEMPTED)
        if self._lost is None and not why:  # refused for now, or never sent; nothing failed but the run, which ends
            return Settled(result=Result.NOT_ATTEMPTED, detail=error.message)
        reason = in_a_row(error.message, why)
        if self._may_still_happen:
            detail = in_a_row(reason, "not written so far, and it may still arrive")
            return Settled(result=Result.IN_DOUBT, detail=detail)
        return Settled(result=Result.FAILED, detail=f"not written: {reason}")


_CHANGED = "changed by somebody else, and left alone"
_SHOWN = "the answer was lost; a read shows the write"


def _after_different_echo(action: Action, reader: Reader) -> Settled:
    """Coder answered with a different value than was sent; what counts is what it stored."""
    live = _read(action, reader)
    if live == action.after:
        detail = "Coder answered with a different value, but a read shows the value that was sent"
        return Settled(result=Result.DONE, detail=detail)
    return Settled(result=Result.IN_DOUBT, detail="Coder answered with a different value than was sent", live=live)


def _read(action: Action, reader: Reader) -> Reading:
    try:
        return reader.budget(action.subject)
    except ReconcilerError as error:
        return Unknown(_explain(error))


def _explain(error: ReconcilerError) -> str:
    """Return the message, and what to do where Coder refused: no later read of the outcome can tell it."""
    is_refused = isinstance(error, (DeniedError, RejectedError))
    return in_a_row(error.message, error.hint if is_refused else "")
