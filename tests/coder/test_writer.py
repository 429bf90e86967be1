"""What a write sends, exactly; and that each way it can end is told apart: happened, did not happen, nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from reconciler import __version__
from reconciler.coder.client import CoderReader, open_reader, open_writer
from reconciler.coder.writer import CoderWriter
from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, UserId
from reconciler.core.directory import Group, User
from reconciler.core.plan.outcome import Result
from reconciler.errors import DeniedError, NotFoundError, RejectedError, RetryLaterError, ServerError, UnreachableError
from reconciler.money import MAX_LIMIT, Micros
from reconciler.operations.write import Settled, write
from reconciler.sandbox import Fault, Sandbox
from tests.coder.helpers import ID_1, StillWorld, asked, connection_to, sandbox_and_reader
from tests.coder.test_reader import group_named, named

ROUTES = {"2.37": "/override", "2.36": "/override", "2.35": "", "2026-05-29": ""}


@contextmanager
def writing(version: str = "2.37", *, role: str = "user-admin") -> Iterator[tuple[Sandbox, CoderReader, CoderWriter]]:
    with (
        sandbox_and_reader(version) as (sandbox, reader),
        open_writer(connection_to(sandbox, role), user_agent_suffix="plan/9f8e", world=StillWorld().world()) as writer,
    ):
        reader.directory()
        sandbox.forget_requests()
        yield sandbox, reader, writer


def platform(reader: CoderReader) -> Group:
    return group_named(reader.directory(), "acme/platform")


def ana(reader: CoderReader) -> User:
    return named(reader.directory(), "ana")


@pytest.mark.parametrize("version", [*ROUTES, "2.34"])
@pytest.mark.parametrize("limit", [0, 1, 500_000_000, MAX_LIMIT])
def test_a_group_budget_is_one_request_each_way(version: str, limit: int) -> None:
    with writing(version) as (sandbox, reader, writer):
        group = platform(reader)
        budget = Budget(Micros(limit), GroupRef(group.id))
        assert writer.put(group, budget) == budget
        assert reader.budget(group) == budget
        writer.delete(group)
        assert reader.budget(group) == ABSENT
        sent = [request for request in sandbox.requests if request.method in ("PUT", "DELETE")]
        path = f"/api/v2/groups/{group.id}/ai/budget"
        assert [(one.method, one.path, one.body) for one in sent] == [
            ("PUT", path, {"spend_limit_micros": limit}),
            ("DELETE", path, None),
        ]
        assert {one.user_agent for one in sent} == {f"reconciler/{__version__} plan/9f8e"}


@pytest.mark.parametrize("version", ROUTES)
def test_an_override_goes_to_the_route_of_its_generation(version: str) -> None:
    with writing(version) as (sandbox, reader, writer):
        user, group = ana(reader), platform(reader)
        budget = Budget(Micros(0), GroupRef(group.id))
        assert writer.put(user, budget) == budget
        assert writer.put(user, budget) == budget
        writer.delete(user)
        assert reader.budget(user) == ABSENT
        path = f"/api/v2/users/{user.id}/ai/budget{ROUTES[version]}"
        sent = [(request.path, request.body) for request in sandbox.requests if request.method == "PUT"]
        assert sent == [(path, {"spend_limit_micros": 0, "group_id": group.id})] * 2
        probes = 1 if ROUTES[version] else 2
        assert sum(count for kind, count in asked(sandbox).items() if "/me/" in kind) == probes


def test_where_there_are_no_overrides_none_is_sent() -> None:
    with writing("2.34") as (sandbox, reader, writer):
        with pytest.raises(RejectedError, match="no user overrides"):
            writer.put(ana(reader), Budget(Micros(1), GroupRef(platform(reader).id)))
        assert not [request for request in sandbox.requests if request.method != "GET"]


def test_a_budget_above_the_maximum_is_refused_by_coder_in_its_own_words() -> None:
    with writing() as (_, reader, writer):
        group = platform(reader)
        with pytest.raises(RejectedError) as caught:
            writer.put(group, Budget(Micros(MAX_LIMIT + 1), GroupRef(group.id)))
        assert "Invalid AI spend limit; spend_limit_micros: Must not exceed 1000000000000." in caught.value.message


def test_a_user_who_is_no_member_is_refused_by_coder_in_its_own_words() -> None:
    with writing() as (_, reader, writer):
        foreign = group_named(reader.directory(), "labs/ml")
        with pytest.raises(RejectedError, match="group_id: user must be a member of this group"):
            writer.put(ana(reader), Budget(Micros(1), GroupRef(foreign.id)))


def test_what_may_not_be_written_is_rejected_and_what_may_not_be_removed_is_not_found() -> None:
    with writing(role="organization-admin") as (_, reader, writer):
        user, group = named(reader.directory(), "bob"), platform(reader)
        with pytest.raises(RejectedError, match="404 Resource not found") as caught:
            writer.put(user, Budget(Micros(1), GroupRef(group.id)))
        assert "this token may not write it" in caught.value.hint
        with pytest.raises(NotFoundError, match="404 Resource not found"):
            writer.delete(user)


def test_removing_what_is_gone_is_not_found() -> None:
    with writing() as (_, reader, writer), pytest.raises(NotFoundError):
        writer.delete(group_named(reader.directory(), "acme/eng"))


def refused(fault: Fault, *, delete: bool = False) -> ServerError:
    """Write through a fault; return the error, after a look that the write was sent once."""
    with writing() as (sandbox, reader, writer):
        group = platform(reader)
        sandbox.fault(fault)
        write = (
            partial(writer.delete, group)
            if delete
            else partial(writer.put, group, Budget(Micros(5), GroupRef(group.id)))
        )
        with pytest.raises(ServerError) as caught:
            write()
        assert sum(request.method in ("PUT", "DELETE") for request in sandbox.requests) == 1
        return caught.value


@pytest.mark.parametrize("delete", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("lost", path="*/ai/budget"), UnreachableError),
        (Fault("reset", path="*/ai/budget"), UnreachableError),
        (Fault("status", path="*/ai/budget", status=500), UnreachableError),
        (Fault("status", path="*/ai/budget", status=502), UnreachableError),
        (Fault("status", path="*/ai/budget", status=503, headers={"Retry-After": "1"}), UnreachableError),
        (Fault("status", path="*/ai/budget", status=400), RejectedError),
        (Fault("status", path="*/ai/budget", status=403, body={"message": "Forbidden"}), RejectedError),
        (Fault("status", path="*/ai/budget", status=413), RejectedError),
        (Fault("status", path="*/ai/budget", status=307, headers={"Location": "https://x.example"}), RejectedError),
        (Fault("status", path="*/ai/budget", status=429, headers={"Retry-After": "9999"}), RetryLaterError),
        (Fault("expire", path="*/ai/budget"), DeniedError),
    ],
)  # fmt: skip
def test_a_write_happened_or_did_not_or_nobody_knows(fault: Fault, kind: type[ServerError], delete: bool) -> None:
    error = refused(fault, delete=delete)
    assert type(error) is kind
    assert str(error).startswith(("PUT", "DELETE"))


OTHER = {"group_id": ID_1, "spend_limit_micros": 5}


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        ("", {"Content-Type": "application/json"}, "the answer is empty"),
        ("{", {"Content-Type": "application/json"}, "not whole or not JSON"),
        ("<html>", {"Content-Type": "text/html"}, "is text/html, not JSON"),
        (OTHER, {"Content-Type": "application/json"}, "about another subject"),
        (
            {"group_id": ID_1},
            {"Content-Type": "application/json"},
            "spend_limit_micros is missing; expected an integer",
        ),
    ],
)
def test_an_echo_that_cannot_be_read_leaves_the_write_in_doubt(body: Any, headers: Any, message: str) -> None:
    kind: Any = "raw" if isinstance(body, str) else "status"
    error = refused(Fault(kind, method="PUT", status=200, body=body, headers=headers))
    assert type(error) is UnreachableError
    assert message in error.message


def test_an_echo_with_another_limit_is_returned_as_it_is() -> None:
    with writing() as (sandbox, reader, writer):
        group = platform(reader)
        echo = {"group_id": group.id, "spend_limit_micros": 0}
        sandbox.fault(Fault("status", method="PUT", status=200, body=echo))
        assert writer.put(group, Budget(Micros(5), GroupRef(group.id))) == Budget(Micros(0), GroupRef(group.id))


@contextmanager
def somebody_writes_during_a_wait(fault: Fault, statement: str) -> Iterator[tuple[Sandbox, CoderReader, CoderWriter]]:
    """A fault makes the run wait, and meanwhile somebody else writes an override of this person."""
    with sandbox_and_reader(role="owner") as (sandbox, _):
        still = StillWorld()

        def sleep(seconds: float) -> None:
            still.sleep(seconds)
            sandbox.execute(statement)

        world = replace(still.world(), sleep=sleep)
        connection = connection_to(sandbox)
        with open_reader(connection, world=world) as reader, open_writer(connection, world=world) as writer:
            reader.directory()
            sandbox.fault(fault)
            yield sandbox, reader, writer


def written(action: Action, reader: CoderReader, writer: CoderWriter) -> Settled:
    return write(action, reader, writer, may_send=lambda: True, announce=lambda: True, clock=lambda: datetime.now(UTC))


def test_what_somebody_wrote_while_the_route_was_waited_for_is_not_overwritten() -> None:
    path = "*/users/me/ai/budget/override"
    fault = Fault("status", method="GET", path=path, status=429, headers={"Retry-After": "30"})
    statement = "UPDATE user_ai_budget_overrides SET spend_limit_micros = 9000000"
    with somebody_writes_during_a_wait(fault, statement) as (sandbox, reader, writer):
        group = GroupRef(platform(reader).id)
        before = reader.budget(ana(reader))
        assert isinstance(before, Budget)
        action = Action(subject=ana(reader), before=before, after=Budget(Micros(5), group))
        assert written(action, reader, writer).result is Result.CONFLICT
        assert not [request for request in sandbox.requests if request.method == "PUT"]


def test_what_somebody_wrote_while_a_404_was_asked_about_is_not_overwritten() -> None:
    fault = Fault("status", method="POST", path="*/authcheck", status=429, headers={"Retry-After": "30"})
    statement = (
        "INSERT OR IGNORE INTO user_ai_budget_overrides SELECT users.id, groups.id, 9000000, users.created_at, "
        "users.created_at FROM users, groups WHERE users.username = 'carol' AND groups.name = 'platform'"
    )
    with somebody_writes_during_a_wait(fault, statement) as (sandbox, reader, writer):
        carol = named(reader.directory(), "carol")
        action = Action(subject=carol, before=ABSENT, after=Budget(Micros(5), GroupRef(platform(reader).id)))
        assert written(action, reader, writer).result is Result.CONFLICT
        assert not [request for request in sandbox.requests if request.method == "PUT"]


def test_where_the_route_cannot_be_asked_for_nothing_is_in_doubt() -> None:
    with writing() as (sandbox, reader, writer):
        sandbox.fault(Fault("lost", method="GET", path="*/users/me/ai/budget/override", times=15))
        before = reader.budget(ana(reader))
        assert isinstance(before, Budget)
        action = Action(subject=ana(reader), before=before, after=ABSENT)
        settled = written(action, reader, writer)
        assert settled.result is Result.FAILED
        assert settled.detail.startswith("not written: GET /api/v2/users/me/ai/budget/override: ")


def test_an_id_that_is_none_never_gets_into_a_path() -> None:
    with writing() as (sandbox, reader, writer):
        with pytest.raises(ValueError, match="is not a UUID"):
            writer.delete(User(username="ana", id=UserId("../../organizations")))
        with pytest.raises(ValueError, match="is not a UUID"):
            writer.delete(
                Group(organization="acme", name="x", id=GroupId("me"), organization_id=platform(reader).organization_id)
            )
        assert not [request for request in sandbox.requests if request.method != "GET"]


@pytest.mark.parametrize("suffix", ["a\r\nX-Evil: 1", "ü", "x" * 101])
def test_a_suffix_that_is_no_plain_text_is_refused(suffix: str) -> None:
    with sandbox_and_reader() as (sandbox, _), pytest.raises(ValueError, match="plain text"):
        open_writer(connection_to(sandbox), user_agent_suffix=suffix)
