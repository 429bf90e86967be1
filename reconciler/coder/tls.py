"""Resumes TLS sessions: of all connections of a run only the first pays for a whole handshake. Sends nothing.

Python offers it per socket, and httpcore does not ask for it: so the context is told to offer the session of the
connection that it made last. A server that does not accept it makes a whole handshake, as before.
"""

from __future__ import annotations

import ssl
import threading
import weakref
from typing import Any


def resume_sessions(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a client's context resume sessions, and return it."""
    wrap = context.wrap_socket
    known = _Sessions()

    def wrap_socket(sock: Any, *args: Any, **settings: Any) -> ssl.SSLSocket:
        host = settings.get("server_hostname")
        if settings.get("session") is None and (session := known.latest(host)) is not None:
            settings["session"] = session
        connected = wrap(sock, *args, **settings)
        known.add(host, connected)
        return connected

    context.wrap_socket = wrap_socket  # type: ignore[method-assign]
    return context


class _Sessions:
    """The connections of a context that are still there, newest last; a session belongs to a host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connected: list[tuple[object, weakref.ref[ssl.SSLSocket]]] = []

    def add(self, host: object, connected: ssl.SSLSocket) -> None:
        with self._lock:
            alive = [(name, ref) for name, ref in self._connected if ref() is not None]
            self._connected = [*alive, (host, weakref.ref(connected))]

    def latest(self, host: object) -> ssl.SSLSession | None:
        """Return a session with this host; in TLS 1.3 there is one once the connection has been read from."""
        with self._lock:
            sockets = [ref() for name, ref in reversed(self._connected) if name == host]
        return next((sock.session for sock in sockets if sock is not None and sock.session is not None), None)
