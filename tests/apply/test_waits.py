"""Nothing is covered by a check that is older than a wait; and an error of our own ends a run as a failure does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.core.budget import ABSENT, GroupId
from reconciler.core.directory import Subject
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.verdict import PolicyGrant, Verdict
from reconciler.core.plan.outcome import Ended, Ending, Event, Intent, Outcome, Recorded, Result
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Hazard
from reconciler.errors import RefusedError, RetryLaterError, UnreachableError
from reconciler.operations.apply import LONGEST_READ, Approval, apply_plan
from reconciler.operations.write import LONGEST_MOMENT
from tests.apply.memory import KeptJournal, Memory, NeverStops, a_run, plan_of
from tests.effects.worlds import NOW, World, override, set_group, set_user

WORLD = World({"acme": ["ana", "bob"], "acme/eng": ["bob"]}, {"acme/eng": 30, "acme": 20}, {"ana": (40, "acme")})
ACTIONS = (set_group(WORLD, "acme/eng", 25), set_user(WORLD, "ana", (50, "acme")))
MIDNIGHT = NOW + timedelta(hours=1)
DANGER = Verdict(dangers=(Danger(hazard=Hazard.BLOCKS_USERS, counted=("bob",), organization="acme"),))


class Waiting:
    """A run whose question takes a while, during which anything may happen."""

    def __init__(self, plan: Plan, took: timedelta = timedelta(hours=2)) -> None:
        self.plan, self.took, self.now = plan, took, NOW
        self.memory, self.journal = Memory(WORLD.snapshot()), KeptJournal()
        self.meanwhile: Callable[[], None] = lambda: None
        self.renewed = 0
        self.again = plan

    def clock(self) -> datetime:
        return self.now

    def apply(self, stop: NeverStops | None = None, read_from: datetime | None = None) -> Outcome:
        return apply_plan(
            self.plan,
            self.memory,
            self.memory,
            open_journal=self.journal.opened,
            run=a_run(self.clock),
            stop=stop or NeverStops(),
            approval=Approval(ask=self._approve, renew=self._renew, read_from=read_from),
        )

    def refused(self) -> str:
        with pytest.raises(RefusedError) as caught:
            self.apply()
        assert (self.memory.writes, self.journal.events) == ([], [])
        return "\n".join([caught.value.message, *caught.value.details])

    def _approve(self) -> None:
        self.now += self.took
        self.meanwhile()

    def _renew(self) -> Plan:
        self.renewed += 1
        return self.again


class Turns(Memory):
    """A Coder that says whether what it is asked for has its turn."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        self.has_turn.value = True
        try:
            yield
        finally:
            self.has_turn.value = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.has_turn = threading.local()
        self.before_read = self.before_write = self._require_turn

    def _require_turn(self, subject: Subject) -> None:
        assert self.has_turn.value, subject


def test_an_action_reads_only_once_its_turn_to_write_is_near() -> None:
    """Else it waits behind the writes of others with a read that grows old, and has to read again."""
    waiting = Waiting(plan_of(WORLD, *ACTIONS))
    waiting.memory = Turns(WORLD.snapshot())
    assert waiting.apply().is_complete
    assert len(waiting.memory.writes) == len(ACTIONS)


def test_a_quick_yes_is_no_wait() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS), took=LONGEST_MOMENT)
    waiting.again = plan_of(WORLD)
    assert waiting.apply().is_complete
    assert waiting.renewed == 0


@pytest.mark.parametrize("took", [timedelta(hours=2), timedelta(days=-1)], ids=["long", "the clock was set back"])
def test_after_a_wait_the_plan_is_made_anew_and_goes_on_if_it_is_the_same(took: timedelta) -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS), took)
    assert waiting.apply().is_complete
    assert waiting.renewed == 1


def test_what_changed_while_the_question_was_open_is_not_half_written() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS))
    waiting.meanwhile = lambda: waiting.memory.states.update({GroupId("acme/eng"): ABSENT})
    assert "group/acme/eng: the plan saw $30.00, live is no limit" in waiting.refused()


def test_what_somebody_else_did_meanwhile_is_already_done() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS))
    waiting.meanwhile = lambda: waiting.memory.states.update({GroupId("acme/eng"): ACTIONS[0].after})
    waiting.again = plan_of(WORLD, ACTIONS[1])
    outcome = waiting.apply()
    assert [row.result for row in outcome.results] == [Result.DONE, Result.ALREADY]
    waiting = Waiting(plan_of(WORLD, ACTIONS[0]))
    waiting.meanwhile = lambda: waiting.memory.states.update({GroupId("acme/eng"): ACTIONS[0].after})
    waiting.again = plan_of(WORLD)
    assert waiting.apply().is_complete
    assert waiting.journal.events == []


def test_an_override_that_ended_while_the_question_was_open_is_not_set() -> None:
    ending = replace(ACTIONS[1], expires=MIDNIGHT)
    said = Waiting(plan_of(WORLD, ACTIONS[0], ending)).refused()
    assert "1 override ended since it was made; nothing was written" in said
    assert "user/ana: $50.00 (Everyone) ended" in said
    leaves = replace(set_user(WORLD, "ana", None), expires=NOW)
    assert Waiting(plan_of(WORLD, leaves)).apply().is_complete


def test_a_plan_for_another_day_is_not_measured_by_the_clock() -> None:
    later = replace(plan_of(WORLD, replace(ACTIONS[1], expires=MIDNIGHT)), at=NOW, is_for_now=False)
    assert Waiting(later).apply().is_complete


def test_a_consent_that_ended_while_the_question_was_open_does_not_count() -> None:
    grant = PolicyGrant(hazard=Hazard.BLOCKS_USERS, up_to=1, source="a.yaml:1:1", organization="acme", expires=MIDNIGHT)
    said = Waiting(plan_of(WORLD, ACTIONS[0], verdict=DANGER.with_grants([grant]))).refused()
    assert "BLOCKS_USERS: 1 person would be blocked now (bob)" in said


def test_people_whom_it_would_block_by_now_are_asked_about() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS))
    waiting.again = replace(waiting.plan, verdict=DANGER)
    assert "BLOCKS_USERS: 1 person would be blocked now (bob)" in waiting.refused()


def test_a_plan_that_would_be_another_by_now_is_stale() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS))
    waiting.again = plan_of(WORLD, set_user(WORLD, "ana", None))
    said = waiting.refused()
    assert "2 actions differ from what was approved, because time passed, or people or groups changed; nothing" in said
    assert "user/ana: a change to no override would be made now" in said
    assert "group/acme/eng: $25.00 is no longer planned" in said


def test_the_url_may_lead_to_another_deployment_by_now() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS))
    waiting.again = replace(waiting.plan, deployment=replace(waiting.plan.deployment, id="d-2"))
    assert "leads to the deployment d-2" in waiting.refused()


def test_an_error_of_our_own_in_the_middle_still_ends_the_journal_proves_and_reports() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS), took=timedelta())

    def bug(subject: Subject) -> None:
        if subject.address == "group/acme/eng":
            raise KeyError("s3cret")

    waiting.memory.before_write = bug
    outcome = waiting.apply()
    assert [row.result for row in outcome.results] == [Result.DONE, Result.IN_DOUBT]
    ended = waiting.journal.events[-1]
    assert isinstance(ended, Ended)
    assert (ended.ending, ended.is_verified, outcome.is_complete) == (Ending.STOPPED, True, False)
    assert ended.why.startswith("an error in reconciler itself (KeyError in test_waits.py, line ")
    assert "s3cret" not in str(waiting.journal.events)


def test_an_error_of_our_own_in_the_proof_leaves_it_unproven() -> None:
    waiting = Waiting(plan_of(WORLD, *ACTIONS), took=timedelta())

    def broken(*_: object) -> None:
        raise RuntimeError("s3cret")

    waiting.memory.after_write = lambda: setattr(waiting.memory, "group_budgets", broken)
    outcome = waiting.apply()
    assert outcome.ended is not None
    assert (outcome.ended.is_verified, outcome.ended.not_verified) == (False, 2)
    assert "an error in reconciler itself (RuntimeError" in outcome.ended.differences[0]
    assert override(50, "acme") == waiting.memory.states[ACTIONS[1].subject.id]


def test_a_lost_write_that_arrives_after_somebody_elses_is_done_and_not_a_conflict() -> None:
    """The gateway gave up on it; somebody else's value was read back; then it came. `revert` must take it back."""
    waiting = Waiting(plan_of(WORLD, ACTIONS[0]), took=timedelta())
    states, group = waiting.memory.states, ACTIONS[0].subject.id

    def lost(subject: Subject) -> None:
        states[group] = ABSENT
        raise UnreachableError("lost")

    class Arriving(KeptJournal):
        def append(self, event: Event) -> None:
            self.events.append(event)
            if isinstance(event, Recorded) and event.result is Result.CONFLICT:
                states[group] = ACTIONS[0].after

    waiting.memory.before_write = lost
    waiting.journal = Arriving()
    outcome = waiting.apply()
    assert [row.result for row in outcome.results] == [Result.DONE]
    assert [event.result for event in waiting.journal.events if isinstance(event, Recorded)] == [
        Result.CONFLICT,
        Result.DONE,
    ]


def test_a_write_whose_turn_had_not_come_when_the_run_was_interrupted_did_not_fail() -> None:
    """Those that waited for slow writes "failed", and one of them was said to be why the others were left alone."""
    waiting = Waiting(plan_of(WORLD, *ACTIONS), took=timedelta())
    stop = NeverStops()

    def interrupt(_: Subject) -> None:
        stop.requested = True
        raise RetryLaterError("the writes before it took too long", retry_after_s=0.0)

    waiting.memory.before_write = interrupt
    outcome = waiting.apply(stop)
    assert [(row.result, row.detail) for row in outcome.results] == [
        (Result.NOT_ATTEMPTED, "the run was interrupted"),
        (Result.NOT_ATTEMPTED, "the run was interrupted"),
    ]
    ended = outcome.ended
    assert ended is not None
    assert (ended.ending, ended.why) == (Ending.INTERRUPTED, "the run was interrupted")


def test_an_override_that_ended_while_the_run_waited_is_not_set() -> None:
    """A rate limit, a slow server or a closed laptop between two writes: it was set after its end, and stayed."""
    ending = replace(ACTIONS[1], expires=MIDNIGHT)
    waiting = Waiting(plan_of(WORLD, ending), took=timedelta())
    waiting.memory.before_read = lambda subject: setattr(waiting, "now", MIDNIGHT)
    outcome = waiting.apply()
    assert waiting.memory.writes == []
    assert not any(isinstance(event, Intent) for event in waiting.journal.events), "what is not sent is not announced"
    assert [(row.result, row.detail) for row in outcome.results] == [
        (Result.NOT_ATTEMPTED, "its override ended during the run")
    ]
    assert outcome.ended is not None
    assert outcome.ended.ending is Ending.STOPPED
    assert outcome.ended.why == "the override of user/ana ended during the run"


TEAMS = World(
    {"acme": ["ana", "bob", "cyd"], "acme/eng": ["ana", "bob"], "acme/ops": ["cyd"]},
    {"acme/eng": 30, "acme/ops": 20},
    {"ana": (40, "acme"), "cyd": (10, "acme")},
)


def test_an_override_that_ended_during_the_run_stops_what_shares_people_with_it_alone() -> None:
    """It stopped everybody's changes; and a lowering that it was to make up for must not be made without it."""
    ending = replace(set_user(TEAMS, "ana", (50, "acme")), expires=MIDNIGHT)
    others = set_group(TEAMS, "acme/eng", 25), set_group(TEAMS, "acme/ops", 15), set_user(TEAMS, "cyd", (12, "acme"))
    waiting = Waiting(plan_of(TEAMS, ending, *others), took=timedelta())
    waiting.memory = Memory(TEAMS.snapshot())
    waiting.memory.before_read = lambda subject: setattr(waiting, "now", MIDNIGHT)
    outcome = waiting.apply()
    assert {row.action.address: (row.result, row.detail) for row in outcome.results} == {
        "user/ana": (Result.NOT_ATTEMPTED, "its override ended during the run"),
        "group/acme/eng": (Result.NOT_ATTEMPTED, "shares people with user/ana, whose override ended during the run"),
        "user/cyd": (Result.DONE, ""),
        "group/acme/ops": (Result.DONE, ""),
    }
    assert outcome.ended is not None
    assert (outcome.ended.ending, outcome.ended.is_verified) == (Ending.STOPPED, True)
    assert outcome.ended.why == (
        "the override of user/ana ended during the run, and what shares people with it was left alone"
    )


def test_an_override_that_ended_while_its_intent_was_put_on_disk_is_not_set() -> None:
    """A slow disk, or the read after it: nothing looked at the end again before the write was sent."""

    class SlowDisk(KeptJournal):
        def append(self, event: Event) -> None:
            self.events.append(event)
            if isinstance(event, Intent):
                waiting.now = MIDNIGHT

    waiting = Waiting(plan_of(WORLD, replace(ACTIONS[1], expires=MIDNIGHT)), took=timedelta())
    waiting.journal = SlowDisk()
    outcome = waiting.apply()
    assert waiting.memory.writes == []
    assert [(row.result, row.detail) for row in outcome.results] == [
        (Result.NOT_ATTEMPTED, "its override ended during the run")
    ]


def test_what_was_announced_when_the_run_was_interrupted_is_not_in_doubt() -> None:
    """Its write was not sent, so its record says so."""
    stop = NeverStops()

    class Interrupted(KeptJournal):
        def append(self, event: Event) -> None:
            self.events.append(event)
            stop.requested |= isinstance(event, Intent)

    waiting = Waiting(plan_of(WORLD, *ACTIONS), took=timedelta())
    waiting.journal = Interrupted()
    outcome = waiting.apply(stop)
    assert waiting.memory.writes == []
    assert {(row.result, row.detail) for row in outcome.results} == {(Result.NOT_ATTEMPTED, "the run was interrupted")}


@pytest.mark.parametrize(("ago", "renewed"), [(LONGEST_READ, 0), (timedelta(hours=1), 1), (timedelta(hours=-1), 1)])
def test_what_was_read_long_ago_is_read_again(ago: timedelta, renewed: int) -> None:
    """A machine was suspended behind the plan's reads: who had spent their limit meanwhile was blocked unasked.

    Where the clock was set back since, nothing tells how long ago that was.
    """
    waiting = Waiting(plan_of(WORLD, *ACTIONS), took=timedelta())
    assert waiting.apply(read_from=NOW - ago).is_complete
    assert waiting.renewed == renewed


def test_what_was_written_before_its_end_stays_and_other_actions_go_on() -> None:
    """Only a write after the end is wrong; a removal has no end."""
    ending, leaves = replace(ACTIONS[1], expires=MIDNIGHT), replace(set_user(WORLD, "ana", None), expires=NOW)
    for plan in (plan_of(WORLD, ending, ACTIONS[0]), plan_of(WORLD, leaves, ACTIONS[0])):
        waiting = Waiting(plan, took=timedelta())
        waiting.memory.after_write = lambda waiting=waiting: setattr(waiting, "now", MIDNIGHT)  # type: ignore[misc]
        assert waiting.apply().is_complete
