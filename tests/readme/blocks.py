"""The README's blocks: files that it tells the reader to write, and commands with the outputs that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CUT = "…\n"
README = Path(__file__).parent.parent.parent / "README.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VOLATILE = (
    (re.compile(r"^At the pace of .*\n", re.MULTILINE), ""),  # whether there is one depends on the day of the month
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:8090"),
    (re.compile(r"in \d+\.\d s\."), "in 0.1 s."),
    (re.compile(r"Read \d+ requests in"), "Read 21 requests in"),  # what is asked ahead depends on what comes first
    (re.compile(r"(on 20\d\d-\d\d-\d\d) \d\d:\d\d UTC"), r"\1 15:00 UTC"),
    (re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-11-23T15:00:00Z"),
    (re.compile(r"(snapshot of \S+), \d+ minutes? ago"), r"\1, now"),
    (re.compile(r"\d\d:\d\d:\d\d UTC"), "15:00:00 UTC"),
    (re.compile(r"by \S+@\S+ with reconciler"), "by ana@laptop with reconciler"),
    (re.compile(r"curl/[\d.]+"), "curl/8.5.0"),
    (re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{12})-[0-9a-f]{8}"), r"20261123T150012Z-\1-1a2b3c4d"),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file whose first line is a comment with its path."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command line and the output below it: stdout, then stderr; after `…` only the end of the output."""

    line: str
    output: str

    def shown(self, output: str) -> str:
        """Return what the README shows of an output: all of it, or as many last lines as now."""
        if not self.output.startswith(CUT):
            return output
        lines = self.output.count("\n") - 1
        return CUT + "".join(output.splitlines(keepends=True)[-lines:])


def blocks(text: str) -> list[File | Command]:
    """Return files and commands in the order in which a reader meets them."""
    found: list[File | Command] = []
    for kind, body in _BLOCK.findall(text):
        named = re.match(r"# (\S+\.yaml)\n", body)
        if kind == "yaml" and named:
            found.append(File(named[1], body))
        elif kind == "console":
            found += _commands(body)
    return found


def with_outputs(text: str, outputs: list[str]) -> str:
    """Return the text with these outputs below its commands, in their order."""
    left = iter(outputs)

    def refill(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        body = "".join(f"$ {command.line}\n{command.shown(next(left))}" for command in _commands(match[2]))
        return f"```console\n{body}```"

    return _BLOCK.sub(refill, text)


def settled(output: str) -> str:
    """Replace what differs from run to run: ports, times, names of runs; and dates, which move with today."""
    for pattern, replacement in _VOLATILE:
        output = pattern.sub(replacement, output)
    return output


def within_a_day(work: Callable[[], T]) -> T:
    """Do work whose dates move with today; once more if midnight, in UTC, came in between."""
    day = datetime.now(UTC).date()
    result = work()
    return result if datetime.now(UTC).date() == day else within_a_day(work)


def moved(text: str, *, since: date) -> str:
    """Shift every date by the days that passed since it was written."""
    passed = datetime.now(UTC).date() - since
    return re.sub(r"\b20\d\d-\d\d-\d\d\b", lambda day: str(date.fromisoformat(day[0]) + passed), text)


def moved_back(text: str, *, since: date) -> str:
    """Undo `moved`."""
    passed = datetime.now(UTC).date() - since
    return re.sub(r"\b20\d\d-\d\d-\d\d\b", lambda day: str(date.fromisoformat(day[0]) - passed), text)


def _commands(body: str) -> list[Command]:
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)[1:]
    return [Command(line, output) for line, output in zip(parts[::2], parts[1::2], strict=True)]
