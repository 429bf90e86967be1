"""What the client's tests share: a sandbox with a reader on it, a world whose time stands still, and canned answers."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.coder.client import CoderReader, World, open_reader
from reconciler.coder.connection import Connection
from reconciler.coder.exchange import Answer, Request
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Options, Sandbox

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
Canned = httpx.Response | Exception | list[httpx.Response]
"""What a path answers; a list answers in turn."""
ID_1, ID_2, ID_3 = (f"abcdef0{number}-0000-4000-8000-000000000000" for number in (1, 2, 3))


@dataclass
class StillWorld:
    """Time passes only by sleeping, and chance always says the same."""

    now_s: float = 1_000.0
    moved_s: float = 0.0
    """How far the time of day moved by itself: while the machine was suspended, or because somebody set the clock."""
    slept: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.now_s += seconds

    def world(self) -> World:
        return World(
            clock=lambda: self.now_s,
            time_of_day=lambda: self.now_s + self.moved_s,
            sleep=self.sleep,
            random=lambda: 0.0,
        )


def connection_to(sandbox: Sandbox, role: str = "user-admin", **settings: Any) -> Connection:
    return Connection(url=sandbox.url, token=sandbox.tokens[role], **settings)


@contextmanager
def sandbox_and_reader(
    version: str = "2.37", *, seed: str = "demo", role: str = "user-admin", **options: Any
) -> Iterator[tuple[Sandbox, CoderReader]]:
    """The reader's clock stands still in 1970, so the sandbox does not tell its time, unless `dated` wants it."""
    settings: dict[str, Any] = {"experiments": (COST_CONTROL_EXPERIMENT,), "dated": False} | options
    with (
        Sandbox(Options(coder_version=version, seed=seed, **settings)) as sandbox,
        open_reader(connection_to(sandbox, role), world=StillWorld().world()) as reader,
    ):
        yield sandbox, reader


def asked(sandbox: Sandbox) -> Counter[str]:
    """Return how often each kind of request was sent: ids as `*`, without the query."""
    return Counter(f"{request.method} {UUID.sub('*', request.path.partition('?')[0])}" for request in sandbox.requests)


def answer(body: object, *, status: int = 200, method: str = "GET", path: str = "/api/v2/x", **fields: Any) -> Answer:
    """Return an answer as the transport would; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    settings = {"content_type": "application/json", "location": ""} | fields
    return Answer(request=Request(method, path), status=status, body=bytearray(raw), **settings)


def refusal(message: str, status: int, *, method: str = "GET", **more: object) -> Answer:
    return answer({"message": message, **more}, status=status, method=method)


def canned(answers: Mapping[str, Canned]) -> tuple[Any, list[httpx.Request]]:
    """Return what makes clients that answer by path, and the requests that they got."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = answers[request.url.path]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return (lambda: httpx.MockTransport(handle)), seen
