"""What `apply`, `revert` and `show JOURNAL` report at the end: an outcome, its exit code and the journal's path.

One shape for every ending. An apply that had nothing to do, or was refused, has the same keys; its `run` is empty. With
nothing to do it has no results; refused, it has every action as not attempted, and says why in `refusal`. A saved plan
that is refused before it was counted again has no `plan` either: what it says of people and money is of another day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from reconciler.core.action import Kind
from reconciler.core.plan.outcome import ActionOutcome, Ended, Ending, Outcome, Result, is_complete
from reconciler.core.plan.plan import Plan
from reconciler.core.snapshot import Deployment
from reconciler.dataclass import dataclass
from reconciler.errors import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReport:
    """The end of an apply, as every format shows it."""

    JSON_EXTRAS: ClassVar = ("is_complete", "counts")

    exit_code: int
    """The exit code of the command."""
    deployment: Deployment
    """The server, and who asked."""
    digest: str
    """Of the plan."""
    run: str
    """Name of the run; empty when no run began: there was nothing to do, or it was refused."""
    tool: str
    """Name and version of the program that ran; empty when no run began."""
    who: str
    """Who started the run, and where; empty when no run began."""
    at: datetime
    """When the run began, or the plan was made (UTC)."""
    revision: str
    """The Git commit of the policy; empty where there is none."""
    consents: tuple[str, ...]
    """Consents that let the plan through the gate, as `BLOCKS_USERS=2`."""
    unreadable: tuple[str, ...]
    """Addresses of subjects, and paths of policy files, that could not be read; what they concern was left alone."""
    left_out: tuple[str, ...]
    """Addresses of entries that cannot be applied, and of removals that were withheld."""
    held_back: tuple[str, ...]
    """Addresses of due actions that the gate refused; the rest of the plan went on."""
    journal: str
    """Path of the journal; empty when nothing was recorded."""
    results: tuple[ActionOutcome, ...]
    """What became of each action, in the order of the plan."""
    ended: Ended | None
    """None when the run was cut off (killed, or its machine lost), or is still going on."""
    plan: Plan | None = None
    """The plan as it was shown before the run; null where only a journal is known, and where a saved plan is stale or
    does not fit: `digest` and `results` say which one."""
    refusal: Failure | None = None
    """Why nothing was written although the plan has changes, with the reasons; null where a run began or there was
    nothing to do."""

    def count(self, result: Result, kind: Kind | None = None) -> int:
        """Count results, of one kind of action or of all."""
        actions = [outcome.action for outcome in self.results if outcome.result is result]
        return sum(kind is None or action.kind is kind for action in actions)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many actions have each result, results without actions included."""
        return {result.value: self.count(result) for result in Result}

    @property
    def is_complete(self) -> bool:
        """Whether everything was read, is as planned, and a read afterwards showed it."""
        return is_complete(self.results, self.unreadable, self.ended)

    @property
    def is_refused(self) -> bool:
        """Whether nothing was written on purpose: by the gate, or because a plan is stale or does not fit."""
        return self.refusal is not None and self.refusal.is_refusal


def report_of(outcome: Outcome, *, exit_code: int, journal: str, plan: Plan | None = None) -> OutcomeReport:
    """Report a run that began, and the plan that was shown before."""
    started = outcome.started
    return OutcomeReport(
        exit_code=exit_code,
        deployment=started.deployment,
        digest=started.digest,
        run=started.run,
        tool=started.tool,
        who=started.who,
        at=started.at,
        revision=started.revision,
        consents=started.consents,
        unreadable=started.unreadable,
        left_out=started.left_out,
        held_back=started.held_back,
        journal=journal,
        results=outcome.results,
        ended=outcome.ended,
        plan=plan,
    )


def report_without_changes(plan: Plan, *, exit_code: int) -> OutcomeReport:
    """Report an apply whose plan has no changes: the read that made the plan is its proof."""
    ended = Ended(ending=Ending.COMPLETED, why="", is_verified=True, differences=(), not_verified=0, at=plan.at)
    return _without_run(plan, exit_code=exit_code, ended=ended)


def report_of_refusal(plan: Plan, refusal: Failure, *, ending: Ending = Ending.STOPPED) -> OutcomeReport:
    """Report an apply that ended in an error or a refusal after its plan was shown and before its first write."""
    why = refusal.message
    ended = Ended(ending=ending, why=why, is_verified=False, differences=(), not_verified=0, at=plan.at)
    results = (ActionOutcome(action=action, result=Result.NOT_ATTEMPTED, detail=why) for action in plan.actions)
    report = _without_run(plan, exit_code=refusal.exit_code, ended=ended)
    return replace(report, results=tuple(results), refusal=refusal)


def report_of_refused_file(saved: Plan, refusal: Failure) -> OutcomeReport:
    """Report that a saved plan was refused before its effects were counted again."""
    return replace(report_of_refusal(saved, refusal), plan=None)


def _without_run(plan: Plan, *, exit_code: int, ended: Ended) -> OutcomeReport:
    return OutcomeReport(
        exit_code=exit_code,
        deployment=plan.deployment,
        digest=plan.digest,
        run="",
        tool="",
        who="",
        at=plan.at,
        revision="",
        consents=(),
        unreadable=plan.unknown,
        left_out=plan.left_out,
        held_back=plan.overdue,
        journal="",
        results=(),
        ended=ended,
        plan=plan,
    )
