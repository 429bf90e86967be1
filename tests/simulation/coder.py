"""What Coder stores of budgets, and what it does with it: its rule, its cascades, its refusals. In memory.

Written from the facts about Coder and not from our code: an override wins, else the highest budget among a person's
groups, else nothing limits. A membership that ends takes the override on that group with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

Override = tuple[str, int]
"""The group it is attributed to, and micros."""


@dataclass(slots=True)
class Coder:
    """Ids are names: `acme` is an organization and its Everyone, `acme/eng` a group, `p0` a person."""

    members: dict[str, set[str]]
    budgets: dict[str, int]
    overrides: dict[str, Override]
    watch: Callable[[str, str], None] = lambda subject, author: None
    """Hears of every change of a budget, override or membership: whose, and by whom (`us` or `others`)."""
    past: list[tuple[float, dict[str, int], dict[str, Override]]] = field(default_factory=list)
    """What was live until a moment, for reads that are stale; oldest first."""
    now: Callable[[], float] = lambda: 0.0

    def limit(self, person: str) -> float:
        """Return what limits a person, in micros; infinity where nothing does."""
        return limit_of(person, self.members, self.budgets, self.overrides)

    def put_budget(self, group: str, micros: int, *, author: str) -> None:
        self._remember()
        self.budgets[group] = micros
        self.watch(group, author)

    def delete_budget(self, group: str, *, author: str) -> bool:
        """Return whether there was one."""
        self._remember()
        was_there = self.budgets.pop(group, None) is not None
        self.watch(group, author)
        return was_there

    def put_override(self, person: str, group: str, micros: int, *, author: str) -> bool:
        """Return whether Coder takes it: the person must be in the group."""
        if person not in self.members.get(group, ()):
            return False
        self._remember()
        self.overrides[person] = (group, micros)
        self.watch(person, author)
        return True

    def delete_override(self, person: str, *, author: str) -> bool:
        self._remember()
        was_there = self.overrides.pop(person, None) is not None
        self.watch(person, author)
        return was_there

    def add_member(self, group: str, person: str) -> None:
        if person in self.members[group.partition("/")[0]]:
            self.members[group].add(person)
            self.watch(person, "others")

    def remove_member(self, group: str, person: str) -> None:
        """A person who leaves an organization leaves its groups."""
        self._remember()
        left = [name for name in self.members if name == group or name.startswith(f"{group}/")]
        for name in left:
            self.members[name].discard(person)
        if self.overrides.get(person, ("", 0))[0] in left:
            del self.overrides[person]
        self.watch(person, "others")

    def stale(self, seconds: float) -> tuple[Mapping[str, int], Mapping[str, Override]]:
        """Return budgets and overrides as they were some time ago."""
        moment = self.now() - seconds
        for until, budgets, overrides in self.past:
            if until >= moment:
                return budgets, overrides
        return self.budgets, self.overrides

    def _remember(self) -> None:
        self.past.append((self.now(), dict(self.budgets), dict(self.overrides)))


def limit_of(
    person: str,
    members: Mapping[str, set[str]],
    budgets: Mapping[str, int],
    overrides: Mapping[str, Override],
) -> float:
    """Return the rule's answer, in micros."""
    if person in overrides:
        return overrides[person][1]
    theirs = [budgets[group] for group, people in members.items() if person in people and group in budgets]
    return max(theirs, default=inf)
