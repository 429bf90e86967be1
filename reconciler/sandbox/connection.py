"""HTTP/1.1 over asyncio: bytes in, requests out, deliveries back; knows nothing of Coder.

Written on httptools rather than on an ASGI server, because the faults are about connections: closing without an
answer, resetting, promising more than is sent. Requests of one connection are answered in their order.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from .application import Application, Delivery, Incoming

if TYPE_CHECKING:
    from collections.abc import MutableSet

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Serve one client."""

    def __init__(self, application: Application, open_connections: MutableSet[Connection]) -> None:
        self._application = application
        self._open = open_connections
        self._waiting: deque[tuple[Incoming, bool]] = deque()
        self._delayed: asyncio.TimerHandle | None = None
        self._ip = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Get ready for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._ip = transport.get_extra_info("peername", ("127.0.0.1",))[0]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parser = httptools.HttpRequestParser(self)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what nobody waits for any more."""
        self._open.discard(self)
        self._waiting.clear()
        if self._delayed is not None:
            self._delayed.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the `on_` methods."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._transport.close()
        except httptools.HttpParserError:
            self._transport.write(_BAD_REQUEST)
            self._transport.close()

    def on_message_begin(self) -> None:
        """Start a request."""
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        """Add to the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several with one name the last counts."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Tell a client that waits for it to go on."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Add to the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer, or queue behind an answer that is delayed."""
        incoming = Incoming(
            self._parser.get_method().decode("ascii"),
            self._target.decode("latin-1"),
            self._headers,
            b"".join(self._body),
            self._ip,
        )
        self._waiting.append((incoming, self._parser.should_keep_alive()))
        if len(self._waiting) == 1:
            self._next()

    def _next(self) -> None:
        """Answer what waits, until an answer has to be delayed; the one in work stays at the head."""
        while self._waiting and not self._transport.is_closing():
            incoming, keep_alive = self._waiting[0]
            delivery = self._application.handle(incoming)
            if delivery.delay_s > 0:
                loop = asyncio.get_running_loop()
                self._delayed = loop.call_later(delivery.delay_s, self._later, delivery, keep_alive)
                return
            self._deliver(delivery, keep_alive)

    def _later(self, delivery: Delivery, keep_alive: bool) -> None:
        self._delayed = None
        self._deliver(delivery, keep_alive)
        self._next()

    def _deliver(self, delivery: Delivery, keep_alive: bool) -> None:
        self._waiting.popleft()
        if delivery.ending == "reset":
            linger = self._transport.get_extra_info("socket")
            linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
            return
        self._transport.write(delivery.data)
        if delivery.ending == "close" or not keep_alive:
            self._transport.close()

    def shut(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()
