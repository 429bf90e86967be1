"""What a person needs to know to begin a policy from what is live: people and spend of each group, today's exposure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.budget import OrganizationId
from reconciler.core.people.assess import assess
from reconciler.core.people.exposure import members_of
from reconciler.core.policy import Policy
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass
from reconciler.money import Micros
from reconciler.operations.export import Note, read_everything
from reconciler.operations.ports import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """How large a group is, and what its members booked on it this month."""

    name: str
    people: int
    spend_micros: Micros | None
    """None where the server does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """What is live in one organization, as a policy, and facts about it."""

    policy: Policy
    groups: Sequence[GroupFacts]
    """Every group, with a budget or without, sorted by name."""
    exposure_micros: Micros
    """The sum of the known limits of all members."""
    unlimited: int
    """Members without any limit."""
    unknown: int
    """Members whose limit is not known, those whom the token may not read included."""


def find_starting_points(reader: Reader, organization: str | None, *, note: Note) -> tuple[StartingPoint, ...]:
    """Return what is live in each organization that the token may read, or in the named one.

    Raises ReconcilerError when the organization is unknown, or when something could not be read. `note` is told what a
    policy cannot say.
    """
    policies, snapshot = read_everything(reader, organization, note=note)
    ids = {item.name: item.id for item in snapshot.directory.organizations.values()}
    return tuple(_starting_point(policy, ids[policy.organization], snapshot, reader) for policy in policies)


def _starting_point(policy: Policy, id_: OrganizationId, snapshot: Snapshot, reader: Reader) -> StartingPoint:
    directory = snapshot.directory
    groups = sorted(group for group in directory.groups.values() if group.organization_id == id_)
    members = {group.id: sorted(directory.members.get(group.id, ())) for group in groups}
    spend = reader.spend(members)
    facts = []
    for group in groups:
        booked = spend.get(group.id)
        micros = None if booked is None else Micros(sum(booked.values()))
        people = len(members[group.id]) + directory.hidden_members.get(group.id, 0)
        facts.append(GroupFacts(name=group.name, people=people, spend_micros=micros))
    exposure, unlimited, unknown = _exposure(id_, snapshot)
    return StartingPoint(policy=policy, groups=facts, exposure_micros=exposure, unlimited=unlimited, unknown=unknown)


def _exposure(id_: OrganizationId, snapshot: Snapshot) -> tuple[Micros, int, int]:
    """Return the sum of the members' limits, and how many have none, or one that is not known: as plans count them."""
    exposed = assess((), snapshot, organizations=(id_,)).exposed
    if not exposed.is_total:
        return Micros(0), 0, len(members_of(snapshot.directory, id_))
    exposure = exposed.exposure
    return Micros(exposure.before_micros), exposure.unlimited_before, exposure.unknown
