"""Where Coder is and how to speak to it: a frozen value, and the pure way from an environment to it.

Reads no environment and no file by itself: both are handed in. Opens no connection. The token and the extra headers are
secret: no repr and no message shows them, and a token from the Coder CLI's files goes only to the URL beside it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import PurePath
from urllib.parse import urlsplit

from reconciler.coder.proxies import Proxy, is_this_machine, proxy_for
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError

DEFAULT_WAIT_BUDGET_S = 300.0

_TOKEN = re.compile(r"[!-~]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_OURS = frozenset({"coder-session-token", "host", "content-length", "content-type", "transfer-encoding", "connection"})

ReadFile = Callable[[PurePath], str | None]
"""Return a file's text, None when there is no such file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach one deployment, and how hard to try."""

    url: str
    """Normalised: scheme and host, no trailing slash, no `/api/v2`."""
    token: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with every request (CODER_HEADER)."""
    parallelism: int | None = None
    """Requests in flight at once; None to find it out from the answers (width.py)."""
    is_for_writes: bool = False
    """Writes get at most half of what reads get, where it is found out."""
    max_requests: int | None = None
    """A batch of reads that would exceed it is not begun."""
    wait_budget_s: float = DEFAULT_WAIT_BUDGET_S
    """Seconds that the whole run may spend waiting before it gives up (rate limits, restarts of the server)."""

    proxy: Proxy | None = None
    """None for a direct connection. The environment was asked when this value was made, and is not asked again."""

    @property
    def is_readable(self) -> bool:
        """Whether somebody on the way can read the token: http, to another machine."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not is_this_machine(parts.hostname or "")

    @property
    def secrets(self) -> tuple[str, tuple[str, ...]]:
        """The token, and what else must not be shown, should a server echo it."""
        credentials = self.proxy.credentials if self.proxy is not None else ()
        return self.token, (*(value for _, value in self.headers), *credentials)


def connection_from(environment: Mapping[str, str], read_file: ReadFile, *, platform: str = "linux") -> Connection:
    """Return the connection that CODER_URL, CODER_SESSION_TOKEN and CODER_HEADER name, else the Coder CLI's login.

    `platform` is sys.platform. Raises ReconcilerError when there is no URL, no token, or one of them is not usable.
    Source: coder-api section 5; the same variables as the Coder CLI and the Terraform provider.
    """
    login_url, login_token = _read_login(environment, read_file, platform)
    given_url = _unquoted(environment.get("CODER_URL", ""))
    if not given_url and not login_url:
        raise ReconcilerError(
            "There is no Coder URL.", hint="set CODER_URL to your deployment, such as https://coder.example.com"
        )
    url = normalise_url(given_url or login_url)
    headers = parse_headers(environment.get("CODER_HEADER", ""))
    token = _unquoted(environment.get("CODER_SESSION_TOKEN", "")) or _token_for(url, login_url, login_token)
    if not _TOKEN.fullmatch(token):
        raise ReconcilerError(
            "The session token contains spaces or characters that are not plain ASCII.",
            hint="set CODER_SESSION_TOKEN to the token alone",
        )
    return Connection(url=url, token=token, headers=headers, proxy=proxy_for(url, environment))


def _unquoted(text: str) -> str:
    """Return a value without blanks and quotes around it: `docker run --env-file` keeps quotes."""
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if is_quoted else text


def normalise_url(text: str) -> str:
    """Return scheme, host and path without `/api/v2` and slashes at the end; https where no scheme is given.

    Raises ReconcilerError for what is not the URL of a deployment. Only `localhost` without a scheme is http.
    """
    text = text.strip()
    if "://" not in text:
        text = ("http://" if re.match(r"localhost(:|/|$)", text) else "https://") + text
    hint = "write it like https://coder.example.com"
    if "@" in text.split("://", 1)[1].split("/", 1)[0]:
        raise ReconcilerError("The Coder URL must not have a user name or password in it.", hint=hint)
    try:
        parts = urlsplit(text)
        (parts.hostname or "").encode("idna")
        is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or not text.isprintable() or re.search(r"[\s\\]", text):
        raise ReconcilerError(f"The Coder URL {text!r} is not a URL.", hint=hint)
    if parts.scheme not in ("http", "https"):
        raise ReconcilerError(
            f"The Coder URL has scheme {parts.scheme}, which is not supported; use https or http.", hint=hint
        )
    if parts.query or parts.fragment:
        raise ReconcilerError("The Coder URL must not have a query or a fragment.", hint=hint)
    path = parts.path.rstrip("/").removesuffix("/api/v2").rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Read CODER_HEADER: `name=value`, several separated by commas, quoted as in CSV.

    Raises ReconcilerError for anything else; the message shows no value.
    """
    try:
        items = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise ReconcilerError("CODER_HEADER is not one line of CSV.", hint="write name=value, with commas") from error
    headers = []
    for number, item in enumerate(items, start=1):
        name, equals, value = item.strip().partition("=")
        if not equals or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ReconcilerError(
                f"Entry {number} of CODER_HEADER is not a header.", hint="write name=value, several with commas"
            )
        if name.lower() in _OURS:
            raise ReconcilerError(
                f"CODER_HEADER must not set {name}; reconciler sets it.", hint=f"remove {name} from CODER_HEADER"
            )
        headers.append((name, value))
    return tuple(headers)


def login_directory(environment: Mapping[str, str], platform: str) -> PurePath:
    """Return where the Coder CLI keeps its login. Source: coder-api section 5."""
    if named := environment.get("CODER_CONFIG_DIR"):
        return PurePath(named)
    home = PurePath(environment.get("HOME", "/"))
    if platform == "darwin":
        return home / "Library" / "Application Support" / "coderv2"
    return PurePath(environment.get("XDG_CONFIG_HOME") or home / ".config") / "coderv2"


def _read_login(environment: Mapping[str, str], read_file: ReadFile, platform: str) -> tuple[str, str]:
    if environment.get("CODER_URL") and environment.get("CODER_SESSION_TOKEN"):
        return "", ""
    directory = login_directory(environment, platform)
    return (read_file(directory / "url") or "").strip(), (read_file(directory / "session") or "").strip()


def _token_for(url: str, login_url: str, login_token: str) -> str:
    hint = "set CODER_SESSION_TOKEN, for instance to what `coder tokens create` prints"
    if not login_token:
        raise ReconcilerError(f"There is no session token for {url}.", hint=hint)
    if not login_url or normalise_url(login_url) != url:
        raise ReconcilerError(f"The Coder CLI is logged in, but not to {url}; its token is not sent there.", hint=hint)
    return login_token
