"""The blocks of a Markdown page: its title, money, refusal, problems, people; pages/markdown.py builds with them."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.budget import Unknown
from reconciler.core.describe import NameGroup, names_for
from reconciler.core.people.effects import PersonEffect
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.snapshot import Deployment, Effective, Unlimited
from reconciler.errors import Failure, Place
from reconciler.money import format_usd, format_usd_short
from reconciler.render.effects import to_know
from reconciler.render.formats import Facts
from reconciler.render.markup import code, link, place_url, prose
from reconciler.render.outlook import outlook_sentences, replay_tables
from reconciler.render.overview import (
    Overview,
    counted_twice,
    signed_usd,
)
from reconciler.render.problem import Problem
from reconciler.render.problems import folded, problems_of_failure
from reconciler.render.spend import spent_text
from reconciler.render.status_page import MARKDOWN_ROWS, pipes
from reconciler.words import NO_LIMIT, count, count_people

PROBLEMS_SHOWN = 50
TRANSITIONS_SHOWN = 40
NAMES_SHOWN = 10


def title_lines(kind: str, deployment: Deployment | None, text: str) -> list[str]:
    mark = f" {deployment.id[:8]}" if deployment else ""
    safe = "".join(character for character in mark if character.isalnum() or character == " ")
    return [f"<!-- reconciler {kind}{safe} -->", f"### AI budgets: {text}", ""]


def money_table(overview: Overview) -> list[str]:
    exposure = overview.exposure
    twice = [sentence, ""] if (sentence := counted_twice(overview)) else []
    if not overview.changes or not exposure.people:
        return twice
    whose = overview.concerned if overview.is_total else f"the {overview.concerned}"
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


def refusal_lines(plans: Sequence[Plan], *, so: str) -> list[str]:
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


def problem_lines(problems: Sequence[Problem], facts: Facts) -> list[str]:
    lines = []
    problems = folded(problems)
    for problem in problems[:PROBLEMS_SHOWN]:
        where = f" at {_where(problem.place, facts)}" if problem.place else ""
        hint = f" — {prose(problem.hint)}" if problem.hint else ""
        lines.append(f"- **{problem.severity}**{where}: {prose(problem.message)}{hint}")
    if len(problems) > PROBLEMS_SHOWN:
        lines.append(f"- and {len(problems) - PROBLEMS_SHOWN:,} more, which `reconciler plan` shows")
    return [*lines, ""] if lines else []


def _where(place: Place, facts: Facts) -> str:
    return link(f"{place.file}:{place.line}", place_url(place, facts.link_base))


def reason_lines(failure: Failure, facts: Facts) -> list[str]:
    lines = [prose(failure.message), ""]
    if failure.findings:
        lines += problem_lines(problems_of_failure(failure), facts)
    lines += [f"- {prose(detail)}" for detail in failure.details]
    lines += ["", *(prose(line) for line in failure.hint.splitlines())] if failure.hint else []
    return lines


def notice_lines(plans: Sequence[Plan]) -> list[str]:
    sentences = [sentence for plan in plans for sentence in to_know(plan.effects)]
    lines = [f"- {prose(sentence)}" for sentence in sentences[:PROBLEMS_SHOWN]]
    if len(sentences) > PROBLEMS_SHOWN:
        lines.append(f"- and {len(sentences) - PROBLEMS_SHOWN:,} more, which `reconciler plan` shows")
    return [*lines, ""] if lines else []


def outlook_lines(plans: Sequence[Plan]) -> list[str]:
    """Say who will reach their new limit, and what a replay says."""
    lines = [f"- {prose(sentence.strip())}" for plan in plans for sentence in outlook_sentences(plan)]
    tables = [line for table in replay_tables(plans, MARKDOWN_ROWS) for line in pipes(table)]
    return [*lines, "", *tables] if lines or tables else []


def people_table(plans: Sequence[Plan]) -> list[str]:
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


def _limit(effective: Effective, names: NameGroup | None) -> str:
    if isinstance(effective.limit_micros, Unlimited):
        return NO_LIMIT
    amount = _amount(effective.limit_micros)
    return f"{amount} ({code(names(effective.group))})" if names else amount


def _amount(micros: int | None) -> str:
    return NO_LIMIT if micros is None else format_usd(micros).removesuffix(".00")


def footer_line(plan: Plan) -> str:
    version = plan.deployment.version.removeprefix("v").partition("+")[0]
    digest = plan.digest[:DIGEST_SHOWN]
    return f"<sub>Coder {code(version)} as {code(plan.deployment.user)} · digest `{digest}`</sub>"
