"""Where live state comes from: the server that the environment names, or a snapshot of it (`--live FILE`)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from reconciler.cli import files
from reconciler.cli.options.given import is_given
from reconciler.cli.sections import ConnectionOption
from reconciler.cli.server import Dates, ServerOptions
from reconciler.cli.streams import tell
from reconciler.core.recording import Recording
from reconciler.dataclass import dataclass
from reconciler.errors import FileError
from reconciler.formats import document
from reconciler.formats.documents import DOCUMENTS, load
from reconciler.operations.ports import ActivityReader
from reconciler.render.text import day, distance

_TITLE = DOCUMENTS["snapshot"].title


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What to read from."""

    server: ServerOptions
    recording: Recording | None

    @property
    def snapshot_at(self) -> datetime | None:
        """When the snapshot was made; None for the server itself."""
        return self.recording.at if self.recording is not None else None

    @contextmanager
    def reader(self, *, dates: Dates = Dates.CODERS) -> Iterator[ActivityReader]:
        """Open a reader; of a snapshot it sends no request and needs no token."""
        if self.recording is not None:
            from reconciler.operations.recorded import RecordedReader

            made_at = self.recording.at
            tell(f"Note: live state is from a snapshot of {day(made_at)}, made {distance(made_at, datetime.now(UTC))}.")
            yield RecordedReader(self.recording)
            return
        with self.server.reader(dates=dates) as reader:
            yield reader


def live_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--live; stands above the server's options. The command gets a `live` to open a reader of, and no `server`."""

    @click.option(
        "--live", "live_path", type=click.Path(), metavar="FILE",
        help="Read a file of `reconciler snapshot` instead of the server; needs no token.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(*args: Any, live_path: str | None, server: ServerOptions, **kwargs: Any) -> Any:
        if live_path is not None:
            _require_no_connection()
        recording = None if live_path is None else load_recording(live_path)
        return function(*args, live=Live(server=server, recording=recording), **kwargs)

    return wrapper


def _require_no_connection() -> None:
    """Raise UsageError for an option about the server on the command line: a snapshot asks none."""
    for parameter in click.get_current_context().command.params:
        if isinstance(parameter, ConnectionOption) and is_given(str(parameter.name)):
            name = parameter.opts[0]
            raise click.UsageError(f"--live reads a snapshot and asks no server; leave out {name}, or --live")


def load_recording(path: str) -> Recording:
    """Read a snapshot. Raises FileError when the file is anything else."""
    text = files.read_text(path)
    if document.name_of(text) != _TITLE:
        raise FileError(f"{path} is not a snapshot", hint="name a file that `reconciler snapshot -o FILE` wrote")
    value = load(text, source=path)
    assert isinstance(value, Recording)  # noqa: S101  # the row of the table says so
    return value
