"""What a test says to the sandbox and hears from it: options, faults, recorded requests; no behaviour."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FaultKind = Literal["status", "delay", "lost", "reset", "truncate", "change", "expire", "raw"]
Profile = Literal["none", "real"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Say which Coder to be and where to listen.

    `coder_version` is the name of a row of generations.py. `seed` is "demo", "empty", "new",
    "N-users,M-groups[,K-organizations]" or the path of a YAML file. `licensed` is the whole licence, `unlicensed`
    lists features that it lacks, such as "aibridge" or "template_rbac"; `switched_off` lists features that are
    licensed and not enabled. `licence_warnings` are shown by the entitlements. `rate_limit` counts requests per user,
    path and minute; None turns the limiter off. `now` stops the clock, except that each write ticks a microsecond.
    `advance_days` moves clock and spend forward at the start. `profile` "real" makes requests cost what they cost on
    a real server, on top of `latency_s`, which every answer waits. `experimental_spend_route` moves the spend by user
    of 2.38 to the experimental API. `dated` answers have a `Date`, by this server's clock; a proxy may take it off.
    """

    coder_version: str = "2.37"
    seed: str = "demo"
    database: str | None = None
    licensed: bool = True
    unlicensed: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    licence_warnings: tuple[str, ...] = ()
    rate_limit: int | None = None
    latency_s: float = 0.0
    profile: Profile = "none"
    experiments: tuple[str, ...] = ()
    experimental_spend_route: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    now: datetime | None = None
    advance_days: int = 0
    dated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Tell how to reach a sandbox that listens.

    `tokens` holds a token for each role. `control_secret` opens the control interface; every start has a new secret.
    """

    url: str
    tokens: Mapping[str, str]
    control_secret: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Say how the next matching request fails.

    `path` is a glob over the path without its query ("*/ai/budget"; `*` also crosses slashes). The first `after`
    matches pass unharmed, the following `times` are hit. Kinds:

    - `status`: `status`, `body`, `headers` instead of the handler; without a body, a body in Coder's error shape
    - `raw`: the same, and nothing is added: no version header, no content type
    - `delay`: the handler runs at once, its answer leaves after `seconds`, or when `Sandbox.release` is called
    - `lost`: the handler runs and commits, then the connection closes without an answer
    - `reset`: the connection is reset before the handler runs
    - `truncate`: the answer promises its whole length and stops half way
    - `change`: `sql` with `parameters` runs before the handler; `unguarded` runs it without the database's triggers
    - `expire`: the token of the request is expired from now on
    """

    kind: FaultKind
    _: KW_ONLY
    method: str = "*"
    path: str = "*"
    times: int = 1
    after: int = 0
    status: int = 500
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    sql: str = ""
    parameters: tuple[object, ...] = ()
    unguarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """Tell what was asked: `path` with its query, `status` None when the answer was lost or is still to come.

    `user` is the username behind the token, None without a valid token. `body` is the decoded JSON when it is JSON,
    otherwise the bytes, None without a body. `round` is 1 for a request that waited for no other, 2 for a request
    that came after such an answer had left, and so on.
    """

    method: str
    path: str
    status: int | None
    user: str | None
    body: object
    user_agent: str
    time: datetime
    round: int
