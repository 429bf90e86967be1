"""What a run has on disk, and when: a write is announced before it is sent, and its result is there soon after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from reconciler.core.budget import GroupId, Reading
from reconciler.core.directory import Group, Subject
from reconciler.core.plan.outcome import Ended, Event, Intent, Outcome, Recorded, Result, Started
from reconciler.errors import FileError
from reconciler.operations.apply import Approval, apply_plan
from tests.apply.memory import KeptJournal, Memory, NeverStops, a_run, plan_of
from tests.effects.worlds import World, set_group, set_user

WORLD = World({"acme": ["ana"], "acme/eng": ["ana"]}, {"acme/eng": 20, "acme": 5}, {"ana": (9, "acme")})
PLAN = plan_of(
    WORLD, set_user(WORLD, "ana", (30, "acme")), set_group(WORLD, "acme/eng", 25), set_group(WORLD, "acme", 4)
)
"""A phase each, in this order."""
THREE = ["user/ana", "group/acme/eng", "group/acme/Everyone"]


@dataclass
class Disk(KeptJournal):
    """A journal whose lines are on disk once they are flushed; it is full from a flush on, or from a line on."""

    on_disk: list[Event] = field(default_factory=list)
    full_at_flush: int = -1
    is_full: Callable[[Event], bool] = lambda event: False
    flushes: int = 0

    def append(self, event: Event) -> None:
        if self.is_full(event):
            raise FileError("the disk is full")
        super().append(event)

    def flush(self) -> None:
        self.flushes += 1
        if self.flushes == self.full_at_flush:
            raise FileError("the disk is full")
        self.on_disk = list(self.events)


@dataclass
class Witness(Memory):
    """A Coder that tells when budgets of groups are read."""

    at_read: Callable[[], None] = lambda: None

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        self.at_read()
        return super().group_budgets(groups)


def run(disk: Disk, memory: Memory) -> Outcome:
    return apply_plan(PLAN, memory, memory, open_journal=disk.opened, run=a_run(), stop=NeverStops())


def test_a_write_is_announced_on_disk_and_what_became_of_the_phase_before_is_there() -> None:
    disk, memory, told = Disk(), Memory(WORLD.snapshot()), []

    def before_write(subject: Subject) -> None:
        told.append(
            [(type(event).__name__, event.address) for event in disk.on_disk if not isinstance(event, Started | Ended)]
        )
        assert isinstance(disk.on_disk[0], Started)

    memory.before_write = before_write
    assert run(disk, memory).is_complete
    assert memory.writes == THREE
    for number, events in enumerate(told):
        done = [(kind, address) for address in THREE[:number] for kind in ("Intent", "Recorded")]
        assert events == [*done, ("Intent", THREE[number])]
    assert disk.on_disk == disk.events
    assert isinstance(disk.on_disk[-1], Ended)


def test_what_became_of_a_phase_is_on_disk_when_it_is_through() -> None:
    """Not only with the next announcement: who is killed while the result is proved knows what was done."""
    disk, memory = Disk(), Witness(WORLD.snapshot())
    seen: list[list[Event]] = []
    memory.at_read = lambda: seen.append(list(disk.on_disk))
    run(disk, memory)
    assert sum(isinstance(event, Recorded) for event in seen[-1]) == len(THREE)


def test_without_a_journal_on_disk_nothing_is_written() -> None:
    memory = Memory(WORLD.snapshot())
    with pytest.raises(FileError, match="the disk is full"):
        run(Disk(full_at_flush=1), memory)
    assert memory.writes == []


@pytest.mark.parametrize(
    ("disk", "written"),
    [
        (Disk(full_at_flush=2), 0),  # the first announcement
        (Disk(is_full=lambda event: isinstance(event, Intent)), 0),
        (Disk(full_at_flush=3), 1),  # what became of the first phase
        (Disk(is_full=lambda event: isinstance(event, Recorded)), 1),
    ],
)
def test_a_run_whose_journal_is_not_whole_begins_nothing_more_and_is_not_complete(disk: Disk, written: int) -> None:
    memory = Memory(WORLD.snapshot())
    outcome = run(disk, memory)
    assert memory.writes == THREE[:written]
    assert [row.result for row in outcome.results] == [Result.DONE] * written + [Result.NOT_ATTEMPTED] * (3 - written)
    assert outcome.ended is not None
    assert (outcome.ended.is_verified, outcome.ended.why) == (False, "the disk is full")
    assert "the disk is full" in outcome.ended.differences
    assert not outcome.is_complete


def test_an_end_that_is_not_on_disk_is_no_clean_one() -> None:
    outcome = run(Disk(is_full=lambda event: isinstance(event, Ended)), Memory(WORLD.snapshot()))
    assert [row.result for row in outcome.results] == [Result.DONE] * 3
    assert not outcome.is_complete


def test_an_interruption_ends_a_run_at_once_until_it_begins_to_write() -> None:
    """From then on it is only noted, so that what is on its way is finished and put on record."""

    class Stop(NeverStops):
        has_begun = False

        def begin_writing(self) -> None:
            self.has_begun = True

    stop, memory, disk, told = Stop(), Memory(WORLD.snapshot()), Disk(), []
    memory.before_write = lambda subject: told.append(stop.has_begun)
    apply_plan(
        PLAN, memory, memory, open_journal=disk.opened, run=a_run(), stop=stop,
        approval=Approval(ask=lambda: told.append(stop.has_begun)),
    )  # fmt: skip
    assert told == [False, True, True, True]
