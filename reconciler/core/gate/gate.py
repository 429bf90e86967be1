"""The gate between a plan and its apply: hazards by effect, consent that fits, and the refusals that remain.

The hazards, and how they are counted, are a table: hazards.py.

Consent names a hazard and a number, and covers at most that number; two consents to one hazard do not add up: the
larger holds. Nothing else gives consent, `--auto-approve` least of all.

The owner of an organization consents for it alone. Dangers are therefore counted per organization: a person in
that of the action which is their first cause, a delete in its own. The `allow:` of a policy covers those of its own
organization until it expires, by the clock and not by the instant that is planned for; `--allow` covers what no policy
does, all organizations together.

Law 9 (gate): consent never adds a refusal. Turning a no-op into an action never removes one that counts deletes, and
removes one that counts people only by changing the limit of a person whom it counts: a limit put on somebody who would
have become unlimited is no longer a danger, even if the plan endangers other people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.action import Action, Cause, Kind, organization_of
from reconciler.core.budget import Budget, OrganizationId
from reconciler.core.directory import Directory, Group, User
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.hazards import HAZARDS
from reconciler.core.gate.verdict import FlagGrant, Grant, PolicyGrant, Verdict, sorted_grants
from reconciler.core.policy import Hazard

if TYPE_CHECKING:  # `validate` needs none of them
    from reconciler.core.desired import Desired, ResolvedPolicy
    from reconciler.core.snapshot import Snapshot


def judge(dangers: Iterable[Danger], *, grants: Iterable[Grant] = (), breaches: Iterable[Breach] = ()) -> Verdict:
    """Hold dangers and broken guardrails against consents. Dangers that count nothing are left out."""
    counted = tuple(danger for danger in dangers if danger.count)
    return Verdict(dangers=counted, breaches=tuple(breaches), grants=sorted_grants(grants))


def count_managed(desired: Desired, snapshot: Snapshot) -> Counter[str | None]:
    """Count per organization the live budgets and overrides that the policy lists or manages exactly (diff.py)."""
    groups = snapshot.directory.groups
    managed: Counter[str | None] = Counter()
    for group_id, reading in snapshot.group_budgets.items():
        group = groups.get(group_id)
        if isinstance(reading, Budget) and (group_id in desired.groups or _is_in(group, desired.exact_groups)):
            managed[group.organization if group else None] += 1
    for user_id, reading in snapshot.user_overrides.items():
        group = groups.get(reading.group.id) if isinstance(reading, Budget) else None
        if isinstance(reading, Budget) and (user_id in desired.users or _is_in(group, desired.exact_users)):
            managed[group.organization if group else None] += 1
    return managed


def emptied_sections(
    policies: Iterable[ResolvedPolicy], actions: Iterable[Action], directory: Directory
) -> tuple[str, ...]:
    """Return the addresses of deletes that happen because a section which is managed exactly lists nothing."""
    empty = {(policy.organization.name, is_user) for policy in policies for is_user in policy.emptied_kinds}
    deletes = [action for action in actions if action.kind is Kind.DELETE and action.cause is Cause.NOT_LISTED]
    return tuple(
        sorted(
            action.address
            for action in deletes
            if (organization_of(action, directory), isinstance(action.subject, User)) in empty
        )
    )


def grants_of(policies: Iterable[ResolvedPolicy], *, now: datetime) -> tuple[PolicyGrant, ...]:
    """Return the consents of the policies, each for its own organization, that have not ended by now (UTC)."""
    grants = (
        PolicyGrant(
            hazard=consent.hazard,
            up_to=consent.up_to,
            source=f"{consent.place} ({consent.reason})" if consent.reason else str(consent.place),
            organization=policy.organization.name,
            expires=consent.expires,
        )
        for policy in policies
        for consent in policy.allow
    )
    return tuple(grant for grant in grants if grant.holds(now))


def parse_allow(text: str) -> FlagGrant:
    """Read `BLOCKS_USERS=2` as it is given to `--allow`. Raises ValueError with a sentence that says what is wrong."""
    name, _, number = text.partition("=")
    names = ", ".join(Hazard)
    if name not in Hazard.__members__:
        raise ValueError(f"{name!r} is not a hazard; the hazards are {names}")
    if not re.fullmatch(r"[1-9]\d{0,8}", number, re.ASCII):
        raise ValueError(f"consent to {name} needs a number: {name}=N, for at most N {HAZARDS[Hazard[name]].unit[1]}")
    return FlagGrant(hazard=Hazard[name], up_to=int(number))


def _is_in(group: Group | None, organizations: frozenset[OrganizationId]) -> bool:
    return group is not None and group.organization_id in organizations
