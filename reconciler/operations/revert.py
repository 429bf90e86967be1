"""Plan the inverse of what a run really did: from its journal's results, never from its plan.

Only what that run wrote, or may have written, is taken back, and only where live is still as it left it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.core.action import Action, Cause
from reconciler.core.budget import Absent, Budget, Reading, State, Unknown
from reconciler.core.describe import describe
from reconciler.core.desired import NOTHING_DESIRED
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.moment import present
from reconciler.core.plan.order import in_order
from reconciler.core.plan.outcome import Outcome, Result
from reconciler.core.plan.plan import Coverage, Plan, Unreadable
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import Policy
from reconciler.errors import RefusedError
from reconciler.operations.ports import Reader
from reconciler.operations.reading import read_subjects, require_found
from reconciler.operations.review import Proposal, find_effects, find_verdict
from reconciler.words import spoken


def make_revert(outcome: Outcome, reader: Reader, *, at: datetime, policies: Sequence[Policy] = ()) -> Plan:
    """Read live again and plan the way back. Raises RefusedError when the run was on another deployment.

    The guardrails of `policies` are asked, and what breaks them is a warning: the way back must stay open.
    """
    started, deployment = outcome.started, reader.deployment()
    if started.deployment.id != deployment.id:
        raise RefusedError(
            f"The journal is of the deployment {started.deployment.id} ({started.deployment.url}), "
            f"and this is {deployment.id} ({deployment.url}); nothing was written",
            hint="point CODER_URL at the deployment of the journal",
        )
    written = [result.action for result in outcome.results if result.result in (Result.DONE, Result.IN_DOUBT)]
    require_found(written, reader.directory())
    sorter = _Sorter(reader.directory())
    existing = [live for action in written if (live := sorter.with_live_names(action)) is not None]
    snapshot = read_subjects(existing, reader)
    for action in existing:
        sorter.add(action, snapshot.reading(action.subject))
    actions = in_order(sorter.actions)
    resolution = resolve(policies, reader.directory(), at=at)
    proposal = Proposal(
        actions=actions,
        snapshot=snapshot,
        policies=(),
        desired=NOTHING_DESIRED,
        moment=present(at),
        bounds=() if resolution.findings or not actions else resolution.policies,
    )
    effects = find_effects(proposal, reader)
    return Plan(
        deployment=deployment,
        at=at,
        actions=actions,
        unchanged=sorter.unchanged,
        unreadable=tuple(sorter.unreadable),
        withheld=(),
        effects=effects,
        verdict=find_verdict(proposal, effects),
        covers=Coverage.RUN,
        left_alone=tuple(sorter.skipped),
    )


class _Sorter:
    """Sorts what a run wrote by what can be done about it now."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.actions: list[Action] = []
        self.unreadable: list[Unreadable] = []
        self.skipped: list[str] = []
        self.unchanged = 0

    def with_live_names(self, action: Action) -> Action | None:
        """Return an action that names its subject and what was before it as they are live: no text of a journal counts.

        None where the subject is gone. Raises RefusedError when its id is that of a group of another organization.
        """
        subject = self._directory.live(action.subject)
        if subject is None:
            self.skipped.append(f"{spoken(action.address)} is gone, or this token may not read it")
            return None
        if _organization(subject) != _organization(action.subject):
            raise RefusedError(
                f"The journal calls {spoken(subject.address)} {spoken(action.address)}, "
                "which is in another organization; nothing was written",
                hint="do not revert this journal: it was changed, or made for another deployment",
            )
        return replace(action, subject=subject, before=self._renamed(action.before))

    def add(self, action: Action, live: Reading) -> None:
        """Sort an action of the journal by what is live now: to be taken back, unchanged, unreadable or skipped."""
        if isinstance(live, Unknown):
            self.unreadable.append(Unreadable(subject=action.subject, reading=live))
        elif live == action.before:
            self.unchanged += 1
        elif live != action.after:
            self.skipped.append(f"{spoken(action.address)} has changed since: it is {self._say(live, action)}")
        elif self._can_be_restored(action):
            self.actions.append(
                Action(
                    subject=action.subject,
                    before=live,
                    after=action.before,
                    cause=Cause.REVERT,
                )
            )
        elif isinstance(action.before, Budget) and action.before.group.id not in self._directory.groups:
            group = f"the group of {self._say(action.before, action)}"
            self.skipped.append(f"{spoken(action.address)}: {group} is gone, or this token may not read it")
        else:
            self.skipped.append(
                f"{spoken(action.address)} is no longer a member of the group of {self._say(action.before, action)}"
            )

    def _can_be_restored(self, action: Action) -> bool:
        match action.subject, action.before:
            case User() as user, Budget() as budget:
                members = self._directory.members.get(budget.group.id, frozenset())
                return user.id in members or budget.group.id in self._directory.hidden_members
            case _:
                return True

    def _renamed(self, state: State) -> State:
        """Return a state with its group named as it is called now."""
        return replace(state, group=self._directory.ref(state.group.id)) if isinstance(state, Budget) else state

    def _say(self, state: Absent | Budget, action: Action) -> str:
        return describe(state, action.subject)


def _organization(subject: Subject) -> str:
    """Return the id of a group's organization; people belong to none."""
    return str(subject.organization_id) if isinstance(subject, Group) else ""
