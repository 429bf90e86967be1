"""What must be true after any run, found out from the sandbox's records and the journals alone.

Nothing here uses the product's code: journals are read as JSON lines, the writes from the sandbox's list of requests,
what was committed from its audit trail.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.sandbox import RecordedRequest, Sandbox

SUBJECT = re.compile(r"/api/v2/(?:groups|users)/([^/]+)/ai/budget")
_PLAN = re.compile(r"reconciler/\S+ plan/([0-9a-f]{12})")
SETTLED = ("done", "already-done")

Key = tuple[str, str]
"""A plan's digest, as the User-Agent has it, and a subject's id."""


@dataclass(frozen=True)
class Journal:
    """A journal as it lies there."""

    path: Path
    events: list[dict[str, Any]]

    @property
    def digest(self) -> str:
        return str(self.events[0]["digest"])[:12]

    @property
    def actions(self) -> list[dict[str, Any]]:
        return list(self.events[0]["actions"])

    def of(self, action: int) -> list[dict[str, Any]]:
        """Return the events of one action."""
        return [one for one in self.events[1:] if one.get("action") == action]

    def result(self, action: int) -> str:
        """Return what became of an action, as its events say."""
        events = self.of(action)
        return str(events[-1].get("result", "in-doubt")) if events else "not-attempted"

    def intents(self, action: int) -> list[datetime]:
        return [datetime.fromisoformat(one["at"]) for one in self.of(action) if one["type"] == "intent"]

    @property
    def ended(self) -> dict[str, Any] | None:
        return self.events[-1] if self.events[-1]["type"] == "ended" else None


def read_journal(path: Path) -> Journal | None:
    """Read a journal; None when not even its first line is whole. Raises ValueError for damage before the last line."""
    lines = path.read_bytes().split(b"\n")
    return Journal(path, [json.loads(line) for line in lines[:-1]]) if len(lines) > 1 else None


def problems_of(journals: list[Journal], sandbox: Sandbox, *, others_wrote: bool) -> Iterator[str]:
    """Yield what is wrong with the writes so far: unexplained, or a result that is not true."""
    writes = defaultdict(list)
    for request in sandbox.requests:
        if request.method in ("PUT", "DELETE"):
            named = _PLAN.fullmatch(request.user_agent)
            if named is None:
                yield f"{request.method} {request.path} with the User-Agent {request.user_agent!r}"
                continue
            subject = SUBJECT.match(request.path)
            writes[named[1], subject[1] if subject else request.path].append(request)
    planned = _planned(journals)
    committed = _committed(sandbox)
    for key, requests in writes.items():
        yield from unexplained(requests, planned.get(key, []))
    for key, found in planned.items():
        yield from _untrue(found, len(writes[key]), committed[key], others_wrote=others_wrote)
    for journal in journals:
        if (mode := journal.path.stat().st_mode & 0o777) != 0o600:
            yield f"{journal.path.name} has the mode {mode:o}"


def unread_writes(requests: tuple[RecordedRequest, ...]) -> Iterator[str]:
    """Yield writes before which nobody read the object since it was last written; for runs of one command at a time."""
    read: set[str] = set()
    for request in requests:
        if request.method == "GET":
            read.add(request.path)
        elif request.method in ("PUT", "DELETE") and request.status != 429:
            if request.path not in read:
                yield f"{request.method} {request.path} was sent again without a look"
            read.discard(request.path)


def went_on(journal: Journal) -> Iterator[str]:
    """Yield what a run of a single thread began after something had failed."""
    is_stopped = False
    for event in journal.events:
        if is_stopped and event["type"] == "intent":
            yield f"{event['address']} was begun after a failure"
        is_stopped |= event.get("result") in ("failed", "in-doubt")


def _planned(journals: list[Journal]) -> dict[Key, list[tuple[Journal, int]]]:
    """Return where each subject of each plan is spoken of; several journals may be of one plan."""
    found = defaultdict(list)
    for journal in journals:
        for number, action in enumerate(journal.actions):
            found[journal.digest, str(action["subject"]["id"])].append((journal, number))
    return found


def _committed(sandbox: Sandbox) -> dict[Key, int]:
    """Count what the audit trail says was written, by plan and subject."""
    counts: dict[Key, int] = defaultdict(int)
    for agent, subject in sandbox.execute("SELECT user_agent, resource_id FROM audit_logs WHERE status_code < 400"):
        named = _PLAN.fullmatch(agent)
        counts[named[1] if named else agent, subject] += 1
    return counts


def unexplained(requests: list[RecordedRequest], planned: list[tuple[Journal, int]]) -> Iterator[str]:
    """Yield requests without an intent before them, one of its own for each unless it was sent again after a 429."""
    intents = sorted(time for journal, number in planned for time in journal.intents(number))
    after = [journal.actions[number]["after"] for journal, number in planned]
    counted = 0
    for request in requests:
        counted += request.status != 429
        before = sum(time <= request.time for time in intents)
        if before < max(1, counted):
            yield f"{request.method} {request.path} is number {counted}, and {before} intents were before it"
        if not any(_is_meant(request, state) for state in after):
            yield f"{request.method} {request.path} sends {request.body}, and {after} is in the journals"


def _is_meant(request: RecordedRequest, after: dict[str, Any]) -> bool:
    if request.method == "DELETE":
        return bool(after["type"] == "absent")
    body = request.body if isinstance(request.body, dict) else {}
    same_group = "group_id" not in body or body["group_id"] == after.get("group", {}).get("id")
    return same_group and body.get("spend_limit_micros") == after.get("limit_micros")


def _untrue(found: list[tuple[Journal, int]], sent: int, committed: int, *, others_wrote: bool) -> Iterator[str]:
    results = [journal.result(number) for journal, number in found]
    address = found[0][0].actions[found[0][1]]["address"]
    announced = sum(len(journal.intents(number)) for journal, number in found)
    if committed > announced:
        yield f"{address} was written {committed} times and announced {announced} times"
    if "done" in results and not committed and not others_wrote:
        yield f"{address} is said to be done, and nothing was written ({sent} sent)"
    open_ends = {"done", "in-doubt"} | ({"conflict", "failed"} if others_wrote else set())
    if committed and not open_ends & set(results):
        yield f"{address} was written, and the journals say {results}"


def problems_of_exit(code: int | str, journal: Journal | None, output: str, *, is_json: bool) -> Iterator[str]:
    """Yield what the exit code or the printed outcome says otherwise than the journal of the same command."""
    if code not in (0, 1, 3, 4, 130, -9):
        yield f"exit code {code}"
    if journal is None or code == -9:
        return
    results = [journal.result(number) for number in range(len(journal.actions))]
    settled = all(result in SETTLED for result in results)
    ended = journal.ended
    if code == 0 and not (settled and ended and ended["is_verified"]):
        yield f"exit code 0, and the journal says {results}, {ended}"
    if code in (1, 3) and any(one["type"] != "started" for one in journal.events):
        yield f"exit code {code} is for runs that wrote nothing, and the journal says {results}"
    left_undone = journal.events[0]["unreadable"] or journal.events[0]["held_back"]
    if code == 4 and settled and ended and ended["is_verified"] and not left_undone:
        yield "exit code 4, and the journal says that all is well"
    if code in (0, 4) and is_json and output:
        printed = [one["result"] for one in json.loads(output)["results"]]
        if printed != results and ended is not None:
            yield f"printed {printed}, and the journal says {results}"
