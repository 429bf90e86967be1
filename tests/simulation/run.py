"""One world: plans and applies under faults, edits and crashes, then a clean run. The laws hold at every step.

law 1   a plan of what was just made so is empty, and applying it sends nothing
law 2   after whatever happened, one clean run makes it so
law 3   we write only what is managed, and only what an intent on disk announced; while anything is unknown no
        unlisted subject is removed
law 5   no write of ours leaves anybody below the lowest of: their limit just before it, and what the plan had for
        them before and after; but for people whose sources somebody else changes behind our back
law 6   a run that says it is complete left everything as planned, unless others changed it since
law 10  an orphan in the policy changes no other action, apart from the removals it withholds
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random

from reconciler.core.action import Action, Cause, Kind
from reconciler.core.budget import Absent, Budget
from reconciler.core.directory import User
from reconciler.core.gate.verdict import FlagGrant
from reconciler.core.moment import present
from reconciler.core.plan.outcome import Intent, Outcome, Recorded, Result
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Hazard, Manage, Policy
from reconciler.errors import ReconcilerError
from reconciler.operations.apply import apply_plan
from reconciler.operations.execution import Run
from reconciler.operations.plan import PlanRequest, make_plan
from tests import ranges
from tests.simulation.coder import Coder, limit_of
from tests.simulation.faults import Faults
from tests.simulation.hub import Crash, Hub
from tests.simulation.ports import Disk, Reads, Writes
from tests.simulation.world import draw_coder, draw_kind, draw_policies, edit_by_others

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRANTS = tuple(FlagGrant(hazard=hazard, up_to=1_000) for hazard in Hazard)


class BrokenLawError(AssertionError):
    """A law does not hold in this world."""


class Calm:
    """Nobody interrupts."""

    requested = False

    def begin_writing(self) -> None:
        """There is no signal to hold back."""


@dataclass(slots=True)
class World:
    """One world while it runs."""

    seed: int
    rng: Random
    hub: Hub
    coder: Coder
    policies: tuple[Policy, ...]
    counts: Counter[str] = field(default_factory=Counter)
    plan: Plan | None = None
    disk: Disk | None = None
    changed_by_others: set[str] = field(default_factory=set)
    """Subjects, and people whose memberships changed, since the plan was made."""
    planned_before: Mapping[str, float] = field(default_factory=dict)
    planned_after: Mapping[str, float] = field(default_factory=dict)
    last_limits: Mapping[str, float] = field(default_factory=dict)
    managed: set[str] = field(default_factory=set)
    """Subjects that the policies may touch, as of every plan so far."""
    in_doubt: set[str] = field(default_factory=set)
    """Subjects of writes of earlier runs that may still be on their way."""
    broken: str = ""
    """The first law that was broken, and by what."""

    def watch(self, subject: str, author: str) -> None:
        """Hear of a change in Coder, after it."""
        limits = self._limits()
        if author == "others":
            self.changed_by_others.add(subject)
        else:
            self.counts["writes"] += 1
            self.broken = self.broken or self._check_write(subject, limits)
        self.last_limits = limits

    def begin(self, plan: Plan, disk: Disk) -> None:
        """Begin to watch a run."""
        self.plan, self.disk, self.changed_by_others = plan, disk, set()
        self.managed |= _managed(self.policies, self.coder)
        self.last_limits = self.planned_before = self._limits()
        budgets, overrides = dict(self.coder.budgets), dict(self.coder.overrides)
        for action in plan.actions:
            _apply(action, budgets, overrides)
        people = self.last_limits
        self.planned_after = {p: limit_of(p, self.coder.members, budgets, overrides) for p in people}

    def _limits(self) -> dict[str, float]:
        people = {person for inside in self.coder.members.values() for person in inside}
        return {person: self.coder.limit(person) for person in people}

    def _check_write(self, subject: str, limits: Mapping[str, float]) -> str:
        assert self.plan is not None
        assert self.disk is not None
        action = next((action for action in self.plan.actions if str(action.subject.id) == subject), None)
        if action is None:
            return "" if self._is_late(subject) else f"law 3: {subject} was written, and no action of the plan says so"
        if subject not in self.managed:
            return f"law 3: {subject} is not managed"
        number = self.plan.actions.index(action)
        if not any(isinstance(event, Intent) and event.action == number for event in self.disk.flushed):
            return "" if self._is_late(subject) else f"no intent on disk announced the write of {subject}"
        for person, limit in limits.items():
            known = (self.last_limits.get(person), self.planned_before.get(person), self.planned_after.get(person))
            least = min(limit_ for limit_ in known if limit_ is not None) if None not in known else -1.0
            if limit < least and not self._is_exempt(person, number):
                return f"law 5: the write of {subject} leaves {person} at {limit}, under {least}"
        return ""

    def _is_late(self, subject: str) -> bool:
        """Whether a write of an earlier run may have arrived only now."""
        return subject in self.in_doubt

    def _is_exempt(self, person: str, number: int) -> bool:
        """Whether somebody else changed a source of this person, and the run cannot know: no conflict is on record."""
        assert self.plan is not None
        assert self.disk is not None
        sources = {person, *(name for name, inside in self.coder.members.items() if person in inside)}
        conflicts = set()
        for event in self.disk.appended:
            if isinstance(event, Intent) and event.action == number:
                break
            if isinstance(event, Recorded) and event.result is Result.CONFLICT:
                conflicts.add(str(self.plan.actions[event.action].subject.id))
        return bool((sources & self.changed_by_others) - conflicts) or person in self.in_doubt | self.changed_by_others


def run_world(seed: int) -> Counter[str]:
    """Run one world to its end; return what happened, counted. Raises BrokenLawError that names the law."""
    rng = Random(seed)
    hub = Hub(Random(rng.random()))
    coder = draw_coder(rng, hub)
    world = World(seed=seed, rng=rng, hub=hub, coder=coder, policies=draw_policies(rng, coder))
    coder.watch = world.watch
    kind = draw_kind(rng)
    for _ in range(rng.choice((1, 1, 2))):
        _run_with_faults(world, kind_edits=kind.edits, crashes=kind.crashes, width=kind.width,
                         faults=Faults(rng, kind.fault_rate), full_disk=kind.full_disk)  # fmt: skip
        _require(world)
    hub.settle()
    _require(world)
    world.in_doubt = set()
    _converge(world, kind.width)
    world.counts["worlds"] += 1
    return world.counts


def _run_with_faults(
    world: World, *, kind_edits: int, crashes: bool, width: int, faults: Faults, full_disk: float
) -> None:
    hub, rng = world.hub, world.rng
    disk = Disk(hub, faults, full_share=full_disk)
    for _ in range(kind_edits):
        hub.at(hub.now + rng.random() * 1.5, lambda: edit_by_others(rng, world.coder))
    hub.crash_at = hub.steps + rng.randrange(5, 60) if crashes else None
    try:
        outcome = hub.run(lambda: _plan_and_apply(world, faults, disk, width))
    except Crash:
        world.counts["crashes"] += 1
    except ReconcilerError:
        world.counts["refused or failed before a write"] += 1
    else:
        world.counts["complete" if outcome.is_complete else "incomplete"] += 1
        _check_outcome(world, outcome)
    hub.crash_at = None
    if world.plan is not None:
        world.in_doubt |= {str(action.subject.id) for action in world.plan.actions}


def _plan_and_apply(world: World, faults: Faults, disk: Disk, width: int) -> Outcome:
    reader = Reads(world.hub, world.coder, faults)
    plan = _make_plan(world, reader)
    return _apply_plan(world, plan, reader, Writes(world.hub, world.coder, faults), disk, width)


def _make_plan(world: World, reader: Reads, policies: Sequence[Policy] | None = None) -> Plan:
    request = PlanRequest(
        policies=tuple(world.policies if policies is None else policies),
        sources=(),
        moment=present(NOW),
        grants=GRANTS,
    )
    plan = make_plan(request, reader).plan
    world.counts["plans"] += 1
    if plan.unreadable:
        removed = [action for action in plan.actions if action.cause is Cause.NOT_LISTED and action.kind is Kind.DELETE]
        if removed:
            raise BrokenLawError(
                f"seed {world.seed}: law 3: {removed[0].address} is removed while something is unknown"
            )
    return plan


def _apply_plan(world: World, plan: Plan, reader: Reads, writer: Writes, disk: Disk, width: int) -> Outcome:
    world.begin(plan, disk)
    run = Run(
        id="run",
        tool="reconciler/0",
        who="ci@host",
        revision="",
        clock=lambda: NOW,
        pool=world.hub.pool(width),
    )
    return apply_plan(plan, reader, writer, open_journal=disk.open, run=run, stop=Calm())


def _check_outcome(world: World, outcome: Outcome) -> None:
    """Law 6, as far as nobody else changed anything."""
    if not outcome.is_complete:
        return
    for row in outcome.results:
        subject = str(row.action.subject.id)
        people = subject in world.changed_by_others
        if not people and _state(world.coder, row.action) != _wanted(row.action):
            raise BrokenLawError(f"seed {world.seed}: law 6: complete, and {row.action.address} is not as planned")


def _converge(world: World, width: int) -> None:
    """Laws 1, 2 and 10: one clean run, then nothing is left to do."""
    calm = Faults(world.rng, 0.0)
    hub = world.hub

    def clean() -> tuple[Outcome, int]:
        writer = Writes(hub, world.coder, calm)
        reader = Reads(hub, world.coder, calm)
        plan = _make_plan(world, reader)
        return _apply_plan(world, plan, reader, writer, Disk(hub, calm), width), writer.received

    first, _ = hub.run(clean)
    _require(world)
    if any(row.result not in (Result.DONE, Result.ALREADY) for row in first.results):
        raise BrokenLawError(f"seed {world.seed}: law 2: a clean run left something undone: {first}")
    second, sent = hub.run(clean)
    if second.results or sent:
        raise BrokenLawError(f"seed {world.seed}: law 1: {len(second.results)} actions, {sent} writes on a clean state")
    if world.policies:
        _check_independence(world)


def _check_independence(world: World) -> None:
    """Law 10, on what was live before: an orphan changes no other action but removals of its kind."""
    edit_by_others(world.rng, world.coder)
    calm = Faults(world.rng, 0.0)
    orphan = replace(world.policies[0].user_overrides[0], user="nobody") if world.policies[0].user_overrides else None
    if orphan is None:
        return
    with_orphan = (
        replace(world.policies[0], user_overrides=(*world.policies[0].user_overrides, orphan)),
        *world.policies[1:],
    )
    plain = world.hub.run(lambda: _make_plan(world, Reads(world.hub, world.coder, calm)))
    other = world.hub.run(lambda: _make_plan(world, Reads(world.hub, world.coder, calm), with_orphan))
    kept = [action for action in plain.actions if not _is_unlisted_removal(action)]
    if kept != [action for action in other.actions if not _is_unlisted_removal(action)]:
        raise BrokenLawError(f"seed {world.seed}: law 10: an orphan changes other actions")


def _is_unlisted_removal(action: Action) -> bool:
    return action.cause is Cause.NOT_LISTED and isinstance(action.subject, User)


def _require(world: World) -> None:
    if world.broken:
        raise BrokenLawError(f"seed {world.seed}: {world.broken}")


def _managed(policies: Sequence[Policy], coder: Coder) -> set[str]:
    """Return the subjects that a policy may touch, from its text alone."""
    found: set[str] = set()
    for policy in policies:
        own = {name for name in coder.members if name.partition("/")[0] == policy.organization}
        found |= {policy.organization if e.group == "Everyone" else f"{policy.organization}/{e.group}"
                  for e in policy.group_budgets}  # fmt: skip
        found |= {entry.user for entry in policy.user_overrides}
        if policy.group_budgets_managed is Manage.EXACT:
            found |= own
        if policy.user_overrides_managed is Manage.EXACT:
            found |= {person for name in own for person in coder.members[name]}
            found |= {person for person, (group, _) in coder.overrides.items() if group in own}
    return found


def _apply(action: Action, budgets: dict[str, int], overrides: dict[str, tuple[str, int]]) -> None:
    key = str(action.subject.id)
    if isinstance(action.subject, User):
        overrides.pop(key, None)
        if isinstance(action.after, Budget):
            overrides[key] = (str(action.after.group.id), action.after.limit_micros)
    else:
        budgets.pop(key, None)
        if isinstance(action.after, Budget):
            budgets[key] = action.after.limit_micros


def _state(coder: Coder, action: Action) -> object:
    key = str(action.subject.id)
    return coder.overrides.get(key) if isinstance(action.subject, User) else coder.budgets.get(key)


def _wanted(action: Action) -> object:
    if isinstance(action.after, Absent):
        return None
    if isinstance(action.subject, User):
        return str(action.after.group.id), action.after.limit_micros
    return action.after.limit_micros


def run_range(seeds: range) -> ranges.Batch:
    """Run worlds; return what happened, and every law that was broken."""
    counts: Counter[str] = Counter()
    broken = []
    for seed in seeds:
        try:
            counts += run_world(seed)
        except BrokenLawError as error:
            broken.append(str(error))
    return ranges.Batch(kind="worlds", start=seeds.start, number=len(seeds), counts=dict(counts), broken=tuple(broken))
