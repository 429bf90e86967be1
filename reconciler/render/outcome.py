"""What an apply did, as text: from the journal's results, never from the plan."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.action import Kind
from reconciler.core.plan.outcome import ActionOutcome, Ending, Outcome, Result, Started
from reconciler.core.plan.plan import DIGEST_SHOWN
from reconciler.render.plan import deployment_text
from reconciler.render.text import harmless
from reconciler.words import count

_DONE = {Kind.CREATE: "created", Kind.UPDATE: "updated", Kind.DELETE: "deleted", Kind.NO_OP: "unchanged"}
_WORDS = {
    Result.ALREADY: "already done",
    Result.CONFLICT: "in conflict",
    Result.FAILED: "failed",
    Result.IN_DOUBT: "in doubt",
    Result.NOT_ATTEMPTED: "not attempted",
}


def outcome_text(outcome: Outcome) -> str:
    """Render an outcome: a line an object, what was not attempted and why, the proof, the count."""
    return "\n".join([*map(_line, outcome.results), "", *_remarks(outcome), summary(outcome)])


def started_text(started: Started) -> str:
    """Who ran what, where and when; for `show JOURNAL`."""
    by = f"{harmless(started.who)} with {harmless(started.tool)}"
    when = started.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        f"Run {harmless(started.run)} on {when}, by {by}.",
        f"{deployment_text(started.deployment)}.",
        f"Plan digest {started.digest[:DIGEST_SHOWN]}, {count(len(started.actions), 'action')}.",
    ]
    if started.revision:
        lines.append(f"Policy at Git revision {harmless(started.revision)}.")
    if started.consents:
        lines.append(f"Consents: {', '.join(started.consents)}.")
    return "\n".join(lines)


def summary(outcome: Outcome) -> str:
    """`Apply complete: 1 created, 1 updated, 1 deleted.`"""
    word = "complete" if outcome.is_complete else "interrupted" if _is_cut(outcome) else "incomplete"
    done = [f"{outcome.count(Result.DONE, kind)} {_DONE[kind]}" for kind in (Kind.CREATE, Kind.UPDATE, Kind.DELETE)]
    rest = [f"{outcome.count(result)} {name}" for result, name in _WORDS.items() if outcome.count(result)]
    counted = done if outcome.is_complete else [text for text in done if not text.startswith("0 ")]
    return f"Apply {word}: {', '.join([*counted, *rest]) or 'nothing was done'}."


def _is_cut(outcome: Outcome) -> bool:
    return outcome.ended is None or outcome.ended.ending is Ending.INTERRUPTED


def _line(one: ActionOutcome) -> str:
    word = _DONE[one.action.kind] if one.result is Result.DONE else _WORDS[one.result]
    detail = f"  ({harmless(one.detail)})" if one.detail else ""
    return f"  {word:<13}  {harmless(one.action.address)}{detail}"


def _remarks(outcome: Outcome) -> Iterator[str]:
    if unreadable := len(outcome.started.unreadable):
        yield f"{count(unreadable, 'object')} could not be read, and {'was' if unreadable == 1 else 'were'} left alone."
    ended = outcome.ended
    if ended is None:
        yield "The run was cut off: its journal has no end. What is in doubt may or may not have happened."
        return
    if ended.why:
        left = outcome.count(Result.NOT_ATTEMPTED)
        yield f"{count(left, 'action')} not attempted: {harmless(ended.why.rstrip('.'))}."
    settled = outcome.count(Result.DONE) + outcome.count(Result.ALREADY)
    if ended.is_verified and settled:
        yield f"Verified: {count(settled, 'object')} read again after the last write."
    for difference in ended.differences:
        yield f"Not verified: {harmless(difference.rstrip('.'))}."
