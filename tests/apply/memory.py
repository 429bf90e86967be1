"""A Coder in memory that can be read and written, for runs of apply in this process: no request, no file, no wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.coder.pool import Workers
from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, Reading, State, UserId
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.gate.verdict import Verdict
from reconciler.core.people.assess import assess
from reconciler.core.plan.order import in_order
from reconciler.core.plan.outcome import Event
from reconciler.core.plan.plan import Plan
from reconciler.core.snapshot import People
from reconciler.errors import ReconcilerError
from reconciler.operations.execution import Run
from reconciler.operations.journal_file import Journal
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW, World


@dataclass
class Memory(SnapshotReader):
    """A reader that is a Writer, too. `before_read` and `before_write` may change it, or raise what Coder answers."""

    before_read: Callable[[Subject], None] = lambda subject: None
    before_write: Callable[[Subject], None] = lambda subject: None
    after_write: Callable[[], None] = lambda: None
    is_demoted: bool = False
    writes: list[str] = field(default_factory=list)
    states: dict[GroupId | UserId, Reading] = field(init=False)

    def __post_init__(self) -> None:
        self.states = {}
        for readings in (self.snapshot.group_budgets, self.snapshot.user_overrides):
            self.states.update(readings.items())

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        self._require_rights()
        return {group.id: self.states.get(group.id, ABSENT) for group in groups}

    def people(self, users: Sequence[User], directory: Directory) -> People:
        self._require_rights()
        return People(overrides={user.id: self.states.get(user.id, ABSENT) for user in users}, reported={})

    def budget(self, subject: Subject) -> Reading:
        self._require_rights()
        self.before_read(subject)
        return self.states[subject.id]

    def turn(self) -> AbstractContextManager[None]:
        """Everybody's at once."""
        return nullcontext()

    def prepare(self, subject: Subject) -> None:
        """Nothing has to be found out."""

    def put(self, subject: Subject, budget: Budget) -> Budget:
        self._write(subject, budget)
        return budget

    def delete(self, subject: Subject) -> None:
        self._write(subject, ABSENT)

    def pause(self, seconds: float) -> None:
        """No time passes."""

    def _write(self, subject: Subject, state: State) -> None:
        self._require_rights()
        self.before_write(subject)
        self.writes.append(subject.address)
        self.states[subject.id] = state
        self.after_write()

    def _require_rights(self) -> None:
        if self.is_demoted:
            raise ReconcilerError("this token may do nothing any more")


class NeverStops:
    """Satisfies Stop."""

    requested = False

    def begin_writing(self) -> None:
        """Nobody interrupts."""


@dataclass
class KeptJournal:
    """Satisfies Journal; keeps the events."""

    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        self.events.append(event)

    def flush(self) -> None:
        """Memory is all there is."""

    @contextmanager
    def opened(self) -> Iterator[Journal]:
        yield self


NO_VERDICT = Verdict()


def plan_of(world: World, *actions: Action, verdict: Verdict = NO_VERDICT) -> Plan:
    return Plan(
        deployment=world.snapshot().deployment,
        at=NOW,
        actions=in_order(actions),
        unchanged=0,
        unreadable=(),
        withheld=(),
        effects=assess(actions, world.snapshot()).effects({}),
        verdict=verdict,
    )


def a_run(clock: Callable[[], datetime] = lambda: NOW.astimezone(UTC)) -> Run:
    """One thread, so that every run of a test is the same."""
    return Run(id="run-1", tool="reconciler/1", who="ana@desk", revision="", clock=clock, pool=Workers(1))
