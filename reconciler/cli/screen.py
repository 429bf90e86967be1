"""Where words go: results to stdout, everything else to stderr; with --json, stdout is exactly one JSON document."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

import click

from reconciler.errors import PolicyError, ReconcilerError, RefusedError
from reconciler.render.text import harmless

_COLORS = {"+": "green", "~": "yellow", "-": "red", "?": "magenta"}
_SIGN = re.compile(r"  ([+~?-]) ")


class Screen:
    """The two streams of one command."""

    def __init__(self, *, wants_json: bool, color: str) -> None:
        """`color` is auto, always or never; auto asks NO_COLOR, FORCE_COLOR and whether stdout is a terminal."""
        self.wants_json = wants_json
        self._has_color = _has_color(color)

    def result(self, text: str) -> None:
        """Print a result for people; with --json it is left to `document`."""
        if not self.wants_json:
            write(_colored(text) if self._has_color else text)

    def document(self, document: dict[str, Any]) -> None:
        """Print the one JSON document; without --json it is left to `result`."""
        if self.wants_json:
            write_document(_json(document))

    def text_or_document(self, text: Callable[[], str], document: Callable[[], str]) -> None:
        """Print the one or the other; only that is made."""
        if self.wants_json:
            write_document(document())
        else:
            self.result(text())

    def note(self, text: str) -> None:
        """Tell something that is not the result."""
        tell(text)


def report_error(error: ReconcilerError, exit_code: int, *, wants_json: bool) -> None:
    """Print an error and what to do about it, to stderr; with --json as the one document on stdout as well.

    Raises nothing: where neither can be written, the exit code still says it.
    """
    tell(error_text(error))
    with suppress(OSError, ReconcilerError):
        if wants_json:
            write_document(_json(error_document(error, exit_code)))


def error_text(error: ReconcilerError) -> str:
    """One sentence, its details, and the hint. Findings stand first, one a block, in the manner of a compiler."""
    lines: list[str] = []
    if isinstance(error, PolicyError):
        for finding in error.findings:
            lines.append(f"{finding.place}: {finding.message}")
            lines += [f"    {text}" for text in (finding.source_line.strip(), finding.hint) if text]
    lines.append(f"Error: {error.message}" + ("" if error.message.endswith((".", "?")) else "."))
    if isinstance(error, RefusedError):
        lines += [f"  {detail}" for detail in error.details]
    lines += [f"  {line}" for line in error.hint.splitlines()]
    return "\n".join(map(harmless, lines))


def error_document(error: ReconcilerError, exit_code: int) -> dict[str, Any]:
    """The same as data."""
    findings = error.findings if isinstance(error, PolicyError) else ()
    return {
        "format": "reconciler error",
        "version": 1,
        "exit_code": exit_code,
        "message": error.message,
        "hint": error.hint,
        "details": list(error.details) if isinstance(error, RefusedError) else [],
        "findings": [
            {
                "file": one.place.file,
                "line": one.place.line,
                "column": one.place.column,
                "message": one.message,
                "hint": one.hint,
            }
            for one in findings
        ],
    }


def write(text: str) -> None:
    """Write lines to stdout in one piece; the newline at their end may be left out.

    Raises BrokenPipeError when nobody reads, ReconcilerError when it is closed.
    """
    if sys.stdout is None:
        raise ReconcilerError("stdout is closed", hint="give the command somewhere to print its result")
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise ReconcilerError(f"stdout cannot be written: {error.strerror}") from None


def write_document(text: str) -> None:
    """Write what a program reads, like `write`: in UTF-8 whatever the locale."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    write(text)


def tell(text: str, *, end: str = "\n") -> None:
    """Write to stderr. Raises nothing: a terminal that went away changes neither the run nor its exit code."""
    if sys.stderr is None:
        return
    try:
        click.echo(f"{text}{end}", err=True, nl=False)
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """Let Python's own flush at exit go nowhere: nobody reads it, and failing it would change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, indent=2, ensure_ascii=False)


def _has_color(choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout is not None and sys.stdout.isatty())


def _colored(text: str) -> str:
    return "\n".join(_colored_line(line) for line in text.split("\n"))


def _colored_line(line: str) -> str:
    sign = _SIGN.match(line)
    return click.style(line, fg=_COLORS[sign[1]]) if sign else line
