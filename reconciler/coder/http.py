"""The httpx clients of a run, set up once: certificates, headers, proxies of the environment. Sends nothing."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from reconciler import __version__
from reconciler.coder.connection import Connection
from reconciler.errors import ReconcilerError


def client_factory(connection: Connection) -> Callable[[], httpx.Client]:
    """Return what makes the clients of a run; they share one SSLContext, and none is made for http.

    Raises ReconcilerError when the certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be loaded;
    the clients raise it when the environment names a proxy that cannot be used.
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
    ]

    def make() -> httpx.Client:
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        try:
            return httpx.Client(headers=headers, verify=verify, cookies=no_cookies, follow_redirects=False)
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # its text may show a proxy's password
            raise ReconcilerError(
                "The environment names a proxy that cannot be used: only http:// and https:// proxies can.",
                hint="check ALL_PROXY, HTTPS_PROXY and HTTP_PROXY, or name Coder's host in NO_PROXY",
            ) from error

    return make
