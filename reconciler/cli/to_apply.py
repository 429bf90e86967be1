"""From what `apply` is given to a plan: policies are planned, a saved plan is carried out unchanged.

A saved plan counts only while the policy files that it was made from are what they were.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from reconciler.cli import exits, files
from reconciler.cli.planning import cost_text, plan_of, request_of
from reconciler.cli.policies import load_policies, require_as_read
from reconciler.cli.streams import tell
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment, present
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import report_of_refused_file
from reconciler.core.scope import Scope
from reconciler.dataclass import dataclass
from reconciler.errors import ListEntries, PolicyError, ReconcilerError, RefusedError, failure_of
from reconciler.formats import document
from reconciler.formats.plan import load_plan
from reconciler.operations.ports import Reader
from reconciler.operations.saved import renew_saved
from reconciler.policy_file.load import Loaded, load
from reconciler.render.detail import Detail
from reconciler.render.plan import plan_report
from reconciler.render.text import Line, day
from reconciler.words import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class ToApply:
    """A plan to apply, and how it is made anew after a wait."""

    plan: Plan
    report: list[Line]
    renew: Callable[[Reader, datetime], Plan]
    """Takes a new reader and the time (UTC)."""
    read_from: datetime
    """When the plan began to read (UTC)."""
    entries: ListEntries = tuple
    """Those that the plan compared; none where it compares no policy, or not all of it."""
    require_as_read: Callable[[], None] = lambda: None
    """Raises RefusedError where the policy files are no longer those that the plan was made from."""


def plan_to_apply(
    paths: Sequence[str],
    reader: Reader,
    *,
    moment: Moment,
    scope: Scope,
    grants: tuple[Grant, ...],
    detail: Detail,
    only_due: bool = False,
) -> ToApply:
    """Read the one saved plan that `paths` names, else make a plan of the policies there."""
    if len(paths) == 1 and files.name_of(paths[0]) == document.PLAN:
        if not scope.is_everything or not moment.is_for_now or only_due:
            raise ReconcilerError(
                f"{paths[0]} is a saved plan; `apply` carries it out unchanged",
                hint="give --only and --exclude to `reconciler plan -o`; --at and --due belong to `apply PATH`",
            )
        return _saved_to_apply(paths[0], reader, grants=grants, detail=detail, now=moment.now)
    loaded = load_policies(paths)
    started = time.monotonic()
    planned = plan_of(loaded, reader, moment=moment, scope=scope, grants=grants, asks_log=only_due, only_due=only_due)

    def renew(reader: Reader, now: datetime) -> Plan:
        then = Moment(at=now if moment.is_for_now else moment.at, now=now)
        return plan_of(
            loaded, reader, moment=then, scope=scope, grants=grants, only_due=only_due, asks_log=only_due
        ).plan

    report = plan_report(planned.plan, cost_text(reader, since=started), detail=detail)
    entries: ListEntries = tuple if only_due else planned.entries
    return ToApply(
        plan=planned.plan,
        report=report,
        renew=renew,
        read_from=moment.now,
        entries=entries,
        require_as_read=partial(require_as_read, loaded, paths),
    )


def _saved_to_apply(path: str, reader: Reader, *, grants: tuple[Grant, ...], detail: Detail, now: datetime) -> ToApply:
    """Read a saved plan, and count again what it does today.

    Raises RefusedError when it is stale or does not fit; its document says which plan was refused.
    """
    saved = load_plan(files.read_text(path), source=path)
    try:
        return _renewed(saved, path, reader, grants=grants, detail=detail, now=now)
    except RefusedError as error:
        error.document = report_of_refused_file(saved, failure_of(error, exit_code=exits.of_error(error)))
        raise


def _renewed(
    saved: Plan, path: str, reader: Reader, *, grants: tuple[Grant, ...], detail: Detail, now: datetime
) -> ToApply:
    started = time.monotonic()
    if not saved.is_for_now:
        raise RefusedError(
            f"{path} was made for another day (--at {day(saved.at)}); nothing was written",
            hint="plan again without --at",
        )
    if saved.snapshot_at is not None:
        raise RefusedError(
            f"{path} was made from a snapshot of {day(saved.snapshot_at)}; nothing was written",
            hint="plan again without --live",
        )
    loaded = _policies_of(saved)
    request = None if loaded is None else request_of(loaded, moment=present(now))

    def renew(reader: Reader, now: datetime) -> Plan:
        return renew_saved(saved, reader, request=request, grants=grants, now=now)

    plan = renew(reader, now)
    report = plan_report(plan, cost_text(reader, since=started), detail=detail)
    return ToApply(plan=plan, report=report, renew=renew, read_from=now)


def _policies_of(saved: Plan) -> Loaded | None:
    """Read the policy files that a saved plan names; None, and a note, when none of them is here.

    Raises RefusedError when they are not as they were: their consents would be those of another policy.
    """
    paths = [source.path for source in saved.sources]
    if not any(map(os.path.lexists, paths)):
        tell(
            "Note: the policy files of this plan are not here. Their consents do not count; pass --allow for each. "
            "Their guardrails are those that the plan itself says are broken."
        )
        return None
    try:
        loaded = load(paths)
    except PolicyError as error:
        raise _not_as_planned([f"{spoken(str(row.place))}: {row.message}" for row in error.findings]) from None
    if loaded.sources != saved.sources:
        here = {source.path: source for source in loaded.sources}
        not_read = {missed.path: f"could not be read: {missed.reason}" for missed in loaded.not_read}
        differing = [path for source in saved.sources if here.get(path := source.path) != source]
        raise _not_as_planned([f"{spoken(path)} {not_read.get(path, 'has changed')}" for path in differing])
    return loaded


def _not_as_planned(details: Sequence[str]) -> RefusedError:
    return RefusedError(
        "The policy files here are not those that the plan was made from; nothing was written",
        details=tuple(details),
        hint="check out the revision that the plan was made from, or plan again",
    )
