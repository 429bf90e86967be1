"""What a test says to the sandbox and hears from it: options, faults and recorded requests; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FaultKind = Literal["status", "delay", "lost", "reset", "truncate", "change", "expire", "raw"]


@dataclass(frozen=True, slots=True)
class Options:
    """Say which Coder to be and where to listen.

    `coder_version` is "2.34", "2.35", "2.36", "2.37" or "2026-05-29". `seed` is "demo", "empty", "new",
    "N-users,M-groups[,K-organizations]" or the path of a YAML file. `licensed` is the whole licence, `unlicensed`
    lists features that it lacks, such as "aibridge" or "template_rbac". `rate_limit` counts requests per user, path
    and minute; None turns the limiter off. `now` stops the clock, except that writes still tick by a microsecond.
    """

    coder_version: str = "2.37"
    seed: str = "demo"
    database: str | None = None
    licensed: bool = True
    unlicensed: tuple[str, ...] = ()
    rate_limit: int | None = None
    latency_s: float = 0.0
    experiments: tuple[str, ...] = ("ai-gateway-cost-control",)
    host: str = "127.0.0.1"
    port: int = 0
    now: datetime | None = None


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
    """Say how the next matching request shall fail.

    `path` is a glob over the path without its query ("*/ai/budget"; `*` also crosses slashes). The first `after`
    matches pass unharmed, the following `times` are hit. Kinds:

    - `status`: `status`, `body`, `headers` instead of the handler; without a body, one in Coder's error shape
    - `raw`: the same, and nothing is added: no version header, no content type
    - `delay`: the handler runs at once, its answer leaves after `seconds`, or when `Sandbox.release` is called
    - `lost`: the handler runs and commits, then the connection closes without an answer
    - `reset`: the connection is reset before the handler runs
    - `truncate`: the answer promises its whole length and stops half way
    - `change`: `sql` with `parameters` runs before the handler
    - `expire`: the token of the request is expired from now on
    """

    kind: FaultKind
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


@dataclass(frozen=True, slots=True)
class Request:
    """Tell what was asked: `path` with its query, `status` None when the answer was lost or is still to come.

    `user` is the username behind the token, None without a valid one. `body` is the decoded JSON when it is
    JSON, otherwise the bytes, None when there was none.
    """

    method: str
    path: str
    status: int | None
    user: str | None
    body: object
    user_agent: str
    time: datetime
