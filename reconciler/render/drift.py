"""Drift as text, the right way round: what the policy wants, what is live, why they differ, and who changed it.

A plan reads from live to the policy, because that is what would be done; drift reads from the policy to live, because
that is what happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from reconciler.core.action import Action, Cause
from reconciler.core.attribution import Attribution, Ours, former_name
from reconciler.core.describe import NameGroup, names_for
from reconciler.core.moment import instant
from reconciler.core.people.moves import MembershipChange, Move
from reconciler.core.plan.acceptance import Acceptance, Taking
from reconciler.core.plan.drift import Drift, DriftKind, kind_of
from reconciler.core.plan.plan import Plan
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.money import format_usd, format_usd_short
from reconciler.render.authors import done_text
from reconciler.render.breaches import breach_lines
from reconciler.render.changes import DRIFT_TITLES
from reconciler.render.detail import Detail
from reconciler.render.formats import Facts
from reconciler.render.notices import standing_notices
from reconciler.render.plan import (
    digest_text,
    limit_text,
    orphan_lines,
    override_names,
    subject_text,
    summary,
    unreadable_lines,
)
from reconciler.render.source import deployment_text
from reconciler.render.text import (
    Line,
    Role,
    columns,
    day,
    distance,
    harmless,
    lines_of,
    moved_from,
)
from reconciler.words import NAMES_SHOWN, NO_LIMIT, count, count_people


def drift_report(drift: Drift, cost: str = "", *, detail: Detail = Detail.SUMMARY) -> list[Line]:
    """Render what differs, by kind of difference."""
    return lines_of(_report(drift, cost, detail))


def _report(drift: Drift, cost: str, detail: Detail) -> Iterator[str]:
    plan = drift.plan
    yield f"{deployment_text(plan.deployment)}."
    if not plan.is_for_now:
        yield f"For {day(plan.at)}, not for now."
    yield ""
    for kind in DriftKind:
        yield from _differences(kind, drift)
    unreadable = list(unreadable_lines(plan))
    yield from [*unreadable, ""] if unreadable else []
    if detail is not Detail.NONE:
        yield from _acceptances(drift, detail)
        yield from exposure_sentences(plan)
        yield from standing_notices(plan.effects.notices, plan.at)
    yield from _moves(drift)
    yield from author_sentences(drift)
    yield from breach_lines(plan.verdict.breaches, "Guardrails that the policy breaks:", Role.UNKNOWN, most=1)
    yield " ".join(filter(None, (cost, digest_text(plan))))
    total = sum(drift.counts.values())
    if total:
        yield f"Drift: {count(total, 'difference')} between live and the policy ({_counts(drift)}){_accepted(drift)}."
    else:
        yield summary(plan)


def author_sentences(drift: Drift) -> Iterator[str]:
    """Say why nobody is named who changed some of what differs."""
    if drift.last_changes.reason and (drift.differences or drift.plan.orphans):
        yield f"Who changed it is not known: {harmless(drift.last_changes.reason.rstrip('.'))}."
    elif drift.last_changes.not_asked:
        yield f"The audit log was not asked about {count(drift.last_changes.not_asked, 'more difference')}."


def _accepted(drift: Drift) -> str:
    """`; accepted into the policy: 2, left: 1`, where something was."""
    if not any(acceptance.is_taken for acceptance in drift.acceptances):
        return ""
    remaining = sum(drift.without_taken().counts.values())
    return f"; accepted into the policy: {sum(drift.counts.values()) - remaining:,}, left: {remaining:,}"


def _counts(drift: Drift) -> str:
    """`2 hand, 1 due`."""
    return ", ".join(f"{number:,} {kind}" for kind, number in drift.counts.items() if number)


def _differences(kind: DriftKind, drift: Drift) -> Iterator[str]:
    number = drift.counts[kind]
    if not number:
        return
    yield Line(f"{DRIFT_TITLES[kind]}: {number:,}", Role.HEADING)
    if kind is DriftKind.ORPHAN:
        yield from orphan_lines(drift.plan.orphans)
    actions = [action for action in drift.differences if kind_of(action) is kind]
    names = override_names(drift.differences)
    rows = [_row(action, drift.plan, names) for action in actions]
    role = Role.DANGER if kind is DriftKind.HAND else Role.UPDATE
    for text, action in zip(columns(rows), actions, strict=True):
        yield Line(text, role)
        yield from (f"      {line}" for line in _who(action, drift.last_changes))
        if action.reason:
            yield f"      reason in the policy: {harmless(action.reason)}"
    yield ""


def _row(action: Action, plan: Plan, names: NameGroup) -> tuple[str, ...]:
    wanted = limit_text(action, action.after) + _why(action)
    group = moved_from(action.before, action.after)
    live = f"  live {limit_text(action, action.before)}{f' on {group}' if group else ''}"
    return f"  {subject_text(action, names)}  ", f"policy {wanted}", live, _date(action, plan)


def _why(action: Action) -> str:
    if action.cause is Cause.NOT_LISTED:
        return " (not listed)"
    return harmless(f" (tier {action.tier})") if action.tier else ""


def _date(action: Action, plan: Plan) -> str:
    if action.cause is Cause.EXPIRED and action.expires is not None:
        return f"  ended {instant(action.expires)}, {distance(action.expires, plan.at)}"
    if kind_of(action) is DriftKind.DUE and action.starts is not None:
        return f"  began {instant(action.starts)}, {distance(action.starts, plan.at)}"
    return ""


_OURS = {
    Ours.NOT: "",
    Ours.USER_AGENT: ", which is ours according to its User-Agent",
    Ours.ACCOUNT: ", which is ours according to its User-Agent and its account",
    Ours.JOURNAL: ", which is ours: a journal here has it",
}


def _who(action: Action, attribution: Attribution) -> Iterator[str]:
    for last in attribution.changes:
        if last.address == action.address:
            ours = _OURS[last.ours]
            then = former_name(last.change, action.subject)
            named = f", under the name {then!r}" if then else ""
            yield harmless(f"{done_text(last.change)}{ours}{named}")


def _acceptances(drift: Drift, detail: Detail) -> Iterator[str]:
    """Say what was written into the policy files, and what to write to keep the rest as it is live."""
    taken = [acceptance for acceptance in drift.acceptances if acceptance.is_taken]
    if taken:
        yield Line("Accepted into the policy files:", Role.HEADING)
        for acceptance in taken:
            yield from acceptance_lines(acceptance)
        yield ""
    refused = [acceptance for acceptance in drift.acceptances if acceptance.is_refused]
    if refused:
        yield Line("Not accepted:", Role.HEADING)
        for acceptance in refused:
            yield from acceptance_lines(acceptance)
        yield ""
    remaining = [row for row in drift.acceptances if not row.is_taken and not row.is_refused]
    if remaining:
        yield Line("To keep what is live, run `drift --accept ADDRESS`, or write in the policy:", Role.HEADING)
        shown = remaining if detail is Detail.PEOPLE else remaining[:NAMES_SHOWN]
        for acceptance in shown:
            yield from acceptance_lines(acceptance)
        if len(remaining) > len(shown):
            yield f"  {count(len(remaining) - len(shown), 'more entry', 'more entries')}: --effects people"
        yield ""


def acceptance_lines(acceptance: Acceptance) -> Iterator[str]:
    """Say where to write what, so that the policy wants what is live for one subject."""
    at = harmless(str(acceptance.place))
    address, lines = harmless(acceptance.address), [harmless(line) for line in acceptance.lines]
    match acceptance.taking:
        case Taking.CHANGE:
            yield f"  {address}  {at}  {', '.join(lines)}"
        case Taking.REMOVE:
            yield f"  {address}  {at}  remove the entry"
        case Taking.ADD:
            yield f"  {address}  {harmless(acceptance.file)}, {acceptance.section}"
            yield from (f"      {line}" for line in lines)
            if acceptance.place is not None:
                yield f"      # instead of the entry at {at}"
        case Taking.IMPOSSIBLE:
            yield f"  {address}  not possible: {harmless(acceptance.problem)}"
        case _:
            assert_never(acceptance.taking)


def exposure_sentences(plan: Plan) -> Iterator[str]:
    """Say what the differences cost: the policy is what should be, live is what is."""
    exposure, people, unclear = plan.effects.exposure, plan.effects.people, plan.effects.unclear
    if people:
        noun = "has" if len(people) == 1 else "have"
        not_known = f"; of {len(unclear):,} more it is not known" if unclear else ""
        yield f"{count_people(len(people))} {noun} another limit than the policy gives{not_known}."
    elif unclear:
        yield f"Of {count_people(len(unclear))} it is not known whether the policy gives them another limit."
    if plan.effects.unseen:
        yield "Members whom this token may not read are not counted."
    difference_micros = exposure.before_micros - exposure.after_micros
    if exposure.people and difference_micros:
        word = "more" if difference_micros > 0 else "less"
        yield f"Live allows {format_usd_short(abs(difference_micros))} a month {word} than the policy."
    unlimited = exposure.unlimited_before - exposure.unlimited_after
    if unlimited > 0:
        yield Line(f"People without a limit, although the policy gives them one: {unlimited:,}.", Role.DANGER)
    if any(orphan.is_lost_budget for orphan in plan.orphans):
        who = "`reconciler status` says who has none"
        yield f"If a group of the policy is gone, its members may have no limit now: {who}."


def _moves(drift: Drift) -> Iterator[str]:
    """Whose limit changed although no budget did: `mia  $50.00 (Everyone) -> $800.00 (research)`."""
    if drift.moves_since is None:
        return
    since = instant(drift.moves_since)
    if not drift.moves:
        yield no_moves(drift, since)
        return
    yield Line(f"Whose limit changed although no budget did, since {since}: {len(drift.moves):,}", Role.HEADING)
    names = move_names(drift)
    rows = [
        (f"  {harmless(move.username)}  ", limit_of(move.before, names), f" -> {limit_of(move.after, names)}")
        for move in drift.moves
    ]
    for text, move in zip(columns(rows), drift.moves, strict=True):
        yield text
        yield f"      {how_moved(move)}"
    if drift.moves_reason:
        yield f"Who is behind some of it is not known: {harmless(drift.moves_reason.rstrip('.'))}."
    if drift.moves_not_known:
        yield moves_not_known(drift, since)


def no_moves(drift: Drift, since: str) -> str:
    """Say that no limit changed with a membership, as far as that is known."""
    where = "" if drift.moves_read_all else ", in the organizations that this token may read"
    if drift.moves_not_known:
        return f"{moves_not_known(drift, since)} Nobody else's did{where}."
    return f"Nobody's limit changed with a membership since {since}{where}."


def moves_not_known(drift: Drift, since: str) -> str:
    """Say of how many people it is not known whether their limit changed with a membership."""
    people = count_people(drift.moves_not_known)
    return f"Of {people} it is not known whether their limit changed with a membership since {since}."


def move_names(drift: Drift) -> NameGroup:
    """Return what the groups are called that limited people before and limit them now."""
    return names_for(side.group for move in drift.moves for side in (move.before, move.after))


def limit_of(effective: Effective, names: NameGroup) -> str:
    """`$800.00 (research)`, `$50.00 (override, platform)`."""
    by = "override, " if effective.by_override else ""
    limit = NO_LIMIT if isinstance(effective.limit_micros, Unlimited) else format_usd(effective.limit_micros)
    return f"{limit} ({by}{harmless(names(effective.group))})"


def how_moved(move: Move) -> str:
    """Say which memberships changed, by whom, and what came with them."""
    behind = {row.address: row for row in move.behind}
    parts = [_membership(address, behind.get(address), "joined", "added them to") for address in move.joined]
    parts += [_membership(address, behind.get(address), "left", "took them out of") for address in move.left]
    if move.has_lost_override:
        parts.append("the override ended with the membership")
    if move.before.group != move.after.group:
        parts.append("counted spend restarts with what is booked on the new group")
    return "; ".join(parts)


def _membership(address: str, change: MembershipChange | None, nobody: str, somebody: str) -> str:
    if change is None:
        return f"{nobody} {harmless(address)}"
    return f"{harmless(change.by or 'somebody')} {somebody} {harmless(address)} on {instant(change.at)}"


def page_lines(drift: Drift, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return drift_report(drift, facts.cost, detail=facts.detail)
