"""Budgets, overrides and spend of many subjects in one request. Never concludes anything from silence.

Asking an organization's Everyone group about its members says for each what limits them now, and an override always
does: so it shows every override of that organization (coder-api section 3.6). 2.37 says the limit itself; 2.36 says it
only when the group that was asked is the effective one, so a second pass asks the groups that the first one named.

What a bulk answer leaves out, masks (effective_group_id null), contradicts or cannot give (404, the 500 that a huge
limit causes in early builds of 2.36, and a few others that are refused or lost) is not in our results: the caller
reads it one by one.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from reconciler.coder import paths
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import MOST_LOST, Transport
from reconciler.coder.wire import Fields, NameGroup, load_object, unique
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, State, UserId
from reconciler.core.directory import Directory, Group
from reconciler.core.snapshot import UNLIMITED, Effective, Unlimited
from reconciler.dataclass import dataclass
from reconciler.money import Micros

K = TypeVar("K", bound=str)
V = TypeVar("V")

Booked = dict[GroupId, dict[UserId, Micros]]
"""Spend of the current period, per group on which it is booked."""
Rows = Mapping[GroupId, Mapping[UserId, "MemberRow"]]
"""What bulk answers said, per group that was asked."""
_NOTHING: Rows = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """What one bulk answer says of one member of the group that was asked."""

    effective_group: GroupId | None
    """None where the server masks it."""
    limit_micros: Micros | Unlimited | None
    """What limits them now; None where this row does not say it."""
    by_override: bool = False
    """Whether that is their own override, and not a group's budget."""
    spend: Micros
    """Booked on the group that was asked."""

    def effective(self, ref: NameGroup) -> Effective | None:
        """Return what limits them now, where this row says it; `ref` names the group."""
        if self.effective_group is None or self.limit_micros is None:
            return None
        return Effective(limit_micros=self.limit_micros, group=ref(self.effective_group), by_override=self.by_override)


Answered = tuple[GroupId, Mapping[UserId, MemberRow]]
"""A group that was asked, and what it said of members."""


def read_group_budgets(transport: Transport, groups: Sequence[Group]) -> dict[GroupId, State]:
    """Read a hundred groups of an organization in a request."""
    by_organization: dict[OrganizationId, list[GroupId]] = defaultdict(list)
    for group in sorted(groups):
        by_organization[group.organization_id].append(group.id)
    asked = [
        paths.groups_spend(organization, chunk)
        for organization, ids in by_organization.items()
        for chunk in chunks(ids)
    ]
    refs = {group.id: group.ref for group in groups}
    load = partial(load_group_rows, ref=lambda id_: refs.get(id_, GroupRef(id_)))
    answers = _send_each(transport, asked, load)
    return {id_: state for rows in answers for id_, state in rows.items() if id_ in refs}


def read_effective(
    transport: Transport, users: Sequence[UserId], directory: Directory, *, known: Rows = _NOTHING
) -> tuple[dict[UserId, Effective], Booked]:
    """Read what limits people now, a hundred in a request, through the Everyone groups that they are in.

    The same rows say what people booked on the groups that were asked: returned beside it. What `known` rows say is not
    asked for again.
    """
    everyone = {
        id_: sorted(directory.members.get(GroupId(id_), frozenset()).intersection(users))
        for id_ in sorted(directory.organizations)
    }
    answers = _read_unknown_rows(transport, {GroupId(id_): ids for id_, ids in everyone.items()}, known)
    effective, named = _settle(answers, ref=directory.ref)
    effective_rows = _read_unknown_rows(transport, named, known)
    return effective | _settle(effective_rows, ref=directory.ref)[0], booked([*answers, *effective_rows])


def read_ahead(transport: Transport, everyone: Mapping[GroupId, Sequence[UserId]]) -> Rows:
    """Read what `read_effective` will ask about the members of Everyone groups, before the list of groups is there."""
    answers = read_member_rows(transport, everyone)
    _, named = _settle(answers)
    rows: dict[GroupId, dict[UserId, MemberRow]] = defaultdict(dict)
    for group, people in chain(answers, read_member_rows(transport, named)):
        rows[group].update(people)
    return rows


def _read_unknown_rows(transport: Transport, asked: Mapping[GroupId, Sequence[UserId]], known: Rows) -> list[Answered]:
    """Return the rows that are known, and the others as the server says them now."""
    answers: list[Answered] = []
    unknown: dict[GroupId, list[UserId]] = {}
    for group, users in asked.items():
        rows = known.get(group, {})
        answers.append((group, {user: rows[user] for user in users if user in rows}))
        unknown[group] = [user for user in users if user not in rows]
    return [*answers, *read_member_rows(transport, unknown)]


def booked(answers: Iterable[Answered]) -> Booked:
    """Return the spend in answers, per group that was asked."""
    spend: Booked = defaultdict(dict)
    for group, rows in answers:
        spend[group].update((user, row.spend) for user, row in rows.items())
    return spend


def read_member_rows(transport: Transport, asked: Mapping[GroupId, Sequence[UserId]]) -> list[Answered]:
    """Ask groups about some of their members; return each answer with the group that was asked."""
    questions = [(group, chunk) for group, users in asked.items() for chunk in chunks(users)]
    asked_paths = [paths.members_spend(group, chunk) for group, chunk in questions]
    answers = _send_each(transport, asked_paths, load_member_rows)
    return [
        (group, {user: rows[user] for user in chunk if user in rows})
        for (group, chunk), rows in zip(questions, answers, strict=True)
    ]


def _send_each(transport: Transport, asked: Sequence[str], load: Callable[[Answer], dict[K, V]]) -> list[dict[K, V]]:
    """Return the rows of each answer; none where it was refused or lost."""
    requests = [Request("GET", path) for path in asked]
    return transport.send_each(requests, load, lambda _request, _error: {}, most_lost=MOST_LOST)


def load_group_rows(answer: Answer, *, ref: NameGroup = GroupRef) -> dict[GroupId, State]:
    """Decode `/organizations/{o}/groups/ai/spend`: a null limit means that there is no budget."""
    return _load(answer, "groups", lambda row: (GroupId(row.id("group_id")), _group_state(row, ref)))


def load_member_rows(answer: Answer) -> dict[UserId, MemberRow]:
    """Decode `/groups/{g}/members/ai/spend` of either generation."""
    group = GroupId(answer.request.path.split("/")[4])
    return _load(answer, "members", lambda row: (UserId(row.id("user_id")), _member_row(row, group)))


def chunks(ids: Sequence[K]) -> Iterator[Sequence[K]]:
    """Return ids in runs of at most a hundred."""
    return (ids[start : start + paths.MAX_IDS] for start in range(0, len(ids), paths.MAX_IDS))


def _load(answer: Answer, key: str, load_row: Callable[[Fields], tuple[K, V]]) -> dict[K, V]:
    if answer.status in (404, 500):
        return {}
    return unique(map(load_row, load_object(answer).rows(key)), answer.request)


def _group_state(row: Fields, ref: NameGroup) -> State:
    group = ref(GroupId(row.id("group_id")))
    if not row.has("spend_limit_micros"):
        raise row.wrong("spend_limit_micros", "an amount or null")
    return ABSENT if row.value["spend_limit_micros"] is None else Budget(row.micros("spend_limit_micros"), group)


def _member_row(row: Fields, asked: GroupId) -> MemberRow:
    says_effective = row.has("effective_budget")
    key = "effective_budget" if says_effective else "group_budget"
    budget = row.optional_object(key)
    if not row.has(key) or not row.has("effective_group_id"):
        raise row.wrong(key if not row.has(key) else "effective_group_id", "a value or null")
    id_ = row.optional_id("effective_group_id")
    group = GroupId(sys.intern(id_)) if id_ is not None else None  # one of a few, for everybody
    spend = row.micros("group_spend_micros")
    if group is None or not (says_effective or group == asked):
        return MemberRow(effective_group=group, limit_micros=None, spend=spend)
    if budget is None:
        return MemberRow(effective_group=group, limit_micros=UNLIMITED, spend=spend)
    source = budget.value.get("limit_source")
    if source not in ("user_override", "group"):  # a newer server's: it may or may not be an override
        budget.text("limit_source")
        return MemberRow(effective_group=None, limit_micros=None, spend=spend)
    limit = budget.micros("spend_limit_micros")
    return MemberRow(effective_group=group, limit_micros=limit, by_override=source == "user_override", spend=spend)


def _settle(
    answers: list[Answered], *, ref: NameGroup = GroupRef
) -> tuple[dict[UserId, Effective], dict[GroupId, list[UserId]]]:
    """Return what the rows say for certain, and whom else to ask about whom.

    Where two organizations each name an effective group, somebody was moved in between: certain of neither.
    """
    row_of: dict[UserId, MemberRow] = {}
    moved: set[UserId] = set()
    for _, rows in answers:
        for user, row in rows.items():
            if row.effective_group is None:
                continue
            if row_of.setdefault(user, row).effective_group != row.effective_group:
                moved.add(user)
    effective: dict[UserId, Effective] = {}
    named: dict[GroupId, list[UserId]] = defaultdict(list)
    for user, row in row_of.items():
        limited = row.effective(ref)
        if limited is not None and user not in moved:
            effective[user] = limited
        elif row.effective_group is not None and user not in moved:
            named[row.effective_group].append(user)
    return effective, {group: sorted(named[group]) for group in sorted(named)}
