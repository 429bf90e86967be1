"""A first policy from what is live, with what a person needs to know to edit it: people, spend, today's highest values.

The text reads back as the exported policy: everything that is added is a comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.budget import Absent, GroupId, OrganizationId, Unknown, UserId
from reconciler.core.directory import Group
from reconciler.core.people.effective import Limits, unread_override
from reconciler.core.people.exposure import members_of
from reconciler.core.policy import Policy
from reconciler.core.snapshot import Snapshot, Unlimited
from reconciler.money import Micros, format_usd
from reconciler.operations.export import read_everything
from reconciler.operations.ports import Reader
from reconciler.policy_file.write import dump, quoted
from reconciler.words import count_people

SCHEMA = "# yaml-language-server: $schema=../schemas/policy.v1.schema.json"
SUGGESTED_OVERRIDE_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """The first policy file of one organization."""

    organization: str
    text: str


def find_starting_points(reader: Reader, organization: str | None) -> tuple[StartingPoint, ...]:
    """Return a policy file for each organization that the token may read, or for the named one.

    Raises ReconcilerError when the organization is unknown, or when something could not be read.
    """
    policies, snapshot = read_everything(reader, organization)
    ids = {item.name: item.id for item in snapshot.directory.organizations.values()}
    return tuple(
        StartingPoint(organization=policy.organization, text=_text(policy, ids[policy.organization], snapshot, reader))
        for policy in policies
    )


def _text(policy: Policy, id_: OrganizationId, snapshot: Snapshot, reader: Reader) -> str:
    directory = snapshot.directory
    groups = sorted(group for group in directory.groups.values() if group.organization_id == id_)
    spend = reader.spend({group.id: sorted(directory.members.get(group.id, ())) for group in groups})
    facts = {group.name: _facts(group, snapshot, spend) for group in groups}
    listed = {entry.group for entry in policy.group_budgets}
    lines = [f"{SCHEMA}", f"# What is live in {policy.organization} today. `reconciler plan` says: No changes."]
    for line in dump(policy).splitlines():
        name = line.removeprefix("  - group: ")
        group = next((group.name for group in groups if quoted(group.name) == name), "") if name != line else ""
        lines.append(f"{line}  # {facts[group]}" if group else line)
        if line.startswith("group_budgets:"):
            lines += [
                f"  # {quoted(group.name)} has no budget: {facts[group.name]}"
                for group in groups
                if group.name not in listed
            ]
    return "\n".join([*lines, *_guardrails(policy, id_, snapshot)]) + "\n"


def _facts(group: Group, snapshot: Snapshot, spend: Mapping[GroupId, Mapping[UserId, Micros]]) -> str:
    """`10 people, $212.10 spent this month`; no spend where the server does not tell."""
    people = count_people(len(snapshot.directory.members.get(group.id, ())))
    booked = spend.get(group.id)
    return people if booked is None else f"{people}, {format_usd(Micros(sum(booked.values())))} spent this month"


def _guardrails(policy: Policy, id_: OrganizationId, snapshot: Snapshot) -> list[str]:
    budgets = [entry.limit for entry in policy.group_budgets if not isinstance(entry.limit, Absent)]
    overrides = [entry.limit for entry in policy.user_overrides if not isinstance(entry.limit, Absent)]
    limits = [*budgets, *overrides]
    if not limits:
        return []
    exposure, not_counted = _exposure(id_, snapshot)
    apart = f"; {count_people(not_counted)} without a known limit not counted" if not_counted else ""
    return [
        "# Rules for every plan, with the values of today. Remove the `#` and nothing grows beyond them.",
        "# guardrails:",
        f"#   max_limit: {format_usd(max(limits))}  # the highest limit",
        f"#   max_exposure: {format_usd(exposure)}  # the limits of everybody together{apart}",
        f"#   require_reason_above: {format_usd(max(budgets or limits))}  # a higher limit must say why",
        f"#   max_override_days: {SUGGESTED_OVERRIDE_DAYS}  # an override must end; today's have no end",
    ]


def _exposure(id_: OrganizationId, snapshot: Snapshot) -> tuple[Micros, int]:
    """Return the sum of the known limits of an organization's members, and how many people are in no sum."""
    otherwise = unread_override(snapshot.deployment.offers)
    limits = Limits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides, otherwise=otherwise)
    total, not_counted = 0, 0
    for user_id in members_of(snapshot.directory, id_):
        effective = limits.of(user_id)
        if isinstance(effective, Unknown) or isinstance(effective.limit, Unlimited):
            not_counted += 1
        else:
            total += effective.limit
    return Micros(total), not_counted
