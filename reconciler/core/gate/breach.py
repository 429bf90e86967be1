"""A guardrail that is not kept, and whose fault that is. Frozen data; it does nothing."""

from __future__ import annotations

from reconciler.core.policy import GuardrailName
from reconciler.dataclass import dataclass
from reconciler.errors import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A guardrail that an entry breaks, or that the plan breaks as a whole (max_exposure)."""

    guardrail: GuardrailName
    """Which guardrail."""
    address: str | None
    """Of the entry; None where the plan as a whole breaks the guardrail."""
    place: Place
    """Where the entry is written; where the plan as a whole breaks the guardrail, the same as `guardrail_place`."""
    message: str
    """What is wrong, as half a sentence without the places: `$11.00 for user bob is over the max_limit of $10.00`."""
    guardrail_place: Place
    """Where the guardrail is written."""
    hint: str
    """What to do about it."""
    is_standing: bool = False
    """Whether this plan is not to blame for it; then it is a warning, and refuses nothing."""

    def __str__(self) -> str:
        """`acme.yaml:8:12: $11.00 for user bob is over the max_limit of $10.00 (acme.yaml:6:14)`."""
        elsewhere = f" ({self.guardrail_place})" if self.guardrail_place != self.place else ""
        return f"{self.place}: {self.message}{elsewhere}"
