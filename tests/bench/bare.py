"""The floor for a plan: the same requests over clients of httpx as anybody makes them. Run as a script.

Arguments: a JSON file with what to send, and how many at once. What to send is a list of waves: each needs ids from the
one before, so no program can send it earlier. The answers are read and dropped.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx

from reconciler.coder.pool import run_in_order

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Given, so that no client reads all the authorities that there are."""


def new_client() -> httpx.Client:
    """Return a client for one thread that sends the token."""
    headers = {"Coder-Session-Token": os.environ["CODER_SESSION_TOKEN"]}
    return httpx.Client(headers=headers, trust_env=False, verify=_NO_TLS)


def main() -> None:
    """Send them all."""
    waves = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    url, width = os.environ["CODER_URL"], int(sys.argv[2])
    idle: list[httpx.Client] = []

    def send(one: dict[str, Any]) -> None:
        client = idle.pop() if idle else new_client()
        client.request(one["method"], url + one["path"], json=one["body"])
        idle.append(client)

    for wave in waves:
        run_in_order(lambda index, wave=wave: send(wave[index]), len(wave), width=lambda: width)  # type: ignore[misc]


if __name__ == "__main__":
    main()
