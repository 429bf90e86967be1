"""The door of this room: a connection in, a reader or a writer out. A reader cannot write, and a writer reads nothing.

    with open_reader(connection) as reader: ...
    with open_writer(connection, user_agent_suffix="plan/9f8e12ab34cd") as writer: ...

Opening sends nothing; both raise ReconcilerError when the certificates to verify Coder's with cannot be loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from reconciler.coder.connection import Connection
from reconciler.coder.reader import CoderReader
from reconciler.coder.transport import Progress, Transport
from reconciler.coder.waiting import World

if TYPE_CHECKING:
    from reconciler.coder.writer import CoderWriter

__all__ = ["CoderReader", "Progress", "World", "open_reader", "open_writer"]

MakeWire = Callable[[], httpx.BaseTransport]
"""Makes the wire of one thread; given by a test that stands between us and the server."""


def open_reader(
    connection: Connection,
    *,
    progress: Progress | None = None,
    world: World | None = None,
    make_wire: MakeWire | None = None,
) -> CoderReader:
    """Return a reader; `progress` hears of every request."""
    return CoderReader(Transport(connection, progress=progress, world=world, make_wire=make_wire))


def open_writer(
    connection: Connection,
    *,
    user_agent_suffix: str = "",
    world: World | None = None,
    make_wire: MakeWire | None = None,
) -> CoderWriter:
    """Return a writer; the suffix (the plan's digest) reaches Coder's audit log in the User-Agent.

    Raises ValueError when the suffix is not plain text of at most 100 characters.
    """
    from reconciler.coder.writer import CoderWriter

    return CoderWriter(Transport(connection, world=world, make_wire=make_wire), user_agent_suffix=user_agent_suffix)
