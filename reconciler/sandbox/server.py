"""The sandbox as a running server: in a thread for tests, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import uvicorn

from .application import Application
from .connection import Protocol
from .effective import Effective, effective
from .spending import advance
from .values import Ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from .values import Fault, Options, RecordedRequest

Result = TypeVar("Result")

_KEEP_ALIVE_S = 24 * 60 * 60


class _StoppableServer(uvicorn.Server):
    """Be uvicorn's server on a loop of ours, and stop at once when told.

    uvicorn's own looks every 0.1 s whether to stop, waits for its clients to leave, and raises the signal that ended
    it again; tests open hundreds of sandboxes whose clients are still connected, and Ctrl-C is how `serve` returns.
    """

    def __init__(self, application: Application, when_ready: Callable[[], None] = lambda: None) -> None:
        quiet: dict[str, Any] = {
            "log_config": None, "log_level": "error", "access_log": False, "server_header": False, "date_header": False,
        }  # fmt: skip
        config = uvicorn.Config(
            application, interface="asgi3", http=Protocol, ws="none", lifespan="off", proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S, **quiet,
        )  # fmt: skip
        super().__init__(config)
        self._when_ready = when_ready
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait until told to stop."""
        self._when_ready()
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections at once; tasks that wait for a client then end."""
        for listening in sockets or ():
            asyncio.get_running_loop().remove_reader(listening)
        for _ in range(2):  # a connection just accepted needs two turns to be known, and a server that is not closed
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        while self.server_state.connections or self.server_state.tasks:
            for connection in tuple(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: in a thread there are none, and `serve` has its own handlers."""
        yield


def _opened(options: Options) -> tuple[Application, socket.socket]:
    """Return an application and its listening socket; nothing stays open when either fails."""
    application = Application(options)
    try:
        listening = _listen(options)
    except OSError:
        application.close()
        raise
    application.url = application.control.url = _url(listening)
    return application, listening


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.create_server((options.host, options.port), family=family, backlog=1024)
    # Inherited by every connection. The second part of what is sent in parts would wait 40 ms for an ACK without this.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Sandbox:
    """Run a stand-in Coder in a thread of this process, over real HTTP, for the length of a `with` block."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def __enter__(self) -> Self:
        self._application, listening = _opened(self._options)
        self._loop = asyncio.new_event_loop()
        self._server = _StoppableServer(self._application)
        self._thread = threading.Thread(target=self._run, args=(listening,), name="coder-sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.stop.set)
        self._thread.join()
        self._application.close()

    def _run(self, listening: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([listening]))

    @property
    def url(self) -> str:
        """Return the address, without a slash at its end."""
        return self._application.url

    @property
    def control_secret(self) -> str:
        """Return the secret that the control interface asks for."""
        return self._application.control.secret

    @property
    def tokens(self) -> Mapping[str, str]:
        """Return a token for each role: owner, user-admin, organization-admin, and so on."""
        return self._application.tokens

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Return the API requests so far, in the order of their arrival."""
        return self._on_loop(lambda: self._application.recorder.requests)

    def forget_requests(self) -> None:
        """Start a new list of requests."""
        self._on_loop(self._application.recorder.forget)

    def fault(self, fault: Fault) -> None:
        """Queue a fault."""
        self._on_loop(lambda: self._application.faults.add(fault))

    def forget_faults(self) -> None:
        """Empty the queue of faults."""
        self._on_loop(self._application.faults.clear)

    def release(self) -> None:
        """Let the answers leave that `delay` or `latency_s` hold up now."""
        self._on_loop(self._application.delays.release)

    def execute(self, sql: str, parameters: Sequence[object] = (), *, unguarded: bool = False) -> list[tuple[Any, ...]]:
        """Execute a statement on the server's database between two requests; return its rows.

        `unguarded` leaves the triggers out, for rows that only two transactions at the same moment leave behind.
        """
        database = self._application.world.database
        return self._on_loop(
            lambda: [tuple(row) for row in database.run_foreign(sql, *parameters, unguarded=unguarded)]
        )

    def effective(self) -> list[Effective]:
        """Return (user id, username, limit or None, source or None, effective group) of everybody, by username."""
        return self._on_loop(lambda: effective(self._application.world.database))

    def critical_path(self) -> tuple[RecordedRequest, ...]:
        """Return the longest chain of API requests, each of which waited for the request before it."""
        return self._on_loop(self._application.recorder.critical_path)

    def set_now(self, now: datetime, *, stopped: bool = True) -> None:
        """Set the server's clock, which then stands still or goes on from there."""
        self._on_loop(lambda: self._application.world.clock.set(now, stopped=stopped))

    def advance(self, days: int) -> None:
        """Move the clock forward by whole days, and let people go on spending as they did."""
        self._on_loop(lambda: advance(self._application.world, days))

    def _on_loop(self, work: Callable[[], Result]) -> Result:
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # carried over to the caller's thread
                future.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return future.result()


def serve(options: Options, when_ready: Callable[[Ready], None]) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; call `when_ready` as soon as the sandbox listens."""
    application, listening = _opened(options)
    try:
        asyncio.run(_serve(application, listening, when_ready))
    finally:
        application.close()


async def _serve(application: Application, listening: socket.socket, when_ready: Callable[[Ready], None]) -> None:
    ready = Ready(url=application.url, tokens=application.tokens, control_secret=application.control.secret)
    server = _StoppableServer(application, lambda: when_ready(ready))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, server.stop.set)
    await server.serve([listening])
