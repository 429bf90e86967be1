"""Proxies of the environment, as Go's httpproxy decides; rows marked * are its own tests' (httpproxy/proxy_test.go)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.coder.connection import connection_from
from reconciler.coder.proxies import proxy_for
from reconciler.errors import ReconcilerError

PROXY = "http://proxy.example:3128"


def url_of(url: str, environment: Mapping[str, str]) -> str:
    proxy = proxy_for(url, environment)
    return proxy.url if proxy else ""


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://coder.example", {}, ""),
        ("https://coder.example", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://coder.example", {"https_proxy": PROXY}, PROXY),
        ("https://coder.example", {"HTTPS_PROXY": PROXY, "https_proxy": "http://small"}, PROXY),
        ("https://coder.example", {"HTTP_PROXY": PROXY}, ""),
        ("http://coder.example", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://coder.example", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, ""),
        ("http://coder.example", {"HTTPS_PROXY": PROXY}, ""),
        ("http://coder.example", {"HTTP_PROXY": "proxy.example"}, "http://proxy.example"),
        ("http://coder.example", {"HTTP_PROXY": "proxy.example:99"}, "http://proxy.example:99"),
        ("http://coder.example", {"HTTP_PROXY": "https://proxy.example"}, "https://proxy.example"),
        ("https://coder.example", {"ALL_PROXY": PROXY}, PROXY),
        ("https://coder.example", {"ALL_PROXY": "http://all", "HTTPS_PROXY": PROXY}, PROXY),
        ("https://localhost:3000", {"HTTPS_PROXY": PROXY}, ""),
        ("https://127.0.0.9", {"HTTPS_PROXY": PROXY}, ""),
        ("https://[::1]:3000", {"HTTPS_PROXY": PROXY}, ""),
    ],
)
def test_which_proxy_is_named(url: str, environment: dict[str, str], expected: str) -> None:
    assert url_of(url, environment) == expected


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("example.com", "http://example.com", True),  # *
        ("example.com", "http://sub.example.com", True),
        (".example.com", "http://example.com", False),  # *
        (".example.com", "http://sub.example.com", True),  # *
        ("ample.com", "http://example.com", False),  # *
        ("example.com", "http://notexample.com", False),
        ("*.example.com", "http://sub.example.com", True),
        ("*.example.com", "http://a.sub.example.com", True),
        ("*.example.com", "http://example.com", False),
        ("*example.com", "http://example.com", False),
        ("*", "http://example.com", True),  # *
        (" * ", "http://example.com", True),
        ("x.org,*", "http://example.com", True),
        (" x.org , example.com ", "http://example.com", True),
        (",, ,example.com", "http://example.com", True),
        ("EXAMPLE.com", "http://example.COM", True),
        ("example.com:80", "http://example.com", True),  # *
        ("example.com:80", "https://example.com", False),
        ("example.com:443", "https://example.com", True),
        ("example.com:8443", "https://example.com:8443", True),
        ("example.com:*", "http://example.com", False),
        (":80", "http://example.com", False),
        ("192.168.1.1", "http://192.168.1.1", True),
        ("192.168.1.1:99", "http://192.168.1.1", False),
        ("192.168.1.0/24", "http://192.168.1.77", True),  # *
        ("192.168.1.0/24", "http://192.168.2.77", False),  # *
        ("192.168.1.7/24", "http://192.168.1.77", True),
        ("10.0.0.0/8", "http://example.com", False),
        ("10.0.0.0/99", "http://10.0.0.1", False),
        ("fd01::/48", "http://[fd01::7]", True),
        ("fd01::/48", "http://[fd02::7]", False),
        ("fd01::7", "http://[fd01::7]", True),
        ("[fd01::7]", "http://[fd01::7]", True),
        ("[fd01::7]:80", "http://[fd01::7]", True),
        ("[fd01::7]:81", "http://[fd01::7]", False),
        ("[::1]", "http://example.com", False),
        ("::ffff:192.168.1.1", "http://192.168.1.1", True),
        ("bücher.example", "http://xn--bcher-kva.example", True),
        ("..", "http://example.com", False),
        ("http://example.com", "http://example.com", False),
        ("", "http://example.com", False),
    ],
)
def test_whom_no_proxy_names(no_proxy: str, url: str, is_direct: bool) -> None:
    """`[::1]`, `fd01::/48` and `host:*` once ended every command; ranges and `*.domain` were ignored."""
    environment = {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert (url_of(url, environment) == "") is is_direct
    small = {"http_proxy": PROXY, "https_proxy": PROXY, "no_proxy": no_proxy}
    assert (url_of(url, small) == "") is is_direct


@pytest.mark.parametrize(
    "proxy", ["socks5://me:hunter2@p.example:1080", "foo://hunter2", "http://hunter2:port", "http://", "http://a b"]
)
def test_a_proxy_that_cannot_be_used_is_one_sentence(proxy: str) -> None:
    environment = {"CODER_URL": "https://coder.example", "CODER_SESSION_TOKEN": "tok", "ALL_PROXY": proxy}
    with pytest.raises(ReconcilerError, match="ALL_PROXY names a proxy that cannot be used") as caught:
        connection_from(environment, lambda path: None)
    assert "NO_PROXY" in caught.value.hint
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_proxy_that_is_not_used_may_be_anything() -> None:
    assert url_of("https://coder.example", {"HTTPS_PROXY": "foo://x", "NO_PROXY": "coder.example"}) == ""


def test_the_password_of_a_proxy_is_a_secret() -> None:
    proxy = proxy_for("https://coder.example", {"HTTPS_PROXY": "http://me:hunter2@proxy.example:3128"})
    assert proxy is not None
    assert proxy.shown == "http://proxy.example:3128"
    assert "hunter2" not in repr(proxy)
    assert proxy.credentials == ("me:hunter2", "hunter2")
