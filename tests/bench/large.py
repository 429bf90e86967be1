"""One plan for 100,000 people, computed in a process of its own: prints its CPU seconds and its peak memory in MB."""

from __future__ import annotations

import resource
import sys
import time

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.gate.gate import judge
from reconciler.core.people.assess import assess
from reconciler.core.people.needs import needs
from reconciler.core.snapshot import Deployment, Effective, Offers, Snapshot, Unlimited
from reconciler.money import Micros
from reconciler.render.effects import action_notes, effects_lines
from tests.effects.dangers import dangers_to_people
from tests.effects.worlds import NOW

PEOPLE, GROUPS = 100_000, 4_000
ACME = OrganizationId("00000000-0000-4000-8000-000000000000")


def snapshot() -> Snapshot:
    """Everybody is in Everyone and in three groups; every twentieth has an override; the server reports everybody."""
    everyone = Group(organization="acme", name="Everyone", id=GroupId(ACME), organization_id=ACME)
    users = [User(username=f"person{n:06}", id=UserId(f"{n:08x}-0000-4000-8000-000000000000")) for n in range(PEOPLE)]
    groups = [
        Group(
            organization="acme",
            name=f"group{n:04}",
            id=GroupId(f"{n:08x}-0000-4000-9000-000000000000"),
            organization_id=ACME,
        )
        for n in range(GROUPS)
    ]
    members = {
        group.id: frozenset(user.id for step in (0, 7, 19) for user in users[(n + step) % GROUPS :: GROUPS])
        for n, group in enumerate(groups)
    }
    budgets = {
        group.id: Budget(Micros((100 + n % 50) * 1_000_000), GroupRef(group.id)) for n, group in enumerate(groups)
    }
    overrides = {
        user.id: Budget(Micros(500_000_000), GroupRef(everyone.id)) if n % 20 == 0 else ABSENT
        for n, user in enumerate(users)
    }
    return Snapshot(
        deployment=Deployment(
            id="d",
            url="https://coder.example",
            version="v2.37.0",
            user="ci",
            roles=("user-admin",),
            offers=Offers(overrides=True, bulk_reads=True, effective_budgets=True),
        ),
        directory=Directory(
            organizations={ACME: Organization(name="acme", id=ACME, is_default=True)},
            groups={group.id: group for group in (everyone, *groups)},
            users={user.id: user for user in users},
            members={everyone.id: frozenset(user.id for user in users), **members},
        ),
        group_budgets={everyone.id: ABSENT, **budgets},
        user_overrides=overrides,
        reported={user.id: Effective(limit_micros=Unlimited(), group=GroupRef(everyone.id)) for user in users[:100]},
    )


def main() -> None:
    live = snapshot()
    groups = [group for group in live.directory.groups.values() if not group.is_everyone]
    actions = [
        Action(
            subject=group,
            before=live.group_budgets[group.id],  # type: ignore[arg-type]
            after=Budget(Micros((90 + n % 60) * 1_000_000), GroupRef(group.id)),
        )
        for n, group in enumerate(groups)
    ]
    started = time.process_time()
    needs(actions, live)
    assessment = assess(actions, live, organizations=(ACME,))
    spend = {
        group: {user: Micros(int(user[:8], 16) % 120 * 1_000_000) for user in people}
        for group, people in assessment.spend_questions().items()
    }
    effects = assessment.effects(spend)
    verdict = judge(dangers_to_people(effects))
    action_notes(actions, effects)
    effects_lines(effects, verdict, at=NOW)
    seconds = time.process_time() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{seconds:.3f} {megabytes:.0f} {len(effects.people)} {len(effects.blocked)}\n")


if __name__ == "__main__":
    main()
