"""The gate between a plan and its apply: hazards by effect, consent that fits, and the refusals that remain.

A hazard is about what happens to people and objects, never about verbs: a delete that leaves everybody a lower group
budget endangers nobody, an update to $0 stops a team. Each is counted:

    REMOVES_LIMIT   people who have a limit before and none after
    BLOCKS_USERS    people who can work before and whose spend is at or over their limit after; $0 always is
    UNSEEN_PEOPLE   members of a group whose budget changes, other than by a raise, whom this token may not read
    MASS_CHANGE     deletes, if they are more than 30 % of what is managed and at least 3, in an organization or in
                    the whole plan, or if the policy lists nothing where it manages exactly (an emptied section, a
                    template that rendered to nothing)

Not knowing counts against the plan where the worst case is a removal or a $0: a person about whom nothing can be
claimed (effects.py, `Unclear`) counts as endangered by a delete and by a $0 that reaches them. A person whose spend
could not be read, and whom their new limit may stop, counts where the server offers spend: a read that failed must not
switch a danger off. On a server without any spend they do not, since otherwise every lowering there would need consent
for everybody; the plan says that it is not known.

What was reviewed to end, ends. An override that ends on its reviewed date (`Action.is_due_end`) blocks its own person
with the consent of its entry, and its delete is no part of a mass change. That somebody becomes unlimited by an end
needs consent twice: when the plan puts the ending override on them, and, since budgets move meanwhile, when it ends.
Consent in the policy covers both.

Consent names a hazard and a number, and covers at most so many; two consents to one hazard do not add up, the larger
one holds. Nothing else gives consent, `--auto-approve` least of all.

Whoever answers for one organization consents for it alone. Dangers are therefore counted per organization: a person in
that of the action which is their first cause, a delete in its own. The `allow:` of a policy covers those of its own
organization until it expires, by the clock and not by the instant that is planned for; `--allow` covers what no policy
does, all organizations together.

Law 9 (gate): consent never adds a refusal. Turning a no-op into an action never removes one that counts deletes, and
removes one that counts people only by changing the limit of a person whom it counts: a limit put on somebody who would
have become unlimited is no longer a danger, whoever else the plan endangers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from reconciler.core.action import Action, Cause, Kind, organization_of
from reconciler.core.budget import Budget, OrganizationId
from reconciler.core.desired import Desired, ResolvedPolicy
from reconciler.core.directory import Directory, Group, User
from reconciler.core.gate.verdict import Breach, Danger, Grant, Verdict, sorted_grants, unit_of
from reconciler.core.people.effects import Effects, EndEffect, PersonEffect, Unclear
from reconciler.core.policy import Hazard
from reconciler.core.snapshot import Snapshot

MASS_PERCENT = 30
"""Deletes of more than this part of what is managed are a mass change ..."""
MASS_LEAST = 3
"""... if there are at least so many of them."""


def judge(dangers: Iterable[Danger], *, grants: Iterable[Grant] = (), breaches: Iterable[Breach] = ()) -> Verdict:
    """Hold dangers and broken guardrails against consents. Dangers that count nothing are left out."""
    found = tuple(danger for danger in dangers if danger.count)
    return Verdict(dangers=found, breaches=tuple(breaches), grants=sorted_grants(grants))


def dangers_to_people(
    effects: Effects, *, actions: Iterable[Action] = (), offers_spend: bool = True
) -> tuple[Danger, ...]:
    """Count the people whom a plan endangers, per hazard and organization.

    `actions` of the plan say which overrides end as reviewed. `offers_spend`: whether the server says what people
    spent; where it does, spend that was not read counts.
    """
    ends = {(action.address,) for action in actions if action.is_due_end}
    unread = effects.maybe_blocked if offers_spend else ()
    lost = [person for person in effects.unclear if person.may_become_unlimited]
    stopped: list[PersonEffect | Unclear] = [person for person in effects.unclear if person.may_become_blocked]
    stopped += [person for person in unread if person.causes not in ends]
    blocked = [person for person in effects.blocked if person.causes not in ends]
    return (
        *_per_organization(Hazard.REMOVES_LIMIT, [*effects.unlimited, *effects.later_unlimited], lost),
        *_per_organization(Hazard.BLOCKS_USERS, blocked, stopped),
        *_unseen(effects),
    )


def _unseen(effects: Effects) -> tuple[Danger, ...]:
    hidden: dict[str, int] = {}
    for row in effects.unseen:
        hidden[row.organization] = hidden.get(row.organization, 0) + row.members
    return tuple(
        Danger(hazard=Hazard.UNSEEN_PEOPLE, counted=(), unnamed=people, organization=organization)
        for organization, people in sorted(hidden.items())
    )


def _per_organization(
    hazard: Hazard, certain: Sequence[PersonEffect | EndEffect], uncertain: Sequence[PersonEffect | Unclear]
) -> tuple[Danger, ...]:
    return tuple(
        Danger(
            hazard=hazard,
            counted=tuple(sorted({one.username for one in certain if one.organization == organization})),
            uncertain=tuple(sorted(one.username for one in uncertain if one.organization == organization)),
            organization=organization,
        )
        for organization in sorted({one.organization for one in (*certain, *uncertain)})
    )


def mass_changes(
    actions: Iterable[Action], directory: Directory, *, managed: Mapping[str, int], emptied: Sequence[str] = ()
) -> tuple[Danger, ...]:
    """Count the deletes of mass changes, per organization; none if there is no mass change.

    `managed`: per organization, live budgets and overrides in the managed scope before (`count_managed`). `emptied`:
    addresses of deletes that come from a section without entries (`emptied_sections`); then even one is a mass change.
    Many small changes are one: if the deletes are a mass change of the whole plan, they count everywhere.
    """
    deletes: dict[str, list[str]] = {}
    for action in actions:
        if action.kind is Kind.DELETE and not action.is_due_end:
            deletes.setdefault(organization_of(action, directory), []).append(action.address)
    is_whole = _is_mass(sum(map(len, deletes.values())), sum(managed.values()))
    return tuple(
        Danger(hazard=Hazard.MASS_CHANGE, counted=tuple(sorted(addresses)), organization=organization)
        for organization, addresses in sorted(deletes.items())
        if is_whole or _is_mass(len(addresses), managed.get(organization, 0)) or not set(emptied).isdisjoint(addresses)
    )


def _is_mass(deletes: int, managed: int) -> bool:
    return deletes >= MASS_LEAST and deletes * 100 > managed * MASS_PERCENT


def count_managed(desired: Desired, snapshot: Snapshot) -> Counter[str]:
    """Count per organization the live budgets and overrides that the policy lists or manages exactly (diff.py)."""
    groups = snapshot.directory.groups
    found: Counter[str] = Counter()
    for group_id, reading in snapshot.group_budgets.items():
        group = groups.get(group_id)
        if isinstance(reading, Budget) and (group_id in desired.groups or _is_in(group, desired.exact_groups)):
            found[group.organization if group else ""] += 1
    for user_id, reading in snapshot.user_overrides.items():
        group = groups.get(reading.group.id) if isinstance(reading, Budget) else None
        if isinstance(reading, Budget) and (user_id in desired.users or _is_in(group, desired.exact_users)):
            found[group.organization if group else ""] += 1
    return found


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


def grants_of(policies: Iterable[ResolvedPolicy], *, now: datetime) -> tuple[Grant, ...]:
    """Return the consents of the policies, each for its own organization, that have not ended by now (UTC)."""
    grants = (
        Grant(
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


def parse_allow(text: str) -> Grant:
    """Read `BLOCKS_USERS=2` as it is given to `--allow`. Raises ValueError with a sentence that says what is wrong."""
    name, _, number = text.partition("=")
    names = ", ".join(Hazard)
    if name not in Hazard.__members__:
        raise ValueError(f"{name!r} is not a hazard; there are {names}")
    if not re.fullmatch(r"[1-9]\d{0,8}", number, re.ASCII):
        raise ValueError(f"consent to {name} needs a number: {name}=N, for at most N {unit_of(Hazard[name])[1]}")
    return Grant(hazard=Hazard[name], up_to=int(number), source="--allow")


def _is_in(group: Group | None, organizations: frozenset[OrganizationId]) -> bool:
    return group is not None and group.organization_id in organizations
