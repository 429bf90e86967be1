"""One request on its way to its handler: what was sent, and what the guards have found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .answers import refusal
from .gojson import decode, whole_number
from .identifiers import new_uuid
from .query import read_query

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from .answers import Refused
    from .clock import Clock
    from .database import Database
    from .generations import Generation
    from .gojson import Kind
    from .memo import Memo
    from .query import Parameters
    from .roles import Caller
    from .values import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Hold what every request shares."""

    options: Options
    generation: Generation
    database: Database
    clock: Clock
    memo: Memo

    def licensed(self, feature: str) -> bool:
        """Tell whether the licence has a feature, named as in the entitlements."""
        return self.options.licensed and feature not in self.options.unlicensed

    def enabled(self, feature: str) -> bool:
        """Tell whether a feature, named as in the entitlements, may be used: it can be licensed and switched off."""
        return self.licensed(feature) and feature not in self.options.switched_off


@dataclass(slots=True, eq=False, kw_only=True)
class Call:
    """Carry one request; `caller`, `organization`, `group` and `user` are set by the guards of its route."""

    world: World
    method: str
    path: str
    query_text: str
    headers: Mapping[str, str]
    body: bytes
    ip: str
    url: str
    identity: Caller | Refused
    request_id: str = field(default_factory=new_uuid)
    parameters: Mapping[str, str] = field(default_factory=dict)
    caller: Caller = field(init=False)
    organization: sqlite3.Row = field(init=False)
    group: sqlite3.Row = field(init=False)
    user: sqlite3.Row = field(init=False)
    member: sqlite3.Row = field(init=False)

    @property
    def database(self) -> Database:
        """Return the state."""
        return self.world.database

    @property
    def generation(self) -> Generation:
        """Return what this server can do."""
        return self.world.generation

    def query(self) -> Parameters:
        """Return the parsed query string."""
        return read_query(self.query_text)

    def json(self, name: str, fields: Mapping[str, Kind]) -> dict[str, Any]:
        """Return the decoded body. *Raises* Refused 400, or 413 over the limit of newer servers."""
        self._check_size()
        return decode(self.body, name, fields)

    def whole_number(self, field: str) -> int | None:
        """Return a whole number of the body, None when there is none. *Raises* as `json` does."""
        self._check_size()
        return whole_number(self.body, field)

    def _check_size(self) -> None:
        limit = self.generation.maximum_body_bytes
        if limit is not None and len(self.body) > limit:
            raise refusal(413, "Request body too large.", detail="http: request body too large")
