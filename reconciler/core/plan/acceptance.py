"""How a policy would take in what is live: what to write where, for each difference. Frozen data; it does nothing."""

from __future__ import annotations

from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.errors import Place


class Taking(StrEnum):
    """What is done to the entry of a subject."""

    CHANGE = "change"
    """The keys in `lines` get new values."""
    REMOVE = "remove"
    ADD = "add"
    """The entry in `lines` is added to the list `section` of the file."""
    IMPOSSIBLE = "impossible"
    """`problem` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What makes the policy say what is live for one subject."""

    address: str
    """Of the subject."""
    taking: Taking
    """What is done to its entry."""
    file: str = ""
    """The policy file; empty if it is impossible."""
    place: Place | None = None
    """Of the entry that is changed or removed; where one is added, of the person's entry elsewhere, which goes."""
    section: str = ""
    """`group_budgets` or `user_overrides`."""
    lines: tuple[str, ...] = ()
    """YAML to paste: keys to replace, or a whole entry."""
    is_taken: bool = False
    """Whether this run wrote it."""
    is_refused: bool = False
    """Whether `--accept` asked for it, and it is impossible."""
    problem: str = ""
    """Why the policy cannot say what is live, and what to do; empty if it can."""
