"""The output formats, as a table: a format is one module in render/pages/ and one row here.

A page module has one function, `render(values, facts) -> str`: all values are of one kind of document, in the order in
which they were named. Modules are imported when their format is asked for, so that `plan` does not pay for a template
engine. Law 11 (agreement): every amount and count in any format equals the JSON's; tests/documents walks the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from posixpath import join, normpath
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.errors import ListedEntry, MissingPartError, ReconcilerError
from reconciler.formats.documents import Value, document_of
from reconciler.render.detail import Detail

ANY = frozenset({"plan", "drift", "outcome", "explanation", "status", "validation", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One row: which documents the format can show, and the extra of the distribution that it needs."""

    name: str
    documents: frozenset[str]
    needs: str = "a result"
    """What a document must have to make sense in this format; ends the sentence *it needs ...*."""
    extra: str = ""
    has_entries: bool = False
    """Whether it names every entry of the policy, and not only those that something is to be said of."""
    has_problems: bool = True
    """Whether it has room for what is wrong; of one that has none, stderr says why a run ends with an error."""

    @property
    def module(self) -> str:
        return f"reconciler.render.pages.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the run of a command adds to its result. Formats that are compared from run to run must not use it."""

    command: str = ""
    exit_code: int = 0
    at: datetime | None = None
    """When the command ran (UTC)."""
    cost: str = ""
    """`Read 27 requests in 0.9 s.`"""
    detail: Detail = Detail.SUMMARY
    has_color: bool = False
    names_people: bool = False
    """Whether metrics may have a person's name as a label."""
    link_base: str = ""
    """Address of this folder in the commit that CI checked out; empty outside of CI."""
    folder: str = ""
    """Path of this folder from the top of what CI checked out; empty at the top, and outside of CI."""
    entries: tuple[ListedEntry, ...] = ()
    """The entries of the policy, for formats that name each of them. No document holds them: a plan of 100,000 entries
    that need no change is small."""

    def in_checkout(self, path: str) -> str:
        """Return the path of a file from the top of what CI checked out, as its readers look for it."""
        return normpath(join(self.folder, path))


FORMATS: Mapping[str, Format] = {
    row.name: row
    for row in (
        Format(name="text", documents=ANY | {"snapshot"}),
        Format(name="json", documents=ANY | {"snapshot"}),
        Format(name="markdown", documents=ANY | {"snapshot"}),
        Format(name="html", documents=ANY | {"snapshot"}, extra="html"),
        Format(
            name="csv",
            documents=frozenset({"plan", "drift", "outcome", "status", "error"}),
            needs="people or actions, a row each",
            has_problems=False,
        ),
        Format(name="github", documents=ANY, needs="something to say in the log of a step"),
        Format(
            name="gitlab",
            documents=frozenset({"plan", "drift", "error"}),
            needs="changes that may be made, to count",
            has_problems=False,
        ),
        Format(
            name="codequality",
            documents=ANY - {"explanation"},
            needs="problems that have a line in the policy",
        ),
        Format(
            name="junit",
            documents=ANY - {"explanation", "status"},
            needs="entries that pass or fail",
            has_entries=True,
        ),
        Format(
            name="metrics",
            documents=ANY - {"explanation"},
            needs="counts of a run or of everybody",
            extra="metrics",
            has_problems=False,
        ),
    )
}


def formats_of(document: str) -> tuple[str, ...]:
    """Return the names of the formats that can show a kind of document, in the order of the table."""
    return tuple(row.name for row in FORMATS.values() if document in row.documents)


def render(name: str, values: Sequence[Value], facts: Facts) -> str:
    """Render values of one kind in a format; ends in a newline. `values` is not empty.

    Raises ReconcilerError when the format cannot show them, or a library that it needs is not installed.
    """
    row = FORMATS[name]
    kinds = {document_of(value).name for value in values}
    for kind in sorted(kinds - row.documents):
        allowed = ", ".join(formats_of(kind))
        raise ReconcilerError(
            f"format {name} cannot show a document of kind {kind}: it needs {row.needs}", hint=f"use one of: {allowed}"
        )
    if len(kinds) > 1:
        raise ReconcilerError(
            f"documents of different kinds cannot be shown together: {', '.join(sorted(kinds))}",
            hint="show each kind with a command of its own",
        )
    text: str = page_of(name).render(tuple(values), facts)
    return text if text.endswith("\n") else f"{text}\n"


def page_of(name: str) -> Any:
    """Return the module of a format. Raises MissingPartError when a library that it needs is not installed.

    Ask before anything is written to Coder: afterwards it is too late to say so.
    """
    row = FORMATS[name]
    try:
        return import_module(row.module)
    except ModuleNotFoundError as error:
        message = f"format {name} needs the package {error.name}, which is not installed"
        raise MissingPartError(message, part=row.extra) from None
