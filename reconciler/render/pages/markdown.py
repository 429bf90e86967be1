"""Documents as Markdown for a comment, an issue or a job's summary: headline, money and people, then each change.

The same input gives the same text: no time of the run, no number of requests, nothing that changes from run to run, so
that a comment is edited only when something changed. It begins with a hidden marker by which the comment is found.

A comment on GitHub holds 65,536 characters. A page that would be longer says less, step by step: first one link a file
instead of one a change, and people are only counted; then whole files are left out, and named with their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from reconciler.core.action import Origin
from reconciler.core.budget import Unknown
from reconciler.core.describe import NameGroup, names_for
from reconciler.core.gate.validation import Validation
from reconciler.core.people.effects import PersonEffect
from reconciler.core.people.explanation import Explanation
from reconciler.core.plan.drift import Drift, DriftKind, kind_of_origin
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.core.snapshot import Deployment, Effective, Unlimited
from reconciler.errors import Failure, Place
from reconciler.formats.documents import Value
from reconciler.money import format_usd, format_usd_short
from reconciler.render.change_tables import ChangeTable, DriftTable, Parts
from reconciler.render.changes import DRIFT_TITLES, action_why, change_rows, difference_rows
from reconciler.render.drift_page import authors_of, costs_of, moves_tables, undo_or_keep
from reconciler.render.effects import to_know
from reconciler.render.formats import Facts
from reconciler.render.markup import code, cut_to, fenced, joined, link, place_url, prose
from reconciler.render.outcome import remarks
from reconciler.render.outlook import outlook_sentences, replay_tables
from reconciler.render.overview import (
    Overview,
    counted_twice,
    drift_headline,
    headline,
    outcome_headline,
    overview_of,
    plans_of,
    signed_usd,
)
from reconciler.render.pages import text as text_page
from reconciler.render.plan import limit_text
from reconciler.render.problems import (
    Problem,
    folded,
    problems_of,
    problems_of_failure,
    problems_of_plan,
    without_reasons_of,
)
from reconciler.render.spend import spent_text
from reconciler.render.status_page import MARKDOWN_ROWS, pipes, status_markdown
from reconciler.render.text import text_of
from reconciler.words import NO_LIMIT, count, count_people

MAX_CHARACTERS = 65_000
"""Of a comment on GitHub (65,536), less what a recipe may add."""
MAX_SUMMARY_CHARACTERS = 250_000
"""Of a job's summary on GitHub: 1 MiB in UTF-8, where a character has up to four octets."""
PROBLEMS_SHOWN = 50
TRANSITIONS_SHOWN = 40
_PLACES = {Result.NOT_ATTEMPTED: 1, Result.DONE: 2, Result.ALREADY: 2}
"""Which results follow those that somebody has to look at."""
ROOM_OF_A_TABLE = 200
"""Characters of the head of a table, and of the line that says what is not shown of it."""
NAMES_SHOWN = 10


def render(values: Sequence[Value], facts: Facts, *, most: int = MAX_CHARACTERS) -> str:
    """Render documents of one kind as one page of at most `most` characters."""
    match values[0]:
        case Plan():
            return _plan_page(values, facts, most)
        case Drift():
            return _drift_page([value for value in values if isinstance(value, Drift)], facts, most)
        case OutcomeReport():
            return _outcome_page([value for value in values if isinstance(value, OutcomeReport)], facts, most)
        case Failure():
            failures = [value for value in values if isinstance(value, Failure)]
            return cut_to("\n".join(_failure_page(failure, facts) for failure in failures), most)
        case Status():
            pages = [_status_page(value, most // len(values)) for value in values if isinstance(value, Status)]
            return "\n".join(pages)
        case Explanation() | Recording() | Validation():
            texts = (fenced(text_of(text_page.lines(value, facts))) for value in values)
            return cut_to("\n\n".join(texts) + "\n", most)
        case _:
            assert_never(values[0])


def _plan_page(values: Sequence[Value], facts: Facts, most: int) -> str:
    plans = plans_of(values)
    overview = overview_of(plans)
    text = headline(overview)
    head = [
        *_title("plan", plans[0].deployment, f"⛔ {text}" if overview.is_refused else text),
        *_money_table(overview),
        *_refusal(plans, so="`apply` will not write anything"),
        *_outlook(plans),
        *_problems([problem for problem in problems_of(plans) if not problem.is_hazard], facts),
        *_to_know(plans),
    ]
    tail = [_footer(plan) for plan in plans]
    rows = [row for plan in plans for row in change_rows(plan)]
    table = ChangeTable(facts)
    parts = {"": rows}
    if all(plan.has_base for plan in plans):
        parts = {
            title: [row for row in rows if (row.origin is Origin.CHANGE) is is_change]
            for title, is_change in (("This change", True), ("Differs for another reason, and is applied too", False))
        }
    whole = joined(head, _tables(table, parts), _people(plans), tail)
    return whole if len(whole) <= most else _shortened(head, table, parts, tail, most)


def _drift_page(drifts: Sequence[Drift], facts: Facts, most: int) -> str:
    rows = [row for drift in drifts for row in difference_rows(drift)]
    problems = [problem for problem in problems_of(drifts) if problem.rule != "drift"]
    head = [
        *_title("drift", drifts[0].plan.deployment, drift_headline(drifts)),
        *_problems(problems, facts),
        *(f"- {sentence}" for sentence in costs_of(drifts)),
        *(f"- {prose(sentence)}" for sentence in authors_of(drifts)),
        "",
    ]
    tail = [
        *(line for table in moves_tables(drifts) for line in pipes(table)),
        *undo_or_keep(drifts),
        *(_footer(drift.plan) for drift in drifts),
    ]
    table = DriftTable(drifts, facts)
    parts = {DRIFT_TITLES[kind]: [row for row in rows if kind_of_origin(row.origin) is kind] for kind in DriftKind}
    whole = joined(head, _tables(table, parts), tail)
    return whole if len(whole) <= most else _shortened(head, table, parts, tail, most)


def _title(kind: str, deployment: Deployment | None, text: str) -> list[str]:
    mark = f" {deployment.id[:8]}" if deployment else ""
    safe = "".join(character for character in mark if character.isalnum() or character == " ")
    return [f"<!-- reconciler {kind}{safe} -->", f"### AI budgets: {text}", ""]


def _money_table(overview: Overview) -> list[str]:
    exposure = overview.exposure
    twice = [sentence, ""] if (sentence := counted_twice(overview)) else []
    if not overview.changes or not exposure.people:
        return twice
    whose = "everybody" if overview.is_total else f"the {count_people(exposure.people)} concerned"
    delta = overview.delta_micros
    share = f" ({100 * delta / exposure.before_micros:+.1f} %)" if delta and exposure.before_micros else ""
    before, after = format_usd_short(exposure.before_micros), format_usd_short(exposure.after_micros)
    rows = [
        "| | now | after | |",
        "|---|--:|--:|--:|",
        f"| What {whose} may spend in a month | {before} | {after} | **{signed_usd(delta)}**{share} |",
        f"| People with a higher / lower limit | | {overview.higher:,} ▲ / {overview.lower:,} ▼ | |",
        f"| People without any limit | {exposure.unlimited_before:,} | {exposure.unlimited_after:,} | |",
    ]
    if exposure.unknown:
        rows.append(f"| People whose limit is not known | {exposure.unknown:,} | {exposure.unknown:,} | |")
    if overview.blocked:
        names = ", ".join(map(_overspent, overview.blocked[:NAMES_SHOWN]))
        more = len(overview.blocked) - NAMES_SHOWN
        and_more = f" and {more:,} more" if more > 0 else ""
        rows.append(f"| **Would be blocked at once** | | **{len(overview.blocked):,}** | {names}{and_more} |")
    if overview.unblocked:
        rows.append(f"| Can work again | | {overview.unblocked:,} | |")
    return [*rows, "", *twice]


def _overspent(person: PersonEffect) -> str:
    limit, spend = person.after.limit_micros, person.spend_after_micros
    if isinstance(limit, Unlimited) or isinstance(spend, Unknown):
        return code(person.username)
    return f"{code(person.username)} (spent {spent_text(spend)} of {_amount(limit)})"


def _refusal(plans: Sequence[Plan], *, so: str) -> list[str]:
    """Say that a plan is refused, what follows (`so`), and what to paste into the policy if it is meant."""
    if not any(plan.verdict.is_refused for plan in plans):
        return []
    lines = ["> [!CAUTION]", f"> This plan is refused, and {so}."]
    for plan in plans:
        for danger in plan.verdict.uncovered:
            perhaps = (f"perhaps {code(name)}" for name in danger.uncertain)
            names = ", ".join((*map(code, danger.counted), *perhaps)[:NAMES_SHOWN])
            more = f" and {danger.count - NAMES_SHOWN:,} more" if danger.count > NAMES_SHOWN else ""
            lines.append(f"> - `{danger.hazard}` {danger.count:,}: {names}{more}")
        for organization in sorted(
            {danger.organization for danger in plan.verdict.uncovered}, key=lambda name: name or ""
        ):
            dangers = [danger for danger in plan.verdict.uncovered if danger.organization == organization]
            lines.append(">")
            if organization:
                lines.append(f"> If it is meant, add this to a policy file of the organization {code(organization)}:")
                lines += [">", "> ```yaml", "> allow:"]
                for danger in dangers:
                    lines.append(f">   - {{hazard: {danger.hazard}, up_to: {danger.count}, reason: say why}}")
                lines.append("> ```")
            else:
                flags = " ".join(f"--allow {danger.consent}" for danger in dangers)
                lines.append(f"> If it is meant, pass {code(flags)} to `apply`.")
    return [*lines, ""]


def _problems(problems: Sequence[Problem], facts: Facts) -> list[str]:
    lines = []
    problems = folded(problems)
    for problem in problems[:PROBLEMS_SHOWN]:
        where = f" at {_where(problem.place, facts)}" if problem.place else ""
        hint = f" — {prose(problem.hint)}" if problem.hint else ""
        lines.append(f"- **{problem.severity}**{where}: {prose(problem.message)}{hint}")
    if len(problems) > PROBLEMS_SHOWN:
        lines.append(f"- and {len(problems) - PROBLEMS_SHOWN:,} more, which `reconciler plan` shows")
    return [*lines, ""] if lines else []


def _to_know(plans: Sequence[Plan]) -> list[str]:
    sentences = [sentence for plan in plans for sentence in to_know(plan.effects)]
    lines = [f"- {prose(sentence)}" for sentence in sentences[:PROBLEMS_SHOWN]]
    if len(sentences) > PROBLEMS_SHOWN:
        lines.append(f"- and {len(sentences) - PROBLEMS_SHOWN:,} more, which `reconciler plan` shows")
    return [*lines, ""] if lines else []


def _where(place: Place, facts: Facts) -> str:
    return link(f"{place.file}:{place.line}", place_url(place, facts.link_base))


def _tables(table: ChangeTable, parts: Parts) -> list[str]:
    return [line for title, rows in parts.items() for line in table.titled(title, rows)]


def _shortened(head: list[str], table: ChangeTable, parts: Parts, tail: list[str], most: int) -> str:
    """The same with one table a file, as many whole files as there is room for, and what was left out."""
    room = most - len(joined(head, tail))
    return cut_to(joined(head, table.by_file(parts, room=room), tail), most)


def _people(plans: Sequence[Plan]) -> list[str]:
    """Equal effects folded, behind a line to click."""
    transitions = [transition for plan in plans for transition in plan.effects.transitions]
    if not transitions:
        return []
    total = sum(row.people for row in transitions)
    same = sum(row.people for row in transitions if row.before.limit_micros == row.after.limit_micros)
    parts = [f"Limits of {count_people(total - same)} change"] if total > same else []
    parts += [f"{count_people(same)} with the same amount by another budget"] if same else []
    lines = [
        f"<details><summary>{'; '.join(parts)}</summary>",
        "",
        "| people | now | after | by |",
        "|--:|--:|--:|---|",
    ]
    names = names_for(side.group for row in transitions for side in (row.before, row.after))
    for transition in transitions[:TRANSITIONS_SHOWN]:
        has_moved = transition.before.group != transition.after.group
        sides = (_limit(side, names if has_moved else None) for side in (transition.before, transition.after))
        lines.append(f"| {transition.people:,} | {' | '.join(sides)} | {code(transition.cause)} |")
    hidden = sum(transition.people for transition in transitions[TRANSITIONS_SHOWN:])
    if hidden:
        lines.append(f"| {hidden:,} | | | in {count(len(transitions) - TRANSITIONS_SHOWN, 'other way')} |")
    return [*lines, "", "</details>", ""]


def _footer(plan: Plan) -> str:
    version = plan.deployment.version.removeprefix("v").partition("+")[0]
    digest = plan.digest[:DIGEST_SHOWN]
    return f"<sub>Coder {code(version)} as {code(plan.deployment.user)} · digest `{digest}`</sub>"


def _outcome_page(reports: Sequence[OutcomeReport], facts: Facts, most: int) -> str:
    is_complete = all(report.is_complete for report in reports)
    text = outcome_headline(reports)
    title = _title("outcome", reports[0].deployment, text if is_complete else f"⛔ {text}")
    heads = [_refused(row, facts) if row.refusal is not None else _left_out(row, facts) for row in reports]
    tails = [_ending(report) for report in reports]
    room = most - len(joined(title, *heads, *tails)) - ROOM_OF_A_TABLE * len(reports)
    lines = title
    for report, head, tail in zip(reports, heads, tails, strict=True):
        lines += [*head, *_results(report, room=room // len(reports)), *tail]
    return cut_to(joined(lines), most)


def _refused(report: OutcomeReport, facts: Facts) -> list[str]:
    """Say why nothing was written, and what the plan would have done to people and money."""
    if report.refusal is None:
        return []
    reasons = _reasons(without_reasons_of(report.plan, report.refusal), facts)
    if report.plan is None:
        return [*reasons, ""]
    problems = [problem for problem in problems_of_plan(report.plan) if not problem.is_hazard]
    return [
        *reasons,
        *_money_table(overview_of([report.plan])),
        *_refusal([report.plan], so="nothing was written"),
        *_problems(problems, facts),
        *_to_know([report.plan]),
    ]


def _left_out(report: OutcomeReport, facts: Facts) -> list[str]:
    """Say why the plan left things out, as the plan itself does."""
    problems = problems_of_plan(report.plan) if report.plan else ()
    return _problems([problem for problem in problems if not problem.is_hazard], facts)


def _outlook(plans: Sequence[Plan]) -> list[str]:
    """Say who will reach their new limit, and what a replay says."""
    lines = [f"- {prose(sentence.strip())}" for plan in plans for sentence in outlook_sentences(plan)]
    tables = [line for table in replay_tables(plans, MARKDOWN_ROWS) for line in pipes(table)]
    return [*lines, "", *tables] if lines or tables else []


def _status_page(status: Status, most: int) -> str:
    return cut_to(joined(_title("status", status.deployment, "status"), status_markdown(status)), most)


def _results(report: OutcomeReport, *, room: int) -> list[str]:
    """Return the table of results, what went wrong first; those for which there is no room are counted."""
    if not report.results:
        return []
    rows: list[str] = []
    for outcome in sorted(report.results, key=lambda row: _PLACES.get(row.result, 0)):
        cells = (
            str(outcome.result),
            code(outcome.action.address),
            limit_text(outcome.action, outcome.action.before).removesuffix(".00"),
            limit_text(outcome.action, outcome.action.after).removesuffix(".00"),
            code(action_why(outcome.action)),
            prose(outcome.detail),
        )
        row = f"| {' | '.join(cells)} |"
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    left = len(report.results) - len(rows)
    more = [f"**Not shown, because the page is too long: {count(left, 'result')}.**", ""] if left else []
    return ["| result | who | before | after | why | detail |", "|---|---|--:|--:|---|---|", *rows, "", *more]


def _ending(report: OutcomeReport) -> list[str]:
    """Return what follows the results: how the run ended, and which run it was."""
    sentences = [f"- {prose(str(sentence))}" for sentence in remarks(report)] if report.refusal is None else []
    lines = [*sentences, ""] if sentences else []
    facts = (
        f"Coder at {code(report.deployment.url)}",
        f"digest `{report.digest[:DIGEST_SHOWN]}`",
        f"policy at {code(report.revision)}" if report.revision else "",
        f"run by {code(report.who)}" if report.who else "",
        f"journal {code(report.journal)}" if report.journal else "",
    )
    return [*lines, f"<sub>{' · '.join(filter(None, facts))}</sub>"]


def _failure_page(failure: Failure, facts: Facts) -> str:
    word = "refused" if failure.is_refusal else "error"
    kind = facts.command if facts.command.isalpha() else "error"
    return joined([*_title(kind, None, f"⛔ {word}"), *_reasons(failure, facts)])


def _reasons(failure: Failure, facts: Facts) -> list[str]:
    lines = [prose(failure.message), ""]
    if failure.findings:
        lines += _problems(problems_of_failure(failure), facts)
    lines += [f"- {prose(detail)}" for detail in failure.details]
    lines += ["", *(prose(line) for line in failure.hint.splitlines())] if failure.hint else []
    return lines


def _limit(effective: Effective, names: NameGroup | None) -> str:
    if isinstance(effective.limit_micros, Unlimited):
        return NO_LIMIT
    amount = _amount(effective.limit_micros)
    return f"{amount} ({code(names(effective.group))})" if names else amount


def _amount(micros: int | None) -> str:
    return NO_LIMIT if micros is None else format_usd(micros).removesuffix(".00")
