"""Read the live state of groups and people, in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.action import Action
from reconciler.core.directory import Directory, Group, User
from reconciler.core.snapshot import Snapshot
from reconciler.operations.ports import Reader


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
