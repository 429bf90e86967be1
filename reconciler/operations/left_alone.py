"""What a run leaves alone although it goes on: an action in conflict, an override that ended, and what shares people
with one of them (sharing.py), since law 5 holds of them together."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.action import Action
from reconciler.core.directory import Directory
from reconciler.core.plan.sharing import sharing_numbers
from reconciler.dataclass import dataclass
from reconciler.words import listed, spoken

_ENDED = "ended during the run"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cause:
    """The first action of those that share people which must not be carried out."""

    address: str
    has_ended: bool
    """Whether it would set an override whose end has come; else it is in conflict."""


class LeftAlone:
    """The actions of a run by their numbers in the plan. Every thread may use it."""

    def __init__(self, actions: Sequence[Action], directory: Directory) -> None:
        self._actions = actions
        self._sharing = sharing_numbers(actions, directory)
        self._causes: dict[int, _Cause] = {}
        """Per number of actions that share people."""
        self._skipped: set[int] = set()
        """The numbers of which other actions than the cause were not attempted."""

    def __contains__(self, i: int) -> bool:
        return self._sharing[i] in self._causes

    def add(self, i: int, *, has_ended: bool) -> None:
        """Leave an action and what shares people with it alone: its override has ended, or it is in conflict."""
        self._causes.setdefault(self._sharing[i], _Cause(address=self._actions[i].address, has_ended=has_ended))

    def why_not(self, i: int) -> str:
        """Say why an action that is left alone was not attempted, which counts from now on."""
        cause = self._causes[self._sharing[i]]
        if cause.address == self._actions[i].address:
            return f"its override {_ENDED}"
        self._skipped.add(self._sharing[i])
        state = f"whose override {_ENDED}" if cause.has_ended else "which is in conflict"
        return f"shares people with {spoken(cause.address)}, {state}"

    @property
    def why(self) -> str:
        """Say why actions were not attempted although the run went on; empty when all were."""
        conflicts = [row.address for n, row in self._causes.items() if not row.has_ended and n in self._skipped]
        ended = [row.address for row in self._causes.values() if row.has_ended]
        verb = "is" if len(conflicts) == 1 else "are"
        reasons = [f"{listed(sorted(map(spoken, conflicts)))} {verb} in conflict"] if conflicts else []
        if ended:
            noun = "override" if len(ended) == 1 else "overrides"
            reasons.append(f"the {noun} of {listed(sorted(map(spoken, ended)))} {_ENDED}")
        if self._skipped:
            them = "it" if len(conflicts) + len(ended) == 1 else "them"
            reasons.append(f"what shares people with {them} was left alone")
        return ", and ".join(reasons)
