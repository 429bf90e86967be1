"""The control interface under `/_sandbox`, no part of Coder's API: faults, recorded requests, the database."""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from .answers import Answer, Refusal, json_answer, message
from .clock import as_text
from .control_guard import require_control
from .faults import fault_from

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from .database import Database
    from .faults import Faults
    from .recorder import Recorder
    from .values import Request

PREFIX = "/_sandbox"

_EFFECTIVE = """
SELECT e.user_id, u.username, e.spend_limit_micros, e.limit_source, e.effective_group_id
FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE NOT u.deleted AND NOT u.is_system ORDER BY u.username
"""

Effective = tuple[str, str, int | None, str | None, str | None]


def effective(database: Database) -> list[Effective]:
    """Return user id, username, limit, source and effective group of everybody, by the sandbox's own SQL."""
    return [(row[0], row[1], row[2], row[3], row[4]) for row in database.rows(_EFFECTIVE)]


class Control:
    """Answer the control requests; they are not recorded, and need this start's secret instead of a token."""

    def __init__(self, database: Database, faults: Faults, recorder: Recorder) -> None:
        self._database = database
        self._faults = faults
        self._recorder = recorder
        self.secret = secrets.token_urlsafe(32)
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what is asked; what cannot be done is a 400 that says why."""
        try:
            body = await HttpRequest(scope, receive).body()
        except ClientDisconnect:
            return
        try:
            require_control(Headers(scope=scope), secret=self.secret, url=self.url, has_body=bool(body))
            name = scope["path"].removeprefix(PREFIX + "/")
            answer = self._answer(scope["method"], name, json.loads(body) if body else {})
        except Refusal as refused:
            answer = refused.answer
        except (ValueError, TypeError, KeyError, sqlite3.Error) as error:
            answer = message(f"{type(error).__name__}: {error}", 400)
        await answer(scope, receive, send)

    def _answer(self, method: str, name: str, body: Any) -> Answer:
        match method, name:
            case "POST", "faults":
                self._faults.add(fault_from(body))
                return Answer(204)
            case "DELETE", "faults":
                self._faults.clear()
                return Answer(204)
            case "GET", "requests":
                return json_answer([_recorded(request) for request in self._recorder.requests])
            case "DELETE", "requests":
                self._recorder.forget()
                return Answer(204)
            case "POST", "execute":
                rows = self._database.run_foreign(body["sql"], *body.get("parameters", ()))
                return json_answer([list(row) for row in rows])
            case "GET", "effective":
                return json_answer(effective(self._database))
            case _:
                return message(f"No such control: {method} {PREFIX}/{name}", 404)


def _recorded(request: Request) -> dict[str, Any]:
    body = request.body
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    return asdict(request) | {"body": body, "time": as_text(request.time)}
