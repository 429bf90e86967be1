"""The floor for a command: the same requests over the product's own transport, the answers dropped. Run as a script.

Arguments: a JSON file with what to send, and how many at once. What to send is a list of waves: each needs ids from the
one before, so no program can send it earlier.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.coder.connection import Connection
from reconciler.coder.exchange import Request
from reconciler.coder.transport import Transport


def new_transport(width: int) -> Transport:
    """Return the transport to what the environment names."""
    url, token = os.environ["CODER_URL"], os.environ["CODER_SESSION_TOKEN"]
    return Transport(Connection(url=url, token=token, parallelism=width))


def request_of(sent: Mapping[str, Any]) -> Request:
    """Return a request that was recorded, to send it again."""
    body = None if sent["body"] is None else json.dumps(sent["body"]).encode()
    return Request(sent["method"], sent["path"], body=body)


def main() -> None:
    """Send them all."""
    waves: Sequence[Sequence[Mapping[str, Any]]] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    transport = new_transport(int(sys.argv[2]))
    for wave in waves:
        transport.send_all([request_of(sent) for sent in wave], lambda _: None)


if __name__ == "__main__":
    main()
