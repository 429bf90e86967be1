"""Requests to one deployment and their answers: counted, retried, in parallel. Knows no endpoint.

exchange.py sends a request, retry.py decides whether it is sent again, and waiting.py waits until then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar, assert_never

import httpx

from reconciler.coder.answers import database_trouble
from reconciler.coder.connection import Connection
from reconciler.coder.exchange import Answer, Exchange, NoAnswer, Request
from reconciler.coder.failures import give_back, no_answer, out_of_patience, too_long_to_wait, turn_too_late
from reconciler.coder.gate import Gate, Passage
from reconciler.coder.http import headers_of, wire_factory
from reconciler.coder.pool import run_in_order
from reconciler.coder.retry import (
    Attempt,
    GiveBack,
    GiveUp,
    NoAnswerKind,
    WaitThenRetry,
    decide,
    read_retry_after,
    server_time_s,
)
from reconciler.coder.secrets import Mask
from reconciler.coder.waiting import Waiting, World
from reconciler.coder.width import MAXIMUM, START, Width
from reconciler.errors import ReconcilerError, ServerError
from reconciler.words import count

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called with requests done and requests planned so far; from worker threads, one call at a time."""


MOST_LOST = 3
"""Short reads of one kind that may be refused or lost; where more are, it is the server's trouble and not theirs."""
LONGEST_TURN_S = 5.0
"""How long a write may wait until it may be in flight; after more, what was read before it is too old to rely on.

By both clocks: that of waits stands still while a machine is suspended, and the time of day may be set back."""
_CONCERNS_ALL = (200, 401)
"""Statuses of an answer that nothing can be made of, and that takes all others with it."""
OVERLOADED = frozenset({429, 503})


def _gate_for(connection: Connection, clock: Callable[[], float]) -> Gate:
    if connection.parallelism is not None:
        width = Width(limit=connection.parallelism, maximum=connection.parallelism)
        return Gate(width, is_fixed=True, clock=clock)
    share = 2 if connection.is_for_writes else 1
    return Gate(Width(limit=START // share, maximum=MAXIMUM // share), clock=clock)


class Transport:
    """Sends requests for one run; every thread may use it."""

    def __init__(
        self,
        connection: Connection,
        *,
        progress: Progress | None = None,
        world: World | None = None,
        make_wire: Callable[[], httpx.BaseTransport] | None = None,
    ) -> None:
        self.connection = connection
        self._world = world or World()
        self._progress = progress
        self._exchange = Exchange(
            make_wire or wire_factory(connection),
            url=connection.url,
            headers=headers_of(connection),
            mask=Mask(*connection.secrets),
        )
        self._gate = _gate_for(connection, self._world.clock)
        self._lock = threading.Lock()
        self._waiting = Waiting(connection.wait_budget_s, self._world)
        self._max_requests = connection.max_requests
        self._requests = self._resent = self._done = self._planned = 0
        self._was_seen = False
        self._server_ahead_s: float | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent, those that were sent again included."""
        return self._requests

    @property
    def width(self) -> int:
        """How many requests may be in flight now."""
        return self._gate.limit

    @property
    def server_ahead_s(self) -> float | None:
        """How far the server's clock is ahead of ours, to about a second; None until it has said its time."""
        return self._server_ahead_s

    @property
    def now_s(self) -> float:
        """The time of day by this machine's clock, in Unix seconds."""
        return self._world.time_of_day()

    def send(self, request: Request) -> Answer:
        """Send one request, a read again where the table in retry.py says so; return the answer, of any status.

        What is extra is never sent again.

        Raises RejectedError for a write that was certainly not sent, RetryLaterError when it may be sent again after a
        wait and a new read, UnreachableError when there is no answer, and ServerError when the run's budget for waiting
        does not suffice. Raises ReconcilerError before a read that is one more than may be sent.
        """
        with self._lock:
            if not request.is_write:  # apply has reserved its own before it begins to write
                self._require_allowed(1)
            self._planned += 1
        return self._send_planned(request)

    def send_all(self, requests: Sequence[Request], use: Callable[[Answer], T]) -> list[T]:
        """Send reads in parallel; return what `use` makes of each answer, in the order of the requests.

        Raises what `send` raises, and ReconcilerError before the first request when they are more than may be sent.
        """

        def fail(_: Request, error: ServerError) -> T:
            raise error

        return self.send_each(requests, use, fail)

    def send_each(
        self,
        requests: Sequence[Request],
        use: Callable[[Answer], T],
        otherwise: Callable[[Request, ServerError], T],
        *,
        most_lost: int | None = None,
    ) -> list[T]:
        """Send reads as `send_all` does, but one that is refused or gets no answer takes none of the others with it.

        What `otherwise` makes of its error stands in its place. Raises the error where there are more than `most_lost`,
        where the token is not accepted, and where a success cannot be used: then we do not understand this server.
        Raises ReconcilerError before the first request when they are more than may be sent.
        """
        with self._lock:
            self._require_allowed(len(requests))
            self._planned += len(requests)
        lost: list[Request] = []

        def send(index: int) -> T:
            status = None
            try:
                answer = self._send_planned(requests[index])
                status = answer.status
                return use(answer)
            except ServerError as error:
                lost.append(requests[index])
                if status in _CONCERNS_ALL or (most_lost is not None and len(lost) > most_lost):
                    raise
                return otherwise(requests[index], error)

        return run_in_order(send, len(requests), width=lambda: self._gate.limit)

    def turn(self) -> AbstractContextManager[None]:
        """Wait until one more may begin what leads to a request, so that it need not wait long when it sends that."""
        return self._gate.turn()

    def reserve(self, requests: int) -> None:
        """Let this run go on to its end if that many requests more are allowed, and raise ReconcilerError if not."""
        with self._lock:
            self._require_allowed(requests)
            self._max_requests = None

    def pause(self, seconds: float) -> None:
        """Wait between two attempts of a write. Raises ServerError when the run may not wait that long."""
        if seconds > self._waiting.left_s():
            raise too_long_to_wait(seconds, self._waiting.budget_s)
        self._waiting.wait(seconds)

    def close(self) -> None:
        """Close every connection; one that is in use, as soon as it no longer is."""
        self._exchange.close()

    def _require_allowed(self, planned: int) -> None:
        """Raise unless that many more are allowed; what was planned beside this and is not sent yet counts as sent."""
        limit, sent = self._max_requests, self._planned + self._resent
        if limit is not None and sent + planned > limit:
            raise ReconcilerError(
                f"This run may send {count(limit, 'request')}; {sent:,} were sent, and {planned:,} more "
                f"{'is' if planned == 1 else 'are'} needed.",
                hint=f"pass `--max-requests {sent + planned}` or more, or manage less",
            )

    def _send_planned(self, request: Request) -> Answer:
        try:
            number = 1
            while isinstance(answer := self._try(request, number), WaitThenRetry):
                self._waiting.wait(answer.seconds)
                number += 1
            return answer
        finally:
            self._report_done()

    def _try(self, request: Request, number: int) -> Answer | WaitThenRetry:
        """Send once; return the answer if it is the last word. Raises the errors of `send`."""
        asked_s, asked_at_s = self._world.clock(), self._world.time_of_day()
        with self._lock:
            self._requests += 1
            self._resent += number > 1
        answer: Answer | None = None
        retry_after_s: float | None = None
        result: int | NoAnswerKind
        started_s = time.monotonic()  # real: it is the network's
        try:
            with self._gate.passage(request.kind) as passage:
                waited_s = max(self._world.clock() - asked_s, abs(self._world.time_of_day() - asked_at_s))
                if request.is_write and waited_s > LONGEST_TURN_S:
                    passage.is_telling = False
                    raise turn_too_late(request)
                started_s = time.monotonic()
                answer, headers = self._pass(request, passage)
            self._was_seen = True
            server_s = self._note_time(headers)
            result = database_trouble(answer) or answer.status
            retry_after_s = read_retry_after(headers, now_s=server_s) if answer.status >= 400 else None
        except NoAnswer as error:
            failed, result = error, error.failure
        attempt = Attempt(
            method=request.method,
            number=number,
            result=result,
            took_s=time.monotonic() - started_s,
            retry_after_s=retry_after_s,
            was_seen=self._was_seen,
            left_s=self._waiting.left_s(),
        )
        decision = GiveUp() if request.is_extra else decide(attempt, jitter=self._world.random())
        match decision:
            case WaitThenRetry():
                return decision
            case GiveBack(seconds):
                raise give_back(request, attempt, seconds)
            case GiveUp(needed_s):
                if needed_s is not None:
                    raise out_of_patience(request, attempt, needed_s=needed_s, budget_s=self._waiting.budget_s)
            case _:
                assert_never(decision)
        if answer is None:
            raise no_answer(self.connection, request, attempt, failed)
        return answer

    def _pass(self, request: Request, passage: Passage) -> tuple[Answer, httpx.Headers]:
        """Exchange once, and note what that shows about the width."""
        try:
            answer, headers = self._exchange.send(request)
        except NoAnswer as error:
            passage.is_overloaded = isinstance(error.cause, httpx.TimeoutException)
            passage.is_telling = False
            raise
        passage.is_overloaded = answer.status in OVERLOADED
        passage.is_telling = passage.is_telling and answer.is_warm
        return answer, headers

    def _note_time(self, headers: httpx.Headers) -> float:
        """Remember what time it is for the server; return it, or ours where the server does not say it."""
        ours_s = self._world.time_of_day()
        server_s = server_time_s(headers)
        if server_s is not None:
            self._server_ahead_s = server_s - ours_s
        return server_s if server_s is not None else ours_s

    def _report_done(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._planned)
