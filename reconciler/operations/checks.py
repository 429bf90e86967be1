"""What must hold before the first write, and again after every wait: consent, deployment, rights, dates, live state.

Each check raises RefusedError (DeniedError for rights) and nothing was written. None of them sends a write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.core.action import Action
from reconciler.core.budget import Absent, Reading, Unknown
from reconciler.core.describe import describe
from reconciler.core.directory import Group, User
from reconciler.core.plan.plan import Plan
from reconciler.core.snapshot import Snapshot
from reconciler.errors import DeniedError, RefusedError
from reconciler.operations.ports import Reader
from reconciler.operations.reading import read_subjects
from reconciler.words import count, spoken


def require_ready(plan: Plan, reader: Reader, *, now: datetime) -> Snapshot:
    """Check everything; return the live state of the plan's subjects."""
    require_consent(plan.without_ended_consents(now))
    require_current(plan, now=now)
    require_same_deployment(plan, reader)
    _require_permission(plan, reader)
    snapshot = read_subjects(plan.actions, reader)
    require_fresh(plan, snapshot)
    return snapshot


def require_consent(plan: Plan) -> None:
    """Raise RefusedError unless the plan passes the gate."""
    refusals = plan.verdict.refusals
    if refusals:
        raise RefusedError(
            f"The plan is refused for {count(len(refusals), 'reason')}; nothing was written",
            details=tuple(f"{refusal.message}; {refusal.hint}" for refusal in refusals),
        )


def require_current(plan: Plan, *, now: datetime) -> None:
    """Raise RefusedError when an override that the plan would set has ended since it was made."""
    ended = [action for action in plan.actions if has_ended(action, plan, now=now)]
    if ended:
        raise RefusedError(
            f"The plan is stale: {count(len(ended), 'override')} ended since it was made; nothing was written",
            details=tuple(
                f"{spoken(action.address)}: {describe(action.after, action.subject)} ended" for action in ended
            ),
            hint="plan again",
        )


def require_same(plan: Plan, again: Plan, live: Snapshot) -> None:
    """Compare a plan with the same plan made anew. Raises RefusedError when it is not what was approved.

    Actions that somebody else has carried out meanwhile are missing in the new plan; `live` shows them as done.
    """
    if again.deployment.id != plan.deployment.id:
        raise RefusedError(
            f"CODER_URL now leads to the deployment {again.deployment.id}; nothing was written", hint="plan again"
        )
    before, after = {action.subject.id: action for action in plan.actions}, {}
    for action in again.actions:
        after[action.subject.id] = action
    held = {row.action.subject.id: row.message for row in again.held_back}
    details = [
        f"{spoken(action.address)}: a change to {describe(action.after, action.subject)} would be made now"
        for action in again.actions
        if _states(before.get(action.subject.id)) != _states(action)
    ]
    details += [
        f"{spoken(action.address)}: {held.get(action.subject.id, _no_longer(action))}"
        for action in plan.actions
        if action.subject.id not in after and live.reading(action.subject) != action.after
    ]
    if details:
        raise RefusedError(
            f"The plan is stale: {count(len(details), 'action')} differ{'s' if len(details) == 1 else ''} from what "
            "was approved, because time passed, or people or groups changed; nothing was written",
            details=tuple(details),
            hint="plan again",
        )


def _no_longer(action: Action) -> str:
    return f"{describe(action.after, action.subject)} is no longer planned"


def _states(action: Action | None) -> tuple[object, object] | None:
    return None if action is None else (action.before, action.after)


def has_ended(action: Action, plan: Plan, *, now: datetime) -> bool:
    """Whether an action would set an override whose end has come (`now` is in UTC)."""
    if not plan.is_for_now:
        return False
    return action.expires is not None and action.expires <= now and not isinstance(action.after, Absent)


def require_same_deployment(plan: Plan, reader: Reader) -> None:
    """Raise RefusedError when the plan is for another deployment."""
    deployment = reader.deployment()
    if deployment.id != plan.deployment.id:
        raise RefusedError(
            f"The plan is for the deployment {spoken(plan.deployment.id)} ({spoken(plan.deployment.url)}), "
            f"and this is {deployment.id} ({deployment.url}); nothing was written",
            hint="point CODER_URL at the deployment of the plan, or plan again",
        )


def _require_permission(plan: Plan, reader: Reader) -> None:
    organizations = {action.subject.organization_id for action in plan.actions if isinstance(action.subject, Group)}
    overrides = any(isinstance(action.subject, User) for action in plan.actions)
    missing = reader.may_write(organizations=sorted(organizations), overrides=overrides)
    if missing:
        raise DeniedError(
            f"{spoken(plan.deployment.user)} may not write all of this plan: "
            f"{'; '.join(sentence.rstrip('.') for sentence in missing)}; nothing was written",
            hint="overrides need an Owner or a User Admin; group budgets one of these, or an admin of the organization",
        )


def require_fresh(plan: Plan, live: Snapshot) -> None:
    """Raise RefusedError when live is neither as the plan saw it nor as it wants it."""
    details = tuple(
        f"{spoken(action.address)}: the plan saw {describe(action.before, action.subject, beside=reading)}, "
        f"live is {describe(reading, action.subject, beside=action.before)}"
        for action, reading in _readings(plan.actions, live)
        if reading not in (action.before, action.after)
    )
    if details:
        unknown = any(isinstance(reading, Unknown) for _, reading in _readings(plan.actions, live))
        raise RefusedError(
            f"The plan is stale: {len(details)} of {len(plan.actions)} planned objects "
            f"{'changed or cannot be read' if unknown else 'changed'} since it was made; nothing was written",
            details=details,
            hint="plan again",
        )


def _readings(actions: Sequence[Action], live: Snapshot) -> list[tuple[Action, Reading]]:
    return [(action, live.reading(action.subject)) for action in actions]
