"""Which groups and people a status is asked about: names, looked up. Nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.core.budget import GroupId, UserId
from reconciler.core.directory import Directory, Group, User
from reconciler.core.names import Names
from reconciler.errors import ReconcilerError
from reconciler.operations.reading import require_readable
from reconciler.words import NearNames, listed


def choose(names: Sequence[str], directory: Directory, *, unknown_hint: str) -> tuple[Group | User, ...]:
    """Return what names name: groups, of which Everyone stands for its organization, and people. No names: everything.

    Raises ReconcilerError when a name fits several subjects, or nothing, with `unknown_hint`: what to do about it.
    """
    if not names:
        everyone = (directory.groups.get(GroupId(id_)) for id_ in directory.organizations)
        return tuple(group for group in everyone if group is not None)
    known = Names(directory)
    return tuple(
        {
            (subject := _subject(name, directory, known, unknown_hint=unknown_hint)).address: subject for name in names
        }.values()
    )


def people_of(subjects: Sequence[Group | User], directory: Directory) -> frozenset[UserId]:
    """Return these people, and the members of these groups that can be read."""
    people = (
        {subject.id} if isinstance(subject, User) else directory.members.get(subject.id, ()) for subject in subjects
    )
    return frozenset().union(*people)


def _subject(name: str, directory: Directory, known: Names, *, unknown_hint: str) -> Group | User:
    subjects = _subjects(name, directory, known)
    if len(subjects) == 1:
        return next(iter(subjects.values()))
    if subjects:
        raise ReconcilerError(f"{name!r} is ambiguous", hint=f"name one of: {listed(sorted(subjects))}")
    everything = [*(item.name for item in directory.organizations.values()), *known.user_names]
    everything += [group.name for group in directory.groups.values()]
    hint = NearNames(everything).question(name)
    raise ReconcilerError(
        f"No organization, group or person is called {name!r}",
        hint=hint or f"{unknown_hint}; write acme, group/acme/platform or user/ana",
    )


def _subjects(name: str, directory: Directory, known: Names) -> Mapping[str, Group | User]:
    """Return what a name may mean, by address; Everyone stands for its organization."""
    kind, slash, name_after_kind = name.partition("/")
    subjects: list[Group | User] = []
    if kind == "user" and slash:
        subjects += known.users(name_after_kind)
    elif not slash:
        subjects += known.users(name)
        organization = known.organization(name)
        if organization:
            require_readable([organization], directory)
            subjects.append(directory.groups[GroupId(organization.id)])
    path = name_after_kind if kind == "group" and slash else name
    if kind != "user" or not slash:
        organization_name, slash, group_name = path.partition("/")
        homes = [known.organization(organization_name)] if slash else list(directory.organizations.values())
        for home in homes:
            subjects += known.groups(group_name if slash else path, home) if home is not None else ()
    return {subject.address: subject for subject in subjects}
