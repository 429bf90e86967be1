"""`reconciler drift`: does live still match the policy?"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import accepting, exits
from reconciler.cli.base import load_base
from reconciler.cli.live import load_recording
from reconciler.cli.options.connection import server
from reconciler.cli.options.output import screen
from reconciler.cli.options.policy import base, paths
from reconciler.cli.options.run import effects, plan_scope
from reconciler.cli.planning import cost_text, plan_of
from reconciler.cli.policies import load_policies
from reconciler.cli.screen import Screen
from reconciler.cli.server import ServerOptions, dates_at
from reconciler.cli.streams import tell
from reconciler.core.moment import Moment
from reconciler.core.plan.drift import Drift, DriftKind
from reconciler.core.scope import Scope
from reconciler.errors import ReconcilerError
from reconciler.operations.authors import find_movers
from reconciler.operations.moves import find_moves
from reconciler.render.detail import Detail
from reconciler.render.text import harmless
from reconciler.words import any_of

if TYPE_CHECKING:
    from reconciler.coder.reader import CoderReader
    from reconciler.core.directory import Directory
    from reconciler.core.recording import Recording


def _kinds(_context: click.Context, _parameter: click.Parameter, value: Any) -> tuple[DriftKind, ...]:
    """Return the kinds that all uses of the option name; every kind where it is not used."""
    names = [name.strip() for text in value for name in text.split(",")] or list(DriftKind)
    unknown = [name for name in names if name not in set(DriftKind)]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} must be {any_of(DriftKind)}")
    return tuple(DriftKind(name) for name in names)


def _with_moves(drift: Drift, recording: Recording, directory: Directory, reader: CoderReader) -> Drift:
    """Add whose limit changed with a membership since a snapshot was made, and what is not known of it."""
    moves = find_moves(recording, reader)
    found, why = find_movers(moves.found, directory, reader, since=recording.at)
    return replace(
        drift,
        moves=found,
        moves_reason=why,
        moves_not_known=moves.not_known,
        moves_read_all=moves.reads_all,
        moves_since=recording.at,
    )


def _tell_what_ends(reader: CoderReader, now: datetime) -> None:
    """Tell when the token and the licence end; a server that does not say it takes no answer with it."""
    with suppress(ReconcilerError):
        for sentence in reader.access().endings(now):
            tell(f"Note: {harmless(sentence.rstrip('.'))}.")


@click.command("drift")
@paths
@click.option(
    "--fail-on",
    callback=_kinds,
    multiple=True,
    metavar="KIND,...",
    help=f"The kinds of difference for which it exits with 2, of {','.join(DriftKind)}; all of them unless given. May "
    "be repeated.",
)
@click.option("--quiet", is_flag=True, help="Print nothing when nothing differs, so that cron mails only then.")
@click.option(
    "--accept",
    "accepted",
    is_flag=False,
    flag_value="",
    multiple=True,
    metavar="[ADDRESS]",
    help="Write what is live into the policy files: for an address or glob (user/ana, 'group/acme/*'); without one, "
    "for everything changed by hand, or of which nothing shows why it differs.",
)
@click.option(
    "--people", "people_path", type=click.Path(), metavar="SNAPSHOT",
    help="Also tell whose limit changed with a membership since this file of `reconciler snapshot` was made.",
)  # fmt: skip
@effects
@base
@plan_scope
@server
@screen("drift")
def command(
    paths: tuple[str, ...],
    fail_on: tuple[DriftKind, ...],
    quiet: bool,
    accepted: tuple[str, ...],
    people_path: str | None,
    detail: Detail,
    base: str | None,
    moment: Moment,
    scope: Scope,
    server: ServerOptions,
    screen: Screen,
) -> int:
    """Tell whether live budgets still match the policy, and why not. Exits with 2 when they do not.

    \b
    hand      somebody changed live; the audit log says who
    due       a date came; `apply --due` carries it out
    orphan    an entry that cannot be applied: its person or group is gone
    pending   not applied since the policy moved, taken back, or set by another
              policy
    unknown   nothing shows which of these it is

    Made for cron: it only reads, prints what differs, and never asks. Who changed it is told by Coder's audit log,
    which an Auditor or an Owner may read; an Auditor can write nothing, so theirs is the best token for it. --base
    names the policy as it was last applied: what differs from it alone is pending.

    A difference also ends with --accept: the limit is replaced at its place, a missing entry is added, a removed entry
    is taken out, and the rest of each file stays as it is. Look at the diff before you commit it.

    PATH is a file, a folder (*.yaml and *.yml below it), or - for standard input; `policies` when none is given.
    """

    accepted, more_paths = accepting.split(accepted)
    paths = (*paths, *more_paths)
    loaded = load_policies(paths)
    before = load_base(base, paths)
    recording = load_recording(people_path) if people_path is not None else None
    started = time.monotonic()
    with server.reader(dates=dates_at(moment)) as reader:
        planned = plan_of(loaded, reader, moment=moment, scope=scope, base=before, asks_log=True)
        directory = reader.directory()
        drift = Drift(plan=planned.plan, last_changes=planned.attribution)
        if recording is not None:
            drift = _with_moves(drift, recording, directory, reader)
        _tell_what_ends(reader, moment.now)
        cost = cost_text(reader, since=started)
    drift = accepting.take(drift, loaded, directory, impossible=planned.impossible, addresses=accepted)
    for why in accepting.not_taken(drift, accepted):
        screen.note(f"Note: {why}.")
    code = exits.of_drift(drift.without_taken(), fail_on)
    is_quiet = quiet and drift.is_clean
    screen.finish((drift,), exit_code=code, cost=cost, detail=detail, entries=planned.entries, is_quiet=is_quiet)
    return code
