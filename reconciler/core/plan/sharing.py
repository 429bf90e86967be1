"""Which actions of a plan share people, directly or through other actions.

Law 5 looks at a plan as a whole: a group's budget may be lowered because an override was raised before. When an action
is left undone, what it was to protect is unprotected. So the actions that share people with it must be left undone,
too, and those that share people with these; actions with other people go on.

If a group hides members, they may be anybody's, so that all actions share people.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.action import Action
from reconciler.core.budget import UserId
from reconciler.core.directory import Directory, Group
from reconciler.core.people.needs import touched


def sharing_numbers(actions: Sequence[Action], directory: Directory) -> tuple[int, ...]:
    """Return a number for each action, in their order; actions share people if their numbers are equal.

    The work is linear in the members of the groups.
    """
    if any(_hides_people(action, directory) for action in actions):
        return (0,) * len(actions)
    parents = list(range(len(actions)))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    first_of: dict[UserId, int] = {}
    for i, action in enumerate(actions):
        for user_id in touched((action,), directory):
            parents[root(i)] = root(first_of.setdefault(user_id, i))
    return tuple(map(root, range(len(actions))))


def _hides_people(action: Action, directory: Directory) -> bool:
    subject = action.subject
    return isinstance(subject, Group) and (
        subject.id in directory.hidden_members or subject.id not in directory.members
    )
