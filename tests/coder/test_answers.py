"""Which error every refusal of Coder becomes; the families are what callers decide by."""

from __future__ import annotations

import pytest

from reconciler.coder.answers import (
    LONGEST_QUOTE,
    NO_SUCH_USER,
    NOT_FOUND,
    error_of,
    is_not_found,
    is_route_missing,
    is_user_missing,
    quote,
)
from reconciler.errors import DeniedError, NotFoundError, RejectedError, ServerError, UnreachableError
from tests.coder.helpers import answer, refusal

LICENCE = "AI Gateway is a Premium feature. Contact sales!"
EXPERIMENT = "AI budgets functionality requires enabling the 'ai-gateway-cost-control' experiment."


@pytest.mark.parametrize(
    ("method", "status", "message", "kind", "hint"),
    [
        ("GET", 401, "You are signed out", DeniedError, "CODER_SESSION_TOKEN"),
        ("PUT", 401, "You are signed out", DeniedError, "CODER_SESSION_TOKEN"),
        ("GET", 403, LICENCE, DeniedError, "licence"),
        ("GET", 403, EXPERIMENT, DeniedError, "experiment"),
        ("GET", 403, "Forbidden.", DeniedError, "Owner"),
        ("PUT", 403, "Forbidden", RejectedError, ""),
        ("PUT", 400, "Validation failed.", RejectedError, ""),
        ("PUT", 404, NOT_FOUND, RejectedError, "Owner or User Admin"),
        ("PUT", 404, "Route not found.", RejectedError, "generation"),
        ("DELETE", 404, NOT_FOUND, NotFoundError, "absent"),
        ("DELETE", 404, "Route not found.", RejectedError, "generation"),
        ("PUT", 413, "too large", RejectedError, ""),
        ("GET", 404, NOT_FOUND, NotFoundError, "absent"),
        ("GET", 404, "Route not found.", ServerError, "2.34"),
        ("GET", 400, "Invalid UUID", ServerError, "2.34"),
        ("GET", 500, "An internal server error occurred.", UnreachableError, "try again"),
        ("PUT", 500, "An internal server error occurred.", UnreachableError, "try again"),
        ("DELETE", 503, "", UnreachableError, "try again"),
        ("PUT", 408, "", UnreachableError, "try again"),
        ("GET", 428, "provided but user is not owner", DeniedError, "Bypass"),
        ("PUT", 201, "", UnreachableError, "2.34"),
    ],
)
def test_the_family_of_a_refusal(method: str, status: int, message: str, kind: type[ServerError], hint: str) -> None:
    error = error_of(refusal(message, status, method=method))
    assert type(error) is kind
    assert hint in error.hint
    assert error.message.startswith(f"{method} /api/v2/x: {status}")
    assert message in error.message


def test_validations_and_detail_are_said() -> None:
    rows = [{"field": "group_id", "detail": "user must be a member of this group"}]
    error = error_of(refusal("Not a member.", 400, method="PUT", detail="more", validations=rows))
    assert error.message.endswith("400 Not a member.; more; group_id: user must be a member of this group")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"message": 5}', b'{"message": "x", "validations": [1]}'])
def test_a_body_that_is_not_coders_is_no_reason_to_fail(body: bytes) -> None:
    assert isinstance(error_of(answer(body, status=404, content_type="text/html")), ServerError)
    assert not isinstance(error_of(answer(body, status=404)), NotFoundError)


def test_only_the_text_of_a_404_decides() -> None:
    assert is_not_found(refusal(NOT_FOUND, 404))
    assert is_not_found(refusal(NOT_FOUND + ".", 404))
    assert not is_not_found(refusal("Route not found.", 404))
    assert not is_not_found(refusal(NOT_FOUND, 400))
    assert is_route_missing(refusal("Route not found.", 404))
    assert not is_route_missing(answer(b"not found", status=404))
    assert is_user_missing(refusal(NO_SUCH_USER, 400))
    assert not is_user_missing(refusal("Invalid", 400))


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("https://coder.other.example/api/v2/x?token=1", "https://coder.other.example"),
        ("/login", "another path"),
        ("https://[::1", "an invalid URL"),
        ("", "another path"),
    ],
)
def test_a_redirect_names_its_target_and_is_not_followed(location: str, where: str) -> None:
    error = error_of(answer(b"", status=307, location=location))
    assert f"redirects to {where}; " in error.message
    assert "CODER_URL" in error.hint
    assert isinstance(error_of(answer(b"", status=307, location=location, method="PUT")), RejectedError)


def test_what_a_server_says_fits_on_a_line() -> None:
    assert quote("a\x1b[31mb\nc") == "a [31mb c"
    assert len(quote("x" * 10_000)) == LONGEST_QUOTE + 3
