"""Saved documents and journals with anything inside: refused in one sentence, or shown in every format.

The first byte chooses a document, the second whether the rest is its text or edits of it. Whoever can write a file can
compute its checksum, so an edited document has the right one.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from prometheus_client.parser import text_string_to_metric_families

from reconciler.core.plan.outcome import replay
from reconciler.core.plan.report import report_of
from reconciler.errors import FileError
from reconciler.formats import document, journal
from reconciler.formats.documents import Value, document_of, dump, load
from reconciler.render.detail import Detail
from reconciler.render.formats import Facts, formats_of, render
from tests.documents import samples
from tests.fuzz.edits import Decisions, edited
from tests.fuzz.targets.recorded import results

V1 = Path(samples.__file__).parent / "v1"


def documents(data: bytes) -> None:
    """Read a document; show it in every format that shows its kind."""
    decisions = Decisions(data)
    base = _bases()[decisions.below(len(_bases()))]
    text = _changed(base, decisions)
    try:
        value = _load(text)
    except FileError as error:
        _check_error(error)
        return
    assert load(dump(value), source="again") == value
    for name in formats_of(document_of(value).name):
        for detail in Detail:
            _check(name, render(name, (value,), Facts(command="show", detail=detail)))


def _check_error(error: FileError) -> None:
    assert len(error.message) < 1_000, error.message
    assert error.message.isprintable(), error.message


def _load(text: str) -> Value:
    if document.name_of(text) != journal.NAME:
        return load(text, source="it")
    try:
        outcome = replay(journal.load_events(text, source="it"))
    except ValueError as error:  # as cli/outcomes.py
        raise FileError(f"it is not the journal of one run: {error}") from None
    return report_of(outcome, exit_code=0, journal="a\nb.jsonl")


@cache
def _bases() -> tuple[str, ...]:
    """Return the text of one document of each kind, of old versions too, and of two journals."""
    old = [path.read_text(encoding="utf-8") for path in sorted(V1.iterdir()) if path.suffix in (".plan", ".jsonl")]
    new = "".join(
        journal.dump_event(event)
        for event in journal.load_events((V1 / "run.jsonl").read_text(encoding="utf-8"), source="run.jsonl")
    )
    values = [*samples.values().values(), *results()]
    return (*map(dump, values), new, *old)


def _changed(base: str, decisions: Decisions) -> str:
    is_journal = document.name_of(base) == journal.NAME
    how = decisions.below(4)
    if how == 0:
        return decisions.rest().decode("utf-8", "replace")
    if how == 1:  # damaged: a piece of the text is something else, or gone
        at, length = decisions.below(len(base)), decisions.below(200)
        return base[:at] + decisions.rest().decode("utf-8", "replace") + base[at + length :]
    if is_journal:
        lines = [json.loads(line) for line in base.splitlines()]
        return "".join(json.dumps(line) + "\n" for line in edited(lines, decisions))
    return _with_checksum(edited(json.loads(base), decisions))


def _with_checksum(body: Any) -> str:
    if not isinstance(body, dict):
        return json.dumps(body)
    body.pop("checksum", None)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    whole = {key: body[key] for key in ("format", "version") if key in body} | body
    checksum = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    return json.dumps(whole | {"checksum": checksum})


def _check(name: str, text: str) -> None:
    """A page is what its readers' programs can read, and no text in it is a command."""
    assert text.endswith("\n")
    text.encode()
    if name in ("text", "markdown", "github", "junit", "html"):
        strange = {character for character in text if not character.isprintable()} - {"\n"}
        assert not strange, (name, strange)
    if name in ("json", "codequality", "gitlab"):
        json.loads(text)
    if name == "junit":
        ElementTree.fromstring(text)  # our own text
    if name == "metrics":
        assert all(family.samples is not None for family in text_string_to_metric_families(text))
    if name == "csv":
        assert not any(cell.startswith(("=", "+", "@", "\t")) for cell in _cells(text))


def _cells(text: str) -> Iterator[str]:
    for row in csv.reader(text.splitlines()):
        yield from row
