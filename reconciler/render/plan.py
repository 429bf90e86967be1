"""A plan as text that a person reads and a script can grep. Pure: a plan in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.budget import Budget
from reconciler.core.describe import NO_LIMIT
from reconciler.core.directory import User
from reconciler.core.plan import DIGEST_SHOWN, Action, Cause, Kind, Plan
from reconciler.core.snapshot import Deployment
from reconciler.money import format_usd
from reconciler.render.text import columns, count, day, distance, harmless

SIGNS = {Kind.CREATE: "+", Kind.UPDATE: "~", Kind.DELETE: "-", Kind.NO_OP: " "}
NO_CHANGES = "No changes. Live budgets match the policy."


def plan_report(plan: Plan, cost: str = "") -> str:
    """Render a whole plan, and what making it cost; ends without a newline."""
    return _report(plan, cost, summary(plan))


def drift_report(plan: Plan, cost: str) -> str:
    """Render a plan as what differs, not as what is to be done."""
    if not plan.has_changes:
        return plan_report(plan, cost)
    differences = count(len(plan.actions), "difference")
    return _report(plan, cost, f"Drift: {differences} between live and the policy; `apply` would repair it.")


def _report(plan: Plan, cost: str, last_line: str) -> str:
    facts = " ".join(filter(None, (cost, digest_text(plan))))
    return "\n".join([*_head(plan), *_body(plan), *_unreadable(plan), facts, last_line])


def deployment_text(deployment: Deployment) -> str:
    """`Coder 2.37.1 at https://coder.example, as ci-budgets (user-admin)`."""
    roles = f" ({', '.join(map(harmless, deployment.roles))})" if deployment.roles else ""
    version = harmless(deployment.version.removeprefix("v").partition("+")[0])
    return f"Coder {version} at {harmless(deployment.url)}, as {harmless(deployment.user)}{roles}"


def summary(plan: Plan) -> str:
    """The last line: what would be done, counted."""
    if not plan.has_changes:
        return NO_CHANGES if plan.is_complete else "No changes in what could be read."
    counts = ", ".join(f"{plan.count(kind)} to {kind}" for kind in (Kind.CREATE, Kind.UPDATE, Kind.DELETE))
    return f"Plan: {counts}."


def digest_text(plan: Plan) -> str:
    """`Plan digest 9f8e12ab34cd.`"""
    return f"Plan digest {plan.digest[:DIGEST_SHOWN]}."


def _head(plan: Plan) -> Iterator[str]:
    yield deployment_text(plan.deployment) + "."
    yield ""


def _body(plan: Plan) -> Iterator[str]:
    if plan.actions:
        yield from action_lines(plan.actions, plan)
        yield ""


def action_lines(actions: tuple[Action, ...], plan: Plan) -> list[str]:
    """One aligned line an action, in the order in which they run."""
    rows = [
        (
            f"  {SIGNS[action.kind]} ",
            f"{_subject(action, plan)}  ",
            _limit(action.before),
            " -> ",
            *_after(action, plan),
        )
        for action in actions
    ]
    return columns(rows, right=frozenset({2}))


def _subject(action: Action, plan: Plan) -> str:
    """`user/ana (platform)`: an override names the group that it is, or was, attributed to."""
    address = harmless(action.address)
    state = action.after if isinstance(action.after, Budget) else action.before
    if isinstance(action.subject, User) and isinstance(state, Budget):
        return f"{address} ({harmless(plan.group_names.get(state.group_id, state.group_id))})"
    return address


def _limit(state: object) -> str:
    return format_usd(state.limit_micros) if isinstance(state, Budget) else NO_LIMIT


def _after(action: Action, plan: Plan) -> tuple[str, str]:
    return f"{_limit(action.after)}    ", "; ".join(_notes(action, plan))


def _notes(action: Action, plan: Plan) -> Iterator[str]:
    before, after = action.before, action.after
    if isinstance(before, Budget) and isinstance(after, Budget) and before.group_id != after.group_id:
        yield f"moves from {harmless(plan.group_names.get(before.group_id, before.group_id))}"
    match action.cause:
        case Cause.EXPIRED if action.expires is not None:
            yield f"expired {distance(action.expires, plan.at)}, still {_limit(before)}"
        case Cause.NOT_LISTED:
            yield "not in the policy"
        case _ if action.expires is not None:
            yield f"expires {day(action.expires)}, {distance(action.expires, plan.at)}"
        case _:
            pass


def _unreadable(plan: Plan) -> Iterator[str]:
    for one in plan.unreadable:
        yield f"  ? {harmless(one.subject.address)}  unknown: {harmless(one.reading.reason)}"
    if plan.withheld:
        removals = count(len(plan.withheld), "removal")
        yield f"  {removals} withheld, because not everything could be read:"
        yield from (f"    {line.strip()}" for line in action_lines(plan.withheld, plan))
    if plan.unreadable:
        yield ""
