"""Read again just the subjects of some actions, in bulk."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.action import Action
from reconciler.core.directory import Group, User
from reconciler.core.snapshot import Snapshot
from reconciler.operations.ports import Reader


def read_subjects(actions: Iterable[Action], reader: Reader) -> Snapshot:
    """Return the live state of the actions' subjects as it is now; each of them can be asked for."""
    subjects = [action.subject for action in actions]
    directory = reader.directory()
    groups = [subject for subject in subjects if isinstance(subject, Group)]
    users = [subject for subject in subjects if isinstance(subject, User)]
    group_budgets, people = reader.live(groups, users, directory)
    return Snapshot(
        deployment=reader.deployment(),
        directory=directory,
        group_budgets=group_budgets,
        user_overrides=people.overrides,
        reported=people.reported,
    )
