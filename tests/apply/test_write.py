"""One action: every answer that Coder, the network and other people can give, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Reading, State, Unknown
from reconciler.core.directory import Group
from reconciler.core.plan.outcome import Result
from reconciler.errors import (
    DeniedError,
    NotAMemberError,
    NotFoundError,
    ReconcilerError,
    RejectedError,
    RetryLaterError,
    ServerError,
    UnreachableError,
)
from reconciler.money import Micros
from reconciler.operations.write import ATTEMPTS, LONGEST_MOMENT, Settled, write

GROUP = Group(organization="acme", name="eng", id=GroupId("g"), organization_id=OrganizationId("o"))


def usd(amount: int) -> Budget:
    return Budget(Micros(amount * 1_000_000), GroupRef(GroupId("g")))


OLD, NEW, OTHER = usd(1), usd(2), usd(3)
UPDATE, DELETE = Action(subject=GROUP, before=OLD, after=NEW), Action(subject=GROUP, before=OLD, after=ABSENT)
LOST = UnreachableError("lost.")
FAILED_500 = UnreachableError("500", may_still_happen=False)
LATER = RetryLaterError("Coder limits the rate", retry_after_s=9)


class Coder:
    """Answers reads and writes as it is told, and remembers what was asked."""

    def __init__(
        self,
        reads: list[Reading | ReconcilerError],
        writes: list[State | ReconcilerError],
        longest_s: float = math.inf,
    ) -> None:
        self.reads, self.writes = iter(reads), iter(writes)
        self.asked: list[str] = []
        self.longest_s = longest_s
        self.now, self.disk_takes = datetime(2026, 11, 25, tzinfo=UTC), timedelta()
        self.read_takes = timedelta()

    def budget(self, subject: object) -> Reading:
        self.now, self.read_takes = self.now + self.read_takes, timedelta()
        return cast(Reading, self._next("read", self.reads))

    def prepare(self, subject: object) -> None:
        """Nothing has to be found out."""

    def put(self, subject: object, budget: Budget) -> Budget:
        return cast(Budget, self._next(f"put {budget.limit_micros // 1_000_000}", self.writes))

    def delete(self, subject: object) -> None:
        self._next("delete", self.writes)

    def pause(self, seconds: float) -> None:
        self.asked.append(f"wait {seconds:g}")
        if seconds > self.longest_s:
            raise ServerError("the run may not wait that long")
        self.now += timedelta(seconds=seconds)

    def announce(self) -> bool:
        self.asked.append("announce")
        self.now += self.disk_takes
        return True

    def _next(self, name: str, answers: Any) -> Any:
        self.asked.append(name)
        answer = next(answers)
        if isinstance(answer, ReconcilerError):
            raise answer
        return answer


def settle(
    action: Action,
    reads: list[Reading | ReconcilerError],
    writes: list[State | ReconcilerError],
    announce: Callable[[], bool] | None = None,
    longest_s: float = math.inf,
) -> tuple[Settled, list[str]]:
    coder: Any = Coder(reads, writes, longest_s)
    return _write(action, coder, announce or coder.announce), coder.asked


def _write(action: Action, coder: Any, announce: Callable[[], bool]) -> Settled:
    return write(action, coder, coder, may_send=lambda: True, announce=announce, clock=lambda: coder.now)


PUT_ONCE = ["read", "announce", "put 2"]
DELETE_ONCE = ["read", "announce", "delete"]
PUT_LOST = ["announce", "put 2", "read", "wait 1", "read", "wait 2", "read"]
PUT_FAILED = ["announce", "put 2", "read", "wait 1", "read"]
DELETE_TWICE = ["announce", "delete", *PUT_LOST[2:], "announce", "delete", "read"]
PUT_LATER = ["announce", "put 2", "wait 9", "read"]


@pytest.mark.parametrize(
    ("action", "reads", "writes", "result", "asked"),
    [
        (UPDATE, [OLD], [NEW], Result.DONE, PUT_ONCE),
        (DELETE, [OLD], [ABSENT], Result.DONE, DELETE_ONCE),
        (UPDATE, [NEW], [], Result.ALREADY, ["read"]),
        (UPDATE, [OTHER], [], Result.CONFLICT, ["read"]),
        (UPDATE, [ABSENT], [], Result.CONFLICT, ["read"]),
        (UPDATE, [Unknown("hidden")], [], Result.FAILED, ["read"]),
        (UPDATE, [DeniedError("signed out")], [], Result.FAILED, ["read"]),
        (UPDATE, [OLD], [RejectedError("no.")], Result.FAILED, PUT_ONCE),
        (UPDATE, [OLD], [NotAMemberError("no.")], Result.CONFLICT, PUT_ONCE),
        (UPDATE, [OLD], [DeniedError("signed out")], Result.FAILED, PUT_ONCE),
        (UPDATE, [OLD, NEW], [LOST], Result.DONE, [*PUT_ONCE, "read"]),
        (DELETE, [OLD, ABSENT], [LOST], Result.DONE, [*DELETE_ONCE, "read"]),
        (UPDATE, [OLD, OTHER], [LOST], Result.CONFLICT, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, Unknown("?")], [LOST], Result.IN_DOUBT, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, LOST], [LOST], Result.IN_DOUBT, [*PUT_ONCE, "read"]),
        # lost: what a gateway gave up on may arrive later
        (UPDATE, [OLD, OLD, NEW], [LOST], Result.DONE, ["read", *PUT_LOST[:5]]),
        (UPDATE, [OLD, OLD, OLD, NEW], [LOST], Result.DONE, ["read", *PUT_LOST]),
        (UPDATE, [OLD, OLD, OTHER], [LOST], Result.CONFLICT, ["read", *PUT_LOST[:5]]),
        (UPDATE, [OLD] * 4, [LOST, NEW], Result.DONE, ["read", *PUT_LOST, "announce", "put 2"]),
        (UPDATE, [OLD] * 4 + [NEW], [LOST, LOST], Result.DONE, ["read", *PUT_LOST, *PUT_LOST[:3]]),
        (UPDATE, [OLD] * 10, [LOST] * 3, Result.IN_DOUBT, ["read", *PUT_LOST * ATTEMPTS]),
        (UPDATE, [OLD] * 4, [LOST, NotAMemberError("no.")], Result.IN_DOUBT, ["read", *PUT_LOST, "announce", "put 2"]),
        (UPDATE, [OLD] * 4, [LOST, RejectedError("no.")], Result.IN_DOUBT, ["read", *PUT_LOST, "announce", "put 2"]),
        # 500 in Coder's own words: its request is over
        (UPDATE, [OLD, NEW], [FAILED_500], Result.DONE, ["read", *PUT_FAILED[:3]]),
        (UPDATE, [OLD] * 7, [FAILED_500] * 3, Result.FAILED, ["read", *PUT_FAILED * ATTEMPTS]),
        (UPDATE, [OLD] * 8, [LOST, *[FAILED_500] * 2], Result.IN_DOUBT, ["read", *PUT_LOST, *PUT_FAILED * 2]),
        # refused for now: waited for, read again, and only then sent again
        (UPDATE, [OLD, OLD], [LATER, NEW], Result.DONE, ["read", *PUT_LATER, "announce", "put 2"]),
        (UPDATE, [OLD, OTHER], [LATER], Result.CONFLICT, ["read", *PUT_LATER]),
        (UPDATE, [OLD, NEW], [LATER], Result.ALREADY, ["read", *PUT_LATER]),
        (UPDATE, [OLD, Unknown("?")], [LATER], Result.FAILED, ["read", *PUT_LATER]),
        (UPDATE, [OLD] * 9, [*[LATER] * 8, NEW], Result.DONE, ["read", *PUT_LATER * 8, "announce", "put 2"]),
        (UPDATE, [OLD] * 5, [LOST, LATER, NEW], Result.DONE, ["read", *PUT_LOST, *PUT_LATER, "announce", "put 2"]),
        (DELETE, [OLD, ABSENT], [NotFoundError("404")], Result.ALREADY, [*DELETE_ONCE, "read"]),
        (DELETE, [OLD, OLD], [NotFoundError("404")], Result.FAILED, [*DELETE_ONCE, "read"]),
        (DELETE, [OLD, OTHER], [NotFoundError("404")], Result.CONFLICT, [*DELETE_ONCE, "read"]),
        (DELETE, [OLD, Unknown("?")], [NotFoundError("404")], Result.FAILED, [*DELETE_ONCE, "read"]),
        # 404 after an answer that was lost: the attempt before it may have arrived, or may still do so
        (DELETE, [*[OLD] * 4, ABSENT], [LOST, NotFoundError("404")], Result.DONE, ["read", *DELETE_TWICE]),
        (DELETE, [*[OLD] * 4, OLD], [LOST, NotFoundError("404")], Result.IN_DOUBT, ["read", *DELETE_TWICE]),
        (DELETE, [*[OLD] * 4, Unknown("?")], [LOST, NotFoundError("404")], Result.IN_DOUBT, ["read", *DELETE_TWICE]),
        (DELETE, [*[OLD] * 4, OTHER], [LOST, NotFoundError("404")], Result.CONFLICT, ["read", *DELETE_TWICE]),
        (UPDATE, [OLD, NEW], [usd(0)], Result.DONE, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, usd(0)], [usd(0)], Result.IN_DOUBT, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, Unknown("?")], [usd(0)], Result.IN_DOUBT, [*PUT_ONCE, "read"]),
    ],
)
def test_every_answer(
    action: Action,
    reads: list[Reading | ReconcilerError],
    writes: list[State | ReconcilerError],
    result: Result,
    asked: list[str],
) -> None:
    settled, seen = settle(action, reads, writes)
    assert (result, asked) == (settled.result, seen)
    assert settled.detail or result in (Result.DONE, Result.ALREADY)
    assert ".;" not in settled.detail


def test_a_404_of_what_a_read_shows_does_not_blame_the_token_alone() -> None:
    """A replica shows for a while what the run before removed."""
    settled, _ = settle(DELETE, [OLD, OLD], [NotFoundError("404")])
    assert settled.detail.endswith("this token may not write it, or the read is out of date")


def test_without_a_yes_nothing_is_sent() -> None:
    settled, asked = settle(UPDATE, [OLD], [], announce=lambda: False)
    assert (settled.result, asked) == (Result.NOT_ATTEMPTED, ["read"])


@pytest.mark.parametrize(("lost", "result"), [(LOST, Result.IN_DOUBT), (FAILED_500, Result.FAILED)])
def test_a_no_before_it_is_sent_again_leaves_what_is_known(lost: UnreachableError, result: Result) -> None:
    """Interrupted while the answer was lost: it was read back, it had not happened, and it is not sent again."""
    answers = iter([True, False])
    settled, asked = settle(UPDATE, [OLD] * 4, [lost], announce=lambda: next(answers))
    assert (settled.result, asked.count("put 2")) == (result, 1)
    assert "not written" in settled.detail


def test_what_was_refused_for_now_when_the_run_ends_was_not_attempted() -> None:
    """Interrupted while writes waited for their turn: each of them was said to have failed."""
    answers = iter([True, False])
    settled, asked = settle(UPDATE, [OLD] * 2, [LATER], announce=lambda: next(answers))
    assert (settled.result, settled.detail) == (Result.NOT_ATTEMPTED, "Coder limits the rate")
    assert asked.count("put 2") == 1


@pytest.mark.parametrize(
    ("error", "result", "says"),
    [
        (LATER, Result.FAILED, "not written: Coder limits the rate; the run may not wait that long"),
        (LOST, Result.IN_DOUBT, "lost; the run may not wait that long; not written so far, and it may still arrive"),
        (FAILED_500, Result.FAILED, "not written: 500; the run may not wait that long"),
    ],
)
def test_where_the_run_may_not_wait_it_says_what_is_known(error: ReconcilerError, result: Result, says: str) -> None:
    settled, asked = settle(UPDATE, [OLD, OLD], [error], longest_s=0)
    assert (settled.result, settled.detail) == (result, says)
    assert asked.count("put 2") == 1


def test_a_token_that_ended_in_the_middle_keeps_its_hint() -> None:
    denied = DeniedError("401 signed out", hint="log in again with `coder login`")
    for reads, writes in (([denied], []), ([OLD], [denied])):
        settled, _ = settle(UPDATE, [*reads], [*writes])
        assert "401 signed out; log in again with `coder login`" in settled.detail


reads = st.lists(st.sampled_from([OLD, NEW, OTHER, Unknown("?")]), min_size=40, max_size=40)
writes = st.lists(
    st.sampled_from([LOST, FAILED_500, LATER, NEW, usd(0), RejectedError("no.")]), min_size=40, max_size=40
)


@given(reads, writes)
def test_nothing_is_sent_after_a_wait_without_a_read_that_shows_it_as_before(reads: Any, writes: Any) -> None:
    """Law: the request before each write is a read, and what that read showed is what the plan saw."""
    coder: Any = Coder(reads, writes, longest_s=math.inf)
    settled = _write(UPDATE, coder, coder.announce)
    sent = [i for i, name in enumerate(coder.asked) if name == "put 2"]
    assert all(coder.asked[i - 2 : i] == ["read", "announce"] for i in sent)
    shown = iter(reads)
    seen = [next(shown) if name == "read" else None for name in coder.asked]
    assert all(seen[i - 2] == OLD for i in sent)
    lost = any(answer is LOST for answer in writes[: len(sent)])
    assert settled.result is not Result.FAILED or not lost  # what may still arrive is in doubt


@pytest.mark.parametrize(
    ("takes", "now_live", "result", "asked"),
    [
        (LONGEST_MOMENT, OLD, Result.DONE, PUT_ONCE),
        (2 * LONGEST_MOMENT, OLD, Result.DONE, ["read", "announce", "read", "put 2"]),
        (2 * LONGEST_MOMENT, OTHER, Result.CONFLICT, ["read", "announce", "read"]),
        (2 * LONGEST_MOMENT, NEW, Result.ALREADY, ["read", "announce", "read"]),
    ],
)
def test_a_disk_that_hangs_is_a_wait(takes: timedelta, now_live: Budget, result: Result, asked: list[str]) -> None:
    """Somebody may have written while the announcement was on its way to the disk."""
    coder: Any = Coder([OLD, now_live], [NEW])
    coder.disk_takes = takes
    assert (_write(UPDATE, coder, coder.announce).result, coder.asked) == (result, asked)


@pytest.mark.parametrize(
    ("takes", "now_live", "result", "asked"),
    [
        (LONGEST_MOMENT, OLD, Result.DONE, PUT_ONCE),
        (timedelta(hours=1), OLD, Result.DONE, ["read", "announce", "read", "put 2"]),
        (timedelta(hours=1), OTHER, Result.CONFLICT, ["read", "announce", "read"]),
    ],
)
def test_an_answer_that_came_late_is_an_old_one(
    takes: timedelta, now_live: Budget, result: Result, asked: list[str]
) -> None:
    """A laptop was closed while the read before a write was under way: the write relied on an answer of an hour ago."""
    coder: Any = Coder([OLD, now_live], [NEW])
    coder.read_takes = takes
    assert (_write(UPDATE, coder, coder.announce).result, coder.asked) == (result, asked)
