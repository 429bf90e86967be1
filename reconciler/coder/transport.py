"""Requests to one deployment and their answers over httpx: counted, retried, in parallel. Knows no endpoint.

One sync httpx.Client per thread at work: a client shared by many threads or tasks collapses, because its pool scans all
connections for every request. Redirects are not followed and cookies not kept, so that the token goes to no other
host and nothing overrides it. httpx's exceptions end here: an error of this project or an Answer leaves this module.
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from typing import TypeVar

import httpx

from reconciler.coder.connection import Connection
from reconciler.coder.deadline import Deadlines
from reconciler.coder.http import client_factory
from reconciler.coder.pool import run_in_order
from reconciler.coder.retry import Attempt, Failure, GiveUp, decide, read_retry_after
from reconciler.errors import ReconcilerError, RejectedError, ServerError, UnreachableError

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 60.0
LIST_TIMEOUT_S = 300.0
"""For lists without pages: a group list carries every member, and Coder works on it before the first byte."""
MAX_BODY_BYTES = 1 << 30

Progress = Callable[[int, int], None]
"""Called with requests done and requests planned so far; from worker threads, one call at a time."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    """From `/api/v2/` on, with its query."""
    _: KW_ONLY
    body: bytes | None = None
    user_agent: str = ""
    """Replaces our own where it is given."""
    timeout_s: float = TOTAL_TIMEOUT_S

    def __str__(self) -> str:
        """Name it in a message: method and path, without the query, which may be thousands of characters long."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def is_write(self) -> bool:
        return self.method in ("PUT", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    request: Request
    status: int
    content_type: str
    """Lower case, without parameters."""
    location: str
    """Where a redirect points to; empty otherwise."""
    body: bytearray
    """The decoder clears it, so a large body is not held twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time and chance, so that a test needs neither."""

    clock: Callable[[], float] = time.monotonic
    time_of_day: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(slots=True)
class _Waiting:
    """How long a run has waited, where several threads waiting at once count once."""

    budget_s: float
    used_s: float = 0.0
    until_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def left_s(self, now_s: float) -> float:
        """Return the longest wait that may begin now: others' waits that are under way cost nothing more."""
        return max(0.0, self.budget_s - self.used_s) + max(0.0, self.until_s - now_s)

    def begin(self, now_s: float, seconds: float) -> None:
        with self.lock:
            self.used_s += max(0.0, now_s + seconds - max(now_s, self.until_s))
            self.until_s = max(self.until_s, now_s + seconds)


class Transport:
    """Sends requests for one run; every thread may use it."""

    def __init__(
        self,
        connection: Connection,
        *,
        progress: Progress | None = None,
        world: World | None = None,
        make_client: Callable[[], httpx.Client] | None = None,
    ) -> None:
        self.connection = connection
        self._world = world or World()
        self._progress = progress
        self._make_client = make_client or client_factory(connection)
        self._idle: list[httpx.Client] = []
        self._deadlines = Deadlines()
        self._lock = threading.Lock()
        self._waiting = _Waiting(connection.wait_budget_s)
        self._max_requests = connection.max_requests
        self._requests = self._done = self._planned = 0
        self._was_seen = self._is_closed = False

    @property
    def requests(self) -> int:
        """How many requests were sent, those that were sent again included."""
        return self._requests

    def send(self, request: Request) -> Answer:
        """Send one request, and again where the table in retry.py says so; return the answer whatever its status.

        Raises RejectedError for a write that was certainly not sent, UnreachableError when there is no answer, and
        ServerError when the run's budget for waiting does not suffice.
        """
        with self._lock:
            self._planned += 1
        return self._send_planned(request)

    def send_all(self, requests: Sequence[Request], use: Callable[[Answer], T]) -> list[T]:
        """Send reads in parallel; return what `use` makes of each answer, in the order of the requests.

        Raises what `send` raises, and ReconcilerError before the first request when they are more than may be sent.
        """
        with self._lock:
            self._require_allowed(len(requests))
            self._planned += len(requests)
        return run_in_order(
            lambda index: use(self._send_planned(requests[index])),
            len(requests),
            width=self.connection.parallelism,
        )

    def reserve(self, requests: int) -> None:
        """Let this run go on to its end if that many requests more are allowed, and raise ReconcilerError if not."""
        with self._lock:
            self._require_allowed(requests)
            self._max_requests = None

    def close(self) -> None:
        """Close every connection; one that is in use, as soon as it no longer is."""
        with self._lock:
            self._is_closed, idle, self._idle = True, self._idle, []
        for client in idle:
            client.close()

    def _take_client(self) -> httpx.Client:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._make_client()

    def _give_back(self, client: httpx.Client) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(client)
                return
        client.close()

    def _require_allowed(self, planned: int) -> None:
        limit = self._max_requests
        if limit is not None and self._requests + planned > limit:
            raise ReconcilerError(
                f"{self._requests:,} requests were sent and {planned:,} more are needed; {limit:,} are allowed.",
                hint=f"pass `--max-requests {self._requests + planned}` or more, or manage less",
            )

    def _send_planned(self, request: Request) -> Answer:
        number = 0
        while True:
            number += 1
            answer, error, attempt = self._try(request, number)
            decision = decide(attempt, jitter=self._world.random())
            if isinstance(decision, GiveUp):
                break
            self._waiting.begin(self._world.clock(), decision.seconds)
            self._world.sleep(decision.seconds)
        self._report_done()
        if decision.needed_s is not None:
            raise self._out_of_patience(request, attempt, decision.needed_s)
        if answer is None:
            raise _no_answer(self.connection.url, attempt, request, error)
        return answer

    def _try(self, request: Request, number: int) -> tuple[Answer | None, Exception | None, Attempt]:
        """Send once. Exactly one of answer and error is there."""
        with self._lock:
            self._requests += 1
        retry_after_s: float | None = None
        answer: Answer | None = None
        error: Exception | None = None
        result: int | Failure
        try:
            answer, headers = self._exchange(request)
            self._was_seen = True
            result = answer.status
            retry_after_s = read_retry_after(headers, now_s=self._world.time_of_day()) if result >= 400 else None
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, _CutShort) as caught:
            result, error = classify(caught), caught
        left_s = self._waiting.left_s(self._world.clock())
        attempt = Attempt(
            method=request.method,
            number=number,
            result=result,
            retry_after_s=retry_after_s,
            was_seen=self._was_seen,
            left_s=left_s,
        )
        return answer, error, attempt

    def _exchange(self, request: Request) -> tuple[Answer, httpx.Headers]:
        client = self._take_client()
        try:
            with self._deadlines.watch(client, request.timeout_s):
                answered = self._exchange_with(client, request)
        except BaseException:
            client.close()
            raise
        self._give_back(client)
        return answered

    def _exchange_with(self, client: httpx.Client, request: Request) -> tuple[Answer, httpx.Headers]:
        ends_s = self._world.clock() + request.timeout_s
        sent = client.build_request(
            request.method,
            self.connection.url + request.path,
            content=request.body,
            headers=_headers_of(request),
            timeout=_timeouts(request.timeout_s),
            extensions={"trace": self._deadlines.trace(client)},
        )
        body = bytearray()
        response = client.send(sent, stream=True)
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY_BYTES or self._world.clock() > ends_s:
                    raise _CutShort(f"the answer is longer than {MAX_BODY_BYTES} bytes or {request.timeout_s:g} s")
        finally:
            response.close()
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        location = ""
        if response.status_code >= 300:  # what is shown in messages
            location = self.connection.hide_secrets(response.headers.get("location", ""))
            body = bytearray(self.connection.hide_secrets(body.decode(errors="replace")).encode())
        answer = Answer(request=request, status=response.status_code, content_type=kind, location=location, body=body)
        return answer, response.headers

    def _report_done(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._planned)

    def _out_of_patience(self, request: Request, attempt: Attempt, needed_s: float) -> ServerError:
        why = "limits the rate" if attempt.result == 429 else "is not available"
        kind = RejectedError if request.is_write else ServerError
        return kind(
            f"{request}: Coder {why}; waiting {needed_s:.0f} s more would exceed the {self._waiting.budget_s:.0f} s "
            f"that this run may wait.",
            hint="try again later, or pass a longer `--max-wait`",
        )


class _CutShort(Exception):
    """An answer that went on for too long."""


def classify(error: Exception) -> Failure:
    """Tell what an exception of httpx means for the request; its causes say more than its type."""
    if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol):
        return Failure.HOPELESS if isinstance(error, httpx.ProxyError | httpx.InvalidURL) else Failure.LOST
    hopeless = (socket.gaierror, ssl.SSLError)
    return Failure.HOPELESS if any(isinstance(cause, hopeless) for cause in causes(error)) else Failure.NOT_SENT


def causes(error: BaseException) -> list[BaseException]:
    """Return an exception and what led to it."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


@cache
def _timeouts(total_s: float) -> httpx.Timeout:
    return httpx.Timeout(total_s, connect=CONNECT_TIMEOUT_S)


def _headers_of(request: Request) -> dict[str, str]:
    headers = {"User-Agent": request.user_agent} if request.user_agent else {}
    return headers | {"Content-Type": "application/json"} if request.body is not None else headers


def _no_answer(url: str, attempt: Attempt, request: Request, error: Exception | None) -> ServerError:
    """Say why nothing came back, and what to check. Where nothing was reached the URL matters, not the request."""
    chain = causes(error) if error is not None else []
    hint = "check CODER_URL, the network and the proxy settings"
    if any(isinstance(cause, socket.gaierror) for cause in chain):
        why, hint = "there is no such host", "check CODER_URL"
    elif failed := next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None):
        reason = getattr(failed, "verify_message", "") or getattr(failed, "reason", None) or "no reason given"
        why = f"TLS failed: {reason.rstrip('.').replace('_', ' ')}"
        hint = "check CODER_URL; for a private authority set SSL_CERT_FILE to its certificate"
    elif attempt.result is Failure.LOST:
        why = "no answer in time" if isinstance(error, httpx.TimeoutException) else "the answer was lost or cut short"
    else:
        why = "no connection"
    is_reached = attempt.result is Failure.LOST
    kind = RejectedError if request.is_write and not is_reached else UnreachableError
    where = str(request) if is_reached or request.is_write else url
    times = f" ({attempt.number} attempts)" if attempt.number > 1 else ""
    return kind(f"{where}: {why}{times}.", hint=hint)
