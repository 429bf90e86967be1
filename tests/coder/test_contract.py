"""The client reads every answer of the contract examples that it asks for, and takes every refusal for what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import pytest

from reconciler.coder import activity, audit_log, bulk, discovery, listing, memberships, prices, single, users
from reconciler.coder.answers import error_of, is_not_found, is_route_missing, read_error_body
from reconciler.coder.exchange import Answer, Request, list_request
from reconciler.coder.wire import load_object
from reconciler.core.budget import Budget, OrganizationId
from reconciler.core.directory import Organization
from reconciler.errors import DeniedError, NotFoundError, RejectedError, ServerError
from tests.contract import Example, by_topic, fake_ids, load_examples, sample, substitute
from tests.together import check_all

ACME = Organization(name="acme", id=OrganizationId("0" * 8 + "-0000-4000-8000-" + "0" * 12))


def load_groups(answer: Answer) -> object:
    return streamed(answer, listing.Listing({ACME.id: ACME}).requests[0])


def load_joined(answer: Answer) -> object:
    return streamed(answer, list_request(answer.request.path, stream=memberships.DATES))


def streamed(answer: Answer, request: Request) -> object:
    """Read a success as it would arrive; anything else is the error that it is."""
    if answer.status == 200 and request.stream is not None:
        return request.stream.read(answer, iter([bytes(answer.body)]))
    raise error_of(answer)


def load_permissions(answer: Answer) -> list[bool]:
    fields = load_object(answer)
    return [fields.flag(name) for name in fields.value]


DECODERS: dict[tuple[str, str], Callable[[Answer], object]] = {
    ("GET", r"buildinfo"): lambda answer: discovery._read_build(answer, "https://coder.example.com"),
    ("GET", r"users/me"): lambda answer: users.load_user(load_object(answer)),
    ("GET", r"users/(?!authmethods|roles)[^/]+"): lambda answer: users.load_user(load_object(answer)),
    ("GET", r"organizations"): listing.load_organizations,
    ("GET", r"organizations/[^/]+/groups"): load_groups,
    ("GET", r"groups"): load_groups,
    ("GET", r"organizations/[^/]+/members"): load_joined,
    ("GET", r"organizations/[^/]+/groups/ai/spend"): bulk.load_group_rows,
    ("GET", r"groups/[^/]+/members/ai/spend"): bulk.load_member_rows,
    ("GET", r"groups/[^/]+/ai/budget"): single.load_group_budget,
    ("PUT", r"groups/[^/]+/ai/budget"): single.load_group_budget,
    ("GET", r"users/[0-9a-f-]{36}/ai/budget(/override)?"): single.load_override,
    ("PUT", r"users/[0-9a-f-]{36}/ai/budget(/override)?"): single.load_override,
    ("GET", r"users/[^/]+/ai/spend"): activity.load_user_spend,
    ("GET", r"(ai-gateway|aibridge)/sessions"): activity.load_sessions,
    ("GET", r"audit"): audit_log.load_changes,
    ("GET", r"/api/experimental/ai/model-prices"): prices.load_free_models,
    ("POST", r"authcheck"): load_permissions,
}


def as_answer(example: Example) -> Answer:
    ids = fake_ids(example)
    path = substitute(example.request.path, ids)
    body = sample(example.answer.body, ids)
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = example.answer.content_type or "application/json"
    assert isinstance(path, str)
    return Answer(
        request=Request(example.request.method, path),
        status=example.answer.status,
        content_type=kind,
        location="",
        body=bytearray(raw),
    )


def decoder_of(example: Example) -> Callable[[Answer], object] | None:
    path = as_answer(example).request.path.removeprefix("/api/v2/").partition("?")[0]
    for (method, pattern), decode in DECODERS.items():
        if method == example.request.method and re.fullmatch(pattern, path):
            return decode
    return None


REFUSED_BY_US = {"buildinfo_workspace_proxy": "is a workspace proxy"}

SUCCESSES = [
    example
    for example in load_examples()
    if example.answer.status == 200 and not example.partial and decoder_of(example)
]
REFUSALS = [
    example
    for example in load_examples()
    if example.answer.status >= 400 and not example.partial  # partial: nothing that the client sends leads there
]


@pytest.mark.parametrize("examples", by_topic(SUCCESSES).values(), ids=by_topic(SUCCESSES))
def test_every_success_is_read(examples: Mapping[str, Example]) -> None:
    check_all(check_success, examples)


def check_success(example: Example) -> None:
    decode = decoder_of(example)
    assert decode is not None
    if example.name in REFUSED_BY_US:
        with pytest.raises(ServerError, match=REFUSED_BY_US[example.name]):
            decode(as_answer(example))
    else:
        decode(as_answer(example))


@pytest.mark.parametrize("examples", by_topic(REFUSALS).values(), ids=by_topic(REFUSALS))
def test_every_refusal_is_taken_for_what_it_is(examples: Mapping[str, Example]) -> None:
    check_all(check_refusal, examples)


def check_refusal(example: Example) -> None:
    answer = as_answer(example)
    error, status = error_of(answer), answer.status
    assert isinstance(error, ServerError)
    assert f"{answer.request}: {status}" in error.message
    if status == 404 and not answer.request.is_write:
        assert is_not_found(answer) is isinstance(error, NotFoundError)
        assert not (is_not_found(answer) and is_route_missing(answer))
    if status in (401, 428):
        assert isinstance(error, DeniedError)
    if status == 400 and answer.request.method in ("PUT", "DELETE"):
        assert isinstance(error, RejectedError)
        assert read_error_body(answer).message.rstrip(".") in error.message


def test_the_examples_cover_every_decoder() -> None:
    used = {decoder_of(example) for example in SUCCESSES}
    assert set(DECODERS.values()) <= used


def test_an_example_is_read_as_what_it_says() -> None:
    by_name = {example.name: example for example in SUCCESSES}
    zero = [one for name, one in by_name.items() if "zero" in name and one.request.method == "PUT"]
    for example in zero:
        decode = decoder_of(example)
        assert decode is not None
        found = decode(as_answer(example))
        assert isinstance(found, Budget)
        assert found.limit_micros == 0
    assert zero
