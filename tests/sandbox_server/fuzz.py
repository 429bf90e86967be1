"""Requests made at random from the routes and types of a strict client: half of them sensible, half rotten."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from tests.contract.sdk import OneOf, Operation, Plain, Struct, Type, Wrapped, load_sdk, operations
from tests.sandbox_server.callers import World

ROLES = ("owner", "owner", "user-admin", "user-admin", "organization-admin", "organization-user-admin", "auditor",
         "member", "nobody", "garbage-token")  # fmt: skip
NOBODYS_ID = "11111111-2222-4333-8444-555555555555"
ROTTEN_TEXTS = (
    "", " ", "me", "default", "0", "-1", "1e3", "NaN", "ä", "日本", "%00", "a:b", ":", "a:", '"', '"a', "x" * 300,
    "..", "null", NOBODYS_ID, NOBODYS_ID.replace("-", ""), "{" + NOBODYS_ID + "}", NOBODYS_ID + ",x", "1,2", "\u0000",
    "99999999999999999999", "2026-11-01T00:00:00Z", "Everyone", "ai",
)  # fmt: skip
SEARCHES = (
    "status:active", "status:nonsense", "name:ana", "ana bob", "role:owner", 'created_after:"2026-01-01T00:00:00Z"',
    "created_after:yesterday", "service_account:true", "service_account:perhaps", "action:delete", "username:olivia",
    "resource_type:group_ai_budget", "resource_type:spaceship", "date_from:2026-01-01", "date_to:2026-13-01",
    "resource_id:" + NOBODYS_ID, "initiator:me", "model:gpt-5", 'started_before:"2026-12-01T00:00:00Z"', "colour:red",
    "include_system:true", "user_id:" + NOBODYS_ID, "organization:acme",
)  # fmt: skip
ROTTEN_BODIES = (
    b"", b"null", b"{", b"[]", b"[1]", b'"x"', b"7", b"{}", b"\xff\xfe", b'{"a":NaN}', b'{"spend_limit_micros":1.5}',
    b'{"spend_limit_micros":1e3}', b'{"SPEND_LIMIT_MICROS":5}', b'{"spend_limit_micros":5}{', b"[" * 3000,
    b'{"spend_limit_micros":-9223372036854775809}', b'{"name":"\\ud800","username":"\\ud800"}', b"nul",
    b'{"checks":[]}', b'{"checks":{"a":7}}',
    b'{"checks":{"a":null,"b":{"action":7,"object":{"resource_type":"group","resource_id":"x"}}}}',
)  # fmt: skip
ROTTEN_VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    1.5,
    10**12,
    10**12 + 1,
    10**30,
    "",
    "x",
    "\ud800",
    True,
    [],
    {},
    [None],
    [1],
    ["x"],
)


@dataclass
class Fuzzer:
    """Make requests from a seed; the same seed makes the same ones against the same world."""

    world: World
    random: random.Random
    generation: str
    operations: tuple[Operation, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.operations = operations(self.generation)
        execute = self.world.sandbox.execute
        self.keys = execute("SELECT * FROM api_keys")
        self.holders = execute("SELECT id, roles FROM users WHERE id IN (SELECT user_id FROM api_keys)")
        self.known = {
            "organization": [text for row in execute("SELECT id, name FROM organizations") for text in row],
            "group": [row[0] for row in execute("SELECT id FROM groups")],
            "group_name": [row[0] for row in execute("SELECT name FROM groups")],
            "user": [text for row in execute("SELECT id, username FROM users ORDER BY rowid") for text in row],
            "session": [row[0] for row in execute("SELECT id FROM ai_sessions")],
            "key": [row[0] for row in execute("SELECT id FROM api_keys")],
            "token_name": [row[0] for row in execute("SELECT token_name FROM api_keys")],
            "organization_name": [row[0] for row in execute("SELECT name FROM organizations")],
        }

    def send(self) -> tuple[Operation, httpx.Response]:
        """Send one request."""
        operation = self.random.choice(self.operations)
        path = operation.path
        for name in operation.path_parameters:
            path = path.replace(f"{{{name}}}", quote(self._path_value(name), safe=""))
        query = {name: self._query_value(name) for name in operation.query if self.random.random() < 0.5}
        if self.random.random() < 0.03:
            query["nonsense"] = "1"
        if query:
            path += "?" + urlencode(query)
        content = None if operation.body is None else self._body(operation.body)
        role = self.random.choice(ROLES)
        response = self.world.call(operation.method, path, role=role, content=content)
        if response.status_code == 401:
            self._revive()
        return operation, response

    def _revive(self) -> None:
        """Bring back the tokens that a logout, a suspension or a deletion has taken from the roles."""
        holders = ", ".join(["(?, ?)"] * len(self.holders))
        keys = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(self.keys))
        self.world.sandbox.execute(
            f"WITH holders (id, roles) AS (VALUES {holders})"
            " UPDATE users SET deleted = 0, status = 'active',"
            " roles = (SELECT roles FROM holders WHERE holders.id = users.id) WHERE id IN (SELECT id FROM holders)",
            tuple(chain.from_iterable(self.holders)),
        )
        self.world.sandbox.execute(
            f"INSERT OR REPLACE INTO api_keys VALUES {keys}", tuple(chain.from_iterable(self.keys))
        )

    def _path_value(self, name: str) -> str:
        if self.random.random() < 0.15:
            return self.random.choice([text for text in ROTTEN_TEXTS if text not in ("", "..", "ai")])
        return str(self.random.choice(self.known[name]))

    def _query_value(self, name: str) -> str:
        if self.random.random() < 0.3:
            return self.random.choice(ROTTEN_TEXTS)
        match name:
            case "limit" | "offset":
                return str(self.random.choice((0, 1, 2, 10, 1000)))
            case "q":
                return " ".join(self.random.sample(SEARCHES, self.random.choice((1, 1, 2))))
            case "group_ids" | "user_ids":
                count = self.random.choice((1, 2, 30, 100, 101))
                ids = self.known["group" if name == "group_ids" else "user"][:: 1 if name == "group_ids" else 2]
                return ",".join(self.random.choices(ids, k=count))
            case "period_start" | "period_end":
                return self.random.choice(("2026-11-01T00:00:00Z", "2026-11-20T00:00:00+02:00", "2020-01-01T00:00:00Z"))
            case "after_session_id":
                return str(self.random.choice(self.known["session"]))
            case _:
                return str(self.random.choice(self.known.get(name.removeprefix("has_"), self.known["user"])))

    def _body(self, name: str) -> bytes:
        if self.random.random() < 0.2:
            return self.random.choice(ROTTEN_BODIES)
        return json.dumps(self._value(Plain(name=name), "")).encode()

    def _value(self, type_: Type, name: str) -> Any:
        if name and self.random.random() < 0.08:
            return self.random.choice(ROTTEN_VALUES)
        match type_:
            case Plain(name=kind) if kind in load_sdk().types:
                return self._value(load_sdk().types[kind], name)
            case Plain(name=kind):
                return self._plain(kind, name)
            case OneOf(words=words):
                return self.random.choice(words)
            case Wrapped(kind="list", item=item):
                return [self._value(item, name) for _ in range(self.random.choice((0, 1, 1, 3)))]
            case Wrapped(item=item):
                return {str(n): self._value(item, "x") for n in range(3)}
            case Struct(fields=fields):
                return {
                    key: self._value(field.type, key) for key, field in fields.items() if self.random.random() < 0.85
                }

    def _plain(self, kind: str, name: str) -> Any:
        match kind:
            case "int":
                return self.random.choice((0, 1, 5_000_000, 10**12, 10**12 + 1))
            case "bool":
                return self.random.random() < 0.5
            case "uuid":
                owner = "group" if name == "group_id" else "organization" if "organization" in name else "user"
                return str(self.random.choice(self.known[owner]))
            case _:
                return self._text(name)

    def _text(self, name: str) -> str:
        match name:
            case "email":
                return f"new{self.random.randrange(50)}@acme.example"
            case "password":
                return self.random.choice(("SomeSecurePassword!", ""))
            case "login_type" | "scope":
                return ""
            case _:
                return f"new{self.random.randrange(50)}"
