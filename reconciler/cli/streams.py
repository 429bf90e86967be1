"""The two streams of a command: stdout in one piece for the result, stderr for everything else."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from typing import TextIO

import click

from reconciler.errors import ReconcilerError
from reconciler.render.text import harmless, text_of


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


def write_paths(paths: Iterable[str]) -> None:
    """Write the paths of files to stdout, a line each; Coder gave some of their names."""
    write(text_of(map(harmless, paths)))


def write_document(text: str) -> None:
    """Write what a program reads, like `write`: in UTF-8 in any locale."""
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
