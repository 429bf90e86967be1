"""Read the live state of groups and people, in bulk; refuse where so little can be read that live only looks empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.action import Action
from reconciler.core.budget import Budget, GroupId
from reconciler.core.desired import Desired, managed_groups, managed_users
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.snapshot import Snapshot
from reconciler.errors import ReconcilerError
from reconciler.operations.ports import Reader

WHO_MAY_READ = "use a token that may read them: an Owner, a User Admin or an Auditor"


def read_subjects(actions: Iterable[Action], reader: Reader) -> Snapshot:
    """Return the live state of the actions' subjects as it is now; each of them can be asked for."""
    subjects = [action.subject for action in actions]
    directory = reader.directory()
    groups = [subject for subject in subjects if isinstance(subject, Group)]
    users = [subject for subject in subjects if isinstance(subject, User)]
    return read_live(groups, users, directory, reader=reader)


def read_live(groups: Sequence[Group], users: Sequence[User], directory: Directory, *, reader: Reader) -> Snapshot:
    """Return the budgets of groups and the overrides of people as they are now."""
    group_budgets, people = reader.live(groups, users, directory)
    return Snapshot(
        deployment=reader.deployment(),
        directory=directory,
        group_budgets=group_budgets,
        user_overrides=people.overrides,
        reported=people.reported,
    )


def take_snapshot(desired: Desired, directory: Directory, reader: Reader) -> Snapshot:
    """Read the live state of the managed scope: what is listed, and all of what is managed exactly."""
    groups, users = managed_groups(desired, directory), managed_users(desired, directory)
    return read_live(groups, users, directory, reader=reader)


def require_organizations(directory: Directory) -> None:
    """Raise ReconcilerError where the token may read no organization: a deployment only looks empty to it."""
    if not directory.organizations:
        raise ReconcilerError("No organization can be read", hint=directory.readable)


def require_readable(organizations: Iterable[Organization], directory: Directory) -> None:
    """Raise ReconcilerError where an organization is listed and its groups are not: it only looks empty."""
    unlisted = [organization for organization in organizations if GroupId(organization.id) not in directory.groups]
    failures = [directory.failures[row.id] for row in unlisted if row.id in directory.failures]
    if failures:
        raise ReconcilerError(failures[0].reason, hint=failures[0].hint)
    if unlisted:
        names = sorted(organization.name for organization in unlisted)
        raise ReconcilerError(
            f"The groups of organization {', '.join(names)} cannot be read, not even Everyone",
            hint=WHO_MAY_READ,
        )


def require_found(actions: Sequence[Action], directory: Directory) -> None:
    """Raise ReconcilerError where a subject or group is not here and an organization is not listed that may have it."""
    groups = {
        state.group.id for action in actions for state in (action.before, action.after) if isinstance(state, Budget)
    }
    if not groups <= directory.groups.keys() or any(directory.live(action.subject) is None for action in actions):
        require_readable(directory.unlisted, directory)
