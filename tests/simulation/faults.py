"""What can go wrong with one request. A fault is drawn for each request from the world's own seed."""

from __future__ import annotations

from enum import Enum, auto
from random import Random


class ReadFault(Enum):
    """What becomes of a read."""

    NONE = auto()
    UNKNOWN = auto()
    """This one subject cannot be read."""
    ERROR = auto()
    """No usable answer at all."""
    STALE = auto()
    """The answer is some hundred milliseconds old."""


class WriteFault(Enum):
    """What becomes of a write."""

    NONE = auto()
    REFUSED = auto()
    """Refused for certain."""
    LATER = auto()
    """429: not now."""
    NEVER_SENT = auto()
    LOST_BEFORE = auto()
    """The connection broke before Coder saw it."""
    LOST_AFTER = auto()
    """Coder did it, and the answer was lost."""
    LATE = auto()
    """A gateway gave up; Coder does it seconds later."""
    OTHER_ECHO = auto()
    """Done, and the answer shows another value."""
    DEMOTED = auto()
    """From now on this token may write nothing."""


_READ_FAULTS = tuple(fault for fault in ReadFault if fault is not ReadFault.NONE)
_WRITE_FAULTS = tuple(fault for fault in WriteFault if fault is not WriteFault.NONE)


class Faults:
    """Draws faults. `rate` is the share of requests that meet one; 0 for a world in which all goes well."""

    def __init__(self, rng: Random, rate: float) -> None:
        self._rng, self._rate = rng, rate

    def of_read(self) -> ReadFault:
        return self._rng.choice(_READ_FAULTS) if self._strikes() else ReadFault.NONE

    def of_write(self) -> WriteFault:
        return self._rng.choice(_WRITE_FAULTS) if self._strikes() else WriteFault.NONE

    def seconds(self, most: float) -> float:
        """Return how long something takes."""
        return self._rng.random() * most

    def _strikes(self) -> bool:
        return self._rng.random() < self._rate
