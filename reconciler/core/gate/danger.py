"""A danger: a hazard of one plan in one organization, counted. hazards.py makes it, verdict.py judges it."""

from __future__ import annotations

from typing import ClassVar

from reconciler.core.policy import Hazard
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """A hazard of one plan in one organization, with everything that it counts there."""

    JSON_EXTRAS: ClassVar = ("count", "consent")

    hazard: Hazard
    """Which danger."""
    counted: tuple[str, ...]
    """Usernames (MASS_CHANGE: addresses), sorted."""
    uncertain: tuple[str, ...] = ()
    """Usernames of people for whom it cannot be ruled out; they count too."""
    unnamed: int = 0
    """People whom this token may not read; they count too."""
    organization: str | None = None
    """Name of the organization whose policy may consent; None where it cannot be read, and only `--allow` covers it."""

    @property
    def count(self) -> int:
        """How many are counted, the uncertain ones included."""
        return len(self.counted) + len(self.uncertain) + self.unnamed

    @property
    def consent(self) -> str:
        """What to paste to allow exactly this: `BLOCKS_USERS=2`."""
        return f"{self.hazard}={self.count}"
