"""Write one action, so that its result is known: read, announce, send, compare, and read back when in doubt.

Coder offers no conditional write, so between the read and the write a small window remains; it is as short as one
request. A lost answer is never resent blind:

    live as wanted        the write happened, and only its answer was lost: done
    live as before        the write did not happen: announce and send it again, a few times
    anything else         somebody else wrote: conflict
    not to be read        in doubt, and said so
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Absent, Budget, Reading, State, Unknown
from reconciler.core.plan.outcome import Result
from reconciler.errors import NotFoundError, ReconcilerError, UnreachableError
from reconciler.operations.ports import Reader, Writer

ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one action; `found` is what a read showed, where that is the point."""

    result: Result
    detail: str = ""
    found: Reading | None = None


def write(action: Action, reader: Reader, writer: Writer, *, announce: Callable[[], bool]) -> Settled:
    """Carry out one action and say what became of it; errors of Coder end here.

    `announce` is called before each request that writes, and puts it on record; when it says no, nothing is sent.
    """
    live = _read(action, reader)
    if live == action.after:
        return Settled(result=Result.ALREADY)
    if isinstance(live, Unknown):
        return Settled(result=Result.FAILED, detail=f"not written, because it could not be read: {live.reason}")
    if live != action.before:
        return Settled(result=Result.CONFLICT, detail="changed by somebody else, and left alone", found=live)
    return _send(action, reader, writer, announce)


def _send(action: Action, reader: Reader, writer: Writer, announce: Callable[[], bool]) -> Settled:
    """Send until the result is known, at most ATTEMPTS times."""
    settled = Settled(result=Result.NOT_ATTEMPTED)
    for _ in range(ATTEMPTS):
        if not announce():
            return settled
        try:
            echo = _send_once(action, writer)
        except NotFoundError:
            return _after_not_found(action, reader)
        except UnreachableError as error:
            settled = _after_lost_answer(action, reader, error)
            if settled.result is not Result.FAILED:
                return settled
        except ReconcilerError as error:
            return Settled(result=Result.FAILED, detail=error.message)
        else:
            return Settled(result=Result.DONE) if echo == action.after else _after_other_echo(action, reader)
    return settled


def _send_once(action: Action, writer: Writer) -> State:
    match action.after:
        case Absent():
            writer.delete(action.subject)
            return ABSENT
        case Budget() as budget:
            return writer.put(action.subject, budget)


def _after_lost_answer(action: Action, reader: Reader, error: UnreachableError) -> Settled:
    live = _read(action, reader)
    if live == action.after:
        return Settled(result=Result.DONE, detail="the answer was lost; a read shows the write")
    if live == action.before:
        return Settled(result=Result.FAILED, detail=f"not written: {error.message}")
    if isinstance(live, Unknown):
        return Settled(result=Result.IN_DOUBT, detail=f"{error.message}; and it cannot be read back: {live.reason}")
    return Settled(result=Result.CONFLICT, detail="the answer was lost, and somebody else changed it", found=live)


def _after_not_found(action: Action, reader: Reader) -> Settled:
    """Coder says 404 both for what is gone and for what one may not touch: only a read tells."""
    live = _read(action, reader)
    if live == action.after:
        return Settled(result=Result.ALREADY, detail="somebody else removed it at the same moment")
    if live == action.before:
        return Settled(
            result=Result.FAILED, detail="Coder answers 404 although it is there: this token may not write it"
        )
    if isinstance(live, Unknown):
        return Settled(result=Result.FAILED, detail=f"Coder answers 404, and it can no longer be read: {live.reason}")
    return Settled(result=Result.CONFLICT, detail="changed by somebody else at the same moment", found=live)


def _after_other_echo(action: Action, reader: Reader) -> Settled:
    """Coder answered with another value than was sent; what counts is what it stored."""
    live = _read(action, reader)
    if live == action.after:
        return Settled(result=Result.DONE, detail="Coder answered with another value; a read shows the right one")
    return Settled(result=Result.IN_DOUBT, detail="Coder answered with another value than was sent", found=live)


def _read(action: Action, reader: Reader) -> Reading:
    try:
        return reader.budget(action.subject)
    except ReconcilerError as error:
        return Unknown(error.message)
