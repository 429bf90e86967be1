"""States and groups in words, for messages and plans: `$200.00`, `$200.00 (platform)`, `no limit`, `acme/platform`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from reconciler.core.budget import ABSENT, Absent, Budget, GroupRef, Reading, Unknown
from reconciler.core.directory import Subject, User
from reconciler.money import format_usd
from reconciler.words import NO_LIMIT, NO_OVERRIDE, spoken

NameGroup = Callable[[GroupRef], str]


def names_for(groups: Iterable[GroupRef]) -> NameGroup:
    """Return what the groups of a text are called: `eng`, or `acme/eng` where they are of several organizations."""
    if len({group.organization for group in groups if group.name}) <= 1:
        return lambda group: group.label
    return lambda group: group.address.removeprefix("group/")


def describe(reading: Reading, subject: Subject, *, beside: Reading = ABSENT) -> str:
    """Say what a reading of a subject is; an override names its group, so that it differs from the one `beside` it."""
    match reading:
        case Absent():
            return NO_OVERRIDE if isinstance(subject, User) else NO_LIMIT
        case Unknown(reason):
            return f"unknown ({reason})"
        case Budget(limit_micros, group):
            amount = format_usd(limit_micros)
            names = names_for((group, beside.group) if isinstance(beside, Budget) else (group,))
            return f"{amount} ({spoken(names(group))})" if isinstance(subject, User) else amount
        case _:
            assert_never(reading)
