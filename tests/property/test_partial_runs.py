"""Law 5 for runs of which a part is left undone: by a conflict, a refused write, or a token that loses its rights."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, State, UserId
from reconciler.core.directory import Group, Subject
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.standing import amount_or_any
from reconciler.core.plan.outcome import Outcome, Result
from reconciler.core.plan.sharing import sharing_numbers
from reconciler.core.snapshot import Effective
from reconciler.errors import RejectedError
from reconciler.operations.apply import apply_plan
from tests.apply.memory import KeptJournal, Memory, NeverStops, a_run, plan_of
from tests.effects.worlds import World, plans, set_group, set_user, usd

Amounts = dict[UserId, float]


class Watched:
    """A run, and what limits everybody before and after each of its own writes."""

    def __init__(self, world: World, actions: tuple[Action, ...]) -> None:
        self.world, self.plan = world, plan_of(world, *actions)
        self.memory = Memory(world.snapshot())
        self.before = self.amounts()
        done = Memory(world.snapshot())
        done.states |= {action.subject.id: action.after for action in actions}
        self.after = amounts(done)
        self.moments: list[tuple[Amounts, Amounts]] = []
        self._at = self.before

    def amounts(self) -> Amounts:
        return amounts(self.memory)

    def run(self) -> Outcome:
        self.memory.after_write = lambda: self.moments.append((self._at, self.amounts()))
        trouble = self.memory.before_write

        def before_write(subject: Subject) -> None:
            trouble(subject)
            self._at = self.amounts()

        self.memory.before_write = before_write
        journal = KeptJournal()
        return apply_plan(
            self.plan, self.memory, self.memory, open_journal=journal.opened, run=a_run(), stop=NeverStops()
        )

    @property
    def harmed(self) -> set[UserId]:
        """People whom a write of ours put below the lower of before and after, or made unlimited unplanned."""
        return {
            person
            for at, now in self.moments
            for person in now
            if now[person] < min(at[person], self.before[person], self.after[person])
            or (now[person] == float("inf") > max(at[person], self.before[person], self.after[person]))
        }


def amounts(memory: Memory) -> Amounts:
    directory = memory.directory()
    limits = EffectiveLimits(
        directory,
        {id_: memory.states[id_] for id_ in directory.groups},
        {id_: memory.states[id_] for id_ in directory.users},
    )
    effective = {person: limits.of(person) for person in directory.users}
    return {person: amount_or_any(limit) for person, limit in effective.items() if isinstance(limit, Effective)}


def conflicting(action: Action, dollars: int | None) -> State:
    if dollars is None:
        return ABSENT
    group = action.subject.ref if isinstance(action.subject, Group) else GroupRef(GroupId("acme"))
    return Budget(usd(dollars), group)


@given(plans(), st.data())
@settings(max_examples=300)
def test_law_5_a_conflict_at_each_position_harms_nobody(
    drawn: tuple[World, tuple[Action, ...]], data: st.DataObject
) -> None:
    world, actions = drawn
    assume(actions)
    watched = Watched(world, actions)
    changed = data.draw(st.sets(st.sampled_from(watched.plan.actions), min_size=1, max_size=2))
    wanted = {
        action.subject.id: conflicting(action, data.draw(st.sampled_from([None, 5, 15, 99]))) for action in changed
    }

    def somebody(subject: Subject) -> None:
        if subject.id in wanted:
            watched.memory.states[subject.id] = wanted[subject.id]

    watched.memory.before_read = somebody
    outcome = watched.run()
    assert not watched.harmed
    for row in outcome.results:
        if row.result is Result.DONE:
            assert watched.memory.states[row.action.subject.id] == row.action.after


@given(plans(), st.data())
@settings(max_examples=200)
def test_law_5_a_refusal_or_a_demotion_at_each_position_harms_nobody(
    drawn: tuple[World, tuple[Action, ...]], data: st.DataObject
) -> None:
    world, actions = drawn
    assume(actions)
    watched = Watched(world, actions)
    at, is_demotion = data.draw(st.integers(0, len(actions) - 1)), data.draw(st.booleans())

    def trouble(subject: Subject) -> None:
        if len(watched.memory.writes) == at:
            watched.memory.is_demoted = is_demotion
            raise RejectedError("no")

    watched.memory.before_write = trouble
    outcome = watched.run()
    assert not watched.harmed
    assert outcome.count(Result.FAILED) == 1
    assert outcome.count(Result.DONE) == at
    assert outcome.is_complete is False


def test_a_conflict_leaves_alone_what_shares_people_with_it_and_the_rest_goes_on() -> None:
    """bob is in both groups of acme; the group of beta has other people. It need not be the first that shares them."""
    world = World(
        {"acme": ["ana", "bob"], "acme/eng": ["bob"], "acme/ops": ["bob"], "beta": ["kim"]},
        {"acme/eng": 300, "acme/ops": 300, "beta": 30},
        {},
    )
    actions = (set_group(world, "acme/eng", 20), set_group(world, "acme/ops", 250), set_group(world, "beta", 20))
    watched = Watched(world, (*actions, set_user(world, "bob", (400, "acme/eng"))))

    def somebody(subject: Subject) -> None:
        watched.memory.states[GroupId("acme/eng")] = conflicting(actions[0], 10)

    watched.memory.before_read = somebody
    outcome = watched.run()
    results = {row.action.address: (row.result, row.detail) for row in outcome.results}
    assert results["user/bob"][0] is Result.DONE
    assert results["group/acme/eng"][0] is Result.CONFLICT
    assert results["group/acme/ops"] == (
        Result.NOT_ATTEMPTED,
        "shares people with group/acme/eng, which is in conflict",
    )
    assert results["group/beta/Everyone"][0] is Result.DONE
    assert not watched.harmed
    assert outcome.ended is not None
    assert outcome.ended.why == "group/acme/eng is in conflict, and what shares people with it was left alone"


def test_people_are_shared_through_others_and_by_hidden_members() -> None:
    world = World(
        {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "bob"], "acme/ops": ["bob", "eve"], "beta": ["kim"]},
        {"acme/eng": 300, "acme/ops": 300, "beta": 30},
        {"eve": (40, "acme")},
    )
    actions = (set_user(world, "eve", None), set_group(world, "acme/eng", 20), set_group(world, "acme/ops", 250))
    beta = set_group(world, "beta", 20)
    eve, eng, ops, kim = sharing_numbers((*actions, beta), world.directory())
    assert eve == eng == ops != kim
    hidden = World(world.members, world.budgets, world.overrides, hidden={"beta": 1})
    one, *others = sharing_numbers((*actions, beta), hidden.directory())
    assert others == [one] * 3
