"""States in words, for messages and plans: `$200.00`, `$200.00 (platform)`, `no limit`."""

from __future__ import annotations

from typing import assert_never

from reconciler.core.budget import Absent, Budget, Reading, Unknown
from reconciler.core.directory import Subject, User
from reconciler.money import format_usd
from reconciler.words import NO_LIMIT, NO_OVERRIDE


def describe(reading: Reading, subject: Subject) -> str:
    """Say what a reading of a subject is; an override names its group."""
    match reading:
        case Absent():
            return NO_OVERRIDE if isinstance(subject, User) else NO_LIMIT
        case Unknown(reason):
            return f"unknown ({reason})"
        case Budget(limit_micros, group):
            amount = format_usd(limit_micros)
            return f"{amount} ({group.label})" if isinstance(subject, User) else amount
        case _:
            assert_never(reading)
