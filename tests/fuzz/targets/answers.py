"""Answers of Coder with anything inside: a plan, a status and an explanation come of them, or one clear error.

The first byte chooses a generation, the next which answer is changed and how; further bytes are edits of its JSON, or
its body. Everything else is answered as it was recorded, and what was never asked with Coder's own 404.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import httpx

from reconciler.core.budget import Absent, Unknown
from reconciler.core.plan.plan import Plan
from reconciler.errors import ReconcilerError
from reconciler.formats.documents import Value, dump, load
from tests.fuzz.edits import Decisions, edited
from tests.fuzz.targets.recorded import TOKEN, Answers, Recorded, connection, key_of, recorded, run

VERSIONS = ("2.37", "2.36", "2.35")
STATUSES = (201, 204, 301, 302, 400, 401, 403, 404, 409, 418, 429, 500, 503, 504)
TYPES = ("text/html", "application/json; charset=latin-1", "", "text/csv")
NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
MAX_LIMIT = 10**15
URL = "http://coder.invalid"


def answers(data: bytes) -> None:
    """Run with changed answers: the result is whole, or the error is ours, short and without the token."""
    decisions = Decisions(data)
    known, _ = recorded(VERSIONS[decisions.below(len(VERSIONS))])
    changed = _changed(known, decisions)

    def answer(request: httpx.Request) -> httpx.Response:
        found = changed.get(key_of(request))
        if found is None:
            return httpx.Response(404, json=NOT_FOUND)
        return httpx.Response(found.status, headers=found.headers, content=found.body)

    transport = httpx.MockTransport(answer)
    try:
        values = run(connection(URL), lambda: transport)
    except ReconcilerError as error:
        text = f"{error.message} {error.hint}"
        assert len(text) < 3_000, text
        assert text.isprintable(), text
        assert TOKEN not in text
        return
    for value in values:
        _check(value)


def _check(value: Value) -> None:
    text = dump(value)
    assert TOKEN not in text
    assert load(text, source="again") == value
    if isinstance(value, Plan):
        for action in value.actions:
            assert not isinstance(action.before, Unknown), "an action upon what is not known"
            assert isinstance(action.after, Absent) or 0 <= action.after.limit_micros <= MAX_LIMIT


def _changed(known: Answers, decisions: Decisions) -> Mapping[str, Recorded]:
    """Return the answers with one or two of them changed."""
    changed = dict(known)
    for _ in range(1 + decisions.below(2)):
        key = sorted(changed)[decisions.below(len(changed))]
        changed[key] = _changed_answer(changed[key], decisions)
    return changed


def _changed_answer(answer: Recorded, decisions: Decisions) -> Recorded:
    match decisions.below(6):
        case 0:
            return replace(answer, status=STATUSES[decisions.below(len(STATUSES))])
        case 1:
            return replace(answer, headers={"content-type": TYPES[decisions.below(len(TYPES))]})
        case 2:
            at, length = decisions.below(len(answer.body)), decisions.below(300)
            piece = bytes(decisions.below(256) for _ in range(decisions.below(64)))
            return replace(answer, body=answer.body[:at] + piece + answer.body[at + length :])
        case _:
            try:
                document = json.loads(answer.body)
            except ValueError:
                return replace(answer, body=decisions.rest())
            return replace(answer, body=json.dumps(edited(document, decisions)).encode())
