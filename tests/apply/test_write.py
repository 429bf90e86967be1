"""One action: every answer that Coder, the network and other people can give, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, OrganizationId, Reading, State, Unknown
from reconciler.core.directory import Group
from reconciler.core.plan.outcome import Result
from reconciler.errors import DeniedError, NotFoundError, ReconcilerError, RejectedError, UnreachableError
from reconciler.money import Micros
from reconciler.operations.write import ATTEMPTS, Settled, write

GROUP = Group(organization="acme", name="eng", id=GroupId("g"), organization_id=OrganizationId("o"))


def usd(amount: int) -> Budget:
    return Budget(Micros(amount * 1_000_000), GroupId("g"))


OLD, NEW, OTHER = usd(1), usd(2), usd(3)
UPDATE, DELETE = Action(subject=GROUP, before=OLD, after=NEW), Action(subject=GROUP, before=OLD, after=ABSENT)
LOST = UnreachableError("lost")


class Coder:
    """Answers reads and writes as it is told, and remembers what was asked."""

    def __init__(self, reads: list[Reading | ReconcilerError], writes: list[State | ReconcilerError]) -> None:
        self.reads, self.writes = iter(reads), iter(writes)
        self.asked: list[str] = []

    def budget(self, subject: object) -> Reading:
        return cast(Reading, self._next("read", self.reads))

    def put(self, subject: object, budget: Budget) -> Budget:
        return cast(Budget, self._next(f"put {budget.limit_micros // 1_000_000}", self.writes))

    def delete(self, subject: object) -> None:
        self._next("delete", self.writes)

    def announce(self) -> bool:
        self.asked.append("announce")
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
) -> tuple[Settled, list[str]]:
    coder: Any = Coder(reads, writes)
    return write(action, coder, coder, announce=announce or coder.announce), coder.asked


PUT_ONCE = ["read", "announce", "put 2"]
DELETE_ONCE = ["read", "announce", "delete"]


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
        (UPDATE, [OLD], [RejectedError("no")], Result.FAILED, PUT_ONCE),
        (UPDATE, [OLD], [DeniedError("signed out")], Result.FAILED, PUT_ONCE),
        (UPDATE, [OLD, NEW], [LOST], Result.DONE, [*PUT_ONCE, "read"]),
        (DELETE, [OLD, ABSENT], [LOST], Result.DONE, [*DELETE_ONCE, "read"]),
        (UPDATE, [OLD, OTHER], [LOST], Result.CONFLICT, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, Unknown("?")], [LOST], Result.IN_DOUBT, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, LOST], [LOST], Result.IN_DOUBT, [*PUT_ONCE, "read"]),
        (UPDATE, [OLD, OLD], [LOST, NEW], Result.DONE, [*PUT_ONCE, "read", *PUT_ONCE[1:]]),
        (UPDATE, [OLD, OLD, NEW], [LOST, LOST], Result.DONE, [*PUT_ONCE, "read", *PUT_ONCE[1:], "read"]),
        (UPDATE, [OLD] * 4, [LOST] * 3, Result.FAILED, [*PUT_ONCE * ATTEMPTS, "read"]),
        (DELETE, [OLD, ABSENT], [NotFoundError("404")], Result.ALREADY, [*DELETE_ONCE, "read"]),
        (DELETE, [OLD, OLD], [NotFoundError("404")], Result.FAILED, [*DELETE_ONCE, "read"]),
        (DELETE, [OLD, OTHER], [NotFoundError("404")], Result.CONFLICT, [*DELETE_ONCE, "read"]),
        (DELETE, [OLD, Unknown("?")], [NotFoundError("404")], Result.FAILED, [*DELETE_ONCE, "read"]),
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


def test_without_a_yes_nothing_is_sent() -> None:
    settled, asked = settle(UPDATE, [OLD], [], announce=lambda: False)
    assert (settled.result, asked) == (Result.NOT_ATTEMPTED, ["read"])


def test_a_no_before_it_is_sent_again_leaves_what_is_known() -> None:
    """Interrupted while the answer was lost: it was read back, it had not happened, and it is not sent again."""
    answers = iter([True, False])
    settled, asked = settle(UPDATE, [OLD, OLD], [LOST], announce=lambda: next(answers))
    assert (settled.result, asked) == (Result.FAILED, ["read", "put 2", "read"])
    assert "not written" in settled.detail
