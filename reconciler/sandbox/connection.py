"""What ASGI has no words for: ending a connection without an answer, within one, or by a reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

_EXTENSION = "sandbox"
_HEAD, _CONTINUE = b"HTTP/1.", b"HTTP/1.1 100 "
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Joined:
    """A transport that sends the head of an answer together with its body, as Go does; uvicorn writes them apart.

    Two packets wake a client twice.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, or keep the head of an answer until more is written. 100 is not the answer yet."""
        if not self._head and data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Write the head of an answer that has no body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Close the connection behind what was written."""
        self.flush()
        self._transport.close()


class Protocol(HttpToolsProtocol):
    """Be uvicorn's protocol, and show the application its transport: some faults act on the connection itself.

    Requests may follow before an answer is whole. uvicorn then tells the last of them that the connection has ended;
    here all are told.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a transport that joins what is written."""
        self._unanswered = deque[RequestResponseCycle]()
        super().connection_made(cast("asyncio.Transport", _Joined(transport)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request, also one that others follow."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Go on with an answer that has begun to leave, as Go does: its client reads, and asks nothing more."""
        is_leaving = bool(self._unanswered) and self._unanswered[0].response_started
        if is_leaving:
            self._unanswered[0].keep_alive = False
        return is_leaving

    def on_headers_complete(self) -> None:
        """Keep the request until it is answered."""
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def on_response_complete(self) -> None:
        """Send what has no body, and go on to the next request."""
        cast("_Joined", self.transport).flush()
        self._unanswered.popleft()
        super().on_response_complete()

    def on_message_begin(self) -> None:
        """Add the transport to the scope, as an extension."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"transport": self.transport}}


async def body_of(receive: Receive) -> bytes | None:
    """Return the whole body of a request; None when the connection ends before."""
    body: bytes = b""
    while (message := await receive())["type"] != "http.disconnect":
        body += message["body"]
        if not message["more_body"]:
            return body
    return None


def is_closing(scope: Scope) -> bool:
    """Tell whether nothing can be sent any more."""
    return bool(scope["extensions"][_EXTENSION]["transport"].is_closing())


async def close(scope: Scope, receive: Receive) -> None:
    """Close the connection after what was sent; return when it is gone."""
    scope["extensions"][_EXTENSION]["transport"].close()
    await _end(receive)


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection; return when it is gone."""
    transport = scope["extensions"][_EXTENSION]["transport"]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    await _end(receive)


class Delays:
    """Hold up answers for a time, or until they are released."""

    def __init__(self) -> None:
        self._timeouts: set[asyncio.Timeout] = set()

    async def stays(self, receive: Receive, seconds: float) -> bool:
        """Wait; return early, with False, when the connection ends before."""
        timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                self._timeouts.add(timeout)
                await _end(receive)
        except TimeoutError:
            return True
        finally:
            self._timeouts.discard(timeout)
        return False

    def release(self) -> None:
        """End the waits of now; answers that come later wait their time."""
        for timeout in self._timeouts:
            if not timeout.expired():
                timeout.reschedule(asyncio.get_running_loop().time())


async def stays_until(receive: Receive, event: asyncio.Future[None]) -> bool:
    """Wait for the event; return early, with False, when the connection ends before."""
    end = asyncio.ensure_future(_end(receive))
    try:
        await asyncio.wait((event, end), return_when=asyncio.FIRST_COMPLETED)
        return event.done()
    finally:
        end.cancel()


async def _end(receive: Receive) -> None:
    """Wait for the end of the connection: until it has come, uvicorn complains about an answer that is not whole."""
    while (await receive())["type"] != "http.disconnect":
        pass
