"""From a request to its answer: recording, faults, rate limit, then the routes.

A request is handled on one thread without waiting, from its last byte until everything in its answer is known, which
makes each request atomic. Only then the answer waits for the network, the capacity of a real server or a fault, and
leaves; a long one leaves in pieces, and others are answered between them.
"""

from __future__ import annotations

import asyncio
import re
import sys
import traceback
from functools import cache
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from .answers import (
    JSON_TYPE,
    ROUTE_NOT_FOUND,
    TEXT_TYPE,
    Answer,
    Refused,
    as_json,
    message,
    phrase,
    server_error,
)  # fmt: skip
from .calls import Call, World
from .clock import Clock, as_text
from .connection import Delays, body_of, close, is_closing, reset, stays_until
from .control import PREFIX, Control
from .database import Database
from .effective import create_view
from .faults import Faults
from .generations import generation_named
from .latency import Capacity, cost_s
from .limiter import Limiter
from .memo import Memo
from .query import parse_bool
from .recorder import Recorder
from .routes import API, EXPERIMENTAL_API, api_routes, experimental_routes
from .routing import Routes
from .seeds import sow
from .seeds.price_book import apply_price_book
from .spending import advance
from .tokens import HEADER, Identities, find_token, token_in_cookie

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from .generations import Generation
    from .values import Fault, Options

DASHBOARD = b"<!doctype html><html><head><title>Coder</title></head><body>A stand-in for Coder.</body></html>\n"


_REPEATED_SLASHES = re.compile("/{2,}")
_CSRF_COOKIE = "csrf_token=SandboxTokenNotASecret; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
_CSRF_REFUSAL = "Something is wrong with your CSRF token. Please refresh the page.\n"


class Application:
    """Be Coder: the state, and the way of each request through it; an ASGI application."""

    def __init__(self, options: Options) -> None:
        generation = generation_named(options.coder_version)
        database, clock = Database(options.database), Clock(options.now)
        self.world = World(options=options, generation=generation, database=database, clock=clock, memo=Memo(database))
        try:
            create_view(database, is_older=generation.ties_by_name)
            self.tokens = sow(database, clock, options.seed, is_older=generation.ties_by_name)
            if generation.model_prices:
                apply_price_book(database, clock)
            if options.advance_days:
                advance(self.world, options.advance_days)
        except ValueError:
            database.close()
            raise
        self.faults = Faults()
        self.delays = Delays()
        self.recorder = Recorder()
        self.url = ""
        self._identities = Identities(self.world)
        self._limiter = Limiter(limit=options.rate_limit) if options.rate_limit and options.rate_limit > 0 else None
        self._capacity = Capacity() if options.profile == "real" else None
        self._version = (b"x-coder-build-version", generation.version.encode())
        self._routes = _routes_of(generation, experimental_spend=options.experimental_spend_route)
        self.control = Control(self.world, self.faults, self.recorder)

    def close(self) -> None:
        """Close the database."""
        self.world.database.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as Coder or as the control interface, which no fault hits."""
        entrance = self.control if scope["path"].startswith(PREFIX + "/") else self._coder
        await entrance(scope, receive, send)

    async def _coder(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as Coder, or fail as a queued fault wants it."""
        arrived_s = asyncio.get_running_loop().time()
        body = await body_of(receive)
        if body is None:
            return
        call = self._call(scope, body)
        query = f"?{call.query_text}" if call.query_text else ""
        user = None if isinstance(call.identity, Refused) else call.identity.username
        agent = call.headers.get("user-agent", "")
        now = self.world.clock.now()
        record = self.recorder.arrived(
            method=call.method, path=call.path + query, body=call.body, user_agent=agent, user=user, time=now
        )
        fault = self.faults.take(call.method, call.path)
        kind = fault.kind if fault is not None else None
        if kind == "reset":
            self.recorder.answer_left(record)
            await reset(scope, receive)
            return
        answer, limit = self._answer(call, fault)
        if kind == "lost":
            self.recorder.answer_left(record)
            await close(scope, receive)
            return
        is_old = scope["http_version"] == "1.0"
        if fault is not None or self._capacity is not None or is_old:
            answer.complete(tells_length=is_old)
        self.recorder.answered(record, answer.status_code)
        headers = [*answer.raw_headers, *((name.encode(), value.encode()) for name, value in limit)]
        if kind != "raw":
            headers += [*self._common_headers(call), *self._date(fault)]
        is_there = await self._take_time(call, fault, receive, arrived_s=arrived_s, size_bytes=len(answer.body))
        if not is_there:
            self.recorder.answer_left(record)
            return
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        last = await _send_all_but_the_last(answer, scope, send)
        self.recorder.answer_left(record)
        if kind == "truncate":
            await send({"type": "http.response.body", "body": last[: len(last) // 2], "more_body": True})
            await close(scope, receive)
        else:
            await send({"type": "http.response.body", "body": last})

    async def _take_time(
        self, call: Call, fault: Fault | None, receive: Receive, *, arrived_s: float, size_bytes: int
    ) -> bool:
        """Wait as long as a server at the end of this network takes; return False when the client has left."""
        if self._capacity is not None:
            end = self._capacity.serve(arrived_s, cost_s(call.method, call.path, size_bytes))
            if not end.done() and not await stays_until(receive, end):
                return False
        delay_s = self.world.options.latency_s + (fault.seconds if fault is not None and fault.kind == "delay" else 0.0)
        return delay_s <= 0 or await self.delays.stays(receive, delay_s)

    def _common_headers(self, call: Call) -> list[tuple[bytes, bytes]]:
        """Return the headers that every answer of Coder has."""
        headers = [self._version, (b"x-coder-request-id", call.request_id.encode()), (b"vary", b"Cookie")]
        if b"csrf_token" not in call.headers.get("cookie", "").encode():
            headers.append((b"set-cookie", _CSRF_COOKIE.encode()))
        if not isinstance(call.identity, Refused):
            warnings = self.world.options.licence_warnings
            headers += [(b"x-coder-entitlements-warning", warning.encode()) for warning in warnings]
        return headers

    def _date(self, fault: Fault | None) -> list[tuple[bytes, bytes]]:
        """Return the time by this server's clock, as every answer of Go's servers has it; a fault may bring its own."""
        is_told = fault is not None and any(name.lower() == "date" for name in fault.headers)
        return [(b"date", self.world.clock.date())] if self.world.options.dated and not is_told else []

    def _call(self, scope: Scope, body: bytes) -> Call:
        """Make a call of a request. Its path is as it was sent, because a `%2F` ends no segment, but without repeated
        slashes.
        """
        raw_path, query_text = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        path = _REPEATED_SLASHES.sub("/", raw_path)
        headers = Headers(scope=scope)
        ip, _ = scope["client"] or ("", 0)  # none, if the client left before
        return Call(
            world=self.world, method=scope["method"], path=path, query_text=query_text, headers=headers, body=body,
            ip=ip, url=self.url, identity=self._identities.of(find_token(headers, query_text)),
        )  # fmt: skip

    def _answer(self, call: Call, fault: Fault | None) -> tuple[Answer, tuple[tuple[str, str], ...]]:
        """Return an answer, and its headers about the rate limit."""
        limit: tuple[tuple[str, str], ...] = ()
        try:
            if fault is not None and fault.kind in ("status", "raw"):
                raise Refused(_faulty(fault))
            if fault is not None:
                self._disturb(call, fault)
            if call.path.startswith("/api/"):
                limit = self._limit(call)
                _require_no_cross_site_write(call)
            path = call.path.rstrip("/") or "/"
            return self._routes.answer(call, path) or _outside(path), limit
        except Refused as refused:
            return refused.answer, limit
        except Exception as error:  # noqa: BLE001  # as Coder: any other error is a 500, and is printed
            traceback.print_exc(file=sys.stderr)
            return server_error(f"{type(error).__name__}: {error}").answer, limit

    def _disturb(self, call: Call, fault: Fault) -> None:
        """Change what a fault of kind `change` or `expire` wants changed, before anything is looked at."""
        token = find_token(call.headers, call.query_text)
        match fault.kind:
            case "change":
                self.world.database.run_foreign(fault.sql, *fault.parameters, unguarded=fault.unguarded)
            case "expire":
                sql = "UPDATE api_keys SET expires_at = ? WHERE id = ?"
                self.world.database.run(sql, as_text(self.world.clock.now()), token.partition("-")[0])
            case _:
                return
        call.identity = self._identities.of(token)

    def _limit(self, call: Call) -> tuple[tuple[str, str], ...]:
        if self._limiter is None:
            return ()
        caller = None if isinstance(call.identity, Refused) else call.identity
        if parse_bool(call.headers.get("x-coder-bypass-ratelimit", "")):
            if caller is not None and "owner" in caller.roles:
                return ()
            text = '"X-Coder-Bypass-Ratelimit" provided but user is not owner\n'
            raise Refused(Answer(428, text.encode(), TEXT_TYPE))
        key = f"{caller.id if caller else call.ip} {call.path}"
        verdict = self._limiter.ask(key, call.world.clock.now().timestamp())
        if not verdict.allowed:
            text = f"You've been rate limited for sending more than {self._limiter.limit} requests in 1m0s."
            answer = message(text, 429)
            answer.headers.update(dict(verdict.headers))
            raise Refused(answer)
        return verdict.headers


async def _send_all_but_the_last(answer: Answer, scope: Scope, send: Send) -> bytes:
    """Send the pieces of an answer until the client has left; return the last one, which is all of a short answer."""
    last = bytes(answer.body)
    for piece in answer.rest:
        await send({"type": "http.response.body", "body": last, "more_body": True})
        if is_closing(scope):
            break
        last = piece
    return last


def _require_no_cross_site_write(call: Call) -> None:
    """Refuse a write whose token came as a cookie, as a browser would send it for any page."""
    if call.method in ("GET", "HEAD", "OPTIONS", "TRACE") or not token_in_cookie(call.headers):
        return
    if not call.headers.get(HEADER) and not call.headers.get("authorization", ""):
        raise Refused(Answer(400, _CSRF_REFUSAL.encode(), TEXT_TYPE))


@cache
def _routes_of(generation: Generation, *, experimental_spend: bool) -> Routes:
    """Return the routes of a generation; they hold no state, so all sandboxes of a process share them."""
    return Routes(
        {
            API: api_routes(generation, experimental_spend=experimental_spend),
            EXPERIMENTAL_API: experimental_routes(generation, experimental_spend=experimental_spend),
        }
    )


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
            body = bytes(message(phrase(fault.status) or "Fault").body)
        case None:
            body = b""
        case bytes() as data:
            body = data
        case str() as text:
            body = text.encode()
        case value:
            body = as_json(value).encode()
    return Answer(fault.status, body, JSON_TYPE if fault.kind == "status" else "", headers=headers)
