"""From a request to what goes back over the wire: recording, faults, rate limit, routing, guards, handler.

Everything here is synchronous and runs on one thread, which makes each request atomic; waiting and closing
connections is left to connection.py, which is told by a Delivery what to do.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .answers import (
    ROUTE_NOT_FOUND,
    TEXT_TYPE,
    Answer,
    Refusal,
    as_json,
    message,
    phrase,
    server_error,
)  # fmt: skip
from .calls import Call, World
from .clock import Clock, as_text
from .control import PREFIX, Control
from .database import Database
from .faults import Faults
from .generations import generation_named
from .limiter import Limiter
from .memo import Memo
from .query import parse_bool
from .recorder import Recorder
from .routes import API, api_routes
from .routing import Match, Router
from .seeds import sow
from .tokens import Identities, find_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .values import Fault, Options

DASHBOARD = b"<!doctype html><html><head><title>Coder</title></head><body>A stand-in for Coder.</body></html>\n"


@dataclass(frozen=True, slots=True)
class Incoming:
    """Be a request as it came over the wire; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    ip: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """Say what to send, after how long, and what becomes of the connection."""

    data: bytes
    delay_s: float = 0.0
    ending: Literal["keep", "close", "reset"] = "keep"


class Application:
    """Be Coder: the state, and the way of each request through it."""

    def __init__(self, options: Options) -> None:
        generation = generation_named(options.coder_version)
        database, clock = Database(options.database), Clock(options.now)
        try:
            self.tokens = sow(database, clock, options.seed)
        except ValueError:
            database.close()
            raise
        self.world = World(options, generation, database, clock, Memo(database))
        self.faults = Faults()
        self.recorder = Recorder()
        self.url = ""
        self._control = Control(database, self.faults, self.recorder)
        self._identities = Identities(self.world)
        self._limiter = Limiter(options.rate_limit) if options.rate_limit and options.rate_limit > 0 else None
        self._router = Router(api_routes(generation))

    def close(self) -> None:
        """Close the database."""
        self.world.database.close()

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one request, or fail as a queued fault wants it."""
        path, _, query_text = incoming.target.partition("?")
        if path.startswith(PREFIX):
            return self._delivery(incoming, self._control.answer(incoming.method, path, incoming.body))
        identity = self._identities.of(find_token(incoming.headers, query_text))
        user = None if isinstance(identity, Refusal) else identity.username
        request = self.recorder.arrived(
            incoming.method,
            incoming.target,
            incoming.body,
            incoming.headers.get("user-agent", ""),
            user,
            self.world.clock.now(),
        )
        fault = self.faults.take(incoming.method, path)
        if fault is not None and fault.kind == "reset":
            return Delivery(b"", ending="reset")
        if fault is not None and fault.kind in ("status", "raw"):
            answer = _faulty(fault)
        else:
            call = Call(
                world=self.world, method=incoming.method, path=path, query_text=query_text,
                headers=incoming.headers, body=incoming.body, ip=incoming.ip, url=self.url, identity=identity,
            )  # fmt: skip
            answer = self._answer(call, fault)
        if fault is not None and fault.kind == "lost":
            return Delivery(b"", ending="close")
        self.recorder.answered(request, answer.status)
        return self._delivery(incoming, answer, fault)

    def _answer(self, call: Call, fault: Fault | None) -> Answer:
        headers: tuple[tuple[str, str], ...] = ()
        try:
            if fault is not None:
                self._disturb(call, fault)
            if not call.path.startswith(API):
                return _outside(call.path)
            headers = self._limit(call)
            answer = self._route(call)
        except Refusal as refused:
            answer = refused.answer
        except Exception as error:  # noqa: BLE001  # as Coder: what nobody foresaw is a 500, and it is shown
            traceback.print_exc(file=sys.stderr)
            answer = server_error(f"{type(error).__name__}: {error}").answer
        if not headers:
            return answer
        return Answer(answer.status, answer.body, answer.content_type, (*answer.headers, *headers))

    def _disturb(self, call: Call, fault: Fault) -> None:
        """Change what a fault of kind `change` or `expire` wants changed, before anything is looked at."""
        token = find_token(call.headers, call.query_text)
        match fault.kind:
            case "change":
                self.world.database.run(fault.sql, *fault.parameters)
            case "expire":
                sql = "UPDATE api_keys SET expires_at = ? WHERE id = ?"
                self.world.database.run(sql, as_text(self.world.clock.now()), token.partition("-")[0])
            case _:
                return
        call.identity = self._identities.of(token)

    def _limit(self, call: Call) -> tuple[tuple[str, str], ...]:
        if self._limiter is None:
            return ()
        caller = None if isinstance(call.identity, Refusal) else call.identity
        if parse_bool(call.headers.get("x-coder-bypass-ratelimit", "")):
            if caller is not None and "owner" in caller.roles:
                return ()
            text = '"X-Coder-Bypass-Ratelimit" provided but user is not owner\n'
            raise Refusal(Answer(428, text.encode(), TEXT_TYPE))
        key = f"{caller.id if caller else call.ip} {call.path}"
        verdict = self._limiter.ask(key, call.world.clock.now().timestamp())
        if not verdict.allowed:
            text = f"You've been rate limited for sending more than {self._limiter.limit} requests in 1m0s."
            answer = message(text, 429)
            raise Refusal(Answer(429, answer.body, headers=verdict.headers))
        return verdict.headers

    def _route(self, call: Call) -> Answer:
        match: Match = self._router.find(call.method, call.path[len(API) :])
        if match.route is None:
            if match.allowed:
                return Answer(405, headers=(("Allow", ", ".join(match.allowed)),))
            return message(ROUTE_NOT_FOUND, 404)
        call.parameters = match.parameters
        for guard in match.route.guards:
            guard(call)
        return match.route.handler(call)

    def _delivery(self, incoming: Incoming, answer: Answer, fault: Fault | None = None) -> Delivery:
        raw = fault is not None and fault.kind == "raw"
        lines = [f"HTTP/1.1 {answer.status} {phrase(answer.status)}"]
        if answer.status != 204 and not (raw and _has(answer, "content-length")):
            lines.append(f"Content-Length: {len(answer.body)}")
        if not raw:
            lines.append(f"X-Coder-Build-Version: {self.world.generation.version}")
            if answer.body:
                lines.append(f"Content-Type: {answer.content_type}")
        lines += [f"{name}: {value}" for name, value in answer.headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        body = b"" if incoming.method == "HEAD" else answer.body
        delay_s = self.world.options.latency_s
        if fault is not None and fault.kind == "delay":
            delay_s += fault.seconds
        if fault is not None and fault.kind == "truncate":
            return Delivery(head + body[: len(body) // 2], delay_s, "close")
        return Delivery(head + body, delay_s)


def _outside(path: str) -> Answer:
    """Answer as Coder's dashboard does, which takes every path that is not of the API."""
    if path == "/healthz":
        return Answer(200, b"OK", TEXT_TYPE)
    if path.startswith("/api/"):
        return message(ROUTE_NOT_FOUND, 404)
    return Answer(200, DASHBOARD, "text/html; charset=utf-8")


def _faulty(fault: Fault) -> Answer:
    headers = tuple((str(name), str(value)) for name, value in fault.headers.items())
    match fault.body:
        case None if fault.kind == "status":
            body = message(phrase(fault.status) or "Fault", fault.status).body
        case None:
            body = b""
        case bytes() as data:
            body = data
        case str() as text:
            body = text.encode()
        case value:
            body = as_json(value).encode()
    return Answer(fault.status, body, headers=headers)


def _has(answer: Answer, header: str) -> bool:
    return any(name.lower() == header for name, _ in answer.headers)
