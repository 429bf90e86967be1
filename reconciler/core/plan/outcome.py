"""What really happened in an apply: the events of its journal, and the outcome that follows from them alone.

The outcome is folded from the events and from nothing else, so what is printed at the end, what `show JOURNAL` prints a
year later and what `revert` takes back are one thing. It says success only of what a result says; an intent without a
result is a write in doubt (law 6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from reconciler.core.action import Action, Kind, require_single
from reconciler.core.policy import SourceFile
from reconciler.core.snapshot import Deployment
from reconciler.dataclass import dataclass

CUT_OFF = "the run was cut off, or is still going on"


class Result(StrEnum):
    """What became of one action."""

    DONE = "done"
    """Written by this run, and the answer compared with what was sent."""
    ALREADY = "already-done"
    """Live was as wanted before this run wrote it: nothing was sent."""
    CONFLICT = "conflict"
    """Live was neither as planned nor as wanted, or the person had left the override's group: somebody else changed it,
    and this run left it alone."""
    FAILED = "failed"
    """Coder refused the write; nothing was changed by it."""
    IN_DOUBT = "in-doubt"
    """The write was sent, and nobody knows whether it happened."""
    NOT_ATTEMPTED = "not-attempted"


class Ending(StrEnum):
    """How a run came to its end."""

    COMPLETED = "completed"
    """Nothing was left to attempt."""
    STOPPED = "stopped"
    """Something failed, was in conflict or ended during the run, so some actions were not attempted."""
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The first event: everything that is needed to understand the others without any other file."""

    run: str
    """The name of the run: when it began, its plan's digest, and a random part."""
    tool: str
    """`reconciler/` and its version; the User-Agent of every write begins with it."""
    at: datetime
    """When the run began (UTC)."""
    who: str
    """`user@host` that started the run; in CI who started it and its URL: `octocat in https://...`."""
    digest: str
    """The digest of the plan; its first 12 characters are in the User-Agent of every write."""
    deployment: Deployment
    """The server that was written to, and as whom."""
    actions: tuple[Action, ...]
    """In the order in which they run; the other events count them from 0."""
    sources: tuple[SourceFile, ...]
    """The policy files that went into the plan, with their hashes; empty for a revert."""
    revision: str
    """The Git commit of the policy; empty where there is none."""
    consents: tuple[str, ...]
    """Consents that let the plan through the gate, as `BLOCKS_USERS=2`."""
    left_out: tuple[str, ...] = ()
    """Addresses of entries that cannot be applied, and of removals that were withheld; sorted."""
    held_back: tuple[str, ...] = ()
    """Addresses of what a date asks for and was not done: the gate refused it, or nobody knows whose it is; sorted."""
    unreadable: tuple[str, ...] = ()
    """Addresses of subjects, and paths of policy files, that could not be read when the plan was made."""

    def __post_init__(self) -> None:
        require_single(self.actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write is about to be sent. On disk before it is."""

    action: int
    """Which action of `started.actions` this is about, counted from 0."""
    address: str
    """The subject's stable name: `group/acme/platform`, `user/ana`. That of the action."""
    kind: Kind
    """What is about to be done."""
    at: datetime
    """When it was announced (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of an action. `detail` says why, where it is not plainly done."""

    action: int
    """Which action of `started.actions` this is about, counted from 0."""
    address: str
    """The subject's stable name: `group/acme/platform`, `user/ana`. That of the action."""
    result: Result
    """What became of it."""
    detail: str
    """Why, where it is not plainly done; empty otherwise."""
    at: datetime
    """When it was known (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event of a run that came to an end by itself."""

    ending: Ending
    """How the run came to its end."""
    why: str
    """Why actions were not attempted; empty when all were."""
    is_verified: bool
    """Whether a read after the last write showed everything that this run did and found done."""
    differences: tuple[str, ...]
    """What that read showed otherwise, a sentence each."""
    not_verified: int
    """How many objects this run set, or found as planned, and that read did not show so."""
    at: datetime
    """When it ended (UTC)."""


Event = Started | Intent | Recorded | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOutcome:
    """One action, and what became of it."""

    action: Action
    """The action as planned."""
    result: Result
    """What became of it."""
    detail: str
    """Why, where it is not plainly done; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run did, per action in the order of the plan, and overall."""

    started: Started
    results: tuple[ActionOutcome, ...]
    ended: Ended | None
    """None when the run was cut off (killed, or its machine lost), or is still going on."""

    def count(self, result: Result, kind: Kind | None = None) -> int:
        """Count results, of one kind of action or of all."""
        actions = [outcome.action for outcome in self.results if outcome.result is result]
        return sum(kind is None or action.kind is kind for action in actions)

    @property
    def is_complete(self) -> bool:
        """Whether everything managed could be read, every action is done, or was, and a read afterwards showed it."""
        return is_complete(self.results, self.started.unreadable, self.ended)

    @property
    def was_interrupted(self) -> bool:
        """Whether the run ended because somebody interrupted it."""
        return self.ended is not None and self.ended.ending is Ending.INTERRUPTED


def is_complete(results: Iterable[ActionOutcome], unreadable: Collection[str], ended: Ended | None) -> bool:
    """Return whether a run did everything and proved it; `unreadable` are the addresses that could not be read."""
    settled = all(outcome.result in (Result.DONE, Result.ALREADY) for outcome in results)
    return settled and not unreadable and ended is not None and ended.is_verified


def replay(events: Iterable[Event]) -> Outcome:
    """Follow a run's events to what came of it. Raises ValueError when they are not the events of a single run."""
    iterator = iter(events)
    started = next(iterator, None)
    if not isinstance(started, Started):
        raise ValueError("it does not begin with the event 'started'")
    results: dict[int, ActionOutcome] = {}
    ended: Ended | None = None
    for event in iterator:
        match event:
            case Started():
                raise ValueError("it holds more than one run")
            case Ended():
                ended = event
            case Intent() | Recorded():
                if not 0 <= event.action < len(started.actions):
                    raise ValueError(f"it names action {event.action}, but the run has only {len(started.actions)}")
                results[event.action] = _follow(started.actions[event.action], event)
            case _:
                assert_never(event)
    why = ended.why if ended else CUT_OFF
    missing = (ActionOutcome(action=action, result=Result.NOT_ATTEMPTED, detail=why) for action in started.actions)
    folded = tuple(results.get(i, not_attempted) for i, not_attempted in enumerate(missing))
    return Outcome(started=started, results=folded, ended=ended)


def _follow(action: Action, event: Intent | Recorded) -> ActionOutcome:
    match event:
        case Recorded():
            return ActionOutcome(action=action, result=event.result, detail=event.detail)
        case Intent():
            return ActionOutcome(
                action=action, result=Result.IN_DOUBT, detail="the write was announced, and no result was recorded"
            )
        case _:
            assert_never(event)
