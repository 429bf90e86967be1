"""Ends exchanges that take too long, from outside of their thread: the head of an answer may drip for ever.

httpx limits each read of a socket and not their sum, and reads the head where nobody can look at the clock. So a daemon
thread looks once a second while anything is under way, and shuts the socket of what is over its time; the exchange then
sees a lost connection. Time here is real: it is the network's.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import httpx

GRAIN_S = 1.0
_CONNECTED = (".connect_tcp.complete", ".start_tls.complete")
"""How httpcore names the steps that return a stream."""


class Deadlines:
    """When the exchanges of some wires have to be over; a wire has one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends_s: dict[httpx.BaseTransport, float] = {}
        self._sockets: WeakKeyDictionary[httpx.BaseTransport, socket.socket] = WeakKeyDictionary()
        self._is_watching = False

    @contextmanager
    def watch(self, wire: httpx.BaseTransport, seconds: float) -> Iterator[None]:
        """Let what a wire does inside of this last that long, and not much longer."""
        with self._lock:
            self._ends_s[wire] = time.monotonic() + seconds
            if not self._is_watching:
                with suppress(RuntimeError):  # no thread can be started: the limit of each read has to do
                    threading.Thread(target=self._look, daemon=True, name="deadlines").start()
                    self._is_watching = True
        try:
            yield
        finally:
            with self._lock:
                del self._ends_s[wire]

    def trace(self, wire: httpx.BaseTransport) -> Callable[[str, Mapping[str, Any]], None]:
        """Return the `trace` of a request, which learns the socket when the wire connects."""

        def note(step: str, facts: Mapping[str, Any]) -> None:
            if step.endswith(_CONNECTED):
                with self._lock:
                    self._sockets[wire] = facts["return_value"].get_extra_info("socket")

        return note

    def _look(self) -> None:
        while True:
            time.sleep(GRAIN_S)
            with self._lock:  # held while shutting, so that no exchange gets a socket that is about to be shut
                now_s = time.monotonic()
                for wire, ends_s in self._ends_s.items():
                    if ends_s < now_s and wire in self._sockets:
                        _shut(self._sockets[wire])
                if not self._ends_s:
                    self._is_watching = False
                    return


def _shut(connected: socket.socket) -> None:
    """Shut a socket that another thread reads: plainly, because TLS has a state that the reader uses."""
    with suppress(OSError):  # closed meanwhile
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
