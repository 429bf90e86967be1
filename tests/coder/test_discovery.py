"""What a server is found to be and to offer, in how many requests; and one sentence for each that is of no use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.coder.client import open_reader, open_writer
from reconciler.coder.connection import Connection
from reconciler.core.budget import UserId
from reconciler.core.directory import User
from reconciler.core.snapshot import Offers
from reconciler.errors import DeniedError, ReconcilerError, ServerError, UnreachableError
from reconciler.sandbox import Fault, Options, Sandbox
from tests.coder.helpers import ID_1, StillWorld, asked, connection_to, sandbox_and_reader

TOO_OLD = "This Coder has no user overrides: they came with 2.35."
HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("version", "offers", "requests"),
    [
        ("2.37", Offers(overrides=True, bulk_reads=True, effective_budgets=True), 7),
        ("2.36", Offers(overrides=True, bulk_reads=True, effective_budgets=False), 7),
        ("2.35", Offers(overrides=True, bulk_reads=False, effective_budgets=False), 8),
        ("2026-05-29", Offers(overrides=True, bulk_reads=False, effective_budgets=False), 8),
        ("2.34", Offers(overrides=False, bulk_reads=False, effective_budgets=False, overrides_missing=TOO_OLD), 8),
    ],
)
@pytest.mark.parametrize("role", ["owner", "user-admin", "organization-admin", "auditor", "member"])
def test_every_generation_is_known_by_what_it_offers(version: str, offers: Offers, requests: int, role: str) -> None:
    with sandbox_and_reader(version, role=role) as (sandbox, reader):
        assert reader.deployment().offers == offers
        assert reader.deployment() is reader.deployment()
        assert len(sandbox.requests) == reader.requests == requests


def test_the_requests_of_2_37_exactly() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        reader.deployment()
        assert asked(sandbox) == {
            "GET /api/v2/buildinfo": 1,
            "GET /api/v2/users/me": 1,
            "GET /api/v2/entitlements": 1,
            "GET /api/v2/organizations": 1,
            "GET /api/v2/users/me/ai/budget/override": 1,
            "GET /api/v2/organizations/*/groups/ai/spend": 1,
            "GET /api/v2/groups/*/members/ai/spend": 1,
        }


def test_the_deployment_says_who_asks_whom() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        found = reader.deployment()
        assert (found.url, found.user, found.roles) == (sandbox.url, "ci-budgets", ("user-admin",))
        assert found.version.startswith("v2.37")
        assert found.id == sandbox.execute("SELECT id FROM deployment")[0][0]


def test_the_experiment_of_2_35_may_be_missing() -> None:
    with sandbox_and_reader("2.35", experiments=()) as (_, reader):
        offers = reader.deployment().offers
        assert not offers.overrides
        assert "ai-gateway-cost-control" in offers.overrides_missing
        assert offers.overrides_hidden


@pytest.mark.parametrize(("path", "has_effective"), [("*/groups/ai/spend", True), ("*/members/ai/spend", False)])
def test_a_probe_that_hits_the_row_that_cannot_be_read_stops_nothing(path: str, has_effective: bool) -> None:
    with sandbox_and_reader("2.37") as (sandbox, reader):
        sandbox.fault(Fault("status", path=path, status=500))
        assert reader.deployment().offers == Offers(overrides=True, bulk_reads=True, effective_budgets=has_effective)


NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
NO_ANSWER = (
    Fault("status", status=404, body=NOT_FOUND),
    Fault("status", status=403, body={"message": "Forbidden."}),
    Fault("status", status=503),
    Fault("truncate"),
    Fault("raw", status=200, body="<html>", headers=HTML),
    Fault("raw", status=200, body='{"members": [], "groups": []}', headers=JSON),
)


@pytest.mark.parametrize("fault", NO_ANSWER)
@pytest.mark.parametrize(("version", "is_there"), [("2.37", True), ("2.36", True), ("2.35", False)])
def test_one_organization_that_cannot_be_read_hides_no_bulk_reads(version: str, is_there: bool, fault: Fault) -> None:
    """Both read as on a server without them: a 404 is also that of an organization that may not be read."""
    with sandbox_and_reader(version) as (sandbox, reader):
        ((acme,),) = sandbox.execute("SELECT id FROM organizations WHERE is_default")
        for path in (f"*/organizations/{acme}/groups/ai/spend", f"*/groups/{acme}/members/ai/spend"):
            sandbox.fault(replace(fault, path=path, times=99))
        assert reader.deployment().offers.bulk_reads is is_there


@pytest.mark.parametrize("fault", NO_ANSWER[1:])
def test_where_none_can_be_read_the_error_is_told(fault: Fault) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(replace(fault, path="*/members/ai/spend", times=99))
        with pytest.raises(ServerError, match="/members/ai/spend: "):
            reader.deployment()


@pytest.mark.parametrize("fault", NO_ANSWER[1:4])
def test_where_the_older_route_of_overrides_does_not_answer_the_error_is_told(fault: Fault) -> None:
    with sandbox_and_reader("2.35") as (sandbox, reader):
        sandbox.fault(replace(fault, path="*/users/me/ai/budget", times=99))
        with pytest.raises(ServerError, match="/users/me/ai/budget: "):
            reader.deployment()


def test_a_newer_server_works_by_what_it_offers() -> None:
    build = {"version": "v9.1.0", "external_url": "https://c.example", "deployment_id": "d", "workspace_proxy": False}
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/buildinfo", status=200, body=build))
        assert reader.deployment().version == "v9.1.0"
        assert reader.deployment().offers == Offers(overrides=True, bulk_reads=True, effective_budgets=True)


def test_a_newer_server_that_moved_its_overrides_is_not_taken_for_one_without_them() -> None:
    """Bulk reads came after overrides: nothing may be concluded from a route that is not there."""
    gone = Fault("status", path="*/users/*/ai/budget*", status=404, body={"message": "Route not found."}, times=99)
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(gone)
        offers = reader.deployment().offers
        assert (offers.overrides, offers.overrides_hidden, offers.enforces_budgets) == (False, True, True)
        assert offers.overrides_missing.startswith(
            "This Coder has the bulk reads of 2.36 and later, and user overrides"
        )


@pytest.mark.parametrize("newer", ["2.36", "2.37"])
def test_a_server_that_is_being_upgraded_is_not_taken_for_one_without_overrides(newer: str) -> None:
    """Of two replicas the older one is asked for the newer route, and the newer one for the older route."""
    by_the_newer_one = Fault(
        "raw", path="*/users/me/ai/budget", status=404, body={"message": "Route not found."},
        headers=JSON | {"X-Coder-Build-Version": f"v{newer}.1"}, times=2,
    )  # fmt: skip
    with sandbox_and_reader("2.35") as (sandbox, reader):
        sandbox.fault(by_the_newer_one)
        with pytest.raises(ServerError, match=f"answers as v2.35.2\\+sandbox and as v{newer}.1,") as caught:
            reader.deployment()
        assert caught.value.hint == "it is being upgraded: run this again when that is complete"
        with open_writer(connection_to(sandbox)) as writer, pytest.raises(ServerError, match="answers as"):
            writer.prepare(User(username="ana", id=UserId(ID_1)))


def test_a_replica_that_hides_overrides_beside_a_newer_one_is_not_taken_for_the_server() -> None:
    """A stock 2.35 hides them, and with the bulk reads of a 2.36 it was taken for a Coder newer than we are."""
    newer = JSON | {"X-Coder-Build-Version": "v2.36.1"}
    with sandbox_and_reader("2.35", experiments=()) as (sandbox, reader):
        sandbox.fault(Fault("raw", path="*/groups/ai/spend", status=200, body={"groups": []}, headers=newer))
        with pytest.raises(ServerError, match=r"answers as v2.35.2\+sandbox and as v2.36.1,") as caught:
            reader.deployment()
        assert caught.value.hint == "it is being upgraded: run this again when that is complete"


def test_an_answer_without_a_version_does_not_say_that_servers_differ() -> None:
    """A proxy may remove the header of some answers, or of all."""
    answer = Fault("raw", path="*/users/me/ai/budget", status=404, body={"message": "Route not found."}, headers=JSON)
    with sandbox_and_reader("2.34") as (sandbox, reader):
        sandbox.fault(answer)
        assert not reader.deployment().offers.overrides


def test_a_build_without_a_deployment_id_is_known_by_its_access_url() -> None:
    build = {"version": "v2.34.0", "external_url": "https://github.com/x", "dashboard_url": "https://c.example"}
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/buildinfo", status=200, body=build))
        assert reader.deployment().id == "https://c.example"


def test_without_any_organization_nothing_bulk_is_claimed() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/organizations", status=200, body=[]))
        assert reader.deployment().offers == Offers(overrides=True, bulk_reads=False, effective_budgets=False)
        assert reader.directory().groups == {}
        assert reader.requests == 5


def test_no_answer_about_the_licence_leaves_it_to_the_probes() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/entitlements", status=403))
        assert reader.deployment().offers.overrides


@pytest.mark.parametrize(
    ("fault", "kind", "message", "hint"),
    [
        (Fault("status", path="*/users/me", status=401, body={"message": "You are signed out."}),
         DeniedError, "GET /api/v2/users/me: 401 You are signed out.", "CODER_SESSION_TOKEN"),
        (Fault("raw", path="*/buildinfo", status=200, body="<html>", headers=HTML),
         ServerError, "does not answer like Coder (200, text/html).", "a proxy or a sign-in page may answer"),
        (Fault("raw", path="*/buildinfo", status=404, body="nope", headers=HTML),
         ServerError, "does not answer like Coder (404, text/html).", "CODER_URL"),
        (Fault("raw", path="*/buildinfo", status=200, body="x"),
         ServerError, "does not answer like Coder (200, nothing).", "CODER_URL"),
        (Fault("raw", path="*/buildinfo", status=200, body='{"version": "1.2"}', headers=JSON),
         ServerError, "answers in JSON, but is not Coder.", "CODER_URL"),
        (Fault("raw", path="*/buildinfo", status=200, body="[]", headers=JSON),
         ServerError, "answer is a list, not an object", "CODER_URL"),
        (Fault("raw", path="*/buildinfo", status=200, body='{"version": ', headers=JSON),
         ServerError, "not whole or not JSON", "proxy"),
        (Fault("status", path="*/buildinfo", status=302, headers={"Location": "https://coder.other.example/login"}),
         ServerError, "redirects to https://coder.other.example; redirects are not followed", "CODER_URL"),
        (Fault("status", path="*/buildinfo", status=503, times=9),
         UnreachableError, "GET /api/v2/buildinfo: 503", "try again"),
        (Fault("status", path="*/buildinfo", status=200,
               body={"version": "v2.37.0", "external_url": "https://proxy.example",
                     "dashboard_url": "https://coder.example.com", "workspace_proxy": True}),
         ServerError, "is a workspace proxy", "set CODER_URL to https://coder.example.com"),
        (Fault("status", path="*/ai/budget/override", status=403,
               body={"message": "AI Gateway is a Premium feature. Contact sales!"}),
         DeniedError, "Premium feature", "licence"),
        (Fault("raw", path="*/ai/budget/override", status=404, body="nginx", headers=HTML),
         ServerError, "which Coder does not send", "2.34"),
        (Fault("status", path="*/groups/ai/spend", status=400, body={"message": "odd"}, times=2),
         ServerError, "400 odd", "2.34"),
    ],
)  # fmt: skip
def test_one_sentence_for_each_that_we_cannot_work_with(
    fault: Fault, kind: type[ReconcilerError], message: str, hint: str
) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(fault)
        with pytest.raises(kind) as caught:
            reader.deployment()
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert type(caught.value) is kind


def test_a_server_that_redirects_to_its_access_url_names_it() -> None:
    build = {"version": "v2.37.0", "external_url": "https://github.com/x", "dashboard_url": "https://coder.example"}
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/buildinfo", status=200, body=build))
        sandbox.fault(Fault("status", path="*/users/me", status=307, headers={"Location": "https://coder.example/x"}))
        with pytest.raises(ServerError, match=r"307 redirects to https://coder\.example; ") as caught:
            reader.deployment()
    assert caught.value.hint == "set CODER_URL to https://coder.example"


def test_a_proxy_that_asks_for_a_password_is_named_and_not_the_url() -> None:
    """For http a proxy answers in Coder's place."""
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("raw", path="*", status=407, times=9))
        with pytest.raises(ServerError, match=r"407 with .*: a proxy asks for a user name and password") as caught:
            reader.deployment()
    assert "HTTP_PROXY" in caught.value.hint
    assert "CODER_URL" not in caught.value.hint


def test_no_licence() -> None:
    with sandbox_and_reader(licensed=False) as (_, reader), pytest.raises(DeniedError, match="no licence") as caught:
        reader.deployment()
    assert "Premium" in caught.value.hint


@pytest.mark.parametrize(("feature", "name"), [("aibridge", "AI Gateway"), ("template_rbac", "groups")])
def test_a_licence_of_what_is_switched_off(feature: str, name: str) -> None:
    said = f"This deployment has a licence for {name}, which is switched off, so there are no AI budgets."
    with sandbox_and_reader(switched_off=(feature,)) as (_, reader), pytest.raises(DeniedError) as caught:
        reader.deployment()
    assert caught.value.message == said


@pytest.mark.parametrize("token", ["nonsense", "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb"])
def test_a_token_that_is_not_valid(token: str) -> None:
    with (
        Sandbox(Options()) as sandbox,
        open_reader(Connection(url=sandbox.url, token=token)) as reader,
        pytest.raises(DeniedError, match="401 You are signed out") as caught,
    ):
        reader.deployment()
    assert token not in caught.value.message + caught.value.hint


def test_a_bypass_header_of_somebody_who_is_no_owner() -> None:
    settings: dict[str, Any] = {"headers": (("X-Coder-Bypass-Ratelimit", "true"),)}
    with Sandbox(Options(rate_limit=512)) as sandbox:
        reader = open_reader(connection_to(sandbox, **settings), world=StillWorld().world())
        with reader, pytest.raises(ServerError) as caught:
            reader.deployment()
    assert "428" in caught.value.message
