"""Which error every refusal of Coder becomes; the families are what callers decide by."""

from __future__ import annotations

import pytest

from reconciler.coder.answers import (
    LONGEST_QUOTE,
    NO_SUCH_USER,
    NOT_A_MEMBER,
    NOT_FOUND,
    error_of,
    is_experiment_missing,
    is_not_found,
    is_route_missing,
    is_user_missing,
    quote,
)
from reconciler.errors import DeniedError, NotAMemberError, NotFoundError, RejectedError, ServerError, UnreachableError
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
        ("PUT", 403, "Forbidden.", RejectedError, "Owner or User Admin"),
        ("DELETE", 403, "Forbidden.", RejectedError, "`reconciler doctor`"),
        ("PUT", 403, LICENCE, RejectedError, "licence"),
        ("PUT", 403, EXPERIMENT, RejectedError, "experiment"),
        ("PUT", 400, "Validation failed.", RejectedError, ""),
        ("PUT", 404, NOT_FOUND, RejectedError, "may not write it"),
        ("PUT", 404, "Route not found.", RejectedError, "generation"),
        ("DELETE", 404, NOT_FOUND, NotFoundError, "absent"),
        ("DELETE", 404, "Route not found.", RejectedError, "generation"),
        ("PUT", 413, "too large", RejectedError, ""),
        ("GET", 404, NOT_FOUND, NotFoundError, "absent"),
        ("GET", 404, "Route not found.", ServerError, "upgraded"),
        ("GET", 400, "Invalid UUID", ServerError, "2.34"),
        ("GET", 500, "An internal server error occurred.", UnreachableError, "try again"),
        ("PUT", 500, "An internal server error occurred.", UnreachableError, "try again"),
        ("DELETE", 503, "", UnreachableError, "try again"),
        ("PUT", 408, "", UnreachableError, "try again"),
        ("GET", 425, "Too Early", UnreachableError, "try again"),
        ("GET", 428, "provided but user is not owner", DeniedError, "Bypass"),
        ("GET", 428, "", DeniedError, "Bypass"),
        ("PUT", 429, "", RejectedError, ""),
        ("PUT", 400, f"{NOT_A_MEMBER}.", NotAMemberError, "they left the group"),
        ("PUT", 201, "", UnreachableError, "2.34"),
        ("PUT", 202, "Accepted.", UnreachableError, "2.34"),
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
    assert error.message.endswith("400 Not a member; more; group_id: user must be a member of this group")


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
    assert not is_user_missing(refusal(NO_SUCH_USER, 403))
    assert is_experiment_missing(refusal(EXPERIMENT, 403))
    assert not is_experiment_missing(refusal(EXPERIMENT, 404))


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
    for status in (300, 307, 399):
        assert isinstance(error_of(answer(b"", status=status, location=location, method="PUT")), RejectedError)


def test_what_a_server_says_fits_on_a_line() -> None:
    assert quote("a\x1b[31mb\nc") == "a [31mb c"
    assert len(quote("x" * 10_000)) == LONGEST_QUOTE + 3


HTML = {"content_type": "text/html"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 409, 413, 418])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_is_not_in_coders_words_is_never_a_refusal_of_a_write(method: str, status: int) -> None:
    error = error_of(answer(b"<html>no</html>", status=status, method=method, **HTML))
    assert type(error) is UnreachableError
    assert "text/html, which Coder does not send" in error.message
    assert not error.may_still_happen  # a refusal of something in front of Coder: a read decides once


@pytest.mark.parametrize(
    ("status", "body", "may_still_happen"),
    [
        (500, {"message": "An internal server error occurred."}, False),
        (500, b"<html>", True),
        (502, b"<html>", True),
        (504, b"", True),
        (504, {"message": "gateway"}, True),
        (408, b"", True),
        (522, b"", True),
        (201, {}, True),
    ],
)
def test_whether_a_write_may_still_happen(status: int, body: object, may_still_happen: bool) -> None:
    error = error_of(answer(body, status=status, method="PUT"))
    assert isinstance(error, UnreachableError)
    assert error.may_still_happen is may_still_happen
    assert ("which Coder does not send" in error.message) is not (isinstance(body, dict) and "message" in body)


def test_a_failure_of_the_server_carries_coders_request_id() -> None:
    broken = answer({"message": "An internal server error occurred."}, status=500, request_id="0198-abc")
    error = error_of(broken)
    assert error.message.endswith("500 An internal server error occurred. (request 0198-abc)")
    assert "the request's id is in Coder's log" in error.hint
    assert "Coder's log" not in error_of(answer({"message": "no"}, status=500)).hint
    assert "(request" not in error_of(answer({"message": "no"}, status=400, request_id="0198-abc")).message
    assert len(error_of(answer(b"", status=500, request_id="x" * 9_000)).message) < 300


@pytest.mark.parametrize("status", [401, 403])
def test_a_sign_on_page_in_front_of_coder_points_to_coder_header(status: int) -> None:
    error = error_of(answer(b"<html>sign in</html>", status=status, **HTML))
    assert isinstance(error, DeniedError)
    assert "CODER_HEADER" in error.hint


def test_an_answer_of_a_cache_is_no_redirect() -> None:
    """Of a write nobody knows then."""
    said = "304 with no content type, which Coder does not send"
    assert said in error_of(answer(b"", status=304, content_type="")).message
    error = error_of(answer(b"", status=304, content_type="", method="PUT"))
    assert isinstance(error, UnreachableError)
    assert error.may_still_happen


@pytest.mark.parametrize(
    ("location", "is_sign_on"),
    [
        ("https://acme.cloudflareaccess.com/cdn-cgi/access/login/coder.example", True),
        ("https://coder.example/cdn-cgi/access/login", True),
        ("https://login.microsoftonline.com/x/oauth2/authorize", True),
        ("https://accounts.google.com/o/oauth2/auth", True),
        ("https://acme.okta.com/app", True),
        ("https://sso.example/auth", True),
        ("https://coder.internal.example/api/v2/buildinfo", False),
        ("/login", False),
    ],
)
def test_a_redirect_to_single_sign_on_points_to_coder_header(location: str, is_sign_on: bool) -> None:
    error = error_of(answer(b"", status=302, location=location))
    assert ("CODER_HEADER" in error.hint) is is_sign_on


def test_a_scoped_token_is_not_told_to_become_an_administrator() -> None:
    assert "made without `--scope`" in error_of(refusal("Forbidden.", 403)).hint
