"""What can go wrong, as one family with one root, and what is wrong in a policy, as data.

    ReconcilerError               message, and a hint that says what to do
    ├── PolicyError               the policy has findings; all of them, none thrown alone
    ├── MissingPartError          a library of an optional part is not installed
    ├── FileError                 a file cannot be read, written or understood
    ├── StoppedError              Ctrl-C or a signal before the first write              (exit 130)
    ├── RefusedError              nothing was written: hazard, guardrail or stale plan   (exit 3)
    └── ServerError               Coder answered something that we cannot work with, or nothing
        ├── NotFoundError         404 with Coder's "not found or no access": absent, unknown or forbidden
        ├── DeniedError           401 or 403: signed out, not licensed, not permitted
        ├── RejectedError         a write was refused for certain; nothing was changed by it
        │   ├── NotAMemberError   of an override: the person is not in its group
        │   └── RetryLaterError   refused for now (rate limit) or never sent; read again before sending it again
        └── UnreachableError      no usable answer; a write may or may not have happened

A leaf exists only where a caller treats it differently. A secret never enters a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.words import count


class ReconcilerError(Exception):
    """Say what went wrong in one sentence, and what to do in a `hint` (imperative, may be empty).

    `document` is what programs get in place of the error's own document, where more is known; None otherwise.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.document: object = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a policy file; line and column count from 1."""

    file: str
    """Path of the policy file, as it was given on the command line."""
    line: int
    """Counts from 1."""
    column: int
    """Counts from 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One violation in a policy: where, what, and what to do. Data: findings are collected, never thrown one by one."""

    place: Place
    """Where it is."""
    message: str
    """What is wrong."""
    hint: str = ""
    """What to do; may be empty."""
    source_line: str = ""
    """The text of the line, for display; empty where there is none (a missing file)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEntry:
    """One entry of a policy, for reports that name every entry, right or wrong."""

    address: str
    """Of its subject, or as the entry says it; empty where the entry names nobody."""
    place: Place
    """Where the entry names its subject."""
    starts: datetime | None = None
    """When it begins to want something (UTC); None where it says no time."""
    findings: tuple[Finding, ...] = ()
    """What is wrong in it."""


ListEntries = Callable[[], Iterable[ListedEntry]]
"""Makes the list when a report needs it: a large policy has 100,000 entries."""


class PolicyError(ReconcilerError):
    """Carry every finding of every file, sorted by place, and the entries of these files as far as they are known."""

    def __init__(self, findings: tuple[Finding, ...], *, entries: ListEntries = tuple) -> None:
        super().__init__(f"The policy has {count(len(findings), 'problem')}.")
        self.findings = tuple(sorted(findings))
        self.entries = entries


class MissingPartError(ReconcilerError):
    """A library is missing that comes with an optional part of the distribution; cli/ adds how to install the part."""

    def __init__(self, message: str, *, part: str) -> None:
        super().__init__(message)
        self.part = part


class FileError(ReconcilerError):
    """A file that is not a policy (plan, journal, login file) cannot be read, written or understood."""


class StoppedError(ReconcilerError):
    """Somebody ended the run, with Ctrl-C or a signal, before its first write."""

    def __init__(self) -> None:
        super().__init__("Interrupted; nothing was written.")


class RefusedError(ReconcilerError):
    """Nothing was written, on purpose; `details` are the reasons, a sentence each.

    `was_shown` is true when the plan was printed with these reasons, so that text need not repeat them.
    """

    def __init__(self, message: str, *, details: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.details = details
        self.was_shown = False


class ServerError(ReconcilerError):
    """Coder gave no answer, or one that we cannot work with."""


class NotFoundError(ServerError):
    """404 in Coder's own words: absent, unknown, unreadable or unwritable; the caller must know which."""


class DeniedError(ServerError):
    """401 or 403: nothing else will work with this token on this deployment."""


class RejectedError(ServerError):
    """A write was refused: it certainly did not happen."""


class NotAMemberError(RejectedError):
    """An override was refused because its person is not in its group: their own trouble, and nobody else's."""


class RetryLaterError(RejectedError):
    """A write that certainly did not happen and may be sent again after `retry_after_s`, if a read shows no change."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class UnreachableError(ServerError):
    """No usable answer. After a write: nobody knows whether it happened; read before anything is resent.

    `may_still_happen` is false when the request has certainly ended: what a read shows then stays so.
    """

    def __init__(self, message: str, *, hint: str = "", may_still_happen: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.may_still_happen = may_still_happen


REFUSED = 3
"""The exit code of a RefusedError, and of a plan that the gate refuses. cli/exits.py has the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error that ended a command, as data: what `--json` prints and every other format shows."""

    exit_code: int
    """The exit code of the command."""
    message: str
    """What went wrong, in one sentence."""
    hint: str
    """What to do; may be empty."""
    details: tuple[str, ...]
    """The reasons of a refusal, a sentence each."""
    findings: tuple[Finding, ...]
    """What is wrong in the policy, sorted by place."""

    @property
    def is_refusal(self) -> bool:
        """Whether nothing was written on purpose, and not because something went wrong."""
        return self.exit_code == REFUSED


def failure_of(error: ReconcilerError, *, exit_code: int) -> Failure:
    """Return an error as data."""
    return Failure(
        exit_code=exit_code,
        message=error.message,
        hint=error.hint,
        details=error.details if isinstance(error, RefusedError) else (),
        findings=error.findings if isinstance(error, PolicyError) else (),
    )
