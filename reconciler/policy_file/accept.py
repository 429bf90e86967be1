"""Take what is live into the policy files: find where each difference is written, and edit the texts.

Nothing is written here. The new texts are loaded before they are returned, and must say exactly what was meant: a file
that an edit would spoil stays unchanged.

Law: after the new texts are written, a plan is empty for the addresses that were accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.core.action import Action, Cause
from reconciler.core.budget import Absent, Budget, State, UserId
from reconciler.core.directory import Directory, Group
from reconciler.core.names import Names
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan.acceptance import Acceptance, Taking
from reconciler.core.policy import Entry, GroupBudgetEntry, Policy, UserOverrideEntry
from reconciler.dataclass import dataclass
from reconciler.errors import Place, PolicyError, ReconcilerError
from reconciler.money import MAX_LIMIT, Micros, format_usd
from reconciler.policy_file.edit import AddEntry, ChangeEntry, Edit, RemoveEntry, edit, section_of
from reconciler.policy_file.load import load_texts
from reconciler.policy_file.opening import STDIN_NAME
from reconciler.policy_file.shapes import ENTRIES
from reconciler.policy_file.write import entry_lines
from reconciler.words import spoken

_NEW = Place("live", 1, 1)
_FROM_STDIN = "the entry came from standard input; change it at its source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """How to accept one difference: for people, and as edits of files. No edits if it is impossible."""

    acceptance: Acceptance
    edits: tuple[tuple[str, Edit], ...] = ()


_NOT_KNOWN = frozenset(
    {
        OrphanReason.AMBIGUOUS, OrphanReason.CLOCKS_DIFFER, OrphanReason.HIDDEN_GROUP, OrphanReason.HIDDEN_USER,
        OrphanReason.LOST_GRANT, OrphanReason.NOT_OFFERED, OrphanReason.RENAMED,
    }
)  # fmt: skip
"""Reasons that say nothing of what is live: without its entry, a grant would be forgotten, or stay for ever."""
_OF_PEOPLE = frozenset({OrphanReason.UNKNOWN_GROUP})
"""The same of an override that was not read: it stays where its person, or its group, only has another name now."""


def propose_for_orphans(
    orphans: Iterable[Orphan], impossible: Iterable[Action], policies: Sequence[Policy], directory: Directory
) -> Iterator[Proposed]:
    """Yield for each orphan how to take its entry out, or how it would say what its person has instead.

    `impossible` is what orphans ask for. Without the entry, an override on another group would be removed as unlisted.
    """
    proposer = _Proposer(policies, directory)
    actions = {action.address: action for action in impossible}
    for orphan in orphans:
        action = actions.get(orphan.address)
        if action is not None and proposer.has_policy_of(action.before):
            yield proposer.propose(action)
        else:
            yield propose_removal(orphan, is_read=action is not None)


def propose_removal(orphan: Orphan, *, is_read: bool = False) -> Proposed:
    """Return how to take the entry of an orphan out; impossible where it is not known that it wants nothing.

    `is_read`: whether the override of its person was read, and is none that a policy here can list.
    """
    is_user = orphan.address.startswith("user/")
    if orphan.reason in (_NOT_KNOWN | _OF_PEOPLE if is_user and not is_read else _NOT_KNOWN):
        return _impossible(orphan.address, f"{orphan.message}; {orphan.hint}")
    section = "user_overrides" if is_user else "group_budgets"
    if orphan.place.file == STDIN_NAME:
        return _impossible(orphan.address, _FROM_STDIN)
    return _removed(orphan.address, orphan.place, section)


def propose(actions: Iterable[Action], policies: Sequence[Policy], directory: Directory) -> tuple[Proposed, ...]:
    """Return for each action of a plan, in their order, how the policy would say what is live."""
    proposer = _Proposer(policies, directory)
    return tuple(proposer.propose(action) for action in actions)


def accept(proposed: Iterable[Proposed], texts: Mapping[str, str]) -> dict[str, str]:
    """Return the new text of each file that changes. `texts` are all policy files as they were loaded, by path.

    Raises ReconcilerError when a text cannot be edited so that it says what was meant.
    """
    edits: dict[str, list[Edit]] = {}
    for item in proposed:
        for file, change in item.edits:
            edits.setdefault(file, []).append(change)
    changed = {file: edit(texts[file], edits[file]) for file in sorted(edits)}
    before = load_texts(texts)
    wanted = _after(before, [change for changes in edits.values() for change in changes])
    try:
        says = _contents(load_texts({**texts, **changed}))
    except PolicyError as error:
        raise _spoilt(changed, str(error.findings[0].message)) from None
    if says != wanted:
        raise _spoilt(changed, "the new text would say something else")
    return changed


class _Proposer:
    """Knows which file has an organization's entries, and by which names its groups and people can be written."""

    def __init__(self, policies: Sequence[Policy], directory: Directory) -> None:
        self._names = Names(directory)
        self._policies: dict[str, Policy] = {}
        self._entries: dict[Place, tuple[Entry, str]] = {}
        self._people: dict[UserId, Entry] = {}
        for policy in policies:
            organization = self._names.organization(policy.organization)
            if organization is not None:
                self._policies[organization.name] = policy
                self._entries |= {entry.place: (entry, organization.name) for entry in _entries(policy)}
            for override in policy.user_overrides:
                self._people |= {user.id: override for user in self._names.users(override.user)}

    def has_policy_of(self, live: State) -> bool:
        """Whether a budget is live, and on a group of an organization that has a policy."""
        return isinstance(live, Budget) and live.group.organization in self._policies

    def propose(self, action: Action) -> Proposed:
        """Propose the edit that makes the policy want what is live before an action."""
        live = action.before
        entry, organization = self._entries.get(action.place or _NEW, (None, ""))
        if entry is not None and entry.place.file == STDIN_NAME:
            return _impossible(action.address, _FROM_STDIN)
        if isinstance(live, Absent):
            if entry is None:
                return _impossible(action.address, "nothing is live, and no file lists it")
            return _removed(action.address, entry.place, section_of(entry))
        problem = self._problem(action, live)
        if problem:
            return _impossible(action.address, problem)
        if entry is not None and live.group.organization == organization:
            return self._changed(action, entry, live)
        added = self._added(action, live)
        elsewhere = None if isinstance(action.subject, Group) else self._people.get(action.subject.id)
        if elsewhere is None:
            return added
        removed = _removed(action.address, elsewhere.place, section_of(elsewhere))  # Coder keeps one a person
        acceptance = replace(added.acceptance, place=elsewhere.place)
        return Proposed(acceptance=acceptance, edits=(*removed.edits, *added.edits))

    def _problem(self, action: Action, live: Budget) -> str:
        organization = live.group.organization
        if live.limit_micros > MAX_LIMIT:
            return f"a policy cannot list a limit above {format_usd(MAX_LIMIT)}; lower it in Coder first"
        if not live.group.name:
            return "its group cannot be read; use a token that may read it"
        if organization not in self._policies:
            return f"no policy file is for organization {spoken(organization)}; add one"
        file = self._file(live, "group_budgets" if isinstance(action.subject, Group) else "user_overrides")
        return _FROM_STDIN if file == STDIN_NAME else ""

    def _added(self, action: Action, live: Budget) -> Proposed:
        entry = self._entry(action, live)
        section = section_of(entry)
        file = self._file(live, section)
        acceptance = Acceptance(
            address=action.address,
            taking=Taking.ADD,
            file=file,
            section=section,
            lines=tuple(line[2:] for line in entry_lines(ENTRIES[section], entry)),
        )
        return Proposed(acceptance=acceptance, edits=((file, AddEntry(entry=entry)),))

    def _changed(self, action: Action, entry: Entry, live: Budget) -> Proposed:
        """Propose new values for the keys of an entry that differ from what is live."""
        values: dict[str, Any] = {"limit": live.limit_micros} if entry.limit != live.limit_micros else {}
        if isinstance(entry, UserOverrideEntry):
            if live.group.name != entry.group and live.group.id != entry.group.lower():
                values["group"] = self._group_name(live)
            if action.cause is Cause.EXPIRED:
                values["expires"] = None
        kinds = ENTRIES[section_of(entry)].kinds
        lines = [
            f"# remove `{key}`" if value is None else f"{key}: {kinds[key].write(value)}"
            for key, value in values.items()
        ]
        acceptance = Acceptance(
            address=action.address,
            taking=Taking.CHANGE,
            file=entry.place.file,
            place=entry.place,
            section=section_of(entry),
            lines=tuple(lines),
        )
        return Proposed(
            acceptance=acceptance, edits=((entry.place.file, ChangeEntry(place=entry.place, values=values)),)
        )

    def _entry(self, action: Action, live: Budget) -> Entry:
        group, limit = self._group_name(live), Micros(live.limit_micros)
        if isinstance(action.subject, Group):
            return GroupBudgetEntry(group=group, limit=limit, place=_NEW)
        name = action.subject.username
        is_unique = len(self._names.users(name)) == 1
        return UserOverrideEntry(
            user=name if is_unique else str(action.subject.id), group=group, limit=limit, place=_NEW
        )

    def _group_name(self, live: Budget) -> str:
        """Return the name of a group, or its id where the name fits several."""
        organization = self._names.organization(live.group.organization)
        is_unique = organization is not None and len(self._names.groups(live.group.name, organization)) == 1
        return live.group.name if is_unique else str(live.group.id)

    def _file(self, live: Budget, section: str) -> str:
        """Return the file with the last entry of a list; where nothing is listed, the first of the organization."""
        policy = self._policies[live.group.organization]
        entries: Sequence[Entry] = getattr(policy, section)
        return entries[-1].place.file if entries else policy.place.file


def _removed(address: str, place: Place, section: str) -> Proposed:
    acceptance = Acceptance(address=address, taking=Taking.REMOVE, file=place.file, place=place, section=section)
    return Proposed(acceptance=acceptance, edits=((place.file, RemoveEntry(place=place)),))


def _impossible(address: str, problem: str) -> Proposed:
    return Proposed(acceptance=Acceptance(address=address, taking=Taking.IMPOSSIBLE, problem=problem))


def _entries(policy: Policy) -> tuple[Entry, ...]:
    return (*policy.group_budgets, *policy.user_overrides)


def _after(policies: Sequence[Policy], edits: Sequence[Edit]) -> list[tuple[str, ...]]:
    """Return what the policies say once they are edited, as `_contents` does."""
    changes = {change.place: change for change in edits if not isinstance(change, AddEntry)}
    result = []
    for entry in (entry for policy in policies for entry in _entries(policy)):
        change = changes.get(entry.place)
        if not isinstance(change, RemoveEntry):
            values: dict[str, Any] = dict(change.values) if change else {}
            result.append(_content(replace(entry, **values)))
    return sorted([*result, *(_content(change.entry) for change in edits if isinstance(change, AddEntry))])


def _contents(policies: Iterable[Policy]) -> list[tuple[str, ...]]:
    return sorted(_content(entry) for policy in policies for entry in _entries(policy))


def _content(entry: Entry) -> tuple[str, ...]:
    """Return an entry without its place, in an order of its own."""
    return tuple(f"{key}: {value}" for key, value in ENTRIES[section_of(entry)].write(entry))


def _spoilt(changed: Iterable[str], problem: str) -> ReconcilerError:
    names = ", ".join(map(spoken, sorted(changed)))
    return ReconcilerError(
        f"{names} cannot be edited safely ({problem}); nothing was written",
        hint="write the lines that `drift` shows by hand",
    )
