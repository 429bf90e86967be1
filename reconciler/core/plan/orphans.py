"""Why an entry cannot be applied: one function for each reason, with its sentence and what to do about it.

resolve.py and diff.py decide that an entry is an orphan; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.budget import Budget
from reconciler.core.desired import Listed
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.moment import instant
from reconciler.core.names import Names
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.snapshot import Offers
from reconciler.money import format_usd
from reconciler.words import span, spoken, typed


def unknown_group(listed: Listed, groups: Sequence[Group], organization: Organization, names: Names) -> Orphan:
    """Return the orphan of an entry whose group's name fits no group, or several (`groups`)."""
    name = listed.entry.group
    if groups:
        ids = ", ".join(sorted(group.id for group in groups))
        return _orphan(
            listed,
            organization,
            reason=OrphanReason.AMBIGUOUS,
            message=f"group {name!r} is ambiguous: it is the UUID of a group and the name of another group",
            hint=f"write the UUID of the group that is meant, or rename a group: {ids}",
        )
    gone = "remove the entry if the group is gone"
    if isinstance(listed.subject, User):
        gone += f": an override ends with its group, and {_what_limits(listed.subject)} now"
    elsewhere = names.groups_elsewhere(name, organization)
    if elsewhere:
        addresses = ", ".join(spoken(group.address) for group in elsewhere)
        message = f"group {name!r} is not in organization {organization.name!r}"
        hint = f"{gone}; if {addresses} is meant, list it in a policy of that organization"
    else:
        message = f"group {name!r} is unknown in organization {organization.name!r}"
        alone = name.removeprefix("group/").removeprefix(f"{organization.name}/")
        if names.groups(alone, organization):
            hint = f"write the name alone: {spoken(alone)}"
        else:
            hint = "; ".join(filter(None, [gone, names.near_group(name, organization)]))
    reason = OrphanReason.UNKNOWN_GROUP
    if organization.id in names.directory.hides_groups:
        reason = OrphanReason.HIDDEN_GROUP
        of = f"of {spoken(organization.name)} that this token may not read"
        hint = f"it may be a group {of}: use another token; else {hint}"
    return _orphan(listed, organization, reason=reason, message=message, hint=hint)


_NO_USERNAME = "no username has a blank, and the name that Coder displays may belong to several people"


def unknown_user(
    listed: Listed,
    users: Sequence[User],
    organization: Organization,
    *,
    name: str,
    near: str,
    unlisted: Sequence[str] = (),
    hidden: int = 0,
) -> Orphan:
    """Return the orphan of an entry whose user's name fits nobody, or several people; `near` asks for a near name.

    `unlisted` are organizations whose people are not known; `hidden` is how many members of this one the token may not
    read.
    """
    if users:
        usernames = ", ".join(sorted(spoken(user.username) for user in users))
        message, hint = f"user {name!r} is ambiguous: {usernames}", "write the username"
        return _orphan(listed, organization, reason=OrphanReason.AMBIGUOUS, message=message, hint=hint)
    if name.startswith("user/"):
        remedy = f"write the username alone: {spoken(name.removeprefix('user/'))}"
    elif " " in name:
        remedy = f"write the username or the e-mail address: {_NO_USERNAME}"
    else:
        remedy = "remove the entry if they left"
    hint = "; ".join(filter(None, [remedy, near]))
    reason = OrphanReason.UNKNOWN_USER
    if hidden:
        reason = OrphanReason.HIDDEN_USER
        who = f"one of the {hidden:,} members" if hidden > 1 else "the member"
        of = f"of {spoken(organization.name)} whom this token may not read"
        hint = f"they may be {who} {of}: use another token; else {hint}"
    if unlisted and "@" in name:
        reason = OrphanReason.HIDDEN_USER
        readable = f"when {', '.join(map(spoken, unlisted))} can be read"
        hint = f"try again {readable}: its people are not known by their e-mail addresses now"
    message = f"user {name!r} is unknown"
    return _orphan(listed, organization, reason=reason, message=message, hint=hint)


def not_a_member(listed: Listed, user: User, group: Group, directory: Directory) -> Orphan:
    """Return the orphan of an override that is booked on a group of which its person is not a member."""
    names = sorted(
        candidate.name
        for candidate in directory.groups.values()
        if candidate.organization_id == group.organization_id and user.id in directory.members.get(candidate.id, ())
    )
    if names:
        remedy = f"add them to the group first, or use a group they are in: {', '.join(map(spoken, names))}"
    else:
        remedy = f"{spoken(user.username)} is not a member of organization {group.organization!r} at all"
        if joined := _organizations_of(user, directory):
            remedy += f", and is in {', '.join(map(spoken, joined))}: a policy of that organization can list them"
    return Orphan(
        address=listed.address,
        place=listed.entry.place,
        organization=group.organization,
        reason=OrphanReason.NOT_A_MEMBER,
        message=f"{spoken(user.username)} is not a member of {spoken(group.address)}, "
        "so Coder would refuse the override",
        hint=f"remove the entry if they left the group; {remedy}. An override ends with the membership, "
        f"so they may have no limit now: {_what_limits(user)}",
    )


def with_override(orphan: Orphan, wanted: Budget, live: Budget) -> Orphan:
    """Say of the orphan of somebody outside the group what override they have: who removes the entry may end it."""
    keep = "write that in the entry"
    if live.group.organization != orphan.organization:
        keep = "list it in a policy of that organization"
    return replace(
        orphan,
        hint=f"their override is {format_usd(live.limit_micros)} on {spoken(live.group.address)}: {keep} to keep it, "
        f"or `limit: none` to end it; or add them to {spoken(wanted.group.address)} first",
    )


def _what_limits(user: User) -> str:
    return f"{typed(f'reconciler explain {spoken(user.username)}')} says what limits them"


def _organizations_of(user: User, directory: Directory) -> list[str]:
    """Return the names of the organizations that a person is a member of, as far as they may be read; sorted."""
    everyone = (group for group in directory.groups.values() if group.is_everyone)
    return sorted(group.organization for group in everyone if user.id in directory.members.get(group.id, ()))


def clocks_differ(
    listed: Listed, organization: Organization, *, entry: UserOverrideEntry, date: datetime, ahead: timedelta
) -> Orphan:
    """Return the orphan of an entry with a date that has come by one clock alone; `ahead` is how far ours is ahead."""
    word = "starts" if date == entry.starts else "expires"
    by, not_by = ("this machine's", "Coder's") if ahead > timedelta() else ("Coder's", "this machine's")
    return _orphan(
        listed,
        organization,
        reason=OrphanReason.CLOCKS_DIFFER,
        message=f"`{word}` ({instant(date)}) has come by {by} clock and not by {not_by}; "
        f"they are {span(ahead.total_seconds())} apart",
        hint="set the clock that is wrong, and run this again",
    )


def not_offered(listed: Listed, organization: Organization, *, offers: Offers) -> Orphan:
    """Return the orphan of an entry that wants an override on a server that has none, or does not show them.

    One that is hidden may be there. Without its entry, `exact` removes it once the server shows it.
    """
    why, hint = "this Coder has no user overrides", "upgrade Coder to 2.36 or later, or remove the entry"
    if offers.overrides_moved:
        why, hint = "this Coder keeps overrides where this reconciler does not look", "upgrade reconciler"
    elif offers.overrides_hidden:
        why = "this Coder does not show overrides"
        hint = (
            "upgrade Coder to 2.36 or later, and keep the entry: the override may be there, and after the upgrade "
            "`user_overrides: exact` removes one that is not listed"
        )
    return _orphan(listed, organization, reason=OrphanReason.NOT_OFFERED, message=why, hint=hint)


def orphan_of_snapshot(orphan: Orphan) -> Orphan:
    """Say of an unknown name that it may be newer than the snapshot, which holds people of organizations alone."""
    match orphan.reason:
        case OrphanReason.UNKNOWN_USER | OrphanReason.HIDDEN_USER:
            doubt = "they may be newer than the snapshot, or in no organization"
        case OrphanReason.UNKNOWN_GROUP:
            doubt = "it may be newer than the snapshot"
        case _:
            return orphan
    return replace(orphan, hint=f"{doubt}; else {orphan.hint}")


def _orphan(listed: Listed, organization: Organization, *, reason: OrphanReason, message: str, hint: str) -> Orphan:
    return Orphan(
        address=listed.address,
        place=listed.entry.place,
        organization=organization.name,
        reason=reason,
        message=message,
        hint=hint,
    )
