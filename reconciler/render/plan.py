"""A plan as text that a person reads and a script can grep. Pure: a plan in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.action import Action, Cause, Kind, Origin
from reconciler.core.budget import Budget, State
from reconciler.core.describe import NameGroup, names_for
from reconciler.core.directory import User
from reconciler.core.moment import instant
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan.plan import DIGEST_SHOWN, Coverage, Plan
from reconciler.core.policy import is_uuid
from reconciler.money import format_usd
from reconciler.render.dangers import refusal_lines
from reconciler.render.detail import Detail
from reconciler.render.effects import action_notes, effects_lines
from reconciler.render.formats import Facts
from reconciler.render.notices import taken_out, without_entry
from reconciler.render.outlook import outlook_lines
from reconciler.render.source import deployment_text, snapshot_text
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
from reconciler.words import NO_LIMIT, NO_OVERRIDE, count, listed, spoken

SIGNS = {Kind.CREATE: "+", Kind.UPDATE: "~", Kind.DELETE: "-", Kind.NO_OP: " "}
ROLES = {Kind.CREATE: Role.CREATE, Kind.UPDATE: Role.UPDATE, Kind.DELETE: Role.DELETE, Kind.NO_OP: Role.PLAIN}
ORIGINS = {
    Origin.DUE: "its date came",
    Origin.HAND: "changed by hand",
    Origin.PENDING: "last set by reconciler",
}
"""What is said of an action's origin; of the others nothing is news."""
LEFT_BY_DUE = "`reconciler apply` without --due does what the policy says; `drift --accept ADDRESS` keeps what is live"
"""What to do about what `apply --due` leaves alone."""
_UNCLEAR = OrphanReason.AMBIGUOUS, OrphanReason.CLOCKS_DIFFER
"""Of an entry whose name is perhaps not old: it fits several, or was not looked at for the sake of its date."""
NO_CHANGES = "No changes. Live budgets match the policy."
GROUPS_MATCH = "live group budgets match the policy; this Coder does not show user overrides"
"""Where overrides may stand that nobody can see, nothing more can be claimed."""
_NOTHING: Mapping[Coverage, str] = {
    Coverage.POLICY: NO_CHANGES,
    Coverage.PART: "No changes in the part of the policy that was asked for.",
    Coverage.DUE: "No changes that a date asks for.",
    Coverage.RUN: "Nothing to take back.",
}


def plan_report(plan: Plan, cost: str = "", *, detail: Detail = Detail.SUMMARY) -> list[Line]:
    """Render a whole plan, what making it cost, and why it is refused if it is."""
    is_revert = plan.covers is Coverage.RUN
    refusals = refusal_lines(plan.verdict, is_revert=is_revert)
    return lines_of([*plan_lines(plan, cost, detail), summary(plan), *refusals])


def plan_lines(plan: Plan, cost: str, detail: Detail) -> Iterator[str]:
    """Yield all of a plan but its end: where, the actions, what they do to people, what making it cost."""
    yield f"{deployment_text(plan.deployment)}."
    if plan.snapshot_at is not None:
        yield snapshot_text(plan.snapshot_at)
    if not plan.is_for_now:
        yield f"For {day(plan.at)}, not for now."
    yield ""
    yield from _paragraph(action_lines(plan.actions, plan, action_notes(plan.actions, plan.effects)))
    yield from _paragraph(orphan_lines(plan.orphans))
    yield from _paragraph(_held_back(plan))
    yield from _paragraph(unreadable_lines(plan))
    yield from _paragraph(left_alone_lines(plan))
    yield from effects_lines(plan.effects, plan.verdict, at=plan.at, detail=detail)
    yield from outlook_lines(plan)
    yield " ".join(filter(None, (cost, digest_text(plan))))


def _paragraph(lines: Iterable[str]) -> list[str]:
    """Lines with an empty one behind them; nothing where there is no line."""
    paragraph = list(lines)
    return [*paragraph, ""] if paragraph else []


def summary(plan: Plan) -> str:
    """The last line: what would be done, counted."""
    parts = (
        f"{count(len(plan.orphans), 'entry', 'entries')} cannot be applied" if plan.orphans else "",
        f"{count(len(plan.held_back), 'due action')} held back" if plan.held_back else "",
        f"{count(len(plan.left_alone), 'entry', 'entries')} left alone"
        if plan.left_alone and plan.covers is Coverage.DUE
        else "",
        without_entry(taken_out(plan.effects.notices)),
    )
    left_out = ", ".join(filter(None, parts))
    if plan.has_changes:
        counts = ", ".join(f"{plan.count(kind):,} to {kind}" for kind in (Kind.CREATE, Kind.UPDATE, Kind.DELETE))
        return f"Plan: {counts}{f'; {left_out}' if left_out else ''}."
    if not plan.is_complete or plan.not_read:
        return "No changes in what could be read."
    if left_out:
        return f"No changes; {left_out}."
    if plan.covers is Coverage.POLICY and plan.deployment.offers.overrides_hidden:
        return f"No changes. {GROUPS_MATCH[0].upper()}{GROUPS_MATCH[1:]}."
    return _NOTHING[plan.covers]


def digest_text(plan: Plan) -> str:
    """`Plan digest 9f8e12ab34cd.`"""
    return f"Plan digest {plan.digest[:DIGEST_SHOWN]}."


def action_lines(actions: tuple[Action, ...], plan: Plan, effects: Mapping[str, str]) -> list[Line]:
    """One aligned line an action, in the order in which they run; `effects` per address stand at its end."""
    rows, names = [], override_names(actions)
    for action in actions:
        notes = "; ".join([*_notes(action, plan), *filter(None, [effects.get(action.address, "")])])
        before, after = limit_text(action, action.before), limit_text(action, action.after)
        rows.append(
            (f"  {SIGNS[action.kind]} ", f"{subject_text(action, names)}  ", before, " -> ", f"{after}    ", notes)
        )
    lines: list[Line] = []
    for text, action in zip(columns(rows, right=frozenset({2})), actions, strict=True):
        lines.append(Line(text, ROLES[action.kind]))
        if action.reason:
            lines.append(Line(f"      reason: {harmless(action.reason)}"))
    return lines


def override_names(actions: Iterable[Action]) -> NameGroup:
    """Return what the groups of overrides that stand on one page are called."""
    return names_for(
        state.group
        for action in actions
        for state in (action.before, action.after)
        if isinstance(action.subject, User) and isinstance(state, Budget)
    )


def limit_text(action: Action, state: State) -> str:
    """`$200.00`; `no limit`, or `no override` for a person: the budgets of their groups may limit them."""
    if isinstance(state, Budget):
        return format_usd(state.limit_micros)
    return NO_OVERRIDE if isinstance(action.subject, User) else NO_LIMIT


def subject_text(action: Action, names: NameGroup) -> str:
    """`user/ana (platform)`: an override names the group that it is, or was, attributed to."""
    address = harmless(action.address)
    state = action.after if isinstance(action.after, Budget) else action.before
    if isinstance(action.subject, User) and isinstance(state, Budget):
        return f"{address} ({harmless(names(state.group))})"
    return address


def _notes(action: Action, plan: Plan) -> Iterator[str]:
    if group := moved_from(action.before, action.after):
        yield f"moves from {spoken(group)}"
    match action.cause:
        case Cause.EXPIRED if action.expires is not None:
            yield f"ended {instant(action.expires)}, {distance(action.expires, plan.at)}"
        case Cause.NOT_LISTED:
            yield "not in the policy"
        case _ if action.expires is not None:
            yield f"ends {instant(action.expires)}, {distance(action.expires, plan.at)}"
        case _:
            pass
    if action.tier:
        yield harmless(f"tier {action.tier}")
    if action.origin in ORIGINS and not action.is_due_end:
        yield ORIGINS[action.origin]
    if plan.has_base and action.origin is not Origin.CHANGE:
        yield "not by this change"


def orphan_lines(orphans: Iterable[Orphan]) -> Iterator[Line]:
    """Two lines an entry that cannot be applied: what is wrong where, and what to do."""
    for orphan in orphans:
        before = " (it was so before this change)" if orphan.is_standing else ""
        yield Line(f"  ! {harmless(orphan.address)}  {harmless(orphan.message)}{before}", Role.UNKNOWN)
        yield Line(f"      {harmless(str(orphan.place))}: {harmless(orphan.hint)}")


def _held_back(plan: Plan) -> Iterator[Line]:
    if plan.held_back:
        actions = tuple(held.action for held in plan.held_back)
        them = "it" if len(actions) == 1 else "them"
        yield Line(f"  {count(len(actions), 'action')} held back, because the gate refuses {them}:", Role.DANGER)
        yield from (Line(f"  {line}", Role.DANGER) for line in action_lines(actions, plan, {}))
        for message, hint in dict.fromkeys((held.message, held.hint) for held in plan.held_back):
            yield Line(f"      {harmless(message)}; {harmless(hint)}")


def why_withheld(plan: Plan) -> str:
    """Say why removals are withheld, as the end of a sentence."""
    if not plan.unresolved:
        return "not everything could be read"
    old = "old names of some of them" if len(plan.unresolved) > 1 else "an old name of one of them"
    ids = [address for address in plan.unresolved if is_uuid(address.rpartition("/")[2])]  # a UUID never changes
    unclear = {orphan.address for orphan in plan.orphans if orphan.reason in _UNCLEAR}
    told = {orphan.address for orphan in plan.orphans}  # without the entries outside of `--only`
    if not told.issuperset(plan.unresolved) or not unclear.isdisjoint(plan.unresolved):
        what = "mean some of them" if len(plan.unresolved) > 1 else "mean one of them"
    elif len(ids) == len(plan.unresolved):
        what = "be mistyped, and mean one of them"
    else:
        what = f"be mistyped, or {old}" if ids else f"be {old}"
    names = listed([harmless(spoken(name)) for name in plan.unresolved])
    partly = "not everything could be read, and " if plan.unreadable or plan.not_read else ""
    return f"{partly}{names} in the policy may {what}"


def unreadable_lines(plan: Plan) -> Iterator[str]:
    """What could not be read, and the removals that are withheld for it."""
    for unreadable in plan.unreadable:
        yield Line(
            f"  ? {harmless(unreadable.subject.address)}  unknown: {harmless(unreadable.reading.reason)}", Role.UNKNOWN
        )
    for missed in plan.not_read:
        yield Line(f"  ? {harmless(missed.path)}  not read: {harmless(missed.reason)}", Role.UNKNOWN)
    if plan.withheld:
        yield f"  {count(len(plan.withheld), 'removal')} withheld, because {why_withheld(plan)}:"
        yield from (f"    {line.strip()}" for line in action_lines(plan.withheld, plan, {}))


def left_alone_lines(plan: Plan) -> list[str]:
    """Say what a revert or `apply --due` leaves as it is, and why, a line each."""
    lines = [f"Left alone: {harmless(sentence)}." for sentence in plan.left_alone]
    return [*lines, f"  {LEFT_BY_DUE}"] if lines and plan.covers is Coverage.DUE else lines


def page_lines(plan: Plan, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return plan_report(plan, facts.cost, detail=facts.detail)
