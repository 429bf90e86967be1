"""What the libraries of a plan take alone: the events of a policy, the requests, the answers parsed. Run as a script.

Nothing is kept, checked or compared, so no plan in Python over PyYAML and httpx can take less. Arguments: the policy, a
JSON file with the requests, and how many at once.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path

import httpx
import yaml

from reconciler.coder.pool import run_in_order

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Given, so that no client reads all the authorities that there are."""


def main() -> None:
    """Do what has to be done, and nothing with it."""
    get_event = yaml.CSafeLoader(Path(sys.argv[1]).read_bytes()).get_event
    while get_event() is not None:
        pass
    paths = [request["path"] for request in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))]
    url = os.environ["CODER_URL"]
    headers = {"Coder-Session-Token": os.environ["CODER_SESSION_TOKEN"]}
    idle: list[httpx.Client] = []

    def read(path: str) -> None:
        client = idle.pop() if idle else httpx.Client(headers=headers, trust_env=False, verify=_NO_TLS)
        answer = client.get(url + path)
        if answer.headers.get("content-type", "").startswith("application/json"):
            json.loads(answer.content)
        idle.append(client)

    run_in_order(lambda index: read(paths[index]), len(paths), width=lambda: int(sys.argv[3]))


if __name__ == "__main__":
    main()
