"""A saved plan on the day on which it is applied: nothing of it is believed but what it would write.

Who can write the file can compute its checksum, and in CI that is the author of a pull request. So its actions are held
against what is live and, where the policy files that it names are here as they were, against the policy:

    subjects     looked up by id; the name must be the one that the plan says, and the plan may not list anybody twice
    actions      must be what the policy wants at this moment: an override may have ended since
    effects      found anew, since people go on spending
    dangers      counted anew, all of them
    consents     those of the policy files, and of the command line; never those in the plan
    guardrails   checked anew
    orphans      as they are today; one that is none any more is told as of the day of the plan

Where the policy files are not here, there is less to hold it against: dangers that only a policy can count are those
that the plan admits, and so are its broken guardrails; nothing but the command line consents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.core.action import Action, Origin
from reconciler.core.budget import Budget, State
from reconciler.core.desired import NOTHING_DESIRED
from reconciler.core.directory import Directory, Group, User
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import present
from reconciler.core.orphan import Orphan
from reconciler.core.plan.plan import Plan
from reconciler.errors import RefusedError
from reconciler.operations.checks import require_current, require_fresh, require_same, require_same_deployment
from reconciler.operations.lookup import with_people
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.operations.ports import Reader
from reconciler.operations.reading import read_subjects, require_found
from reconciler.operations.review import Proposal, find_effects, find_verdict
from reconciler.words import count, spoken


def renew_saved(
    saved: Plan, reader: Reader, *, request: PlanRequest | None, grants: Sequence[Grant] = (), now: datetime
) -> Plan:
    """Return a saved plan with everything but its actions found anew; `now` is in UTC.

    `request` asks for a plan of the policy files that the saved plan names; None if they are not here. What the plan
    says was not read is still not known. `grants` are those of `--allow`.

    Raises RefusedError when the plan is for another deployment, is stale, or asks for something that live or the policy
    contradicts; PolicyError when the policy cannot be read as a whole.
    """
    require_same_deployment(saved, reader)
    directory = with_people(reader.directory(), (str(action.subject.id) for action in saved.actions), reader)
    require_found(saved.actions, directory)
    actions = _with_live_names(saved.actions, directory)
    plan = replace(saved, deployment=reader.deployment(), actions=actions, has_base=False)
    require_current(plan, now=present(now).beside(reader.server_ahead_s).latest)
    live = read_subjects(plan.actions, reader)
    require_fresh(plan, live)
    if request is not None:
        subjects = frozenset(action.subject.id for action in plan.actions)
        asked = replace(request, subjects=subjects, grants=tuple(grants), moment=present(now), not_read=saved.not_read)
        again = make_plan(asked, reader).plan
        require_same(plan, again, live)
        anew = {action.subject.id: action for action in again.actions}
        actions = tuple(anew.get(action.subject.id, action) for action in plan.actions)
        orphans = _orphans_today(plan.orphans, again.orphans)
        return replace(plan, actions=actions, orphans=orphans, effects=again.effects, verdict=again.verdict)
    proposal = Proposal(actions=plan.actions, snapshot=live, policies=(), desired=NOTHING_DESIRED, moment=present(now))
    effects = replace(find_effects(proposal, reader), notices=saved.effects.notices)
    verdict = find_verdict(proposal, effects, grants=grants)
    orphans = _orphans_today(plan.orphans, ())
    return replace(plan, orphans=orphans, effects=effects, verdict=verdict.with_admissions(saved.verdict))


def _orphans_today(saved: Iterable[Orphan], found: Iterable[Orphan]) -> tuple[Orphan, ...]:
    """Return the orphans of a plan with what is found of them today; of the others what was true when it was made."""
    today = {orphan.place: orphan for orphan in found}
    return tuple(
        replace(today[orphan.place], is_standing=orphan.is_standing)
        if orphan.place in today
        else replace(
            orphan,
            message=f"when this plan was made: {orphan.message}",
            hint="plan again: what could not be applied then may be possible now",
        )
        for orphan in saved
    )


def _with_live_names(actions: Sequence[Action], directory: Directory) -> tuple[Action, ...]:
    """Return the actions with subjects and groups as they are live. Raises RefusedError where the plan names others."""
    problems = [problem for action in actions for problem in _problems(action, directory)]
    if problems:
        raise RefusedError(
            f"The plan does not fit this deployment in {count(len(problems), 'place')}; nothing was written",
            details=tuple(problems),
            hint="plan again; where something may not be read, apply with a token that may read what the plan names",
        )
    return tuple(
        replace(
            action,
            subject=directory.live(action.subject) or action.subject,
            before=_renamed(action.before, directory),
            after=_renamed(action.after, directory),
            origin=Origin.UNKNOWN,  # else the plan could say that its deletes are ends which were reviewed
        )
        for action in actions
    )


def _problems(action: Action, directory: Directory) -> Iterable[str]:
    """Yield where the ids of an action, which decide what is written, do not fit its names, which people read."""
    subject = directory.live(action.subject)
    id_ = spoken(action.subject.id)
    if subject is None:
        yield f"{spoken(action.address)} is gone, or this token may not read it (its id is {id_})"
    elif subject.address != action.address:
        yield f"{spoken(action.address)} is called {spoken(subject.address)} here (its id is {id_})"
    if isinstance(action.after, Budget):
        group = directory.ref(action.after.group.id)
        if isinstance(action.subject, Group) and action.after.group.id != action.subject.id:
            yield f"{spoken(action.address)} would get a budget of another group, {spoken(group.address)}"
        elif group.name and group.address != action.after.group.address:
            planned, live = spoken(action.after.group.address), spoken(group.address)
            yield f"{spoken(action.address)}: the group {planned} of the plan is {live} here"
        elif not group.name and isinstance(action.subject, User):
            name = f"{spoken(action.after.group.address)} (its id is {spoken(group.id)})"
            yield f"{spoken(action.address)}: the group {name} is gone, or this token may not read it"


def _renamed(state: State, directory: Directory) -> State:
    return replace(state, group=directory.ref(state.group.id)) if isinstance(state, Budget) else state
