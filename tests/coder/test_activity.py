"""Spend and AI sessions of a person, for explaining: what is read, and what is never kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.coder import activity, search
from reconciler.coder.exchange import Answer
from reconciler.core.budget import GroupId, GroupRef
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.errors import ServerError
from reconciler.money import Micros
from reconciler.sandbox import Fault
from tests.coder.helpers import ID_1, ID_2, answer, sandbox_and_reader
from tests.coder.test_reader import named

PERIOD = {"period_start": "2026-08-01T00:00:00Z", "period_end": "2026-09-01T00:00:00Z"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def session(number: int, **change: object) -> dict[str, object]:
    return {
        "id": f"session-{number}",
        "started_at": f"2026-08-03T09:{number % 60:02d}:00Z",
        "client": "Claude Code",
        "providers": ["anthropic"],
        "models": ["claude"],
        "threads": 3,
        "last_prompt": "my secret plan",
        "metadata": {"prompt": "my secret plan"},
        "token_usage_summary": {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 5},
    } | change


def spend_of(user_id: str, body: dict[str, Any]) -> Answer:
    """An answer to the question of what the second person spent."""
    return answer(
        {"user_id": user_id, "current_spend_micros": 7} | PERIOD | body, path=f"/api/v2/users/{ID_2}/ai/spend"
    )


GROUP = GroupRef(GroupId(ID_1))


@pytest.mark.parametrize(
    ("body", "effective"),
    [
        ({"effective_group_id": ID_1, "effective_budget": None}, Effective(limit_micros=Unlimited(), group=GROUP)),
        ({"effective_group_id": ID_1, "effective_budget": {"spend_limit_micros": 5, "limit_source": "user_override"}},
         Effective(limit_micros=Micros(5), group=GROUP, by_override=True)),
        ({"effective_group_id": ID_1, "spend_limit_micros": 5, "limit_source": "group"},
         Effective(limit_micros=Micros(5), group=GROUP)),
        ({"effective_group_id": ID_1, "spend_limit_micros": None}, Effective(limit_micros=Unlimited(), group=GROUP)),
        ({"effective_group_id": None, "effective_budget": None}, None),
    ],
)  # fmt: skip
def test_a_persons_spend_in_both_shapes(body: dict[str, Any], effective: Effective | None) -> None:
    found = activity.load_user_spend(spend_of(ID_2, body))
    assert found is not None
    assert (found.spend, found.effective) == (7, effective)
    assert found.period_end - found.period_start == timedelta(days=31)


def test_the_spend_of_somebody_else_is_not_taken_for_theirs() -> None:
    with pytest.raises(ServerError, match="the answer is about another subject"):
        activity.load_user_spend(spend_of(ID_1, {"effective_group_id": None, "effective_budget": None}))


@pytest.mark.parametrize("version", ["2.37", "2.36"])
def test_a_persons_spend_is_what_the_server_enforces(version: str) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        for user in reader.directory().users.values():
            found = reader.user_spend(user.id)
            (row,) = [row for row in sandbox.effective() if row[0] == user.id]
            assert found is not None
            assert found.effective is not None
            limit = found.effective.limit_micros
            assert (None if isinstance(limit, Unlimited) else limit, found.effective.group.id) == (row[2], row[4])


def test_spend_is_not_known_where_the_server_does_not_say() -> None:
    with sandbox_and_reader("2026-05-29") as (_, reader):
        assert reader.user_spend(named(reader.directory(), "ana").id) is None


@pytest.mark.parametrize("version", ["2.37", "2026-05-29"])
def test_sessions_are_read_page_by_page_without_what_was_said(version: str) -> None:
    with sandbox_and_reader(version) as (sandbox, reader):
        ana = named(reader.directory(), "ana").id
        pages: list[list[object]] = [[session(n) for n in range(100)], [session(n) for n in range(99, 130)]]
        sandbox.forget_requests()
        for rows in pages:
            body = {"count": 7, "sessions": rows}
            sandbox.fault(Fault("status", path="*/sessions", status=200, body=body))
        found = reader.ai_sessions(ana, LONG_AGO)
        assert found is not None
        assert len(found) == 130
        assert found == tuple(sorted(found, key=lambda one: (one.started_at, one.id)))
        assert found[0].tokens.input == 10
        assert found[0].tokens.cache_write == 0
        assert "secret" not in repr(found)
        assert len(sandbox.requests) == 2
        assert f"initiator%3A%22{ana}%22" in sandbox.requests[0].path


def test_a_page_that_repeats_for_ever_ends() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        ana = named(reader.directory(), "ana").id
        sandbox.forget_requests()
        body = {"count": 10**6, "sessions": [session(n) for n in range(100)]}
        sandbox.fault(Fault("status", path="*/sessions", status=200, body=body, times=10**6))
        assert len(reader.ai_sessions(ana, LONG_AGO) or ()) == 100
        assert len(sandbox.requests) == 2


def test_pages_that_never_end_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_PAGES", 3)
    with sandbox_and_reader() as (sandbox, reader):
        for page in range(5):
            body = {"sessions": [session(100 * page + n) for n in range(100)]}
            sandbox.fault(Fault("status", path="*/sessions", status=200, body=body))
        assert len(reader.ai_sessions(named(reader.directory(), "ana").id, LONG_AGO) or ()) == 300


def test_the_oldest_servers_have_only_the_old_route() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        ana = named(reader.directory(), "ana").id
        sandbox.fault(Fault("status", path="*/ai-gateway/sessions", status=404, body={"message": "Route not found."}))
        sandbox.fault(Fault("status", path="*/aibridge/sessions", status=200, body={"sessions": [session(1)]}))
        assert len(reader.ai_sessions(ana, LONG_AGO) or ()) == 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_sessions_that_are_not_shown_are_not_none_at_all(status: int) -> None:
    with sandbox_and_reader() as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/sessions", status=status, times=2))
        assert reader.ai_sessions(named(reader.directory(), "ana").id, LONG_AGO) is None


def test_sessions_of_another_shape_are_an_error() -> None:
    with pytest.raises(
        ServerError, match=r"sessions\[0\].token_usage_summary.input_tokens is a number .*, not an integer"
    ):
        activity.load_sessions(answer({"sessions": [session(1, token_usage_summary={"input_tokens": 1.5})]}))
    page = activity.load_sessions(answer({"sessions": [session(1, token_usage_summary=None)]}))
    assert [found.tokens.input for _, found in page.rows if found is not None] == [0]
    assert activity.load_sessions(answer({"sessions": None})).rows == []


def test_spend_behind_an_experiment_that_is_not_enabled_is_not_known() -> None:
    with sandbox_and_reader("2.35", experiments=()) as (sandbox, reader):
        ana = next(user for user in reader.directory().users.values() if user.username == "ana")
        body = {"message": "AI Gateway cost control functionality requires enabling the 'x' experiment."}
        sandbox.fault(Fault("status", path="*/ai/spend", status=403, body=body))
        assert reader.user_spend(ana.id) is None
        assert reader.user_spend(ana.id) is None
