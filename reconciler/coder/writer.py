"""The writer of one run: one subject, one request, sent once. It reads nothing but the answer.

Satisfies operations' `Writer` without importing it. Coder takes a body without `spend_limit_micros` for a limit of $0,
so the body is built in one place and the echo is decoded strictly; comparing the two is the caller's duty.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import AbstractContextManager
from typing import Self, assert_never

from reconciler import __version__
from reconciler.coder import paths
from reconciler.coder.answers import error_of
from reconciler.coder.discovery import find_override_route
from reconciler.coder.exchange import Request
from reconciler.coder.routes import Route
from reconciler.coder.single import decode_group_budget, decode_override
from reconciler.coder.transport import Transport
from reconciler.core.budget import Budget
from reconciler.core.directory import Group, Subject, User
from reconciler.errors import RejectedError

_AGENT_SUFFIX = re.compile(r"[ -~]{0,100}")


class CoderWriter:
    """Writes budgets and overrides of one deployment. Every thread may use it."""

    def __init__(self, transport: Transport, *, user_agent_suffix: str = "") -> None:
        if not _AGENT_SUFFIX.fullmatch(user_agent_suffix):
            raise ValueError("a User-Agent is plain text of at most 100 characters")
        self._transport = transport
        self._user_agent = f"reconciler/{__version__} {user_agent_suffix}".strip()
        self._route: Route | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def turn(self) -> AbstractContextManager[None]:
        """Wait until one more action may begin: as many as the server takes writes at once, and some that read."""
        return self._transport.turn()

    def prepare(self, subject: Subject) -> None:
        """Find out the route of overrides, which may take waits: so it is asked for before the read before a write.

        Raises ServerError where it cannot be asked for.
        """
        if isinstance(subject, User):
            self._override_route()

    def put(self, subject: Subject, budget: Budget) -> Budget:
        """Create or change a budget or override; return it as Coder echoed it. Sent once.

        Raises RejectedError when it certainly did not happen (RetryLaterError when it may be sent again after a wait
        and a new read), DeniedError when the token is no longer valid (then it did not happen either),
        UnreachableError when nobody knows.
        """
        body: dict[str, object] = {"spend_limit_micros": int(budget.limit_micros)}
        if isinstance(subject, User):
            body["group_id"] = str(budget.group.id)
        request = self._request("PUT", subject, json.dumps(body).encode())
        answer = self._transport.send(request)
        return decode_group_budget(answer) if isinstance(subject, Group) else decode_override(answer)

    def delete(self, subject: Subject) -> None:
        """Remove a budget or override.

        Raises NotFoundError when Coder says 404, which may mean *forbidden*, and what `put` raises.
        """
        request = self._request("DELETE", subject)
        answer = self._transport.send(request)
        if answer.status != 204:  # 200 is how a proxy's login page comes, and then nothing was deleted
            raise error_of(answer)

    def pause(self, seconds: float) -> None:
        """Wait between two attempts. Raises ReconcilerError when the run may not wait that long, or is interrupted."""
        self._transport.pause(seconds)

    def _request(self, method: str, subject: Subject, body: bytes | None = None) -> Request:
        match subject:
            case Group():
                path = paths.group_budget(subject.id)
            case User():
                path = paths.user_override(subject.id, self._override_route())
            case _:
                assert_never(subject)
        return Request(method, path, body=body, user_agent=self._user_agent)

    def _override_route(self) -> str:
        """Return the route of overrides, asking for it once."""
        with self._lock:
            if self._route is None:
                self._route = find_override_route(self._transport)
            if not self._route.suffix:
                raise RejectedError(self._route.missing)
            return self._route.suffix
