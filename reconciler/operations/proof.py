"""Read the subjects of a run again, before its first write and after its last: the proof of law 6.

Right after a write a read may be stale (a replica, a cache), so where the proof contradicts the outcome it looks again,
a few times and within what the run may still wait, before anybody is told that a write did not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.core.action import Action
from reconciler.core.budget import Reading
from reconciler.core.plan.outcome import ActionOutcome, Result
from reconciler.errors import ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.reading import read_subjects

LOOK_AGAIN_S = (0.5, 1.0, 2.0)


def read_again(actions: Sequence[Action], reader: Reader) -> list[Reading]:
    """Read the subjects of actions in bulk; one reading an action, in their order."""
    snapshot = read_subjects(actions, reader)
    return [snapshot.reading(action.subject) for action in actions]


def read_for_proof(results: Sequence[ActionOutcome], reader: Reader, pause: Callable[[float], None]) -> list[Reading]:
    """Read what actions came to; `pause` waits, and raises ReconcilerError when the run may not wait any longer.

    Looks again only at what is not as an outcome says. Raises ServerError when Coder cannot be read at all.
    """
    live = read_again([row.action for row in results], reader)
    for seconds in LOOK_AGAIN_S:
        differing = [i for i, row in enumerate(results) if row.result in _SETTLED and live[i] != row.action.after]
        if not differing:
            break
        try:
            pause(seconds)
        except ReconcilerError:  # what was read so far is the last word
            break
        again = read_again([results[i].action for i in differing], reader)
        for i, reading in zip(differing, again, strict=True):
            live[i] = reading
    return live


_SETTLED = (Result.DONE, Result.ALREADY)
