"""What to know of entries, as lines of a plan's text: each notice, or each kind of those that stood before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import assert_never

from reconciler.core.moment import instant
from reconciler.core.notice import Notice, NoticeKind
from reconciler.render.dangers import named
from reconciler.render.detail import Detail
from reconciler.render.text import distance, harmless
from reconciler.words import count, spoken

NOTICES_SHOWN = 10


def notice_lines(notices: tuple[Notice, ...], at: datetime, detail: Detail) -> Iterator[str]:
    """A line for each notice that the plan causes; the others of a kind share one line."""
    is_long = detail is Detail.PEOPLE
    news = [notice for notice in notices if is_long or not notice.is_standing]
    for notice in news if is_long else news[:NOTICES_SHOWN]:
        place = f" ({harmless(spoken(str(notice.place)))})" if notice.place else ""
        yield f"{_title(notice, at)}: {harmless(spoken(notice.address))} {harmless(notice.text)}{place}."
    if len(news) > NOTICES_SHOWN and not is_long:
        yield f"{count(len(news) - NOTICES_SHOWN, 'more notice')}: --effects people"
    if not is_long:
        yield from standing_notices([notice for notice in notices if notice.is_standing], at)


def _title(notice: Notice, at: datetime) -> str:
    match notice.kind:
        case NoticeKind.EXPIRES_SOON:
            return f"Expires {instant(notice.at)}, {distance(notice.at, at)}"
        case NoticeKind.DEAD:
            return "Without effect"
        case NoticeKind.REMOVABLE:
            return "May be removed from the policy"
        case NoticeKind.NOT_IN_SNAPSHOT:
            return "Not in this snapshot"
        case NoticeKind.RENAMED:
            return "Renamed since"
        case NoticeKind.NAMESAKE:
            return "Perhaps meant for another person"
        case NoticeKind.STRAY:
            return "Override that no policy manages"
        case NoticeKind.AWAITED | NoticeKind.STARTS_LATER:
            return f"Starts {instant(notice.at)}, {distance(notice.at, at)}"
        case NoticeKind.END_MOVED:
            return "Another end"
        case NoticeKind.TAKEN_OUT:
            return "Taken out of the policy"
        case NoticeKind.CHECK_AMOUNT:
            return "Check the amount"
        case _:
            assert_never(notice.kind)


_STANDING = {
    NoticeKind.EXPIRES_SOON: "Ending within 14 days",
    NoticeKind.DEAD: "Entries that change nobody's limit",
    NoticeKind.REMOVABLE: "Entries that may be removed from the policy",
    NoticeKind.NOT_IN_SNAPSHOT: "Entries of people and groups that are not in this snapshot",
    NoticeKind.RENAMED: "Renamed since",
    NoticeKind.NAMESAKE: "Perhaps meant for other people",
    NoticeKind.STRAY: "Overrides that no policy manages; list them with `limit: none` to remove them",
    NoticeKind.AWAITED: "Entries that start later, for names not known yet",
    NoticeKind.STARTS_LATER: "Entries that start later",
    NoticeKind.END_MOVED: "Overrides with another end",
    NoticeKind.TAKEN_OUT: "Taken out of the policy",
    NoticeKind.CHECK_AMOUNT: "Check the amounts",
}


def standing_notices(notices: Sequence[Notice], at: datetime) -> Iterator[str]:
    """A line for each kind of notice."""
    for kind, title in _STANDING.items():
        alike = [notice for notice in notices if notice.kind is kind]
        if alike:
            details = [_detail(notice, at) for notice in alike]
            yield f"{title}: {named(details, len(alike))}."


def _detail(notice: Notice, at: datetime) -> str:
    match notice.kind:
        case NoticeKind.EXPIRES_SOON:
            return f"{spoken(notice.address)} {distance(notice.at, at)}"
        case NoticeKind.REMOVABLE | NoticeKind.NOT_IN_SNAPSHOT | NoticeKind.RENAMED | NoticeKind.NAMESAKE:
            return f"{spoken(notice.address)} {notice.text}, {spoken(str(notice.place))}"
        case NoticeKind.AWAITED | NoticeKind.STARTS_LATER:
            return f"{spoken(notice.address)} on {notice.at:%Y-%m-%d}, {distance(notice.at, at)}: {notice.text}"
        case NoticeKind.STRAY | NoticeKind.END_MOVED | NoticeKind.TAKEN_OUT | NoticeKind.CHECK_AMOUNT:
            return f"{spoken(notice.address)} {notice.text}"
        case NoticeKind.DEAD:
            return spoken(notice.address)
        case _:
            assert_never(notice.kind)


def taken_out(notices: Iterable[Notice]) -> int:
    """Return how many limits stay that this change takes out of the policy."""
    return sum(notice.kind is NoticeKind.TAKEN_OUT for notice in notices)


def without_entry(limits: int) -> str:
    """`2 limits stay without an entry`; empty for none."""
    return f"{count(limits, 'limit')} {'stays' if limits == 1 else 'stay'} without an entry" if limits else ""
