"""Where a result goes: to stdout in the chosen format, and into the files of --save. Errors go the same ways."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from reconciler.cli import files
from reconciler.cli.checkout import here
from reconciler.cli.exits import DIFFERENCES, DONE
from reconciler.cli.streams import tell, write, write_document
from reconciler.dataclass import dataclass
from reconciler.errors import (
    FileError,
    ListedEntry,
    ListEntries,
    PolicyError,
    ReconcilerError,
    RefusedError,
    failure_of,
)
from reconciler.formats.documents import Value
from reconciler.render.detail import Detail
from reconciler.render.failure import failure_lines
from reconciler.render.formats import FORMATS, Facts, render
from reconciler.render.text import text_of

SAVE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """`--save FORMAT=FILE`."""

    format: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the options say of the result: one format for stdout, and files."""

    format: str = "text"
    saves: tuple[Save, ...] = ()
    save_mode: int = SAVE_MODE
    names_people: bool = False
    """Whether metrics may have a person's name as a label."""

    def list_for(self, entries: ListEntries) -> tuple[ListedEntry, ...]:
        """Return the entries of the policy if a format of the run names each of them; else none, at no cost."""
        names = (self.format, *(save.format for save in self.saves))
        return tuple(entries()) if any(FORMATS[name].has_entries for name in names) else ()

    def facts(self, command: str, *, exit_code: int, entries: ListEntries = tuple) -> Facts:
        """Return what every page of a run is told; now, without colours."""
        place = here()
        return Facts(
            command=command,
            exit_code=exit_code,
            at=datetime.now(UTC),
            names_people=self.names_people,
            link_base=place.link_base,
            folder=place.folder,
            entries=self.list_for(entries),
        )

    def save(self, values: Sequence[Value], facts: Facts) -> None:
        """Write every file of `--save`, whole or not at all, and what GitHub asks for.

        Raises FileError for the first file that cannot be written.
        """
        for save in self.saves:
            files.write_private(save.path, render(save.format, values, facts), mode=self.save_mode)
        self.publish(values, facts)

    def publish(self, values: Sequence[Value], facts: Facts) -> None:
        """Write the outputs and the summary of a step of GitHub, once, where the format `github` is asked for."""
        if "github" in {self.format, *(save.format for save in self.saves)}:
            from reconciler.cli.github import publish_to_github  # needs pages that no other format needs

            for problem in publish_to_github(values, facts, os.environ):
                tell(problem)


class Screen:
    """The two streams of one command, and the files that get its result too."""

    def __init__(self, *, command: str, output: Output, color: str) -> None:
        """`color` is auto, always or never; auto asks NO_COLOR, FORCE_COLOR and whether stdout is a terminal."""
        self._command, self._output = command, output
        self._has_color = _has_color(color)

    @property
    def wants_text(self) -> bool:
        return self._output.format == "text"

    def report(self, lines: Iterable[str]) -> None:
        """Print lines for people; any other format than text leaves them to `finish`."""
        shown = list(lines)
        if self.wants_text and shown:
            write(text_of(shown, has_color=self._has_color))

    def finish(
        self,
        values: Sequence[Value],
        *,
        exit_code: int,
        cost: str = "",
        detail: Detail = Detail.SUMMARY,
        lines: Iterable[str] | None = None,
        entries: ListEntries = tuple,
        is_quiet: bool = False,
        is_done: bool = False,
    ) -> None:
        """Save the result in every file, then print it; `lines` stand for the whole page where stdout is text.

        `entries` are those of the policy, for formats that name each of them. With `is_quiet`, text is not printed.
        With `is_done` something was written to Coder: then the result is printed even where a file cannot be saved.
        """
        facts = replace(
            self._output.facts(self._command, exit_code=exit_code, entries=entries), cost=cost, detail=detail
        )
        try:
            self._output.save(values, facts)
        except FileError as error:
            if not is_done:
                raise
            tell(text_of(failure_lines(failure_of(error, exit_code=exit_code))))
        if self.wants_text and is_quiet:
            return
        facts = replace(facts, has_color=self._has_color)
        if self.wants_text:
            self.report(lines if lines is not None else [render("text", values, facts)])
            return
        write_document(render(self._output.format, values, facts))
        if exit_code not in (DONE, DIFFERENCES) and not FORMATS[self._output.format].has_problems:
            from reconciler.render.problems import problem_lines  # `validate` needs nothing of it

            tell(text_of(problem_lines(values)))

    def require_other(self, path: str, what: str) -> None:
        """Raise FileError when a file of --save is the same as another file of the run."""
        for save in self._output.saves:
            if os.path.realpath(save.path) == os.path.realpath(path):
                raise FileError(f"{what} and --save {save.format} would be one file, {path}", hint="name two files")

    def note(self, text: str) -> None:
        """Tell something that is not the result."""
        tell(text)


def output_of(arguments: Sequence[str]) -> Output:
    """Return what command-line arguments ask for, as far as it can be understood: for errors, usage errors included."""
    format_name, saves = "text", []
    for argument, value in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, attached = argument.partition("=")
        given = attached if equals else value
        if argument == "--json":
            format_name = "json"
        elif name == "--format" and given in FORMATS:
            format_name = given
        elif name == "--save" and given.partition("=")[0] in FORMATS and given.partition("=")[2]:
            saves.append(Save(format=given.partition("=")[0], path=given.partition("=")[2]))
    return Output(format=format_name, saves=tuple(saves))


def report_error(error: ReconcilerError, exit_code: int, output: Output, *, command: str) -> None:
    """Print an error and what to do about it, to stderr; in any format but text on stdout and in the files as well.

    Where the error has a document of its own, that is printed and saved. Raises nothing: where it cannot be written,
    the exit code still says it.
    """
    failure = failure_of(error, exit_code=exit_code)
    was_shown = isinstance(error, RefusedError) and error.was_shown
    tell(text_of(failure_lines(replace(failure, details=()) if was_shown else failure)))
    value: Value = failure if error.document is None else cast("Value", error.document)
    entries = error.entries if isinstance(error, PolicyError) else tuple
    facts = output.facts(command, exit_code=exit_code, entries=entries)
    for save in output.saves:
        with suppress(OSError, ReconcilerError):
            files.require_savable(save.path)
            files.write_private(save.path, render(save.format, (value,), facts), mode=output.save_mode)
    with suppress(OSError, ReconcilerError):
        output.publish((value,), facts)
    if output.format != "text":
        with suppress(OSError, ReconcilerError):
            write_document(render(output.format, (value,), facts))


def _has_color(choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout is not None and sys.stdout.isatty())
