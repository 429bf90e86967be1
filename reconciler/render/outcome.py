"""What an apply did, as text: from the journal's results, never from the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.action import Action, Cause, Kind
from reconciler.core.moment import instant
from reconciler.core.plan.outcome import CUT_OFF, ActionOutcome, Ended, Ending, Result
from reconciler.core.plan.plan import DIGEST_SHOWN
from reconciler.core.plan.report import OutcomeReport
from reconciler.render.changes import action_why
from reconciler.render.failure import failure_lines
from reconciler.render.formats import Facts
from reconciler.render.plan import limit_text, plan_report
from reconciler.render.problems import without_reasons_of
from reconciler.render.source import deployment_text
from reconciler.render.text import Line, Role, harmless, lines_of, moved_from
from reconciler.words import count, listed, spoken

REVISION_SHOWN = 12
_DONE = {Kind.CREATE: "created", Kind.UPDATE: "updated", Kind.DELETE: "deleted", Kind.NO_OP: "unchanged"}
WORDS = {
    Result.ALREADY: "already done",
    Result.CONFLICT: "in conflict",
    Result.FAILED: "failed",
    Result.IN_DOUBT: "in doubt",
    Result.NOT_ATTEMPTED: "not attempted",
}
_WORDS_OF_ENDING = {
    Ending.COMPLETED: "incomplete",
    Ending.STOPPED: "incomplete",
    Ending.INTERRUPTED: "interrupted",
    None: "not finished",
}
_ROLES = {
    Result.DONE: Role.PLAIN,
    Result.ALREADY: Role.PLAIN,
    Result.CONFLICT: Role.DANGER,
    Result.FAILED: Role.DANGER,
    Result.IN_DOUBT: Role.DANGER,
    Result.NOT_ATTEMPTED: Role.UNKNOWN,
}


def outcome_lines(report: OutcomeReport) -> list[Line]:
    """Render a run: each object with why it was changed, what was not attempted and why, the proof, the count."""
    if not report.run:
        return []  # there was nothing to do, and the plan before it says so
    width = width_of(outcome.action for outcome in report.results)
    return [
        *(line for outcome in report.results for line in _told(outcome, width=width, why=why_of(report))),
        *ending_lines(report),
    ]


def _told(outcome: ActionOutcome, *, width: int, why: str) -> Iterator[Line]:
    yield result_line(outcome, width=width, why=why)
    if reason := action_why(outcome.action):
        yield Line(f"      {harmless(reason)}")


def ending_lines(report: OutcomeReport) -> list[Line]:
    """Render what follows the results: what was not attempted and why, the proof, the count."""
    role = Role.GOOD if report.is_complete else Role.DANGER
    return lines_of(["", *remarks(report), Line(summary(report), role)])


def run_lines(report: OutcomeReport) -> list[Line]:
    """Who ran what, where and when; for `show JOURNAL`."""
    if not report.run:
        said = list(remarks(report)) or ["There was nothing to do."]
        return lines_of([f"{deployment_text(report.deployment)}.", *said])
    by = f"{harmless(report.who)} with {harmless(report.tool)}"
    when = report.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        f"Run {harmless(report.run)} on {when}, by {by}.",
        f"{deployment_text(report.deployment)}.",
        f"Plan digest {report.digest[:DIGEST_SHOWN]}, {count(len(report.results), 'action')}.",
    ]
    if report.revision:
        lines.append(f"Policy at Git revision {harmless(report.revision)}.")
    if report.consents:
        lines.append(f"Consents: {', '.join(map(harmless, report.consents))}.")
    return lines_of(lines)


def summary(outcome: OutcomeReport) -> str:
    """`Apply complete: 1 created, 1 updated, 1 deleted.`"""
    ending = outcome.ended.ending if outcome.ended is not None else None
    word = "complete" if outcome.is_complete else _WORDS_OF_ENDING[ending]
    done = [f"{outcome.count(Result.DONE, kind):,} {_DONE[kind]}" for kind in (Kind.CREATE, Kind.UPDATE, Kind.DELETE)]
    other_counts = [f"{outcome.count(result):,} {name}" for result, name in WORDS.items() if outcome.count(result)]
    counted = done if outcome.is_complete else [text for text in done if not text.startswith("0 ")]
    if outcome.ended is not None and outcome.ended.not_verified:
        other_counts.append(f"{outcome.ended.not_verified:,} not verified")
    return f"Apply {word}: {', '.join([*counted, *other_counts]) or 'nothing was done'}."


def why_of(report: OutcomeReport) -> str:
    """Return why actions were not attempted, as each of them says it."""
    return report.ended.why if report.ended is not None else CUT_OFF


def width_of(actions: Iterable[Action]) -> int:
    """Return how wide the column of addresses is."""
    return max((len(harmless(action.address)) for action in actions), default=0)


def result_line(outcome: ActionOutcome, *, width: int, why: str = "") -> Line:
    """`updated        group/acme/eng  $200.00 -> $250.00`.

    `why` the run stopped is said once, below, and not on the line of each action that was not attempted.
    """
    word = _DONE[outcome.action.kind] if outcome.result is Result.DONE else WORDS[outcome.result]
    is_said_below = outcome.result is Result.NOT_ATTEMPTED and outcome.detail == why
    detail = "" if is_said_below or not outcome.detail else f"  ({harmless(outcome.detail)})"
    before, after = outcome.action.before, outcome.action.after
    group = moved_from(before, after)
    moves = f", moves from {group}" if group else ""
    amounts = f"{limit_text(outcome.action, before)} -> {limit_text(outcome.action, after)}{moves}"
    return Line(f"  {word:<13}  {harmless(outcome.action.address):<{width}}  {amounts}{detail}", _ROLES[outcome.result])


def remarks(outcome: OutcomeReport) -> Iterator[str]:
    """Yield a sentence each: what was left out, held back or not attempted, and what a read afterwards showed."""
    if outcome.left_out:
        yield f"Left out: {_named(outcome.left_out)}."
    if outcome.held_back:
        yield Line(f"Not done, although a date asks for it: {_named(outcome.held_back)}.", Role.DANGER)
    if outcome.unreadable:
        yield f"Could not be read, and left alone: {_named(outcome.unreadable)}."
    ended = outcome.ended
    if ended is None:
        yield f"The journal has no end: {CUT_OFF}. What is in doubt may or may not have happened."
    else:
        yield from _how_it_ended(outcome, ended)
    if step := _next_step(outcome):
        yield f"To go on, {step}."


def _how_it_ended(outcome: OutcomeReport, ended: Ended) -> Iterator[str]:
    if left := outcome.count(Result.NOT_ATTEMPTED):
        yield f"{count(left, 'action')} not attempted: {harmless(_why_stopped(outcome, ended.why).rstrip('.'))}."
    elif ended.why and not any(row.detail and ended.why.endswith(row.detail) for row in outcome.results):
        yield f"Stopped: {harmless(ended.why.rstrip('.'))}."
    settled = outcome.count(Result.DONE) + outcome.count(Result.ALREADY)
    if ended.is_verified and settled:
        yield f"Verified: {count(settled, 'object')} read again after the last write."
    for difference in ended.differences:
        yield f"Not verified: {harmless(difference.rstrip('.'))}."


def _next_step(outcome: OutcomeReport) -> str:
    """Return what to do about what this run left undone; empty where it left nothing."""
    if outcome.count(Result.CONFLICT):
        return "look at a new plan: somebody else changed what is in conflict"
    if any(_has_ended(row, outcome.ended) for row in outcome.results):
        return "look at a new plan: it no longer sets what ended during the run"
    if any(map(outcome.count, (Result.FAILED, Result.IN_DOUBT, Result.NOT_ATTEMPTED))):
        when = " when the cause is gone"
        if outcome.ended is None:
            when = " unless it is still going on"
        elif outcome.ended.ending is Ending.INTERRUPTED:
            when = ""
        return f"run it again{when}: what is done is not done twice"
    if outcome.ended is None or outcome.ended.not_verified:
        return "look at a new plan: it shows what differs now"
    if outcome.unreadable:
        return "run it again when what was left alone can be read"
    return ""


def _has_ended(row: ActionOutcome, ended: Ended | None) -> bool:
    """Whether an action was not attempted that sets an override whose end came before that of the run."""
    expires = row.action.expires
    is_left = row.result is Result.NOT_ATTEMPTED and row.action.kind is not Kind.DELETE
    return is_left and ended is not None and expires is not None and expires <= ended.at


def _why_stopped(outcome: OutcomeReport, why: str) -> str:
    """Return why nothing more was begun; a failure is only named, because its own line tells it."""
    for row in outcome.results:
        if row.detail and why == f"{spoken(row.action.address)}: {row.detail}":
            return f"{spoken(row.action.address)} {'is in doubt' if row.result is Result.IN_DOUBT else 'failed'}"
    return why


def _named(addresses: Sequence[str]) -> str:
    """`2 (user/ana, user/bob)`."""
    return f"{len(addresses):,} ({listed([harmless(spoken(address)) for address in addresses])})"


def policy_of_run_said(actions: Sequence[Action], revision: str) -> str:
    """Say after a revert that the policy of that run wanted the values; empty where it never wanted them.

    What the policy of today wants is not looked up. `actions` are those of the run that was taken back, `revision` is
    its Git commit, empty where it is not known.
    """
    wanted = [action for action in actions if action.cause is not Cause.REVERT]
    if not wanted:
        return ""
    at = f", at {harmless(revision[:REVISION_SHOWN])}," if revision else ""
    if len(wanted) == 1:
        said = f"said {limit_text(wanted[0], wanted[0].after)} for {harmless(spoken(wanted[0].address))}"
    else:
        said = f"said otherwise for {count(len(wanted), 'subject')}"
    remedy = "revert that commit" if revision else "change it"
    return f"The policy of that run{at} {said}: if it still does, {remedy}, or the next apply does it again."


def _refused_file(report: OutcomeReport) -> Iterator[Line]:
    """Yield which saved plan was refused."""
    made = f"made {instant(report.at)} for {harmless(report.deployment.url)}"
    yield Line(f"Saved plan {report.digest[:DIGEST_SHOWN]}, {made}.")
    yield Line("")
    width = width_of(outcome.action for outcome in report.results)
    for outcome in report.results:
        yield result_line(outcome, width=width, why=why_of(report))
    yield Line("")


def page_lines(report: OutcomeReport, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    shown = [*plan_report(report.plan, facts.cost, detail=facts.detail), Line("")] if report.plan else []
    if report.refusal is not None:
        return [*(shown or _refused_file(report)), *failure_lines(without_reasons_of(report.plan, report.refusal))]
    return [*shown, *run_lines(report), Line(""), *outcome_lines(report)]
