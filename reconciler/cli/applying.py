"""What `apply` and `revert` share once there is a plan: show it, pass the gate, ask, write, say what happened."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from reconciler.cli import exits
from reconciler.cli.ci import is_ci
from reconciler.cli.progress import Progress
from reconciler.cli.results import Results
from reconciler.cli.runs import default_journal, new_run
from reconciler.cli.screen import Screen
from reconciler.cli.server import Dates, ServerOptions
from reconciler.cli.signals import Interruption
from reconciler.cli.to_apply import ToApply
from reconciler.core.plan.outcome import Ending, Outcome
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.plan.report import report_of, report_of_refusal, report_without_changes
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError, RefusedError, StoppedError, failure_of
from reconciler.operations.apply import Approval, apply_plan
from reconciler.operations.checks import require_consent
from reconciler.operations.journal_file import JournalFile, require_new
from reconciler.operations.ports import Reader
from reconciler.render.outcome import ending_lines
from reconciler.render.text import day, harmless


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the options say of a run that writes."""

    auto_approve: bool
    """Whether nobody is asked."""
    journal_path: str | None
    """Where its journal is kept; None for a file of its own in the folder of journals."""
    expect_digest: str | None = None
    """The beginning of the digest that its plan must have; None for any."""
    is_strict: bool = False
    """Whether entries that were left out make the run incomplete."""


def approve_and_apply(
    to_apply: ToApply,
    reader: Reader,
    *,
    terms: Terms,
    server: ServerOptions,
    screen: Screen,
    stop: Interruption,
) -> int:
    """Show a plan and carry it out; return the exit code.

    An error that comes before the first write carries the plan along: text shows it, so every document has it.
    """
    screen.report(to_apply.report)
    try:
        return _approve_and_apply(to_apply, reader, terms=terms, server=server, screen=screen, stop=stop)
    except (ReconcilerError, KeyboardInterrupt) as raised:  # once writes began, a signal raises nothing
        error = raised if isinstance(raised, ReconcilerError) else StoppedError()
        failure = failure_of(error, exit_code=exits.of_error(error))
        ending = Ending.INTERRUPTED if isinstance(error, StoppedError) else Ending.STOPPED
        error.document = report_of_refusal(to_apply.plan, failure, ending=ending)
        raise error from None


def _approve_and_apply(
    to_apply: ToApply, reader: Reader, *, terms: Terms, server: ServerOptions, screen: Screen, stop: Interruption
) -> int:
    plan = to_apply.plan
    _require_digest(plan, terms.expect_digest)
    if not plan.has_changes:
        code = exits.of_nothing_to_do(plan, is_strict=terms.is_strict)
        report = report_without_changes(plan, exit_code=code)
        screen.finish((report,), exit_code=code, lines=(), entries=to_apply.entries)
        return code
    _require_consent(plan, screen)
    if not plan.is_for_now:
        screen.note(f"Note: the plan is for {day(plan.at)}, and is written now. To wait for its dates, leave out --at.")
    run = new_run(plan, parallelism=server.writes, note=screen.note)
    path = terms.journal_path or default_journal(run)
    require_new(path)
    screen.require_other(path, "--journal")
    stop.name_journal(harmless(path))
    _require_somebody(screen, auto_approve=terms.auto_approve)
    results = Results(plan.actions, show=screen.report, progress=Progress("Writing", "changes"))
    with server.writer(plan_digest=plan.digest[:DIGEST_SHOWN], sleep=stop.sleep) as writer:
        outcome = apply_plan(
            plan,
            reader,
            writer,
            open_journal=lambda: JournalFile(path),
            run=run,
            stop=stop,
            approval=Approval(
                ask=lambda: _approve(to_apply, server, auto_approve=terms.auto_approve),
                renew=lambda: _made_anew(to_apply, server, stop),
                read_from=to_apply.read_from,
            ),
            observe=results,
        )
    return _report(outcome, to_apply, path, screen=screen, results=results, is_strict=terms.is_strict)


def _made_anew(to_apply: ToApply, server: ServerOptions, stop: Interruption) -> Plan:
    """Make the plan from a reader that has read nothing yet."""
    with server.reader(sleep=stop.sleep, dates=Dates.NONE) as reader:
        return to_apply.renew(reader, datetime.now(UTC))


def _report(
    outcome: Outcome, to_apply: ToApply, path: str, *, screen: Screen, results: Results, is_strict: bool
) -> int:
    """Say what happened. The exit code is that of what happened, whether or not anybody can be told."""
    code = exits.of_outcome(outcome, is_strict=is_strict)
    journal = path if os.path.exists(path) else ""  # nothing is recorded where nothing was left to do
    try:
        if journal:
            screen.note(f"Journal: {harmless(journal)}")
        result = report_of(outcome, exit_code=code, journal=journal, plan=to_apply.plan)
        lines = [*results.remaining(result), *ending_lines(result)]
        screen.finish((result,), exit_code=code, lines=lines, entries=to_apply.entries, is_done=True)
    except (OSError, ReconcilerError):  # stdout was closed meanwhile; the journal has it all
        return code
    return code


def _require_consent(plan: Plan, screen: Screen) -> None:
    """Raise RefusedError unless the plan passes the gate. Where the plan was shown, its refusals were, too."""
    try:
        require_consent(plan)
    except RefusedError as error:
        error.was_shown = screen.wants_text
        raise


def _require_digest(plan: Plan, expected: str | None) -> None:
    if expected is not None and not plan.digest.startswith(expected):
        raise RefusedError(
            f"The plan has the digest {plan.digest[:DIGEST_SHOWN]}, not {expected}; nothing was written",
            hint="live or the policy changed since that plan was shown: review the plan above",
        )


def _require_somebody(screen: Screen, *, auto_approve: bool) -> None:
    """Raise unless there is somebody who can be asked, or nobody needs to be."""
    if auto_approve:
        return
    if is_ci(os.environ):
        reason = "CI is set"
    elif not screen.wants_text:
        reason = "stdout is for the document of --format"
    elif sys.stdin is None or not sys.stdin.isatty():
        reason = "stdin is not a terminal"
    else:
        return
    hint = "pass --auto-approve to apply without a question"
    raise ReconcilerError(f"{reason}, so nobody can be asked to approve the plan; nothing was written", hint=hint)


def _approve(to_apply: ToApply, server: ServerOptions, *, auto_approve: bool) -> None:
    """Let the writes begin, or raise. Nothing of the reads is told from here on."""
    server.reading.end()
    to_apply.require_as_read()
    if not auto_approve:
        _ask(to_apply.plan)


def _ask(plan: Plan) -> None:
    """Ask once nothing else stands in the way. The end of input is a no; Ctrl-C is an interruption."""
    try:
        click.echo(f"\nApply these changes to {harmless(plan.deployment.url)}? [y/N]: ", err=True, nl=False)
        answer = sys.stdin.readline()
    except KeyboardInterrupt:  # the terminal has written ^C behind the question
        click.echo(err=True)
        raise
    if not answer:
        click.echo(err=True)
    if answer.strip().lower() not in ("y", "yes"):
        raise ReconcilerError("Not approved; nothing was written")
