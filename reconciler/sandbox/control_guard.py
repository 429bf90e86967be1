"""Who may use the control interface: the holder of this start's secret, and no web page.

The control interface executes SQL and injects faults, so a web page in the user's browser must not reach it. A page
cannot set SECRET_HEADER without a preflight request, which is refused. A page that binds its own host name to this
machine (DNS rebinding) sends that name as Host, which is refused, too.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .answers import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_HEADER = "X-Sandbox-Secret"  # noqa: S105  # the name of a header


def require_control(headers: Mapping[str, str], *, secret: str, url: str, has_body: bool) -> None:
    """Let a control request pass. *Raises* Refused 403 or 415 with what is wrong and what is allowed.

    `url` is the address where the sandbox listens.
    """
    host, origin = headers.get("host", ""), headers.get("origin")
    if not _is_own_host(host, url):
        raise refusal(403, f"Host {host!r} is not this sandbox; use {url}")
    if origin is not None and origin != f"http://{host}":
        raise refusal(403, f"Origin {origin!r} may not use the control interface")
    given = headers.get(SECRET_HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise refusal(403, f"The header {SECRET_HEADER} must hold the secret that `sandbox --print-json` printed")
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and content_type != "application/json":
        raise refusal(415, f"Content-Type {content_type!r} is not supported; send application/json")


def _is_own_host(host: str, url: str) -> bool:
    """Tell whether a Host header names this sandbox: its own address, localhost, or any IP address, with its port.

    An IP address cannot be rebound by DNS, and a sandbox may listen on all addresses of a machine.
    """
    try:
        named, own = urlsplit(f"http://{host}"), urlsplit(url)
        if named.port != own.port or named.netloc != host or named.username is not None or named.hostname is None:
            return False
    except ValueError:
        return False
    if named.hostname in ("localhost", own.hostname):
        return True
    try:
        ipaddress.ip_address(named.hostname)
    except ValueError:
        return False
    return True
