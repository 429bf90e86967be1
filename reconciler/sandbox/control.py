"""The control interface under `/_sandbox`, not part of Coder's API: faults, recorded requests, SQL, clock and spend."""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers

from .answers import Answer, Refused, json_answer, message
from .clock import as_text
from .connection import body_of
from .control_guard import require_control
from .effective import effective
from .faults import fault_from
from .spending import advance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from .calls import World
    from .faults import Faults
    from .recorder import Recorder
    from .values import RecordedRequest

PREFIX = "/_sandbox"
_CROSSINGS = "SELECT user_id, period_start, percent, day FROM ai_budget_crossings ORDER BY 2, 4, 1, 3"


class Control:
    """Answer the control requests; they are not recorded, and need this start's secret instead of a token."""

    def __init__(self, world: World, faults: Faults, recorder: Recorder) -> None:
        self._world = world
        self._faults = faults
        self.secret = secrets.token_urlsafe(32)
        self.url = ""
        self._actions: Mapping[tuple[str, str], Callable[[Any], object]] = {
            ("POST", "faults"): lambda body: faults.add(fault_from(body)),
            ("DELETE", "faults"): lambda _: faults.clear(),
            ("GET", "requests"): lambda _: [_recorded(request) for request in recorder.requests],
            ("DELETE", "requests"): lambda _: recorder.forget(),
            ("GET", "critical-path"): lambda _: [_recorded(request) for request in recorder.critical_path()],
            ("POST", "execute"): self._execute,
            ("GET", "crossings"): lambda _: [list(row) for row in world.database.rows(_CROSSINGS)],
            ("GET", "effective"): lambda _: effective(world.database),
            ("GET", "clock"): lambda _: self._clock(),
            ("PUT", "clock"): self._set_clock,
            ("POST", "advance"): self._advance,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what is asked; a request that cannot be fulfilled is a 400 that says why."""
        body = await body_of(receive)
        if body is None:
            return
        try:
            require_control(Headers(scope=scope), secret=self.secret, url=self.url, has_body=bool(body))
            answer = self._answer(scope["method"], scope["path"].removeprefix(PREFIX + "/"), body)
        except Refused as refused:
            answer = refused.answer
        except (ValueError, TypeError, KeyError, OverflowError, sqlite3.Error) as error:
            answer = message(f"{type(error).__name__}: {error}", 400)
        await answer(scope, receive, send)

    def _answer(self, method: str, name: str, body: bytes) -> Answer:
        action = self._actions.get((method, name))
        if action is None:
            known = ", ".join(f"{method} {name}" for method, name in self._actions)
            return message(f"{method} {PREFIX}/{name} does not exist; there are {known}", 404)
        result = action(json.loads(body) if body else {})
        return Answer(204) if result is None else json_answer(result)

    def _execute(self, body: Mapping[str, Any]) -> list[list[object]]:
        parameters: Sequence[object] = body.get("parameters", ())
        rows = self._world.database.run_foreign(body["sql"], *parameters, unguarded=bool(body.get("unguarded", False)))
        return [list(row) for row in rows]

    def _clock(self) -> dict[str, object]:
        clock = self._world.clock
        return {"now": as_text(clock.now()), "stopped": clock.is_stopped}

    def _set_clock(self, body: Mapping[str, Any]) -> dict[str, object]:
        now = datetime.fromisoformat(body["now"])
        if now.tzinfo is None:
            raise ValueError(f"now {body['now']!r} needs an offset; write 2027-01-01T00:00:00Z")
        self._world.clock.set(now, stopped=bool(body.get("stopped", True)))
        return self._clock()

    def _advance(self, body: Mapping[str, Any]) -> dict[str, object]:
        advance(self._world, int(body["days"]))
        return self._clock()


def _recorded(request: RecordedRequest) -> dict[str, Any]:
    body = request.body
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    return asdict(request) | {"body": body, "time": as_text(request.time)}
