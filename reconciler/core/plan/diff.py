"""What has to change: desired against live, subject by subject, inside the managed scope and nowhere else.

Law 1 (identity): a state against itself yields no-ops only. Law 3 (restraint): a subject that is neither listed nor in
an exactly managed organization yields nothing, nor does the absence that an organization wants of an override that is
another's; an unknown reading yields no action, and while anything is unknown no
removal is planned at all: it is withheld, and said so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from reconciler.core.action import Action, Cause, Kind, organization_of
from reconciler.core.budget import ABSENT, Absent, Budget, OrganizationId, Reading, Unknown, UserId
from reconciler.core.desired import Desired, Wanted
from reconciler.core.directory import Directory, Subject, User
from reconciler.core.orphan import Orphan
from reconciler.core.plan.orphans import with_override
from reconciler.core.plan.plan import Unreadable
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`actions` that change something, sorted by address; how many subjects are as wanted; and what is not known."""

    actions: tuple[Action, ...]
    unchanged: int
    unreadable: tuple[Unreadable, ...]
    withheld: tuple[Action, ...]
    """Removals that would be planned if everything could have been read and looked up."""
    unresolved: tuple[str, ...]
    """Names in the policy because of which some of them are withheld, sorted."""
    orphans: tuple[Orphan, ...]
    """Entries for people who are not in the group of the override, sorted."""
    impossible: tuple[Action, ...]
    """What these entries ask for, in no order; `before` is what their people have."""


def diff(desired: Desired, snapshot: Snapshot, *, is_whole: bool = True) -> Difference:
    """Compare every managed subject with its live reading. `is_whole`: whether all files of the policy were read."""
    actions: list[Action] = []
    unreadable: list[Unreadable] = []
    orphans: list[Orphan] = []
    impossible: list[Action] = []
    unchanged = 0
    for subject, wanted in _managed(desired, snapshot):
        reading = snapshot.reading(subject)
        if isinstance(reading, Unknown):
            unreadable.append(Unreadable(subject=subject, reading=reading))
            continue
        if wanted is not None and wanted.state == reading:
            unchanged += 1
            continue
        action = (
            _listed(wanted, reading)
            if wanted is not None
            else Action(subject=subject, before=reading, after=ABSENT, cause=Cause.NOT_LISTED)
        )
        if isinstance(subject, User) and wanted is not None and subject.id in desired.not_members:
            orphan = desired.not_members[subject.id]
            if isinstance(reading, Budget) and isinstance(wanted.state, Budget):
                orphan = with_override(orphan, wanted.state, reading)
            orphans.append(orphan)
            impossible.append(action)
        else:
            actions.append(action)
    actions.sort(key=lambda action: (action.address, str(action.subject.id)))
    unreadable += unseen(desired, snapshot)
    unreadable.sort(key=lambda entry: (entry.subject.address, str(entry.subject.id)))
    doubts = _Doubts(is_partial=bool(unreadable), is_whole=is_whole, desired=desired, directory=snapshot.directory)
    return Difference(
        actions=tuple(action for action in actions if not doubts.concern(action)),
        unchanged=unchanged,
        unreadable=tuple(unreadable),
        withheld=tuple(action for action in actions if doubts.concern(action)),
        unresolved=doubts.unresolved,
        orphans=tuple(sorted(orphans)),
        impossible=tuple(impossible),
    )


class _Doubts:
    """Decides which removals are withheld, because something unknown could concern them.

    An unreadable budget concerns every removal, a policy file that was not read those that no file lists; an unresolved
    name concerns those of its kind that no file lists.
    """

    def __init__(self, *, is_partial: bool, is_whole: bool, desired: Desired, directory: Directory) -> None:
        self._is_partial, self._is_whole, self._directory = is_partial, is_whole, directory
        self._names: dict[tuple[bool, str | None], list[str]] = {}
        for unresolved in desired.unresolved:
            key = unresolved.is_user, directory.organizations[unresolved.organization].name
            self._names.setdefault(key, []).append(unresolved.address)
        self._withholding: set[tuple[bool, str | None]] = set()

    def concern(self, action: Action) -> bool:
        if action.kind is not Kind.DELETE:
            return False
        key = isinstance(action.subject, User), organization_of(action, self._directory)
        if action.cause is Cause.NOT_LISTED and key in self._names:
            self._withholding.add(key)
            return True
        if action.cause is Cause.NOT_LISTED and not self._is_whole:
            return True
        return self._is_partial

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Return the names that withheld something so far, sorted."""
        return tuple(sorted(name for key in self._withholding for name in self._names[key]))


def unseen(desired: Desired, snapshot: Snapshot) -> tuple[Unreadable, ...]:
    """Return Everyone of each organization that is managed exactly, and of which the token may not see everything."""
    rows = (
        (group, _hidden_in(group.organization_id, desired, snapshot)) for group in snapshot.directory.groups.values()
    )
    return tuple(
        Unreadable(subject=group, reading=Unknown("; ".join(reasons)))
        for group, reasons in rows
        if group.is_everyone and reasons
    )


def _hidden_in(organization: OrganizationId, desired: Desired, snapshot: Snapshot) -> list[str]:
    """Return why what is managed exactly in an organization is not known; empty if it is."""
    offers, directory, reasons = snapshot.deployment.offers, snapshot.directory, []
    hidden = directory.hidden_in(organization)
    if hidden and organization in desired.exact_users and (offers.overrides or offers.overrides_hidden):
        reasons.append(f"{hidden} of its members may not be read, so their overrides are not known")
    if organization in directory.hides_groups and organization in desired.exact_groups:
        reasons.append("there may be groups that this token may not read, so their budgets are not known")
    return reasons


def _managed(desired: Desired, snapshot: Snapshot) -> Iterator[tuple[Subject, Wanted | None]]:
    """Yield what is listed, and what is live in an exactly managed organization without being listed."""
    directory = snapshot.directory
    yield from ((wanted.subject, wanted) for wanted in desired.groups.values())
    for user_id, wanted in desired.users.items():
        if not _is_foreign(user_id, wanted, snapshot):
            yield wanted.subject, wanted
    for group_id, reading in snapshot.group_budgets.items():
        group = directory.groups.get(group_id)
        if group_id in desired.groups or group_id in desired.left_alone or group is None or isinstance(reading, Absent):
            continue
        if group.organization_id in desired.exact_groups:
            yield group, None
    for user_id, reading in snapshot.user_overrides.items():
        listed = desired.users.get(user_id)
        if listed is not None and not _is_foreign(user_id, listed, snapshot):
            continue
        user = directory.users.get(user_id)
        if user is not None and user_id not in desired.left_alone and _is_owned(reading, desired, snapshot):
            yield user, None


def _is_foreign(user_id: UserId, wanted: Wanted, snapshot: Snapshot) -> bool:
    """Whether an entry wants an absence, and what is live is another organization's, or not the grant of a record.

    To a token that reads every organization, a group that is not listed is that of a deleted organization: nobody's
    any more, so that an entry may remove what still stands on it.
    """
    if not isinstance(wanted.state, Absent):
        return False
    reading = snapshot.user_overrides[user_id]
    if not isinstance(reading, Budget):
        return False
    if wanted.only is not None and not wanted.only.is_live(reading):
        return True
    group = snapshot.directory.groups.get(reading.group.id)
    if group is None:
        return not snapshot.reads_all
    return group.organization_id != wanted.organization


def _is_owned(reading: Reading, desired: Desired, snapshot: Snapshot) -> bool:
    """Whether an unlisted override belongs to an exactly managed organization, or might: nobody knows."""
    match reading:
        case Absent():
            return False
        case Unknown():
            return bool(desired.exact_users)
        case Budget():
            group = snapshot.directory.groups.get(reading.group.id)
            return group is not None and group.organization_id in desired.exact_users
        case _:
            assert_never(reading)


def _listed(wanted: Wanted, live: Absent | Budget) -> Action:
    entry = wanted.entry
    ends = entry.expires if isinstance(entry, UserOverrideEntry) else None
    return Action(
        subject=wanted.subject,
        before=live,
        after=wanted.state,
        cause=Cause.EXPIRED if wanted.has_expired else Cause.LISTED,
        reason=entry.reason,
        tier="" if wanted.has_expired else entry.tier,
        starts=entry.starts if isinstance(entry, UserOverrideEntry) else None,
        expires=ends if wanted.has_expired or isinstance(wanted.state, Budget) else None,  # what is removed stays so
        place=entry.place,
    )
