"""A running sandbox as the tests see it: ids by name, and calls with a role's token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from reconciler.sandbox import SECRET_HEADER, Sandbox
from tests.wire import WireClient

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}


def new_client(base_url: str = "") -> httpx.Client:
    """Return a client for sandboxes."""
    return WireClient(base_url=base_url)


@dataclass(frozen=True, slots=True)
class World:
    """Hold a sandbox and a client of it."""

    sandbox: Sandbox
    client: httpx.Client

    def call(self, method: str, path: str, *, role: str = "owner", **more: Any) -> httpx.Response:
        """Send a call below /api/v2 or to a whole path, with the token of a role or a token; "nobody" sends none."""
        headers = dict(more.pop("headers", {}))
        if role != "nobody":
            headers["Coder-Session-Token"] = self.sandbox.tokens.get(role, role)
        whole = path if path.startswith("/api/") else "/api/v2" + path
        return self.client.request(method, whole, headers=headers, **more)

    def get(self, path: str, *, role: str = "owner", **more: Any) -> httpx.Response:
        """Send a GET."""
        return self.call("GET", path, role=role, **more)

    def put(self, path: str, body: Any, *, role: str = "owner", **more: Any) -> httpx.Response:
        """Send a PUT of JSON."""
        return self.call("PUT", path, role=role, json=body, **more)

    def control(
        self, method: str, name: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a request to the control interface, with its secret."""
        secret = {SECRET_HEADER: self.sandbox.control_secret}
        content = {} if body is None else {"json": body}
        return self.client.request(method, f"/_sandbox/{name}", headers=secret | (headers or {}), **content)

    def user(self, username: str) -> str:
        """Return the id of a user."""
        return str(self.sandbox.execute("SELECT id FROM users WHERE username = ?", (username,))[0][0])

    def group(self, address: str) -> str:
        """Return the id of a group addressed as organization/name."""
        sql = (
            "SELECT g.id FROM groups g JOIN organizations o ON o.id = g.organization_id WHERE o.name = ? AND g.name = ?"
        )
        return str(self.sandbox.execute(sql, address.split("/"))[0][0])

    def organization(self, name: str) -> str:
        """Return the id of an organization."""
        return str(self.sandbox.execute("SELECT id FROM organizations WHERE name = ?", (name,))[0][0])


Start = Callable[..., World]
