"""From the environment to a reader and a writer of one Coder deployment."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from enum import Enum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from reconciler.cli.progress import Progress
from reconciler.cli.streams import tell
from reconciler.core.moment import MOST_APART
from reconciler.dataclass import dataclass
from reconciler.errors import FileError
from reconciler.words import span, wait

if TYPE_CHECKING:
    from reconciler.coder.client import CoderReader, MakeWire
    from reconciler.coder.connection import Connection
    from reconciler.coder.http import SeenRequest
    from reconciler.coder.writer import CoderWriter
    from reconciler.core.moment import Moment

LONG_WAIT_S = 5.0
CLOCK_TOLERANCE_S = 120.0
MAX_READS = 64
"""In flight, where it is found out; coder/width.py has the same number, and a test compares them."""


class Dates(Enum):
    """Which dates a command compares with the time: what it says where two clocks differ by minutes, and by days."""

    ENTRIES = (
        "`starts` and `expires` follow this machine's clock",
        "entries with a date between the two clocks are left alone",
    )
    CONSENTS = ("consents end by this machine's clock", "consents end by the clock that is ahead")
    """With --at the entries are compared with the instant that was asked for."""
    OWN = ("dates follow this machine's clock", "dates follow this machine's clock")
    CODERS = ("dates follow this machine's clock", "dates follow Coder's clock")
    """Of a budget period and its spend, which are Coder's."""
    NONE = ("", "")

    def note(self, server_ahead_s: float | None) -> str:
        """Return what to say of the two clocks; empty where they agree, and where no date depends on them."""
        if self is Dates.NONE or server_ahead_s is None or abs(server_ahead_s) <= CLOCK_TOLERANCE_S:
            return ""
        minutes, days = self.value
        consequence = days if abs(server_ahead_s) >= MOST_APART.total_seconds() else minutes
        word = "behind" if server_ahead_s > 0 else "ahead of"
        return f"Note: this machine's clock is {span(server_ahead_s)} {word} Coder's; {consequence}."


def dates_at(moment: Moment) -> Dates:
    """Return which dates a plan for this moment compares with the time."""
    return Dates.ENTRIES if moment.is_for_now else Dates.CONSENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What the options say of the server; opening it reads the environment."""

    parallelism: int | None
    """Reads in flight; None to find it out."""
    max_requests: int | None
    max_wait_s: int
    """In all, for each of reader and writer."""
    shows_requests: bool = False
    """--debug."""
    reading: Progress = field(default_factory=lambda: Progress("Reading", "requests"), compare=False)
    """How far the reads are; apply ends it when it begins to write."""

    @property
    def writes(self) -> int:
        """How many writes may be in flight at most: half of the reads."""
        return max(1, (self.parallelism if self.parallelism is not None else MAX_READS) // 2)

    @contextmanager
    def reader(self, *, sleep: Callable[[float], None] = time.sleep, dates: Dates = Dates.OWN) -> Iterator[CoderReader]:
        """Open a reader: it has no method that writes. `sleep` is how it waits before it asks again."""
        from reconciler.coder.client import World, open_reader

        connection = self.connection()
        make_wire = self._watched(connection)
        world = World(sleep=Waits(sleep))
        with open_reader(connection, progress=self.reading, world=world, make_wire=make_wire) as reader:
            yield reader
            if note := dates.note(reader.server_ahead_s):
                tell(note)

    @contextmanager
    def writer(self, *, plan_digest: str, sleep: Callable[[float], None]) -> Iterator[CoderWriter]:
        """Open a writer, whose User-Agent names the plan in Coder's audit log."""
        from reconciler.coder.client import World, open_writer

        limit = self.writes if self.parallelism is not None else None
        connection = replace(self.connection(), parallelism=limit, is_for_writes=True)
        make_wire = self._watched(connection)
        suffix, world = f"plan/{plan_digest}", World(sleep=Waits(sleep))
        with open_writer(connection, user_agent_suffix=suffix, world=world, make_wire=make_wire) as writer:
            yield writer

    def connection(self) -> Connection:
        """Return where Coder is and how to speak to it. Raises ReconcilerError when the environment does not say."""
        from reconciler.coder.connection import connection_from

        connection = connection_from(os.environ, _read_file, platform=sys.platform)
        return replace(
            connection,
            parallelism=self.parallelism,
            max_requests=self.max_requests,
            wait_budget_s=float(self.max_wait_s),
        )

    def _watched(self, connection: Connection) -> MakeWire | None:
        """Return what makes wires that tell of every answer; None without --debug."""
        from reconciler.coder.http import wire_factory

        return wire_factory(connection, watch=show_exchange) if self.shows_requests else None


def show_exchange(exchange: SeenRequest) -> None:
    """Tell of one request on stderr, for --debug; a line a request, in one piece."""
    tell(f"{exchange.method} {exchange.path} {exchange.status} {exchange.took_s * 1000:.0f} ms")


def _read_file(path: PurePath) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None


class Waits:
    """Sleeps, and says on stderr when a long wait begins; once where several threads wait together."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep, self._lock, self._said_until = sleep, threading.Lock(), 0.0

    def __call__(self, seconds: float) -> None:
        with self._lock:
            ends = time.monotonic() + seconds
            if seconds > LONG_WAIT_S and ends > self._said_until + LONG_WAIT_S and sys.stderr is not None:
                self._said_until = ends
                start = "\r\x1b[K" if sys.stderr.isatty() else ""
                tell(f"{start}Waiting {wait(seconds)} for Coder (a rate limit or a restart).")
        self._sleep(seconds)
