"""Look at a deployment as a newcomer has to: is it Coder, who am I, what may I do, and what will a plan cost?

Sends what reads alone; each answer becomes a Check. A failed check ends the rest only where the rest needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.core.access import ENDS_SOON, Access
from reconciler.core.diagnosis import Check, Level
from reconciler.core.directory import Directory, Organization
from reconciler.core.moment import present
from reconciler.core.people.agreement import NOT_ENFORCED
from reconciler.core.policy import Policy, SourceFile
from reconciler.core.snapshot import Deployment
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.operations.ports import Reader
from reconciler.operations.reading import WHO_MAY_READ
from reconciler.words import count, listed, span, spoken

CLOCK_TOLERANCE_S = 60.0
SINCE = timedelta(days=1)


class Examined(Reader, Protocol):
    """A reader that also knows about the token, the licence and the clock."""

    def access(self) -> Access:
        """Return when the token and the licence end, and how far the server's clock is from ours."""


def failed(name: str, error: ReconcilerError) -> Check:
    """Return the check that an error ended."""
    return Check(level=Level.FAIL, name=name, message=error.message, hint=error.hint)


def examine(
    policies: Sequence[Policy], sources: Sequence[SourceFile], reader: Examined, *, now: datetime
) -> Iterator[Check]:
    """Yield a check for each thing that a plan or an apply of these policies needs. Raises nothing of ours."""
    try:
        deployment = reader.deployment()
        directory = reader.directory()
    except ReconcilerError as error:
        yield failed("server", error)
        return
    yield _server(deployment, directory)
    yield Check(level=Level.OK, name="licence", message="AI budgets are licensed")
    if policies:  # before anything else is asked, so that the count is that of a plan
        yield _plan(policies, sources, reader, now=now)
    yield from _or_failed("token", lambda: _access(deployment, reader.access(), now=now))
    yield from _readable(policies, directory, deployment)
    yield from _or_failed("write", lambda: _writable(policies, directory, deployment=deployment, reader=reader))
    yield from _or_failed("authors", lambda: _authors(directory, reader, now=now))


def _or_failed(name: str, examine_part: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from examine_part()
    except ReconcilerError as error:
        yield failed(name, error)


def _server(deployment: Deployment, directory: Directory) -> Check:
    """Say what the server offers; what it is asked of an organization, only where there is one."""
    offers = deployment.offers
    parts = ["user overrides" if offers.overrides else "no user overrides"]
    if directory.organizations:
        parts += [
            "bulk reads" if offers.bulk_reads else "no bulk reads (a request for each person)",
            _effective_limits(deployment, directory),
        ]
    return Check(
        level=Level.OK if offers.overrides else Level.NOTE,
        name="server",
        message=f"Coder {deployment.version} at {deployment.url}: {', '.join(parts)}",
        hint=" ".join([offers.overrides_missing, *([] if offers.enforces_budgets else [NOT_ENFORCED])]),
    )


def _effective_limits(deployment: Deployment, directory: Directory) -> str:
    """Say whether the server tells effective limits; it was asked for the account's own row, as a member."""
    if deployment.offers.effective_budgets:
        return "effective limits"
    if deployment.offers.bulk_reads and all(user.username != deployment.user for user in directory.users.values()):
        return "effective limits not known, as this account is in no organization that it may read"
    return "no effective limits"


def _plan(policies: Sequence[Policy], sources: Sequence[SourceFile], reader: Reader, *, now: datetime) -> Check:
    """Make a plan as `plan` does, and say what stands in its way."""
    request = PlanRequest(policies=tuple(policies), sources=tuple(sources), moment=present(now))
    try:
        plan = make_plan(request, reader).plan
    except PolicyError as error:
        first = error.findings[0]
        message = f"{count(len(error.findings), 'entry', 'entries')} cannot be applied, such as {first.place}"
        return Check(level=Level.FAIL, name="plan", message=f"{message}: {first.message}", hint="run `reconciler plan`")
    except ReconcilerError as error:
        return failed("plan", error)
    changes = count(len(plan.actions), "change")
    forecast = " without its forecast" if plan.has_changes else ""
    message = f"a plan costs {count(reader.requests, 'request')}{forecast} and has {changes} now"
    if plan.orphans:
        first_orphan = plan.orphans[0]
        left_out = f"{count(len(plan.orphans), 'entry', 'entries')} cannot be applied, such as {first_orphan.place}"
        return Check(
            level=Level.FAIL,
            name="plan",
            message=f"{message}; {left_out}: {first_orphan.message}",
            hint=first_orphan.hint,
        )
    if plan.is_complete:
        return Check(level=Level.OK, name="plan", message=message)
    unreadable, unread = count(len(plan.unreadable), "entry", "entries"), plan.unreadable[0]
    reason = f"such as {spoken(unread.subject.address)}: {unread.reading.reason}"
    return Check(
        level=Level.FAIL,
        name="plan",
        message=f"{message}; {unreadable} could not be read, {reason}",
        hint=f"{WHO_MAY_READ}; or try again when Coder answers",
    )


def _access(deployment: Deployment, access: Access, *, now: datetime) -> Iterator[Check]:
    roles = ", ".join(deployment.roles) or "no role"
    message, level, hint = f"{deployment.user} ({roles})", Level.OK, ""
    if access.token_expires_at is not None:
        message += f", until {access.token_expires_at:%Y-%m-%d}"
        if access.is_login:
            message += ", and longer with each use, as it came from a login"
        elif access.token_expires_at - now < ENDS_SOON:
            level, hint = Level.NOTE, "make a new token soon: `coder tokens create`"
    if access.token_scopes:
        level, hint = (
            Level.NOTE,
            "a token with scopes may lack rights that its user has: make a token without `--scope`",
        )
        message += f", limited to {listed(access.token_scopes)}"
    yield Check(level=level, name="token", message=message, hint=hint)
    for warning in access.licence_warnings:
        yield Check(level=Level.NOTE, name="licence", message=warning)
    if access.server_ahead_s is not None:
        yield _clock(access.server_ahead_s)


def _clock(ahead_s: float) -> Check:
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return Check(level=Level.OK, name="clock", message="agrees with the server's to a minute")
    where = "ahead of" if ahead_s > 0 else "behind"
    return Check(
        level=Level.NOTE,
        name="clock",
        message=f"the server's clock is {span(ahead_s)} {where} ours",
        hint="set the clock that is wrong: `starts` and `expires` of a policy are compared with this machine's",
    )


def _readable(policies: Sequence[Policy], directory: Directory, deployment: Deployment) -> Iterator[Check]:
    """Yield whether the token reads the organizations of the policies, and their groups."""
    organizations = sorted(directory.organizations.values())
    hidden = [item.name for item in directory.unlisted if item.id not in directory.failures]
    names = [item.name for item in organizations]
    missing = sorted({policy.organization for policy in policies} - {*names, *(str(item.id) for item in organizations)})
    if missing:
        yield Check(
            level=Level.FAIL,
            name="read",
            message=f"the policies name {listed(missing)}, which this token may not read",
            hint=f"correct the name, or use a token that may read it; {directory.readable}",
        )
    for id_, failure in sorted(directory.failures.items()):
        name = spoken(directory.organizations[id_].name)
        message = f"the groups of {name} cannot be read: {failure.reason.rstrip('.')}"
        yield Check(level=Level.NOTE, name="read", message=message, hint=failure.hint)
    if hidden:
        yield Check(
            level=Level.NOTE,
            name="read",
            message=f"the groups of {listed(hidden)} cannot be read",
            hint="use a token of an Owner, a User Admin or an Auditor",
        )
    yield from _hidden(organizations, directory)
    seen = "" if deployment.reads_all else "; this token may not read every organization"
    yield Check(
        level=Level.OK if organizations else Level.FAIL,
        name="read",
        message=f"{count(len(organizations), 'organization')}, {count(len(directory.groups), 'group')}, "
        f"{count(len(directory.users), 'person', 'people')}{seen}",
        hint="" if organizations else directory.readable,
    )


def _hidden(organizations: Sequence[Organization], directory: Directory) -> Iterator[Check]:
    """Yield what the token may not read of organizations that it may read."""
    for organization in organizations:
        members = directory.hidden_in(organization.id)
        if members:
            message = f"this token may not read {count(members, 'member')} of {spoken(organization.name)}"
            yield Check(level=Level.NOTE, name="read", message=message, hint=WHO_MAY_READ)
        if organization.id in directory.hides_groups:
            message = f"{spoken(organization.name)} may have more groups, which this token may not read"
            yield Check(level=Level.NOTE, name="read", message=message, hint=WHO_MAY_READ)


def _writable(
    policies: Sequence[Policy], directory: Directory, *, deployment: Deployment, reader: Reader
) -> Iterator[Check]:
    """Yield whether the token may write what `apply` writes."""
    wanted = {policy.organization for policy in policies}
    chosen = [
        item.id
        for item in directory.organizations.values()
        if not wanted or item.name in wanted or str(item.id) in wanted
    ]
    refusals = reader.may_write(organizations=chosen, overrides=deployment.offers.overrides)
    for refusal in refusals:
        yield Check(
            level=Level.NOTE,
            name="write",
            message=refusal.rstrip("."),
            hint="plan and drift need no right to write; apply does",
        )
    if not refusals:
        yield Check(level=Level.OK, name="write", message="this token may write what apply writes")


def _authors(directory: Directory, reader: Reader, *, now: datetime) -> Iterator[Check]:
    group = min(directory.groups.values(), default=None)
    if group is None:
        return
    changes = reader.log.changes(group, now - SINCE)
    if changes.reason:
        yield Check(
            level=Level.NOTE,
            name="authors",
            message=f"who changed a budget cannot be told: {changes.reason.rstrip('.')}",
            hint="an Auditor's or an Owner's token may read the audit log; drift is best run with an Auditor's",
        )
    else:
        yield Check(
            level=Level.OK, name="authors", message="the audit log may be read, so drift tells who changed what"
        )
