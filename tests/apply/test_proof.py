"""The read at the end: looked at again where it contradicts, and what was announced is settled by it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.action import Action
from reconciler.core.budget import Budget, GroupId, GroupRef, OrganizationId, Reading, Unknown
from reconciler.core.directory import Group
from reconciler.core.plan.outcome import ActionOutcome, Result
from reconciler.errors import ServerError
from reconciler.money import Micros
from reconciler.operations import proof
from reconciler.operations.proof import LOOK_AGAIN_S, read_for_proof
from reconciler.sandbox import Fault
from tests.apply.site import Site

OLD, NEW = (Budget(Micros(amount), GroupRef(GroupId("g"))) for amount in (1, 2))


def outcome(number: int, result: Result) -> ActionOutcome:
    group = Group(organization="acme", name=f"g{number}", id=GroupId(f"g{number}"), organization_id=OrganizationId("o"))
    return ActionOutcome(action=Action(subject=group, before=OLD, after=NEW), result=result, detail="")


def proven(
    monkeypatch: pytest.MonkeyPatch, readings: list[list[Reading]], results: list[Result], longest_s: float = 99
) -> tuple[list[Reading], list[float], list[int]]:
    """Return what was read, the waits, and how many subjects each read asked for."""
    left = iter(readings)
    waits: list[float] = []
    counts: list[int] = []

    def read(actions: list[Action], reader: Any) -> list[Reading]:
        counts.append(len(actions))
        return next(left)

    def pause(seconds: float) -> None:
        if sum(waits) + seconds > longest_s:
            raise ServerError("the run may not wait that long")
        waits.append(seconds)

    monkeypatch.setattr(proof, "read_again", read)
    rows = [outcome(number, result) for number, result in enumerate(results)]
    reader: Any = None
    return read_for_proof(rows, reader, pause), waits, counts


def test_what_is_as_it_should_be_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proven(monkeypatch, [[NEW, NEW]], [Result.DONE, Result.ALREADY]) == ([NEW, NEW], [], [2])


def test_a_stale_read_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what differs is asked for again, a replica that lags gets time, and an unreadable subject too."""
    readings: list[list[Reading]] = [[OLD, NEW, Unknown("x")], [OLD, NEW], [NEW]]
    live, waits, counts = proven(monkeypatch, readings, [Result.DONE, Result.DONE, Result.ALREADY])
    assert (live, waits, counts) == ([NEW, NEW, NEW], [0.5, 1.0], [3, 2, 1])


def test_what_stays_different_is_said_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    live, waits, _ = proven(monkeypatch, [[OLD]] * 9, [Result.DONE])
    assert (live, waits) == ([OLD], [*LOOK_AGAIN_S])


def test_where_the_run_may_not_wait_the_first_read_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    live, waits, counts = proven(monkeypatch, [[OLD], [OLD]], [Result.DONE], longest_s=0.5)
    assert (live, waits, counts) == ([OLD], [0.5], [1, 1])


@pytest.mark.parametrize("result", [Result.IN_DOUBT, Result.FAILED])
def test_what_is_in_doubt_or_failed_is_read_and_not_waited_for(monkeypatch: pytest.MonkeyPatch, result: Result) -> None:
    assert proven(monkeypatch, [[OLD]], [result]) == ([OLD], [], [1])


def test_what_was_in_doubt_and_is_there_is_done(site: Site) -> None:
    """Three answers are lost, each read back is stale, and the proof shows the write."""
    site.policy("platform: $600")
    site.sandbox.fault(Fault("lost", method="PUT", times=3))
    path = f"*/groups/{site.id_of('platform')}/ai/budget"
    before = {"group_id": site.id_of("platform"), "spend_limit_micros": 500_000_000}
    site.sandbox.fault(Fault("status", method="GET", path=path, status=200, body=before, times=10))
    said = site.apply()
    assert site.results == {"group/acme/platform": "done"}
    assert said.code == 0
    assert "a read at the end shows the write" in said.out + said.err


def test_what_somebody_else_wrote_meanwhile_is_not_said_to_be_of_this_run(site: Site) -> None:
    """A write is refused for now, and left alone after the wait; then another run writes the same. A revert of this
    run took that back."""
    site.policy("platform: $600", "contractors: $90")
    path = f"*/groups/{site.id_of('platform')}/ai/budget"
    site.sandbox.fault(Fault("status", method="PUT", path=path, status=429, headers={"Retry-After": "1"}))
    sql, parameters = site.set_budget("platform", 700)
    site.sandbox.fault(Fault("change", method="GET", path=path, after=1, sql=sql, parameters=parameters))
    sql, parameters = site.set_budget("platform", 600)
    later = f"*/groups/{site.id_of('contractors')}/ai/budget"
    site.sandbox.fault(Fault("change", method="PUT", path=later, sql=sql, parameters=parameters))
    said = site.apply("--parallelism", "1", "--journal", "run.jsonl")
    assert site.results == {"group/acme/contractors": "done", "group/acme/platform": "already-done"}
    assert "somebody else wrote it meanwhile" in said.out
    assert said.code == 0
    assert site.run("revert", "run.jsonl", "--auto-approve").code == 0
    assert (site.budget("platform"), site.budget("contractors")) == (600, 100)
    assert "is written now" not in said.err, "the plan is for now"


def test_a_write_that_was_answered_and_shows_late_is_of_this_run(site: Site) -> None:
    """Its answer told another value, and so did the read after it."""
    site.policy("platform: $600")
    path = f"*/groups/{site.id_of('platform')}/ai/budget"
    echo = {"group_id": site.id_of("platform"), "spend_limit_micros": 0}
    site.sandbox.fault(Fault("status", method="PUT", path=path, status=200, body=echo))
    sql, parameters = site.set_budget("platform", 600)
    before = len(site.sandbox.requests)
    assert site.run("plan").code == 0
    reads = sum("/groups/ai/spend" in request.path for request in site.sandbox.requests[before:])
    reads += 1  # the check of what was planned; the next is the proof
    late = Fault("change", method="GET", path="*/groups/ai/spend", after=reads, sql=sql, parameters=parameters)
    site.sandbox.fault(late)
    said = site.apply()
    assert "a read at the end shows the write" in said.out
    assert site.results == {"group/acme/platform": "done"}
