"""How many requests a second the product's transport makes, without the start of the process. Run as a script.

Arguments: a JSON file with what to send, and how many at once (`auto` to let the width find itself). Prints the rate,
and how many were in flight on average.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from reconciler.coder.connection import Connection
from reconciler.coder.exchange import Request
from reconciler.coder.transport import Transport


def main() -> None:
    """Send them all and print the rate."""
    asked = [Request("GET", one["path"]) for one in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))]
    url, token = os.environ["CODER_URL"], os.environ["CODER_SESSION_TOKEN"]
    width = None if sys.argv[2] == "auto" else int(sys.argv[2])
    transport = Transport(Connection(url=url, token=token, parallelism=width))
    widths: list[int] = []
    started = time.perf_counter()
    transport.send_all(asked, lambda answer: widths.append(transport.width))
    rate = len(asked) / (time.perf_counter() - started)
    sys.stdout.write(f"{rate:.1f} {sum(widths) / len(widths):.1f}\n")


if __name__ == "__main__":
    main()
