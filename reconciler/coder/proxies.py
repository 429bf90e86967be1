"""Which proxy the environment names for a URL: as Go's net/http decides, because the Coder CLI beside us is Go. Pure.

    HTTPS_PROXY, HTTP_PROXY    for URLs of that scheme; capitals before small letters
    ALL_PROXY                  for both, where the one above is not set (Go does not know it; curl and httpx do)
    NO_PROXY                   entries separated by commas: `*`, an IP address, a range such as fd01::/48, `example.com`
                               (with all below it), `.example.com` and `*.example.com` (only what is below it); each but
                               a range may end in `:port`
    localhost, 127.0.0.0/8, ::1   never by a proxy

Any other entry of NO_PROXY matches nothing. It is not an error, as in Go.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import urlsplit

from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError

_SCHEMES = ("http", "https")
_PORTS = {"http": "80", "https": "443"}
_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*):([^:\[\]]*)")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy, and the variable that names it."""

    url: str = field(repr=False)
    """May contain a password."""
    variable: str

    @property
    def shown(self) -> str:
        """The proxy without user and password, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def credentials(self) -> tuple[str, ...]:
        """What must not be shown: `user:password`, and the password alone."""
        userinfo = urlsplit(self.url).netloc.rpartition("@")[0]
        return tuple(secret for secret in (userinfo, userinfo.partition(":")[2]) if secret)


def proxy_for(url: str, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for a URL; None for a direct connection.

    Raises ReconcilerError, without the proxy's URL, when the variable names a proxy that cannot be used.
    """
    parts = urlsplit(url)
    named = _named(parts.scheme, environment)
    if named is None:
        return None
    host = (parts.hostname or "").lower()
    port = str(parts.port or _PORTS[parts.scheme])
    no_proxy = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    return _usable(named) if _uses_proxy(host, port, no_proxy) else None


def _named(scheme: str, environment: Mapping[str, str]) -> Proxy | None:
    """Return what is named for a scheme. HTTP_PROXY is not trusted in a CGI process, where a client may set it."""
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name.upper(), name):
            is_forged = variable == "HTTP_PROXY" and bool(environment.get("REQUEST_METHOD"))
            if (value := environment.get(variable, "").strip()) and not is_forged:
                return Proxy(url=value if "://" in value else f"http://{value}", variable=variable)
    return None


def _usable(proxy: Proxy) -> Proxy:
    try:
        parts = urlsplit(proxy.url)
        is_usable = parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or not proxy.url.isprintable() or " " in proxy.url:
        raise ReconcilerError(
            f"{proxy.variable} names a proxy that cannot be used: only http:// and https:// proxies can.",
            hint=f"write {proxy.variable} like http://proxy.example.com:3128, or name Coder's host in NO_PROXY",
        )
    return proxy


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine by its name or its address; no name server is asked."""
    address = _ip(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _uses_proxy(host: str, port: str, no_proxy: str) -> bool:
    if is_this_machine(host):
        return False
    address = _ip(host)
    return not any(_matches(entry.strip().lower(), host, port, address) for entry in no_proxy.split(","))


def _matches(entry: str, host: str, port: str, address: Ip | None) -> bool:
    if entry in ("", "*"):
        return entry == "*"
    if "/" in entry:
        return address is not None and _is_in_range(address, entry)
    name, entry_port = entry, ""
    if (split := _HOST_AND_PORT.fullmatch(entry)) is not None:
        name, entry_port = split[1], split[2]
        if not name:
            return False
    if entry_port not in ("", port):
        return False
    if (entry_address := _ip(name.strip("[]"))) is not None:
        return entry_address == address
    return _is_in_domain(host, name)


def _is_in_domain(host: str, name: str) -> bool:
    name = name[1:] if name.startswith("*.") else name
    try:
        name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return False
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith(f".{name}")


def _is_in_range(address: Ip, text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return address in network


def _ip(text: str) -> Ip | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
