"""What must be true of each of two that run at once, from the server's records of each and the journals alone.

A run knows what became of each of its requests, but for those whose answers were lost: what it says of these may be
the other's write, of the same value. Of everything else nothing may be open.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.sandbox import RecordedRequest, Sandbox
from tests.chaos.company import State
from tests.chaos.evidence import SUBJECT, Journal, problems_of_exit, unexplained

_LAST = re.compile(r"^Apply (complete|incomplete|interrupted): (.*)[.]$", re.MULTILINE)
_OPEN = "not known"
"""What is live after a write whose answer was lost."""
_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


@dataclass(frozen=True)
class Side:
    """One of the two: who it was, and what it said."""

    user: str
    user_id: str
    code: int | str
    journal: Journal | None
    out: str
    err: str
    is_json: bool
    asked_from: int
    """How many requests the server had seen before."""
    written_from: int
    """How many entries its audit log had."""
    lost: frozenset[str]
    """Of which subjects an answer to its writes was lost."""


def subjects_lost(user: str, requests: Sequence[RecordedRequest]) -> frozenset[str]:
    """Return of which subjects somebody did not hear what became of a write."""
    unheard = [one for one in requests if one.user == user and (one.status is None or one.status >= 500)]
    found = [SUBJECT.match(request.path) for request in unheard if request.method in ("PUT", "DELETE")]
    return frozenset(match[1] for match in found if match)


def problems_of_side(side: Side, sandbox: Sandbox, before: State) -> Iterator[str]:
    """Yield what a run wrote without a word before, and what it says of its writes that the server does not.

    `before` is what was live before both.
    """
    writes: dict[str, list[RecordedRequest]] = defaultdict(list)
    for request in sandbox.requests[side.asked_from :]:
        is_ours = request.user == side.user and request.user_agent.startswith("reconciler/")
        if is_ours and request.method in ("PUT", "DELETE"):
            found = SUBJECT.match(request.path)
            writes[found[1] if found else request.path].append(request)
    rows = sandbox.execute("SELECT user_id, user_agent, resource_id, status_code FROM audit_logs ORDER BY rowid")
    committed = Counter(
        subject
        for user, agent, subject, status in rows[side.written_from :]
        if user == side.user_id and status < 400 and agent.startswith("reconciler/")
    )
    for problem in [
        *_problems(side, writes, committed),
        *_overwritten(side, sandbox.requests[side.asked_from :], before),
    ]:
        yield f"{side.user}: {problem}"


def _problems(side: Side, writes: dict[str, list[RecordedRequest]], committed: Counter[str]) -> Iterator[str]:
    if "Traceback" in side.err:
        yield f"a traceback: {side.err[-2000:]}"
    if side.code not in (0, 1, 2, 3, 4, -9):
        yield f"exit code {side.code}"
    journal = side.journal
    if journal is None:
        if writes:
            yield f"wrote {dict(writes)} without a journal"
        return
    actions = {str(action["subject"]["id"]): number for number, action in enumerate(journal.actions)}
    if strange := set(writes) - set(actions):
        yield f"wrote {strange}, which its journal does not plan"
    for subject, number in actions.items():
        yield from unexplained(writes[subject], [(journal, number)])
        result = journal.result(number)
        was_written = committed[subject] > 0
        if result == "in-doubt" and side.code == -9:
            continue
        is_open = subject in side.lost and result not in ("already-done", "not-attempted")
        if was_written != (result == "done") and not is_open:
            yield f"{journal.actions[number]['address']} is {result}, and the server took {committed[subject]} writes"
    if side.code != 2:
        yield from problems_of_exit(side.code, journal, side.out, is_json=side.is_json)
    if not side.is_json and side.code != -9 and not side.lost:
        yield from _wrong_last_sentence(side, journal, committed)


def _overwritten(side: Side, requests: Sequence[RecordedRequest], before: State) -> Iterator[str]:
    """Yield writes over what was not as planned when the run last read it: only what came between them may be lost."""
    if side.journal is None:
        return
    actions = {str(action["subject"]["id"]): action for action in side.journal.actions}
    live: dict[str, object] = {**before.budgets, **before.overrides}
    read: dict[str, object] = {}
    for request in requests:
        found = SUBJECT.match(request.path)
        if found is None or request.status not in (None, 200, 204, 404):
            continue
        subject, is_ours = found[1], request.user == side.user and request.user_agent.startswith("reconciler/")
        if request.method == "GET" and is_ours:
            read[subject] = live.get(subject)
        elif request.method in ("PUT", "DELETE") and request.status != 404:
            planned = _told(actions[subject], "before") if subject in actions else _OPEN
            if is_ours and _OPEN not in (planned, seen := read.get(subject)) and seen != planned:
                yield f"{request.method} {request.path} over {seen}, and {planned} was planned"
            live[subject] = _OPEN if request.status is None else _sent(request)


def _sent(request: RecordedRequest) -> object:
    if not isinstance(request.body, dict):
        return None
    usd = request.body["spend_limit_micros"] // 1_000_000
    return (request.body["group_id"], usd) if "group_id" in request.body else usd


def _wrong_last_sentence(side: Side, journal: Journal, committed: Counter[str]) -> Iterator[str]:
    written = Counter(_DONE[_kind(action)] for action in journal.actions if committed[str(action["subject"]["id"])])
    said = _LAST.findall(side.out)
    if len(said) != 1:
        yield f"has {len(said)} last sentences: {side.out[-500:]} {side.err[-500:]}"
        return
    word, counts = said[0]
    told = {name: int(number.replace(",", "")) for number, name in re.findall(r"(\d[\d,]*) ([a-z]+)", counts)}
    for name in _DONE.values():
        if told.get(name, 0) != written[name]:
            yield f"the server took {dict(written)}, and the last sentence is: {word}: {counts}"
    if (word == "complete") != (side.code == 0):
        yield f"exit code {side.code}, and the last sentence says {word}"


def _kind(action: dict[str, Any]) -> str:
    if action["before"]["type"] == "absent":
        return "create"
    return "delete" if action["after"]["type"] == "absent" else "update"


def problems_of_revert(side: Side, before: State, after: State, written: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """Yield what a revert took back that its run did not write, and what it left although it could take it back.

    `written` are author and subject of every write so far, in their order. What was announced by a run that was killed
    may be its write: only the server knows, and it may be the other's, of the same value.
    """
    journal = side.journal
    assert journal is not None
    last = {subject: user for user, subject in written}
    ours = {subject for user, subject in written if user == side.user_id}
    for number, action in enumerate(journal.actions):
        subject = str(action["subject"]["id"])
        was, now = _value(before, subject), _value(after, subject)
        result = journal.result(number)
        as_left = was == _told(action, "after")
        may_be_ours = result == "in-doubt" or (result == "done" and subject in ours | side.lost)
        if was != now and not (may_be_ours and as_left):
            yield f"{side.user}: revert changed {action['address']} from {was} to {now}, which was {result}"
        if result == "done" and last.get(subject) == side.user_id and as_left and now != _told(action, "before"):
            yield f"{side.user}: revert left {action['address']} at {now}, which its run had changed"
    subjects = {str(action["subject"]["id"]) for action in journal.actions}
    for subject in {*before.budgets, *before.overrides, *after.budgets, *after.overrides} - subjects:
        if _value(before, subject) != _value(after, subject):
            yield f"{side.user}: revert changed {subject}, of which its journal does not speak"


def _value(state: State, subject: str) -> object:
    return state.overrides.get(subject, state.budgets.get(subject))


def _told(action: dict[str, Any], when: str) -> object:
    value = action[when]
    if value["type"] == "absent":
        return None
    usd = value["limit_micros"] // 1_000_000
    return usd if value["group"]["id"] == action["subject"]["id"] else (value["group"]["id"], usd)
