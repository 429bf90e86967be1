"""The floor: the same requests by the fastest client to be had for Python: pyreqwest, written in Rust. Run as a script.

Arguments as of bare.py. It needs the extra `bench`; without it this row is left out. The answers are read and dropped.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from pyreqwest.client import Client, ClientBuilder  # type: ignore[import-not-found,unused-ignore]


async def send_all(waves: list[list[dict[str, Any]]], width: int) -> None:
    """Send each wave with at most `width` requests in flight."""
    builder = ClientBuilder().default_headers({"Coder-Session-Token": os.environ["CODER_SESSION_TOKEN"]})
    async with builder.build() as client:
        for wave in waves:
            left = iter(wave)
            await asyncio.gather(*(_send(client, left) for _ in range(min(width, len(wave)))))


async def _send(client: Client, left: Any) -> None:
    for item in left:
        request = client.request(item["method"], os.environ["CODER_URL"] + item["path"])
        if item["body"] is not None:
            request = request.body_json(item["body"])
        answer = await request.build().send()
        await answer.bytes()


if __name__ == "__main__":
    asyncio.run(send_all(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), int(sys.argv[2])))
    os._exit(0)  # its threads crash the interpreter's own end (0.15.1)
