"""The client of tests that ask a sandbox themselves; those of the sandbox send thousands of requests.

In httpx and h11 a request costs twice what it costs the sandbox. Here httptools, which is as strict, reads the answer,
and what httpx does around a request is left out: cookies, redirects, authentication, and reading all authorities for a
TLS that no sandbox has. Requests, answers and errors are httpx's own.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Mapping
from typing import Any

import httptools
import httpx

from tests.patience import PATIENCE_S

_MOST_IDLE = 2

Address = tuple[str, int | None]


def send(method: str, url: str, *, headers: Mapping[str, str], json: Any = None) -> None:
    """Send a single request that must succeed."""
    with WireClient(headers=headers) as client:
        client.request(method, url, json=json).raise_for_status()


class WireClient(httpx.Client):
    """Send requests to servers without TLS."""

    def __init__(self, *, base_url: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._wire = _Wire()
        super().__init__(base_url=base_url, headers=headers, trust_env=False, transport=self._wire)
        self._always = {name.lower(): (name, value) for name, value in self.headers.raw}

    def build_request(self, method: str, url: httpx.URL | str, **parts: Any) -> httpx.Request:
        """Build a request. httpx parses its address three times, and its headers as often, to merge them."""
        address = str(url)
        if not address.startswith("http"):
            address = f"{str(self.base_url).rstrip('/')}/{address.lstrip('/')}"
        given = {name.lower(): (name, value) for name, value in httpx.Headers(parts["headers"]).raw}
        more = {name: parts.get(name) for name in ("content", "data", "files", "json", "params")}
        return httpx.Request(method, address, headers=[*(self._always | given).values()], **more)

    def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        """Send a request and read the whole answer."""
        response = self._wire.handle_request(request)
        response.request = request
        response.read()
        return response


class _Wire(httpx.BaseTransport):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Address, socket.socket]] = []
        """The connections that may be used again, the oldest first."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        address = (request.url.host, request.url.port)
        connection = self._connection(address)
        try:
            connection.sendall(_bytes_of(request))
            answer = _Answer(is_of_head=request.method == "HEAD")
            while not answer.is_complete:
                answer.feed(connection.recv(65536))
        except BaseException as error:
            connection.close()
            raise _as_of_httpx(error) from error
        if answer.keeps_connection:
            self._keep(address, connection)
        else:
            connection.close()
        body = b"".join(answer.parts)
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(body))

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    def _keep(self, address: Address, connection: socket.socket) -> None:
        with self._lock:
            self._idle.append((address, connection))
            surplus = self._idle[:-_MOST_IDLE]
            self._idle = self._idle[-_MOST_IDLE:]
        for _, old in surplus:
            old.close()

    def _connection(self, address: Address) -> socket.socket:
        with self._lock:
            found = next((pair for pair in reversed(self._idle) if pair[0] == address), None)
            if found is not None:
                self._idle.remove(found)
        if found is not None:
            if _is_open(found[1]):
                return found[1]
            found[1].close()
        connection = socket.create_connection(address, timeout=PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def _is_open(connection: socket.socket) -> bool:
    """Whether the server has not ended the connection: a sandbox may have the port of one that is gone."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


def _bytes_of(request: httpx.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [name + b": " + value for name, value in request.headers.raw]
    return b"\r\n".join([*lines, b"", request.read()])


def _as_of_httpx(error: BaseException) -> BaseException:
    match error:
        case TimeoutError():
            return httpx.ReadTimeout(str(error))
        case OSError():
            return httpx.ReadError(str(error))
        case httptools.HttpParserError():
            return httpx.RemoteProtocolError(str(error))
        case _:
            return error


class _Answer:
    """What the parser tells of an answer."""

    def __init__(self, *, is_of_head: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._is_of_head = is_of_head
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.status, self.is_complete, self.keeps_connection = 0, False, False

    def feed(self, data: bytes) -> None:
        if not data:
            raise httpx.RemoteProtocolError("the server closed the connection without sending complete answer")
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self._is_of_head:
            self.on_message_complete()

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)

    def on_message_complete(self) -> None:
        self.is_complete, self.keeps_connection = True, self._parser.should_keep_alive()
