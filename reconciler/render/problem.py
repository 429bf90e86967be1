"""A problem: what the author of a policy should know, at its place; and those that several rooms make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from reconciler.core.gate.breach import Breach
from reconciler.core.policy import GuardrailName, Hazard, NotRead
from reconciler.dataclass import dataclass
from reconciler.errors import Place
from reconciler.words import spoken


class Severity(StrEnum):
    """How bad a problem is, in GitHub's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that its author should know, at the place where it can be mended."""

    severity: Severity
    rule: str
    """What was broken, in one word: `max_limit`, `BLOCKS_USERS`, `finding`."""
    subject: str
    """The address that it is about; empty where there is none."""
    message: str
    hint: str
    place: Place | None

    @property
    def is_hazard(self) -> bool:
        """Whether consent would end it."""
        return self.rule in set(Hazard)

    @property
    def is_reason(self) -> bool:
        """Whether a plan is refused for it."""
        return self.is_hazard or (self.rule in set(GuardrailName) and self.severity is Severity.ERROR)


def failing(rule: str, message: str, *, place: Place | None) -> Problem:
    """Return an error about no address."""
    return Problem(severity=Severity.ERROR, rule=rule, subject="", message=message, hint="", place=place)


def not_read(missed: NotRead) -> Problem:
    """Say of what looks like a policy that it was not read."""
    return failing("not-read", f"{spoken(missed.path)} was not read: {missed.reason}", place=Place(missed.path, 1, 1))


def breach_problems(breaches: Iterable[Breach]) -> Iterator[Problem]:
    """Yield a problem for each broken guardrail; a warning for what stands."""
    for breach in breaches:
        yield Problem(
            severity=Severity.WARNING if breach.is_standing else Severity.ERROR,
            rule=str(breach.guardrail),
            subject=breach.address or "",
            message=breach.message,
            hint=breach.hint,
            place=breach.place,
        )
