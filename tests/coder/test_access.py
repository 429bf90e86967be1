"""When the token and the licence end, what a token is limited to, and how the clocks differ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.coder import paths
from reconciler.coder.connection import Connection
from reconciler.coder.token import TokenFacts, load_token_facts, read_token_facts
from reconciler.coder.transport import Transport
from reconciler.errors import DeniedError, ServerError
from reconciler.sandbox import Fault
from tests.coder.helpers import answer, sandbox_and_reader

ENDS, ENDS_AT = "2026-11-29T09:00:00Z", datetime(2026, 11, 29, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"expires_at": ENDS, "scope": "all"}, TokenFacts(expires_at=ENDS_AT)),
        (
            {"expires_at": ENDS, "scopes": ["coder:all"], "scope": ""},
            TokenFacts(expires_at=ENDS_AT),
        ),
        ({"expires_at": ENDS, "login_type": "token"}, TokenFacts(expires_at=ENDS_AT)),
        ({"expires_at": ENDS, "login_type": "github"}, TokenFacts(expires_at=ENDS_AT, is_login=True)),
        ({"scopes": ["user:read", "organization:read"]}, TokenFacts(scopes=("organization:read", "user:read"))),
        ({"scope": "application_connect"}, TokenFacts(scopes=("application_connect",))),
        ({}, TokenFacts()),
    ],
)
def test_what_is_said_about_a_token(body: dict[str, Any], expected: TokenFacts) -> None:
    assert load_token_facts(answer(body)) == expected


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_where_nothing_may_be_said_nothing_is_known(status: int) -> None:
    assert load_token_facts(answer({"message": "no"}, status=status)) == TokenFacts()


def test_only_the_id_of_a_token_gets_into_a_path() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        token = sandbox.tokens["user-admin"]
        reader.deployment()
        sandbox.fault(Fault("status", path="*/keys/*", status=200, body={"expires_at": ENDS}))
        assert reader.access().token_expires_at == ENDS_AT
        assert sandbox.requests[-1].path == f"/api/v2/users/me/keys/{token[:10]}"
        assert all(token not in request.path for request in sandbox.requests)
    with pytest.raises(ValueError, match="10 letters"):
        paths.own_key(token)


def test_a_token_of_another_kind_is_not_asked_about() -> None:
    with sandbox_and_reader() as (sandbox, _):
        transport = Transport(Connection(url=sandbox.url, token="not-a-coder-token"))
        assert read_token_facts(transport) == TokenFacts()
        assert sandbox.requests == ()
        transport.close()


def test_what_the_server_says_about_its_licence_and_its_clock() -> None:
    with sandbox_and_reader(dated=True) as (sandbox, reader):
        body = {"features": {}, "warnings": ["Your license expires in 2 days."]}
        sandbox.set_now(datetime.fromtimestamp(1_010, UTC))  # the clock of these tests stands still at 1,000 s
        sandbox.fault(Fault("status", path="*/entitlements", status=200, body=body))
        access = reader.access()
        assert access.licence_warnings == ("Your license expires in 2 days.",)
        assert access.server_ahead_s == 10.0


@pytest.mark.parametrize(("entitlement", "says"), [("entitled", "switched off"), ("grace_period", "switched off"),
                                                   ("not_entitled", "no licence")])  # fmt: skip
def test_licensed_and_switched_off_is_not_no_licence(entitlement: str, says: str) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        body = {"features": {"aibridge": {"entitlement": entitlement, "enabled": False}}}
        sandbox.fault(Fault("status", path="*/entitlements", status=200, body=body))
        with pytest.raises(DeniedError, match=says) as caught:
            reader.deployment()
        assert "ask your Coder administrator" in caught.value.hint


def test_a_token_that_may_not_read_its_own_user_has_scopes() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        body = {"message": "Resource not found or you do not have access to this resource"}
        sandbox.fault(Fault("status", path="*/users/me", status=404, body=body))
        with pytest.raises(DeniedError, match="may not even read its own user") as caught:
            reader.deployment()
        assert "--scope" in caught.value.hint


@pytest.mark.parametrize(("role", "says"), [("user-admin", "so the token has scopes"), ("member", "an Owner, a User")])
def test_who_has_the_role_and_may_not_write_is_told_of_scopes(role: str, says: str) -> None:
    with sandbox_and_reader(role=role) as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/authcheck", status=200, body={}, times=9))
        organization = next(iter(reader.directory().organizations))
        for sentence in reader.may_write(organizations=[organization], overrides=False):
            assert says in sentence


def test_a_server_error_is_an_error_here_too() -> None:
    with pytest.raises(ServerError):
        load_token_facts(answer({"expires_at": 5}))
