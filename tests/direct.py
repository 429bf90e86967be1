"""Requests of the product to a sandbox of the same process, without a network between them.

More than half of what a request costs is HTTP's bytes on both sides, sockets, and threads that wake each other. Tests
of what the product reads and does say nothing about these: there a wire, the lowest part of the product's client, calls
the sandbox. What is above the wire and what is in the sandbox is as ever, and what uvicorn refuses is refused here.

It is a real wire wherever there is more to it: if an answer is held up or a fault acts on the connection, for a server
that is no sandbox of this process, for a proxy, for `--debug`, which looks at wires, and on the days of
`python -m tests.days`, which send every test over real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest

from reconciler.coder import http, transport
from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    from reconciler.coder.connection import Connection

MakeWire = Callable[[], httpx.BaseTransport]
Address = tuple[str, int | None]

_HERE = Path(__file__).parent
_ON_WIRES = (
    "browser", "chaos", "coder/test_transport.py", "deploy", "readme", "site",
    *(f"sandbox_server/test_{name}.py" for name in ("control", "faults", "http", "latency", "limits", "serve")),
)  # fmt: skip
"""Where the network is tested, or commands in processes of their own."""

_sandboxes: dict[Address, Sandbox] = {}
"""The sandboxes of this process."""
_is_on = False


def choose(item: pytest.Item) -> None:
    """Let the requests of a test go directly, unless it is about wires."""
    global _is_on
    path = item.path.relative_to(_HERE).as_posix()
    _is_on = not path.startswith(_ON_WIRES) and not item.config.getoption("--day")
    _install()


@cache
def _install() -> None:
    original, enter, leave = http.wire_factory, Sandbox.__enter__, Sandbox.__exit__

    def wire_factory(connection: Connection, *, watch: http.Watch | None = None) -> MakeWire:
        make = original(connection, watch=watch)
        address = _address_of(connection.url)
        is_direct = _is_on and address in _sandboxes and not connection.proxy and not watch
        return partial(DirectWire, address, make) if is_direct else make

    def enter_and_note(sandbox: Sandbox) -> Sandbox:
        _sandboxes[_address_of(enter(sandbox).url)] = sandbox
        return sandbox

    def leave_and_forget(sandbox: Sandbox, *error: object) -> None:
        del _sandboxes[_address_of(sandbox.url)]
        leave(sandbox, *error)

    for module in (http, transport):
        vars(module)["wire_factory"] = wire_factory
    Sandbox.__enter__, Sandbox.__exit__ = enter_and_note, leave_and_forget  # type: ignore[method-assign,assignment]


def _address_of(url: str) -> Address:
    parsed = httpx.URL(url)
    return parsed.host, parsed.port


def answer(address: Address, request: httpx.Request) -> httpx.Response | None:
    """Return what the sandbox of an address answers; None where a network is needed to get it."""
    sandbox = _sandboxes.get(address) if _is_on else None
    if sandbox is None:
        return None
    application = sandbox.application
    with application.atomic:
        if application.needs_connection(request.method, request.url.raw_path.decode().partition("?")[0]):
            return None
        return _ask(application, request)


class DirectWire(httpx.BaseTransport):
    """Asks the sandbox of an address, and a real wire where a network is needed."""

    def __init__(self, address: Address, make_wire: MakeWire) -> None:
        self._address, self._make_wire = address, make_wire
        self.wire: httpx.BaseTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if (response := answer(self._address, request)) is not None:
            return response
        if self.wire is None:
            self.wire = self._make_wire()
        return self.wire.handle_request(request)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.wire is not None:
            self.wire.close()


class _Open:
    """The connection of a request whose client never leaves."""

    def is_closing(self) -> bool:
        return False


class _Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


_EXTENSIONS = {"sandbox": {"transport": _Open()}}


def _ask(application: Any, request: httpx.Request) -> httpx.Response:
    """Call an ASGI application, which has to answer without waiting."""
    raw_path, _, query = request.url.raw_path.partition(b"?")
    path, body = raw_path.decode("ascii"), request.read()
    scope = {
        "type": "http", "http_version": "1.1", "method": request.method, "scheme": "http", "raw_path": raw_path,
        "path": unquote(path) if "%" in path else path, "query_string": query, "client": ("127.0.0.1", 1),
        "headers": [(name.lower(), value) for name, value in request.headers.raw], "extensions": _EXTENSIONS,
    }  # fmt: skip
    head: dict[str, Any] = {}
    is_head = request.method == "HEAD"
    pieces: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
        elif message["body"] and not is_head:
            pieces.append(message["body"])

    answering = application(scope, receive, send)
    try:
        answering.send(None)
    except StopIteration:
        response = httpx.Response(head["status"], headers=head["headers"], stream=_Pieces(pieces))
        _require_what_http_can_say(response, None if is_head else sum(map(len, pieces)))
        return response
    raise AssertionError(f"the sandbox waits before it answers {request}")


def _require_what_http_can_say(response: httpx.Response, length: int | None) -> None:
    """Refuse what uvicorn and h11 do not let through; the length is None for an answer to HEAD."""
    told = response.headers.get("content-length")
    assert told is None or length is None or int(told) == length, f"content-length {told} for {length} bytes"
    assert not length or response.status_code not in (204, 304), f"{response} with a body"
    for name, value in response.headers.raw:
        assert not {*b"\r\n\0"} & {*name, *value}, f"the header {name!r}: {value!r}"
