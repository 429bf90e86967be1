"""What the server says about the token that is used: when it ends, and what it is limited to. Never shows the token."""

from __future__ import annotations

import re
from datetime import datetime

from reconciler.coder import paths
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import load_object
from reconciler.dataclass import dataclass

_TOKEN = re.compile(r"([A-Za-z0-9]{10})-\S+")
"""The part before the dash is the token's id, which is not secret. Source: coder-api sections 5 and 13.5."""
UNSCOPED = frozenset({"all", "coder:all"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    expires_at: datetime | None = None
    is_login: bool = False
    """Whether it came from a login: each use prolongs it. Source: coderd/httpmw/apikey.go."""
    scopes: tuple[str, ...] = ()
    """What the token is limited to; empty when it is not limited."""


def read_token_facts(transport: Transport) -> TokenFacts:
    """Ask about our own token; everything is empty where the server does not tell; that is not an error."""
    match = _TOKEN.fullmatch(transport.connection.token)
    if match is None:
        return TokenFacts()
    return load_token_facts(transport.send(Request("GET", paths.own_key(match[1]))))


def load_token_facts(answer: Answer) -> TokenFacts:
    """Decode `/users/me/keys/{id}`; older servers have one `scope`, newer ones `scopes` beside it."""
    if answer.status in (400, 403, 404, 405):
        return TokenFacts()
    fields = load_object(answer)
    scopes = {*fields.texts("scopes"), fields.text("scope")} - {""}
    return TokenFacts(
        expires_at=fields.time("expires_at") if fields.has("expires_at") else None,
        is_login=fields.text("login_type") not in ("", "token"),
        scopes=() if scopes & UNSCOPED else tuple(sorted(scopes)),
    )
