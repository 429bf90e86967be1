"""The floor for a plan: the same requests over the product's own client set-up, and nothing else. Run as a script.

Arguments: a JSON file with what to send, and how many at once. What to send is a list of waves: each needs ids from the
one before, so no program can send it earlier. The answers are read and dropped.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from reconciler.coder.connection import Connection
from reconciler.coder.http import client_factory
from reconciler.coder.pool import run_in_order


def main() -> None:
    """Send them all."""
    waves = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    url, width = os.environ["CODER_URL"], int(sys.argv[2])
    make = client_factory(Connection(url=url, token=os.environ["CODER_SESSION_TOKEN"]))
    idle: list[httpx.Client] = []

    def send(one: dict[str, Any]) -> None:
        client = idle.pop() if idle else make()
        client.request(one["method"], url + one["path"], json=one["body"])
        idle.append(client)

    for wave in waves:
        run_in_order(lambda index, wave=wave: send(wave[index]), len(wave), width=lambda: width)  # type: ignore[misc]


if __name__ == "__main__":
    main()
