"""Law 11 (agreement) over the whole table: no format states an amount or a count of its own.

Every amount of dollars on any page of any document is one of the JSON's, or the difference of a pair of them. The tests
of each format (test_formats.py) say which amounts must be there; this one says that nothing else is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given, settings

from reconciler.core.attribution import Attribution
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import ActionOutcome, Ended, Ending, Result
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport, report_without_changes
from reconciler.formats.documents import Value, document_of, dump
from reconciler.money import Micros, parse_usd
from reconciler.render.detail import Detail
from reconciler.render.formats import FORMATS, Format, render
from tests.documents.samples import FACTS
from tests.documents.test_formats import PLANS
from tests.effects.worlds import NOW
from tests.together import check_all

ROWS = [row for row in FORMATS.values() if row.name != "json"]
FACTS_IN_FULL = replace(FACTS, detail=Detail.PEOPLE, names_people=True)
_USD = re.compile(r"\$(\d[\d,]*(?:\.\d+)?)")
_CENT = 10_000
_DOLLAR = 1_000_000


def documents(made: Plan) -> tuple[Value, ...]:
    """The plan, the drift and the outcome that come of it."""
    results = tuple(ActionOutcome(action=action, result=Result.DONE, detail="") for action in made.actions)
    ended = Ended(ending=Ending.COMPLETED, why="", is_verified=True, differences=(), not_verified=0, at=NOW)
    outcome: OutcomeReport = replace(report_without_changes(made, exit_code=0), run="r", results=results, ended=ended)
    return made, Drift(plan=made, last_changes=Attribution(changes=())), outcome


def amounts_of(document: Any) -> set[int]:
    """Every amount of a document, and how far apart those of one object are (before and after)."""
    amounts: set[int] = {0}
    for value in _objects(document):
        micros = [number for key, number in _amounts(value)]
        amounts.update(micros)
        amounts.update(abs(one - another) for one in micros for another in micros)
    return amounts


def sums_of_moved(made: Plan) -> set[int]:
    """The sums over the people of the JSON whose spend is counted anew: of what they leave, and of what they find."""
    left = [person.spend_before_micros for person in made.effects.moved]
    found = [person.spend_after_micros for person in made.effects.moved]
    return {sum(spend for spend in spends if isinstance(spend, int)) for spends in (left, found)}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part)


def _amounts(value: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for key, part in value.items():
        if key.endswith("_micros") and isinstance(part, int):
            yield key, part
        elif isinstance(part, dict) and isinstance(part.get("limit_micros"), int):
            yield key, part["limit_micros"]


@settings(deadline=None, max_examples=25)
@given(made=PLANS)
def test_every_amount_is_one_of_the_json(made: Plan) -> None:
    for value in documents(made):
        amounts = amounts_of(json.loads(dump(value))) | sums_of_moved(made)
        rounded = {amount // unit * unit for amount in amounts for unit in (_CENT, _DOLLAR)}
        rounded |= {-(-amount // unit) * unit for amount in amounts for unit in (_CENT, _DOLLAR)}
        rows = {row.name: row for row in ROWS if document_of(value).name in row.documents}
        check_all(partial(_require_stated, value, amounts | rounded), rows)


def _require_stated(value: Value, amounts: set[int], row: Format) -> None:
    page = render(row.name, (value,), FACTS_IN_FULL)
    stated = {parse_usd(text, maximum=Micros(10**18)) for text in _USD.findall(page)}
    assert stated <= amounts, sorted(stated - amounts)
