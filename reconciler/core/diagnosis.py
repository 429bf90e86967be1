"""What `doctor` finds out, as data: one check, how it went, and what to do."""

from __future__ import annotations

from enum import StrEnum

from reconciler.dataclass import dataclass


class Level(StrEnum):
    """How a check went."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; commands work all the same, or a part of them does."""
    FAIL = "fail"
    """Some command will fail until something is done about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a diagnosis."""

    level: Level
    name: str
    """What was looked at, in a word: `server`, `token`."""
    message: str
    hint: str = ""
    """What to do, imperative; empty where there is nothing to do."""
