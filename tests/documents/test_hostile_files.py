"""A file that somebody else made is read and can be shown, or is refused in a sentence: never a traceback.

Whoever can write a plan can compute its checksum, so the checksum is right here, and everything else may be wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.plan.outcome import replay
from reconciler.core.plan.report import report_of
from reconciler.errors import FileError
from reconciler.formats import documents, journal, plan
from reconciler.render.detail import Detail
from reconciler.render.outcome import outcome_lines, run_lines
from reconciler.render.plan import plan_report

V1 = Path(__file__).parent / "v1"
PLANS = [
    plan.dump_plan(plan.load_plan((V1 / name).read_text(encoding="utf-8"), source=name))
    for name in ("saved.plan", "refused.plan")
]
JOURNAL = "".join(
    journal.dump_event(event)
    for event in journal.load_events((V1 / "run.jsonl").read_text(encoding="utf-8"), source="run.jsonl")
)
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, 0, -1, 10**30, 1.5, "", "x", "user/ana", "a\n::error::b\x1b[2J\u202e", [], {}, ["x"], [[]], [None],
        {"type": "absent"}, {"type": []}, "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    ]
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return the container and the key of every value inside a value, in their order."""
    found: list[tuple[Any, Any]] = []
    _add_places(found, value)
    return found


def _add_places(found: list[tuple[Any, Any]], container: Any) -> None:
    for key, item in container.items() if isinstance(container, dict) else enumerate(container):
        found.append((container, key))
        if isinstance(item, dict | list):
            _add_places(found, item)


def changed(document: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Return a copy with one of its values changed by `change(container, key)`."""
    copy = json.loads(json.dumps(document))
    container = copy
    for key in path[:-1]:
        container = container[key]
    change(container, path[-1])
    return copy


def set_to(value: Any) -> Callable[[Any, Any], None]:
    def change(container: Any, key: Any) -> None:
        container[key] = value

    return change


def with_checksum(document: dict[str, Any]) -> str:
    body = {key: value for key, value in document.items() if key != "checksum"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return json.dumps(body | {"checksum": hashlib.sha256(canonical.encode()).hexdigest()})


@st.composite
def edits(draw: st.DrawFn, document: Any) -> Any:
    """Draw a copy in which a value or two are gone or others. What is chosen from is large, so numbers are drawn."""
    copy = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 2))):
        found = places(copy)
        container, key = found[draw(st.integers(0, len(found) - 1))]
        if draw(st.booleans()) and draw(st.booleans()):
            del container[key]
        else:
            container[key] = deepcopy(draw(VALUES))
    return copy


@given(st.sampled_from([json.loads(text) for text in PLANS]).flatmap(edits))
@settings(max_examples=400)
def test_a_plan_with_a_right_checksum_and_anything_inside(document: Any) -> None:
    try:
        loaded = plan.load_plan(with_checksum(document), source="it")
    except FileError:
        return
    for detail in Detail:
        require_harmless(plan_report(loaded, detail=detail))
    assert plan.load_plan(plan.dump_plan(loaded), source="again") == loaded


@given(st.integers(0, JOURNAL.count("\n") - 1), st.data())
@settings(max_examples=400)
def test_a_journal_with_anything_inside(number: int, data: st.DataObject) -> None:
    lines = JOURNAL.splitlines()
    lines[number] = json.dumps(data.draw(edits(json.loads(lines[number]))))
    try:
        outcome = replay(journal.load_events("\n".join(lines) + "\n", source="it"))
    except (FileError, ValueError):  # cli/outcomes.py makes a FileError of it
        return
    report = report_of(outcome, exit_code=0, journal="a\nb.jsonl")
    require_harmless([*run_lines(report), *outcome_lines(report)])
    assert documents.dump(report)


def require_harmless(lines: list[Any]) -> None:
    """No text of a file starts a line of its own, or reaches a terminal as a command."""
    assert all(character.isprintable() for line in lines for character in line)


def test_the_inputs_of_the_issue() -> None:
    first = json.loads(JOURNAL.splitlines()[0])
    hostile = changed(first, ("actions", 0, "before", "type"), set_to([]))
    with pytest.raises(FileError, match=r"actions\[0\]\.before\.type must be"):
        journal.load_events(json.dumps(hostile) + "\n", source="it")
    for text in PLANS:
        document = json.loads(text)
        if document["effects"]["people"]:
            edited = changed(document, ("effects", "people", 0, "causes"), set_to([]))
            with pytest.raises(FileError, match="has no causes"):
                plan.load_plan(with_checksum(edited), source="it")


@pytest.mark.parametrize("same", ["as it is", "in capitals"])
def test_a_subject_stands_in_a_plan_once(same: str) -> None:
    document = json.loads(PLANS[0])
    twin = json.loads(json.dumps(document["actions"][0]))
    if same == "in capitals":
        twin["subject"]["id"] = twin["subject"]["id"].upper()
    document["actions"].append(twin)
    document.pop("digest")
    with pytest.raises(FileError, match="user/ana appears twice"):
        plan.load_plan(with_checksum(document | {"digest": "x"}), source="it")


@pytest.mark.parametrize("text", [*PLANS, JOURNAL])
def test_a_key_that_stands_in_a_file_twice(text: str) -> None:
    """The checksum is that of the last of the two, which another program would not read."""
    for match in list(re.finditer(r'{\s*("[a-z_]+"): ', text))[1:40]:
        twice = f"{text[: match.start()]}{{{match[1]}: 0, {text[match.start() + 1 :]}"
        with pytest.raises(FileError, match=r"names the key '[a-z_]+' twice"):
            journal.load_events(twice, source="it") if text is JOURNAL else documents.load(twice, source="it")


@pytest.mark.parametrize("limit", [-1, 2**63, 10**30])
def test_a_limit_that_no_server_can_hold_is_refused(limit: int) -> None:
    """`revert` would have sent it."""
    first, _, rest = JOURNAL.partition("\n")
    event = json.loads(first)
    for container, key in [place for place in places(event) if place[1] == "limit_micros"]:
        known, container[key] = container[key], limit
        with pytest.raises(FileError, match="limit_micros must be from 0 to"):
            journal.load_events(f"{json.dumps(event)}\n{rest}", source="forged.jsonl")
        container[key] = known
