"""The retry table: laws for every attempt, then its rows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder.retry import (
    LONGEST_WAIT_S,
    MAX_ATTEMPTS,
    Attempt,
    GiveBack,
    GiveUp,
    NoAnswerKind,
    WaitThenRetry,
    decide,
    read_retry_after,
    server_time_s,
)

statuses = st.sampled_from([200, 204, 301, 400, 401, 403, 404, 408, 409, 428, 429, 425, 500, 501, 502, 503, 504, 522])
attempts = st.builds(
    Attempt,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    number=st.integers(1, 50),
    result=st.one_of(statuses, st.sampled_from(NoAnswerKind)),
    retry_after_s=st.none() | st.floats(0, 1e6),
    was_seen=st.booleans(),
    left_s=st.floats(0, 1e6),
)
jitters = st.floats(0, 1)
NOT_BEGUN = (429, NoAnswerKind.NOT_SENT, NoAnswerKind.TURNED_AWAY)


@given(attempts, jitters)
def test_a_write_is_never_resent_and_given_back_only_when_it_certainly_did_not_happen(
    attempt: Attempt, jitter: float
) -> None:
    if attempt.method in ("PUT", "DELETE"):
        decision = decide(attempt, jitter=jitter)
        assert not isinstance(decision, WaitThenRetry)
        assert not isinstance(decision, GiveBack) or attempt.result in NOT_BEGUN
    else:
        assert not isinstance(decide(attempt, jitter=jitter), GiveBack)


@given(attempts, jitters)
def test_no_wait_is_shorter_than_told_or_longer_than_left(attempt: Attempt, jitter: float) -> None:
    match decide(attempt, jitter=jitter):
        case WaitThenRetry(seconds):
            assert (attempt.retry_after_s or 0) <= seconds <= attempt.left_s
        case GiveBack(seconds):
            assert (attempt.retry_after_s or 0) <= seconds
        case GiveUp(needed_s):
            assert needed_s is None or needed_s > attempt.left_s


@given(attempts, jitters)
def test_every_series_of_attempts_ends(attempt: Attempt, jitter: float) -> None:
    if isinstance(decision := decide(attempt, jitter=jitter), WaitThenRetry):
        assert attempt.number < MAX_ATTEMPTS or attempt.result == 429
        assert decision.seconds >= 0.25  # so that the budget runs out


@given(attempts, jitters)
def test_success_and_refusals_are_final(attempt: Attempt, jitter: float) -> None:
    if attempt.result not in (*NOT_BEGUN, 408, 425, 502, 503, 504, 522, NoAnswerKind.LOST):
        assert GiveUp() == decide(attempt, jitter=jitter)


@given(st.integers(1, 400), jitters)
def test_our_own_wait_grows_to_its_longest(number: int, jitter: float) -> None:
    decision = decide(Attempt(method="GET", number=number, result=429), jitter=jitter)
    assert isinstance(decision, WaitThenRetry)
    assert min(0.25 * 2 ** min(number - 1, 9), LONGEST_WAIT_S / 2) <= decision.seconds <= LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("method", "result", "number", "was_seen", "again"),
    [
        ("GET", 503, 1, True, True),
        ("GET", 503, 8, True, True),
        ("GET", 503, 9, True, False),
        ("GET", NoAnswerKind.NOT_SENT, 8, True, True),
        ("GET", NoAnswerKind.NOT_SENT, 9, True, False),
        ("GET", NoAnswerKind.TURNED_AWAY, 8, True, True),
        ("GET", NoAnswerKind.TURNED_AWAY, 9, True, False),
        ("PUT", NoAnswerKind.TURNED_AWAY, 1, True, False),
        ("GET", NoAnswerKind.DATABASE_AWAY, 8, True, True),
        ("GET", NoAnswerKind.DATABASE_AWAY, 9, True, False),
        ("PUT", NoAnswerKind.DATABASE_AWAY, 1, True, False),
        ("PUT", 503, 1, True, False),
        ("GET", 500, 1, True, False),
        ("GET", NoAnswerKind.LOST, 4, True, True),
        ("GET", NoAnswerKind.LOST, 5, True, False),
        ("DELETE", NoAnswerKind.LOST, 1, True, False),
        ("PUT", NoAnswerKind.NOT_SENT, 1, True, False),
        ("GET", 408, 1, True, True),
        ("GET", 425, 1, True, True),
        ("GET", 520, 1, True, True),
        ("GET", 530, 4, True, True),
        ("GET", 531, 1, True, False),
        ("PUT", 522, 1, True, False),
        ("GET", NoAnswerKind.UNUSABLE, 1, True, False),
        ("PUT", NoAnswerKind.UNUSABLE, 1, True, False),
        ("GET", 429, 9, True, True),
        ("GET", NoAnswerKind.NOT_SENT, 1, False, False),
        ("GET", NoAnswerKind.HOPELESS, 1, True, False),
        ("DELETE", 429, 9, True, False),
        ("POST", NoAnswerKind.LOST, 1, True, True),
    ],
)
def test_rows_of_the_table(method: str, result: int | NoAnswerKind, number: int, was_seen: bool, again: bool) -> None:
    decision = decide(Attempt(method=method, number=number, result=result, was_seen=was_seen), jitter=0.5)
    assert again is isinstance(decision, WaitThenRetry)


@pytest.mark.parametrize("result", [502, NoAnswerKind.NOT_SENT, NoAnswerKind.TURNED_AWAY])
def test_a_restart_of_half_a_minute_is_waited_for(result: int | NoAnswerKind) -> None:
    """It ended an `apply` in its middle after four to eight seconds, although `--max-wait` is 300."""
    waited_s, number = 0.0, 1
    while isinstance(decision := decide(Attempt(method="GET", number=number, result=result), jitter=1), WaitThenRetry):
        waited_s, number = waited_s + decision.seconds, number + 1
    assert waited_s >= 30


@pytest.mark.parametrize(
    ("result", "number", "took_s", "again"),
    [
        (NoAnswerKind.LOST, 1, 300.0, True),
        (NoAnswerKind.LOST, 2, 300.0, False),
        (504, 2, 60.0, False),
        (504, 2, 29.0, True),
        (429, 9, 60.0, True),
    ],
)
def test_what_fails_slowly_is_sent_again_once(
    result: int | NoAnswerKind, number: int, took_s: float, again: bool
) -> None:
    decision = decide(Attempt(method="GET", number=number, result=result, took_s=took_s), jitter=0.5)
    assert again is isinstance(decision, WaitThenRetry)


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"retry-after": "60", "x-ratelimit-reset": "1010"}, 60.0),
        ({"x-ratelimit-reset": "1010"}, 10.0),
        ({"x-ratelimit-reset": "990"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:17:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon", "x-ratelimit-reset": "1010"}, 10.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "12345678901"}, 1e9),
        ({"retry-after": "9" * 250}, 1e9),
        ({"retry-after": "1."}, None),
        ({"retry-after": "٣"}, None),
        ({"x-ratelimit-reset": "never"}, None),
        ({}, None),
    ],
)
def test_what_the_server_told(headers: dict[str, str], expected_s: float | None) -> None:
    assert expected_s == read_retry_after(headers, now_s=1000.0)


@given(st.text(), st.text(), st.floats(0, 1e10))
def test_whatever_is_told_is_read_as_a_wait_or_as_nothing(after: str, reset: str, now_s: float) -> None:
    told = read_retry_after({"retry-after": after, "x-ratelimit-reset": reset}, now_s=now_s)
    assert told is None or 0 <= told < math.inf


@pytest.mark.parametrize("result", [429, NoAnswerKind.NOT_SENT])
def test_a_write_that_did_not_happen_is_given_back_with_its_wait(result: int | NoAnswerKind) -> None:
    decision = decide(Attempt(method="PUT", number=1, result=result, retry_after_s=7, left_s=0), jitter=0.5)
    assert decision == GiveBack(7)


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"date": "Thu, 01 Jan 1970 00:17:00 GMT"}, 1020.0),
        ({"date": "Thu, 01 Jan 1970 00:17:00 GMT", "age": "30"}, None),
        ({"date": "yesterday"}, None),
        ({}, None),
    ],
)
def test_what_time_it_is_for_the_server(headers: dict[str, str], expected_s: float | None) -> None:
    assert server_time_s(headers) == expected_s
