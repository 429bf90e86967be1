"""How long the benches may take: each has a share of the time that is left, and takes rounds until that is used.

A share is a weight among those that are still to come. What one leaves over the next ones have, and what one takes too
much they lack. How fast the machine is decides how many rounds there are, which each row says, and nothing else but
whether there is time for the obvious program.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

LEAST, MOST = 3, 11
"""Rounds, whatever the time; of long ones the least is one. More no longer move a median by what its rounds differ."""


def share_s(left_s: float, weights: Sequence[float]) -> float:
    """Return the seconds that the first of these has of what is left for all of them."""
    return max(0.0, left_s) * weights[0] / sum(weights)


def has_another(rounds: int, took_s: float, left_s: float, *, least: int, most: int) -> bool:
    """Tell whether there is another round after so many, which took so long: where it still fits."""
    return rounds < least or (rounds < most and took_s / rounds <= left_s)


def least_of(rounds: int, took_s: float, short_s: float) -> int:
    """Return the least number of rounds, where so many took so long: one, if that is not short."""
    return LEAST if took_s <= rounds * short_s else 1


class Share:
    """A length of time, from now on. A round is short that takes at most `short_s`."""

    def __init__(self, seconds: float, *, short_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._short_s = short_s

    @property
    def left_s(self) -> float:
        """The seconds that are left; less than none where it took too long."""
        return self._end - self._clock()

    def parts(self, *weights: float) -> Iterator[Share]:
        """Yield a share for each weight, cut from what is left when it is reached."""
        for number in range(len(weights)):
            yield Share(share_s(self.left_s, weights[number:]), short_s=self._short_s, clock=self._clock)

    def rounds(self, *, least: int = 1, most: int = MOST) -> Iterator[int]:
        """Yield the numbers of rounds until the time is used; `least`, where rounds of any length are needed."""
        began, rounds, took_s = self._clock(), 0, 0.0
        while has_another(
            rounds, took_s, self.left_s, least=max(least, least_of(rounds, took_s, self._short_s)), most=most
        ):
            yield rounds
            rounds, took_s = rounds + 1, self._clock() - began
