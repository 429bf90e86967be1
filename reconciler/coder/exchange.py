"""One request and its answer over httpx: sent once, read within its limits, or an error of this module. No retries.

Redirects are not followed and cookies not kept, so that the token goes to no other host and nothing overrides it. An
answer is held only within the size that its request allows, and may be compressed once: two encodings one inside the
other turn 3 kB into 10 GB. httpx's exceptions end here, as `NoAnswer`.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, field, replace
from functools import cache

import httpx

from reconciler.coder.deadline import Deadlines
from reconciler.coder.retry import NoAnswerKind
from reconciler.coder.secrets import NO_SECRETS, Mask
from reconciler.dataclass import dataclass

CONNECT_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 60.0
LIST_TIMEOUT_S = 300.0
"""For lists without pages: a group list carries every member, and Coder works on it before the first byte."""
MAX_BYTES = 32 << 20
MAX_LIST_BYTES = 1 << 30
"""For the lists without pages alone."""
MAX_ERROR_BYTES = 256 << 10
"""Of an answer that is not a success the rest is left unread: what it says stands at its beginning."""
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})
_ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How to read a success of one content type while it arrives; any other answer is held, and decoded later."""

    content_type: str
    read: Callable[[Answer, Iterator[bytes]], object]
    """Gets the answer without its body, and the body's pieces; begins anew when the request is sent again."""


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
    max_bytes: int = MAX_BYTES
    stream: Stream | None = field(default=None, compare=False)
    """Reads a long answer while it arrives, instead of holding it."""
    is_extra: bool = False
    """The run can do without the answer, so that it is sent once and nothing is waited for."""

    def __str__(self) -> str:
        """Name it in a message: method and path, without the query, which may be thousands of characters long."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def is_write(self) -> bool:
        return self.method in ("PUT", "DELETE")

    @property
    def kind(self) -> str:
        """What it has in common with those that cost a server about the same: method and route."""
        return f"{self.method} {_ID.sub('/*', self.path.partition('?')[0])}"


def list_request(path: str, *, stream: Stream | None = None, is_extra: bool = False) -> Request:
    """Return a GET of a list without pages, which may be long, and slow unless the run can do without it."""
    timeout_s = TOTAL_TIMEOUT_S if is_extra else LIST_TIMEOUT_S
    return Request("GET", path, timeout_s=timeout_s, max_bytes=MAX_LIST_BYTES, stream=stream, is_extra=is_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Every text in it is the server's, with our secrets in it should it echo them."""

    request: Request
    status: int
    content_type: str
    """Lower case, without parameters."""
    location: str = ""
    """Where a redirect points to; empty otherwise."""
    request_id: str = ""
    """Coder's own name for this request, by which an administrator finds it in the server's log."""
    version: str = ""
    """The build of the server that answered, where it says it; while Coder is upgraded, several may answer."""
    body: bytearray
    """The decoder clears it, so a large body is not held twice."""
    mask: Mask = field(default=NO_SECRETS, repr=False)
    value: object = None
    """What the request's stream made of the body, which is empty then; None where it was not streamed."""
    is_warm: bool = True
    """Whether the connection had been used before, so that its latency is that of the request alone."""


class NoAnswer(Exception):
    """There is no usable answer. `why` says what was wrong with the answer, where one came."""

    def __init__(self, *, failure: NoAnswerKind, cause: Exception | None = None, why: str = "") -> None:
        super().__init__(why or str(cause))
        self.failure, self.cause, self.why = failure, cause, why


class Exchange:
    """Sends requests on one wire per thread at work. Every thread may use it."""

    def __init__(
        self, make_wire: Callable[[], httpx.BaseTransport], *, url: str, headers: httpx.Headers, mask: Mask
    ) -> None:
        self._make_wire, self._url, self._headers, self._mask = make_wire, url, headers, mask
        self._idle: list[httpx.BaseTransport] = []
        self._deadlines = Deadlines()
        self._lock = threading.Lock()
        self._is_closed = False

    def send(self, request: Request) -> tuple[Answer, httpx.Headers]:
        """Send once. Raises NoAnswer, and what making a wire raises."""
        wire, is_warm = self._take_wire()
        try:
            with self._deadlines.watch(wire, request.timeout_s):
                answered = self._send_on(wire, request, is_warm=is_warm)
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
            wire.close()
            raise NoAnswer(failure=classify(error), cause=error) from error
        except BaseException:
            wire.close()
            raise
        self._give_back(wire)
        return answered

    def close(self) -> None:
        """Close every connection; one that is in use, as soon as it no longer is."""
        with self._lock:
            self._is_closed, idle, self._idle = True, self._idle, []
        for wire in idle:
            wire.close()

    def _take_wire(self) -> tuple[httpx.BaseTransport, bool]:
        """Return the wire that was used last, and whether there is one: its connection is probably still open."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return self._make_wire(), False

    def _give_back(self, wire: httpx.BaseTransport) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(wire)
                return
        wire.close()

    def _send_on(self, wire: httpx.BaseTransport, request: Request, *, is_warm: bool) -> tuple[Answer, httpx.Headers]:
        sent = httpx.Request(
            request.method,
            self._url + request.path,
            content=request.body,
            headers=_headers_for(request, self._headers),
            extensions={"timeout": _timeouts(request.timeout_s), "trace": self._deadlines.trace(wire)},
        )
        response = wire.handle_request(sent)
        try:
            headers = response.headers
            answer = Answer(
                request=request,
                status=response.status_code,
                content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
                location=headers.get("location", "") if response.status_code >= 300 else "",
                request_id=headers.get("x-coder-request-id", ""),
                version=headers.get("x-coder-build-version", ""),
                body=bytearray(),
                mask=self._mask,
                is_warm=is_warm,
            )
            return _with_body(answer, response), headers
        finally:
            response.close()


def _with_body(answer: Answer, response: httpx.Response) -> Answer:
    """Return the answer with its body, or with what its stream makes of it."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise NoAnswer(failure=NoAnswerKind.UNUSABLE, why="the answer has a content encoding that was not asked for")
    pieces = _within(response.iter_bytes(), answer.request.max_bytes)
    stream = answer.request.stream
    if stream is not None and answer.status == 200 and answer.content_type == stream.content_type:
        return replace(answer, value=stream.read(answer, pieces))
    for piece in pieces:
        answer.body.extend(piece)
        if answer.status >= 300 and len(answer.body) > MAX_ERROR_BYTES:
            break
    return answer


def _within(pieces: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    """Yield pieces up to a size in all. Raises NoAnswer beyond it."""
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > max_bytes:
            why = f"the answer is longer than {max_bytes >> 20:,} MiB"
            raise NoAnswer(failure=NoAnswerKind.UNUSABLE, why=why)
        yield piece


def classify(error: Exception) -> NoAnswerKind:
    """Tell what an exception of httpx means for the request; its causes say more than its type."""
    if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol):
        return NoAnswerKind.HOPELESS if isinstance(error, httpx.ProxyError | httpx.InvalidURL) else NoAnswerKind.LOST
    is_hopeless = any(isinstance(cause, socket.gaierror | ssl.SSLError) for cause in causes(error))
    return NoAnswerKind.HOPELESS if is_hopeless else NoAnswerKind.NOT_SENT


def causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and what led to it; empty for none."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


@cache
def _timeouts(total_s: float) -> dict[str, float | None]:
    return httpx.Timeout(total_s, connect=CONNECT_TIMEOUT_S).as_dict()


def _headers_for(request: Request, headers: httpx.Headers) -> httpx.Headers:
    """Return those of the run, or a copy with what this request has of its own."""
    own = {"User-Agent": request.user_agent} if request.user_agent else {}
    if request.body is not None:
        own["Content-Type"] = "application/json"
    if own:
        headers = httpx.Headers(headers)
        headers.update(own)
    return headers
