"""One subject with a GET of its own, and what its 404 is worth. Never takes a 404 for *absent* without a second fact.

Coder answers "Resource not found" for a budget that is absent, a subject that is unknown and one that this token may
not see. It is believed to mean *absent* when the subject itself is known to be readable:

    group   this token may read all groups of its organization (authcheck); else GET /groups/{id} says so
    user    it is ourselves, or this token may read every user (authcheck); else GET /users/{id} says so

Otherwise the reading is Unknown. In a batch the second fact is asked for after the answers, one authcheck for all of
them: a token may lose its rights in the middle of a run. Only the read before a write takes a remembered one (that the
group was listed, that users could be read); what it gets wrong, the proof after the last write shows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from reconciler.coder import paths
from reconciler.coder.answers import error_of, is_not_found, is_user_missing
from reconciler.coder.discovery import DiscoveredServer
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.permission import ask_permission, check, organizations_with
from reconciler.coder.transport import MOST_LOST, Transport
from reconciler.coder.wire import NameGroup, load_json, load_object, own_id
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Reading, Unknown, UserId
from reconciler.core.directory import Group, User
from reconciler.errors import DeniedError, ServerError
from reconciler.words import in_a_row, spoken


class Singles:
    """Single reads of one run; remembers whether this token could read every user when it was last asked."""

    def __init__(self, transport: Transport, server: DiscoveredServer, *, ref: NameGroup = GroupRef) -> None:
        self._transport = transport
        self._ref = ref
        self._server = server
        self._reads_users: bool | None = None
        self._lock = threading.Lock()

    def read_groups(self, groups: Sequence[Group], *, check_rights_in_bulk: bool = False) -> dict[GroupId, Reading]:
        """Read the budgets of groups.

        With `check_rights_in_bulk` one authcheck about all groups of an organization goes before the single GETs.
        """
        readings, doubted = self._budgets_of(groups)
        may_read = self._may_read_groups(doubted) if check_rights_in_bulk else frozenset()
        return readings | self._settle_groups(doubted, may_read)

    def read_group_before_write(self, group: Group, *, is_listed: bool) -> Reading:
        """Read one group's budget; a 404 is believed when the group was listed earlier in this run."""
        readings, doubted = self._budgets_of([group])
        return ABSENT if doubted and is_listed else (readings | self._settle_groups(doubted, frozenset()))[group.id]

    def read_users(self, users: Sequence[User]) -> dict[UserId, Reading]:
        """Read the overrides of people; the rights of this token are asked for after the answers."""
        return self._read_users(users, allow_cached_rights=False)

    def read_user_before_write(self, user: User) -> Reading:
        """Read one person's override; the rights that this token had when they were last asked for are believed.

        They are asked for before the read, where they are not known yet: a write relies on nothing older than a wait.
        """
        if self._server.overrides.suffix:
            self._may_read_users(allow_cached_rights=True)
        return self._read_users([user], allow_cached_rights=True)[user.id]

    def _budgets_of(self, groups: Sequence[Group]) -> tuple[dict[GroupId, Reading], list[Group]]:
        """Return the readings, and the groups whose 404 needs a second fact."""
        load = partial(load_group_budget, ref=self._ref)
        answers = self._read([paths.group_budget(group.id) for group in groups], load)
        pairs = list(zip(groups, answers, strict=True))
        readings = {group.id: reading for group, reading in pairs if reading is not None}
        return readings, [group for group, reading in pairs if reading is None]

    def _settle_groups(self, doubted: Sequence[Group], may_read: Collection[OrganizationId]) -> dict[GroupId, Reading]:
        """Decide what the 404s of groups are worth: by organization where its groups may be read, else by a GET."""
        asked = [group for group in doubted if group.organization_id not in may_read]
        are_there = self._get([paths.group(group.id) for group in asked], _is_there)
        seen = {group.id: is_there for group, is_there in zip(asked, are_there, strict=True)}
        return {group.id: ABSENT if seen.get(group.id, True) else _unseen(group.address) for group in doubted}

    def _read_users(self, users: Sequence[User], *, allow_cached_rights: bool) -> dict[UserId, Reading]:
        """Read overrides one by one; a 404 is an absence only where the token may read the person."""
        route = self._server.overrides
        if not route.suffix:
            return {user.id: Unknown(route.missing) if route.may_hide else ABSENT for user in users}
        load = partial(load_override, ref=self._ref)
        answers = self._read([paths.user_override(user.id, route.suffix) for user in users], load)
        readings: dict[UserId, Reading] = {}
        doubted = []
        for user, reading in zip(users, answers, strict=True):
            if reading is not None or user.id == self._server.me:
                readings[user.id] = reading or ABSENT
            else:
                doubted.append(user)
        if doubted and self._may_read_users(allow_cached_rights=allow_cached_rights):
            return readings | dict.fromkeys((user.id for user in doubted), ABSENT)
        are_there = self._get([paths.user(user.id) for user in doubted], _is_there)
        for user, is_there in zip(doubted, are_there, strict=True):
            readings[user.id] = ABSENT if is_there else _unseen(user.address)
        return readings

    def _read(self, asked: list[str], load: Callable[[Answer], Reading | None]) -> list[Reading | None]:
        """Return the readings; that of a request that was refused or lost is Unknown, and says why."""
        requests = [Request("GET", path) for path in asked]
        return self._transport.send_each(requests, load, lambda _, error: _not_read(error), most_lost=MOST_LOST)

    def _get(self, asked: list[str], load: Any) -> list[Any]:
        return self._transport.send_all([Request("GET", path) for path in asked], load)

    def _may_read_users(self, *, allow_cached_rights: bool) -> bool:
        with self._lock:
            if self._reads_users is None or not allow_cached_rights:
                checks = {"users": check("read", "user")}
                self._reads_users = ask_permission(self._transport, checks)["users"]
            return self._reads_users

    def _may_read_groups(self, groups: Collection[Group]) -> frozenset[OrganizationId]:
        """Return the organizations of these groups in which this token may read every group."""
        return organizations_with(self._transport, "group", (group.organization_id for group in groups))


def load_group_budget(answer: Answer, *, ref: NameGroup = GroupRef) -> Reading | None:
    """Decode a group's budget; None for a 404, which says too little."""
    if is_not_found(answer):
        return None
    if answer.status == 500:
        return _not_read(error_of(answer))
    return decode_group_budget(answer, ref=ref)


def load_override(answer: Answer, *, ref: NameGroup = GroupRef) -> Reading | None:
    """Decode a user's override; None for a 404, which says too little."""
    if is_user_missing(answer):
        return None
    if answer.status == 500:
        return _not_read(error_of(answer))
    return decode_override(answer, ref=ref)


def decode_group_budget(answer: Answer, *, ref: NameGroup = GroupRef) -> Budget:
    """Decode a success, of a read or a write."""
    fields = load_object(answer)
    return Budget(fields.micros("spend_limit_micros"), ref(GroupId(own_id(answer, fields.id("group_id")))))


def decode_override(answer: Answer, *, ref: NameGroup = GroupRef) -> Budget:
    """Decode a success, of a read or a write."""
    fields = load_object(answer)
    own_id(answer, fields.id("user_id"))
    return Budget(fields.micros("spend_limit_micros"), ref(GroupId(fields.id("group_id"))))


def _is_there(answer: Answer) -> bool:
    if is_user_missing(answer):
        return False
    load_json(answer)
    return True


def _not_read(error: ServerError) -> Unknown:
    """Return a reading that a request did not bring, with what to do where this token lacks a right."""
    hint = error.hint if isinstance(error, DeniedError) else ""
    return Unknown(in_a_row(error.message, hint).rstrip("."))


def _unseen(address: str) -> Unknown:
    return Unknown(f"{spoken(address)} is gone, or this token may not read it")
