"""How much a report says."""

from __future__ import annotations

from enum import StrEnum


class Detail(StrEnum):
    """`--effects`: how much is said of what a plan does. Refusals are always said."""

    NONE = "none"
    SUMMARY = "summary"
    PEOPLE = "people"
