"""`reconciler plan`: show what would change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import exits, files
from reconciler.cli.base import load_base
from reconciler.cli.live import Live, live_option
from reconciler.cli.options.connection import server
from reconciler.cli.options.given import is_given
from reconciler.cli.options.output import screen
from reconciler.cli.options.policy import base, paths
from reconciler.cli.options.run import consents, effects, plan_scope
from reconciler.cli.planning import cost_text, plan_of
from reconciler.cli.policies import load_policies
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import dates_at
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.plan.notices import notice_of_snapshot
from reconciler.core.plan.orphans import orphan_of_snapshot
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Policy
from reconciler.core.scope import Scope
from reconciler.core.spend import Window, month_of
from reconciler.dataclass import dataclass
from reconciler.formats import document
from reconciler.operations.ports import Reader
from reconciler.render.detail import Detail

if TYPE_CHECKING:
    _MonthType = click.ParamType[Window]
else:
    _MonthType = click.ParamType  # generic in click's newest releases only


MOST_PARTS = 31
"""Days of the longest month."""


class MonthType(_MonthType):
    """A calendar month in UTC, as 2026-10."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Window:
        try:
            return month_of(datetime.strptime(value, "%Y-%m").replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a month; write it as 2026-10", param, ctx)


def _of_snapshot(plan: Plan, *, made_at: datetime) -> Plan:
    """Say of a plan that it is from a snapshot, and of what is not there that it may be newer."""
    return replace(
        plan,
        snapshot_at=made_at,
        orphans=tuple(map(orphan_of_snapshot, plan.orphans)),
        effects=replace(plan.effects, notices=tuple(map(notice_of_snapshot, plan.effects.notices))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is also said of a plan: how this period ends, and what a month would have been."""

    has_forecast: bool
    month: Window | None
    """The month to play once more; None for no month."""
    parts: int
    """In how many parts at most the month is read."""

    def of(self, plan: Plan, reader: Reader, policies: Sequence[Policy], *, now: datetime) -> Plan:
        """Return the plan with what was asked for. Imports what computes it only then."""
        if self.has_forecast and plan.effects.people:
            from reconciler.operations.outlook import with_forecast

            plan = with_forecast(plan, reader, now=now)
        if self.month is not None:
            from reconciler.operations.outlook import ReplayRequest, with_replay

            plan = with_replay(plan, reader, ReplayRequest(month=self.month, parts=self.parts), policies, now=now)
        return plan


def _outlook(has_forecast: bool, month: Window | None, replay_days: int | None, *, moment: Moment) -> Outlook:
    """Return what the options ask for. Raises UsageError for options that do not go together."""
    if replay_days is not None and month is None:
        raise click.UsageError("--replay-days says how a month is read; name the month by --replay YYYY-MM")
    if has_forecast and not moment.is_for_now and is_given("has_forecast"):
        raise click.UsageError("--forecast says how this period ends, and --at plans for another time; leave one out")
    return Outlook(has_forecast=has_forecast and moment.is_for_now, month=month, parts=replay_days or MOST_PARTS)


@click.command("plan", cls=Sections)
@paths
@click.option("-o", "--output", "output", type=click.Path(), metavar="FILE", help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@click.option(
    "--forecast/--no-forecast", "has_forecast", default=True,
    help="Say who reaches their new limit before the period ends; asks 7 spend exports an organization.",
)  # fmt: skip
@click.option(
    "--replay", "month", type=MonthType(), metavar="YYYY-MM",
    help="Also say what these limits would have done in that month; Coder keeps spend for 60 days by default.",
)  # fmt: skip
@click.option(
    "--replay-days", type=click.IntRange(1, MOST_PARTS), metavar="N",
    help="Read the month in at most N parts instead of day by day; 1 reads only its sum.",
)  # fmt: skip
@consents
@effects
@base
@plan_scope
@server
@live_option
@screen("plan")
def command(
    paths: tuple[str, ...],
    output: str | None,
    detailed_exitcode: bool,
    has_forecast: bool,
    month: Window | None,
    replay_days: int | None,
    grants: tuple[Grant, ...],
    detail: Detail,
    base: str | None,
    moment: Moment,
    scope: Scope,
    live: Live,
    screen: Screen,
) -> int:
    """Show what would change, and change nothing. Only GET requests are sent.

    \b
    reconciler plan                       policies/ against what CODER_URL names
    reconciler plan -o saved.plan         save it for `apply saved.plan`
    reconciler plan --only 'group/acme/*' a part of it
    reconciler plan --at 2027-01-01       what will be due on that day
    reconciler plan --base origin/main    tell this change from the rest
    reconciler plan --replay 2026-10      what it would have done in October
    reconciler plan --live live.json      against a snapshot, without a token

    PATH is a file, a folder (*.yaml and *.yml below it), or - for standard input; `policies` when none is given.
    """

    outlook = _outlook(has_forecast, month, replay_days, moment=moment)
    if output is not None:
        _require_output(output, live, screen)
    loaded = load_policies(paths)
    before = load_base(base, paths)
    started = time.monotonic()
    with live.reader(dates=dates_at(moment)) as reader:
        planned = plan_of(loaded, reader, moment=moment, scope=scope, grants=grants, base=before)
        plan = planned.plan
        if live.snapshot_at is not None:
            plan = _of_snapshot(plan, made_at=live.snapshot_at)
        plan = outlook.of(plan, reader, loaded.policies, now=live.snapshot_at or moment.now)
        cost = cost_text(reader, since=started) if live.recording is None else ""
    if output is not None:
        from reconciler.formats.plan import dump_plan

        files.write_kept(output, dump_plan(plan), hint="plan a part at a time, with `--only`")
    code = exits.of_plan(plan, has_detailed_exitcode=detailed_exitcode)
    screen.finish((plan,), exit_code=code, cost=cost, detail=detail, entries=planned.entries)
    return code


def _require_output(path: str, live: Live, screen: Screen) -> None:
    """Raise unless a plan for `apply` can be saved there."""
    if live.recording is not None:
        raise click.UsageError(
            "-o saves a plan for `apply`, and `apply` takes no plan made from a snapshot; use --save json=FILE"
        )
    files.require_replaceable(path, document.PLAN)
    screen.require_other(path, "-o")
