"""The httpx clients of a run, set up once: certificates, headers, proxy. Sends nothing."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from reconciler import __version__
from reconciler.coder.connection import Connection
from reconciler.errors import ReconcilerError


def client_factory(connection: Connection) -> Callable[[], httpx.Client]:
    """Return a function that makes the clients of a run; they share one SSLContext, and none is made for http.

    Raises ReconcilerError when the certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be loaded.
    """
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: enough for http, which has no use for it
    if connection.url.startswith("https:"):
        try:
            verify = httpx.create_ssl_context()
        except (OSError, ssl.SSLError) as error:
            raise ReconcilerError(
                "The certificates to verify Coder's with cannot be loaded.", hint="check SSL_CERT_FILE and SSL_CERT_DIR"
            ) from error
    headers = [
        *connection.headers,
        ("Coder-Session-Token", connection.token),
        ("User-Agent", f"reconciler/{__version__}"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
    ]
    proxy = httpx.Proxy(connection.proxy.url) if connection.proxy is not None else None

    def make() -> httpx.Client:
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        return httpx.Client(
            headers=headers, verify=verify, cookies=no_cookies, follow_redirects=False, proxy=proxy, trust_env=False
        )

    return make
