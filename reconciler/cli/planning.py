"""What `plan`, `drift` and `apply PATH` share: from paths and options to a plan, with the time and requests it took."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace

import click

from reconciler.cli import files
from reconciler.cli.options import DEFAULT_PATH
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Policy
from reconciler.core.scope import Scope
from reconciler.errors import FileError, Finding, PolicyError, ReconcilerError, RefusedError
from reconciler.formats import document
from reconciler.formats import plan as plan_format
from reconciler.operations.plan import Planned, PlanRequest, make_plan
from reconciler.operations.ports import Reader
from reconciler.operations.review import with_todays_effects
from reconciler.policy_file.load import Loaded, load
from reconciler.render.effects import Detail
from reconciler.render.plan import plan_report
from reconciler.render.text import Line, day
from reconciler.words import count, excerpt


def load_policies(paths: Sequence[str]) -> Loaded:
    """Read the policy files; all of their problems come in one PolicyError."""

    for path in paths:
        _require_no_plan(path)
    loaded = load(paths or [DEFAULT_PATH])
    for missed in loaded.not_read:
        click.echo(f"Not read: {missed.path}: {missed.reason}.", err=True)
    for note in loaded.notes:
        click.echo(f"Note: {note.place}: {note.message}; {note.hint}.", err=True)
    return loaded


def load_named_policies(paths: Sequence[str]) -> tuple[Policy, ...]:
    """Read the policies that are named; without names those in the default folder, if it exists."""
    return load_policies(paths).policies if paths or os.path.isdir(DEFAULT_PATH) else ()


def _require_no_plan(path: str) -> None:
    """Say it in one sentence; read as a policy, a plan has a problem on every line."""

    if document.name_of(files.starts_with(path)) == plan_format.NAME:
        hint = f"`reconciler show {path}` prints it; `reconciler apply {path}`, alone, applies it"
        raise FileError(f"{path} is a saved plan, and no policy", hint=hint)


def plan_of(
    loaded: Loaded,
    reader: Reader,
    *,
    moment: Moment,
    scope: Scope,
    grants: tuple[Grant, ...] = (),
    base: tuple[Policy, ...] | None = None,
    asks_log: bool = False,
    only_due: bool = False,
) -> tuple[Planned, str]:
    """Make a plan of loaded policies; also return what it cost, as `Read 27 requests in 0.9 s.`"""
    started = time.monotonic()
    request = PlanRequest(
        policies=loaded.policies,
        sources=loaded.sources,
        moment=moment,
        scope=scope,
        grants=grants,
        not_read=loaded.not_read,
        base=base,
        asks_log=asks_log,
        only_due=only_due,
    )
    try:
        planned = make_plan(request, reader)
    except PolicyError as error:
        raise PolicyError(tuple(map(_with_source_line, error.findings))) from None
    for option, glob in planned.unmatched:
        click.echo(f"Note: {option} {glob!r} matches nothing that the policy manages.", err=True)
    return planned, cost_text(reader.requests, time.monotonic() - started)


def plan_to_apply(
    paths: Sequence[str],
    reader: Reader,
    *,
    moment: Moment,
    scope: Scope,
    grants: tuple[Grant, ...],
    detail: Detail,
    only_due: bool = False,
) -> tuple[Plan, list[Line]]:
    """Read the one saved plan that `paths` names, else make a plan of the policies there; also return its report."""

    started = time.monotonic()
    if len(paths) == 1 and document.name_of(files.starts_with(paths[0])) == plan_format.NAME:
        if not scope.is_everything or not moment.is_for_now or only_due:
            raise ReconcilerError(
                f"{paths[0]} is a saved plan, which is applied whole and as it is",
                hint="give --only and --exclude to `reconciler plan -o`; --at and --due belong to `apply PATH`",
            )
        plan = plan_format.load_plan(files.read_text(paths[0]), source=paths[0])
        if not plan.is_for_now:
            raise RefusedError(
                f"{paths[0]} was made for another day (--at {day(plan.at)}); nothing was written",
                hint="plan again without --at",
            )
        if plan.snapshot_at is not None:
            raise RefusedError(
                f"{paths[0]} was made from a snapshot of {day(plan.snapshot_at)}; nothing was written",
                hint="plan again without --live",
            )
        if plan.deployment.id == reader.deployment().id:  # else apply refuses it
            plan = replace(plan, deployment=reader.deployment())  # who applies it may be another than who planned it
            plan = with_todays_effects(plan, reader, now=moment.now)
        plan = plan.with_grants(grants)
        return plan, plan_report(plan, cost_text(reader.requests, time.monotonic() - started), detail=detail)
    loaded = load_policies(paths)
    planned, cost = plan_of(
        loaded, reader, moment=moment, scope=scope, grants=grants, asks_log=only_due, only_due=only_due
    )
    return planned.plan, plan_report(planned.plan, cost, detail=detail)


def _with_source_line(finding: Finding) -> Finding:
    """Names are looked up where no file is at hand; show the line that the reader knows."""
    try:
        lines = files.read_text(finding.place.file).splitlines()
        return replace(finding, source_line=excerpt(lines[finding.place.line - 1], finding.place.column - 1))
    except (FileError, IndexError):
        return finding


def cost_text(requests: int, seconds: float) -> str:
    """`Read 27 requests in 0.9 s.`"""
    return f"Read {count(requests, 'request')} in {seconds:.1f} s."
