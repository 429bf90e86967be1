"""The wires of a run, set up once: certificates, headers, proxy. Sends nothing.

A wire is what httpx calls a transport: a client without what it does around each request. Redirects, cookies and
authentication are nothing that we want, and looking for them takes a third of an exchange.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

import httpx

from reconciler import __version__
from reconciler.coder.connection import Connection
from reconciler.coder.secrets import Mask
from reconciler.coder.tls import resume_sessions
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request and the head of its answer; nothing of it is secret."""

    method: str
    path: str
    """With its query, shortened."""
    status: int
    took_s: float
    """Until the head of the answer was there."""


Watch = Callable[[SeenRequest], None]
"""Called for every answer, from worker threads, several at a time. Display only."""

_PATH_SHOWN = 160


def headers_of(connection: Connection) -> httpx.Headers:
    """Return what is sent with every request of a run, the token too."""
    return httpx.Headers(
        [
            *connection.headers,
            ("Coder-Session-Token", connection.token),
            ("User-Agent", f"reconciler/{__version__}"),
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
        ]
    )


def wire_factory(connection: Connection, *, watch: Watch | None = None) -> Callable[[], httpx.BaseTransport]:
    """Return a function that makes the wires of a run; they share one SSLContext, and none is made for http.

    Raises ReconcilerError when the certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be loaded.
    """
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: enough for http, which has no use for it
    if connection.url.startswith("https:"):
        try:
            verify = resume_sessions(httpx.create_ssl_context())
        except (OSError, ssl.SSLError) as error:
            raise ReconcilerError(
                "The trusted certificates cannot be loaded.", hint="check SSL_CERT_FILE and SSL_CERT_DIR"
            ) from error
    proxy = httpx.Proxy(connection.proxy.url) if connection.proxy is not None else None

    def make() -> httpx.BaseTransport:
        wire = httpx.HTTPTransport(verify=verify, proxy=proxy, trust_env=False)
        return _Watched(wire, connection, watch) if watch else wire

    return make


class _Watched(httpx.BaseTransport):
    """Tells `watch` about each request, without a secret in its path."""

    def __init__(self, wire: httpx.BaseTransport, connection: Connection, watch: Watch) -> None:
        self._wire, self._watch = wire, watch
        self._mask = Mask(*connection.secrets)
        self._key = connection.token.partition("-")[0]  # the public half of a token; a path may name it

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and tell of it when the head of its answer is there."""
        started_s = time.monotonic()
        response = self._wire.handle_request(request)
        path = self._mask.hide(request.url.raw_path.decode("ascii", "replace"))
        path = path.replace(f"/keys/{self._key}", "/keys/[key]") if self._key else path
        self._watch(
            SeenRequest(
                method=request.method,
                path=path if len(path) <= _PATH_SHOWN else f"{path[:_PATH_SHOWN]}...",
                status=response.status_code,
                took_s=time.monotonic() - started_s,
            )
        )
        return response

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()
