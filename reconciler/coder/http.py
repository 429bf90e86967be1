"""The httpx clients of a run, set up once: certificates, headers, proxy. Sends nothing."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from http.cookiejar import CookieJar

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

_STARTED = "reconciler_started_s"
_PATH_SHOWN = 160


def client_factory(connection: Connection, *, watch: Watch | None = None) -> Callable[[], httpx.Client]:
    """Return a function that makes the clients of a run; they share one SSLContext, and none is made for http.

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
    headers = [
        *connection.headers,
        ("Coder-Session-Token", connection.token),
        ("User-Agent", f"reconciler/{__version__}"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
    ]
    proxy = httpx.Proxy(connection.proxy.url) if connection.proxy is not None else None

    hooks = _hooks(connection, watch) if watch else {}

    def make() -> httpx.Client:
        return httpx.Client(
            headers=headers,
            verify=verify,
            cookies=_NoCookies(),
            follow_redirects=False,
            proxy=proxy,
            trust_env=False,
            event_hooks=hooks,
        )

    return make


class _NoCookies(CookieJar):
    """Keeps no cookie, and does not look for any: that takes a tenth of an exchange."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave the answer alone."""


def _hooks(connection: Connection, watch: Watch) -> dict[str, list[Callable[..., None]]]:
    """Return what tells `watch` about each request, without a secret in its path."""
    mask = Mask(*connection.secrets)

    def begin(request: httpx.Request) -> None:
        request.extensions[_STARTED] = time.monotonic()

    def end(response: httpx.Response) -> None:
        request = response.request
        path = mask.hide(request.url.raw_path.decode("ascii", "replace"))
        key = connection.token.partition("-")[0]  # the public half of a token; a path may name it
        path = path.replace(f"/keys/{key}", "/keys/[key]") if key else path
        watch(
            SeenRequest(
                method=request.method,
                path=path if len(path) <= _PATH_SHOWN else f"{path[:_PATH_SHOWN]}...",
                status=response.status_code,
                took_s=time.monotonic() - request.extensions[_STARTED],
            )
        )

    return {"request": [begin], "response": [end]}
