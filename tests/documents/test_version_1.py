"""Plans and journals that an earlier reconciler saved: they are shown and reverted as if they were written today."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.budget import Budget
from reconciler.core.plan.outcome import Started, replay
from reconciler.errors import FileError, Place
from reconciler.formats import journal, plan
from reconciler.render.plan import plan_report

V1 = Path(__file__).parent / "v1"


@pytest.mark.parametrize("name", ["saved.plan", "refused.plan"])
def test_a_plan_of_version_1_says_what_it_said(name: str) -> None:
    text = (V1 / name).read_text(encoding="utf-8")
    loaded = plan.load_plan(text, source=name)
    was = json.loads(text)
    assert loaded.digest == was["digest"]
    assert [action.address for action in loaded.actions] == [action["address"] for action in was["actions"]]
    assert len(loaded.effects.people) == len(was["effects"]["people"])
    again = plan.load_plan(plan.dump_plan(loaded), source="again")
    assert plan.dump_plan(again) == plan.dump_plan(loaded)


def test_names_and_places_of_version_1_are_in_the_values() -> None:
    saved = plan.load_plan((V1 / "saved.plan").read_text(encoding="utf-8"), source="saved.plan")
    first = saved.actions[0]
    assert (first.address, first.place) == ("user/ana", Place("policies/company/overrides.yaml", 11, 11))
    assert isinstance(first.after, Budget)
    assert (first.after.group.name, first.after.group.organization) == ("platform", "acme")
    report = "\n".join(plan_report(saved))
    assert "user/ana (platform)" in report
    assert "$50.00 (acme/Everyone) -> $200.00 (acme/eng)" in report


def test_breaches_of_version_1_read_as_they_did() -> None:
    refused = plan.load_plan((V1 / "refused.plan").read_text(encoding="utf-8"), source="refused.plan")
    was = json.loads((V1 / "refused.plan").read_text(encoding="utf-8"))["verdict"]["breaches"]
    assert [str(breach) for breach in refused.verdict.breaches] == [breach["message"] for breach in was]


def test_a_journal_of_version_1() -> None:
    events = journal.load_events((V1 / "run.jsonl").read_text(encoding="utf-8"), source="run.jsonl")
    assert isinstance(events[0], Started)
    outcome = replay(events)
    assert (outcome.is_complete, len(outcome.results)) == (True, 10)
    again = "".join(map(journal.dump_event, events))
    assert journal.load_events(again, source="again") == events
    assert '"version": 2' in again


@pytest.mark.parametrize(
    "change",
    [
        {"actions": [1]},
        {"actions": [{}]},
        {"group_names": []},
        {"effects": None},
        {"verdict": {"breaches": [{"place": "nowhere", "message": ""}]}},
        {"actions": [{"subject": {"type": "group"}}]},
    ],
)
def test_a_damaged_plan_of_version_1_is_one_clear_error(change: dict[str, Any]) -> None:
    document = json.loads((V1 / "saved.plan").read_text(encoding="utf-8")) | change
    del document["checksum"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["checksum"] = hashlib.sha256(canonical.encode()).hexdigest()
    with pytest.raises(FileError, match="is not a plan that this tool wrote"):
        plan.load_plan(json.dumps(document), source="x")


def test_a_damaged_journal_of_version_1_is_one_clear_error() -> None:
    first, _, rest = (V1 / "run.jsonl").read_text(encoding="utf-8").partition("\n")
    damaged = json.dumps(json.loads(first) | {"actions": 5})
    with pytest.raises(FileError, match="line 1 of x is not an event"):
        journal.load_events(f"{damaged}\n{rest}", source="x")
