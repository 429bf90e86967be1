"""Coder's audit log: who changed a budget, a person, a group or a membership. Source: coder-api section 8."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from reconciler.coder.exchange import Answer
from reconciler.coder.search import Found, Page, page_of, read_pages
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields, load_object, require_uuid
from reconciler.core.audit import Audited, AuditedChange, AuditEntry, AuditQuestion, Changes, History, RecentChanges
from reconciler.core.budget import GroupId, UserId
from reconciler.core.directory import Group, Subject
from reconciler.core.grant_records import GrantRecord, GrantRecords
from reconciler.money import Micros, parse_usd

T = TypeVar("T")

_GROUP_BUDGET, _OVERRIDE = "group_ai_budget", "user_ai_budget_override"
"""What the log calls them."""
SHORT_PAGE = 25
"""For entries about groups, each of which holds all members twice."""
NEWEST_PAGES = 4
"""Short pages of the newest entries about nobody in particular: a name that was lost lately is in them."""
RECENT_PAGES = 20
ANY_AMOUNT = Micros(1 << 63)
"""More than Coder can store."""
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class AuditLog:
    """Reads the log of one deployment. Satisfies operations' `AuditLog` without importing it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def changes(self, subject: Subject, since: datetime) -> Changes:
        """Return who changed a subject's budget since then, oldest first."""
        found = self._search(f"resource_type:{_kind_of(subject)} resource_id:{subject.id}", since, load_changes)
        if isinstance(found, Answer):
            return Changes(reason=_why_not(found))
        recent = {entry for entry in found.items if entry.at >= since}
        return Changes(entries=tuple(sorted(recent, key=lambda entry: (entry.at, entry.by, entry.action))))

    def recent_changes(self, subjects: Collection[Subject], since: datetime) -> RecentChanges:
        """Return the newest entry about the budget of each subject, as far back as a few pages of each kind go."""
        newest: dict[str, AuditEntry] = {}
        is_whole = True
        for kind in sorted({_kind_of(subject) for subject in subjects}):
            found = self._search(f"resource_type:{kind}", since, _load_changes_by_id, most=RECENT_PAGES)
            if isinstance(found, Answer):
                return RecentChanges(newest=newest, is_whole=False, reason=_why_not(found))
            is_whole = is_whole and found.is_whole
            for id_, entry in found.items:
                if entry.at >= since and (id_ not in newest or newest[id_].at < entry.at):
                    newest[id_] = entry
        return RecentChanges(newest=newest, is_whole=is_whole)

    def history(self, question: AuditQuestion) -> History:
        """Return what the log says of a person, a group or a membership, oldest first.

        Source: Coder's audit table; `resource_target` is the name after the change, a group's diff has all its members.
        """
        most = None
        if question.id:
            what = f"resource_id:{require_uuid(question.id)}"
        elif not question.name:
            what, most = "action:write", NEWEST_PAGES
        elif _USERNAME.fullmatch(question.name):
            what = f"resource_target:{question.name}"
        else:
            return History()
        query = f"resource_type:{question.kind} {what}"
        found = self._search(query, question.since, load_history, page_size=SHORT_PAGE, most=most)
        if isinstance(found, Answer):
            return History(reason=_why_not(found))
        return History(
            changes=tuple(sorted({row for row in found.items if row.at >= question.since}, key=lambda row: row.at))
        )

    def grant_records(self, names: Collection[str], since: datetime) -> GrantRecords:
        """Return which overrides were written under these usernames since then, even if the users have other names now.

        `resource_target` is the username at the time of the write, `resource_id` the person, whose UUID stays. A name
        that the query language could not hold is the name of nobody.
        """
        records: list[GrantRecord] = []
        for name in sorted(name for name in set(names) if _USERNAME.fullmatch(name)):
            query = f"resource_type:{_OVERRIDE} resource_target:{name}"
            found = self._search(query, since, load_grant_records)
            if isinstance(found, Answer):
                return GrantRecords(records=tuple(records), reason=_why_not(found))
            records += found.items
        return GrantRecords(records=tuple(sorted(set(records), key=lambda record: (record.username, record.user_id))))

    def _search(
        self,
        query: str,
        since: datetime,
        load: Callable[[Answer], Page[T]],
        *,
        page_size: int | None = None,
        most: int | None = None,
    ) -> Found[T] | Answer:
        """Return all entries from that day on; the answer itself when the server refuses it."""
        dated = f"{query} date_from:{since.astimezone(UTC):%Y-%m-%d}"
        return read_pages(self._transport, "/audit", dated, load, page_size=page_size, most=most)


def load_changes(answer: Answer) -> Page[AuditEntry]:
    """Decode a page about budgets."""
    return _entries_in(answer, _change)


def load_history(answer: Answer) -> Page[AuditedChange]:
    """Decode a page about people, groups and memberships."""
    return _entries_in(answer, _audited)


def load_grant_records(answer: Answer) -> Page[GrantRecord]:
    """Decode the writes of overrides in a page."""
    return _entries_in(answer, _grant_record)


def _load_changes_by_id(answer: Answer) -> Page[tuple[str, AuditEntry]]:
    return _entries_in(answer, lambda row: (row.text("resource_id"), _change(row)))


def _entries_in(answer: Answer, load: Callable[[Fields], T | None]) -> Page[T]:
    """Decode a page; the entries of requests that failed changed nothing."""
    return page_of(
        load_object(answer), "audit_logs", lambda row: None if row.count("status_code") >= 400 else load(row)
    )


def _kind_of(subject: Subject) -> str:
    """Return what the log calls a subject's budget."""
    return _GROUP_BUDGET if isinstance(subject, Group) else _OVERRIDE


def _change(row: Fields) -> AuditEntry:
    user = row.optional_object("user")
    by = user.text("username") if user else ""
    before, after = _limits_of(row)
    return AuditEntry(
        at=row.time("time"),
        by=by,
        action=row.text("action"),
        before_micros=before,
        after_micros=after,
        user_agent=row.text("user_agent"),
        name=row.text("resource_target"),
    )


def _audited(row: Fields) -> AuditedChange:
    """Return what happened; the `name` of a person is the full one, which many may have had."""
    user, diff = row.optional_object("user"), row.value.get("diff")
    diff = diff if isinstance(diff, dict) else {}
    before, after = (_members_in(diff.get("members"), side) for side in ("old", "new"))
    renamed = diff.get("username" if row.text("resource_type") == Audited.USER else "name")
    old = renamed.get("old") if isinstance(renamed, dict) else ""
    return AuditedChange(
        at=row.time("time"),
        by=user.text("username") if user else "",
        action=row.text("action"),
        id=row.text("resource_id"),
        name=row.text("resource_target"),
        name_before=old if isinstance(old, str) else "",
        organization_id=row.text("organization_id"),
        joined=after - before,
        left=before - after,
    )


def _members_in(change: object, side: str) -> frozenset[UserId]:
    rows = change.get(side) if isinstance(change, dict) else None
    ids = (row.get("user_id") for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return frozenset(UserId(id_) for id_ in ids if isinstance(id_, str))


def _grant_record(row: Fields) -> GrantRecord | None:
    """Return what was written; the log leaves out what it was before, be it the amount or the group."""
    _, after = _limits_of(row)
    diff = row.value.get("diff")
    diff = diff if isinstance(diff, dict) else {}
    group_id, group_name = (_new_text(diff, key) for key in ("group_id", "group_name"))
    if row.text("action") != "write" or (after is None and not group_name):
        return None
    return GrantRecord(
        username=row.text("resource_target"),
        user_id=UserId(row.id("resource_id")),
        limit_micros=after,
        group_name=group_name,
        group_id=GroupId(group_id) if group_id else None,
        source="the audit log",
    )


def _new_text(diff: dict[str, Any], key: str) -> str:
    change = diff.get(key)
    new = change.get("new") if isinstance(change, dict) else None
    return new if isinstance(new, str) else ""


def _limits_of(row: Fields) -> tuple[int | None, int | None]:
    """Return the limits before and after in micros, to the cent; None where the log does not say an amount.

    Source: coder-api section 8: `{"spend_limit": {"old": "$0.00", "new": "$500.00"}}`; a removal has an empty `new`.
    """
    diff = row.value.get("diff")
    change = diff.get("spend_limit") if isinstance(diff, dict) else None
    sides = (change.get("old"), change.get("new")) if isinstance(change, dict) else (None, None)
    before, after = (_amount(side) for side in sides)
    return before, after


def _amount(text: object) -> int | None:
    try:
        return parse_usd(text, maximum=ANY_AMOUNT) if isinstance(text, str) and text else None
    except ValueError:
        return None


def _why_not(answer: Answer) -> str:
    if answer.status == 400:
        return "this Coder does not record changes of these budgets"
    return "this token may not read the audit log; an Owner or an Auditor may"
