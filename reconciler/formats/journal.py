"""Journals, version 2: events to lines of JSON and back. Published as schemas/journal.v2.schema.json.

A line is an event; a journal whose last line is broken off was cut by a crash, and is read up to there. A broken line
anywhere else is damage, and refused. Lines are ASCII, so that no cut makes the rest unreadable, and a file name that is
no UTF-8 comes back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from reconciler.core.plan.outcome import Event
from reconciler.errors import FileError
from reconciler.formats import codec, document
from reconciler.formats.upgrade import event_from_v1

NAME = document.JOURNAL
VERSION = 2
HINT_JOURNAL = "name the journal of the run: in .reconciler/, or where its --journal said"
HINT_DAMAGED = "copy the journal once more from where its run wrote it; `reconciler plan` shows what differs now"


def dump_event(event: Event) -> str:
    """Write an event as one line; the first one of a journal names format and version."""
    body = codec.encode(event, Event)
    if body["type"] == "started":
        body = {"format": NAME, "version": VERSION, **body}
    return json.dumps(body) + "\n"


def load_events(text: str, *, source: str) -> tuple[Event, ...]:
    """Read a journal's events in order. Raises FileError naming the line that is not an event."""
    return tuple(_events(text, source))


def _events(text: str, source: str) -> Iterator[Event]:
    """Yield the events, a line each; what follows the last end of a line was cut off, and is left out."""
    lines, version = text.split("\n"), VERSION
    for number, line in enumerate(lines[:-1], start=1):
        if number == 1 and not line.lstrip().startswith("{"):
            raise FileError(f"{source} is not a {NAME}", hint=HINT_JOURNAL)
        body = document.parse_object(line, source=f"line {number} of {source}", hint=HINT_DAMAGED)
        if number == 1:
            if body.pop("format", None) != NAME:
                raise FileError(f"{source} is not a {NAME}")
            version = document.require_version(body, VERSION, source=source, oldest=1)
            del body["version"]
        elif body.get("format") == NAME:
            raise FileError(
                f"{source} holds more than one run: another journal begins on line {number}",
                hint="keep each journal in a file of its own",
            )
        try:
            body = event_from_v1(body) if version == 1 else body
            event: Event = codec.decode(Event, body)
        except ValueError as error:
            raise FileError(f"line {number} of {source} is not an event: {error}", hint=HINT_DAMAGED) from None
        yield event
