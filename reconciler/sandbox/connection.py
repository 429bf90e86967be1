"""What ASGI has no words for: ending a connection without an answer, within one, or by a reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

_EXTENSION = "sandbox"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Protocol(HttpToolsProtocol):
    """Be uvicorn's protocol, and show the application its transport: some faults act on the connection itself."""

    def on_message_begin(self) -> None:
        """Add the transport to the scope, as an extension."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"transport": self.transport}}


async def close(scope: Scope, receive: Receive) -> None:
    """Close the connection after what was sent; return when it is gone."""
    scope["extensions"][_EXTENSION]["transport"].close()
    await _end(receive)


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection; return when it is gone."""
    transport = scope["extensions"][_EXTENSION]["transport"]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    await _end(receive)


class Delays:
    """Hold up answers for a time, or until they are released."""

    def __init__(self) -> None:
        self._timeouts: set[asyncio.Timeout] = set()

    async def stays(self, receive: Receive, seconds: float) -> bool:
        """Wait; return early, with False, when the connection ends before."""
        timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                self._timeouts.add(timeout)
                await _end(receive)
        except TimeoutError:
            return True
        finally:
            self._timeouts.discard(timeout)
        return False

    def release(self) -> None:
        """End the waits of now; answers that come later wait their time."""
        for timeout in self._timeouts:
            if not timeout.expired():
                timeout.reschedule(asyncio.get_running_loop().time())


async def stays_until(receive: Receive, event: asyncio.Future[None]) -> bool:
    """Wait for the event; return early, with False, when the connection ends before."""
    end = asyncio.ensure_future(_end(receive))
    try:
        await asyncio.wait((event, end), return_when=asyncio.FIRST_COMPLETED)
        return event.done()
    finally:
        end.cancel()


async def _end(receive: Receive) -> None:
    """Wait for the end of the connection: until it has come, uvicorn complains about an answer that is not whole."""
    while (await receive())["type"] != "http.disconnect":
        pass
