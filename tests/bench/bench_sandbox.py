"""The stand-in Coder itself: simple GETs a second, bulk reads, start to first answer, seeding of large companies.

The server is a process of its own; the client is a bare socket, so that next to nothing but the server is measured.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench.results import Report, median
from tests.bench.share import Share

WEIGHT = 7
PROGRAM = """
import json, sys
from reconciler.sandbox import Options, serve
serve(Options(seed=sys.argv[1]), lambda ready: print(json.dumps([ready.url, ready.tokens["owner"]]), flush=True))
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Be a running server: a connection to it, a token, and when its process began."""

    connection: socket.socket
    token: str
    began: float

    def get(self, path: str) -> bytes:
        """Send a GET and return the body."""
        head = f"GET /api/v2{path} HTTP/1.1\r\nHost: bench\r\nCoder-Session-Token: {self.token}\r\n\r\n"
        self.connection.sendall(head.encode())
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self.connection.recv(1 << 20)
        marker = b"content-length: "
        start = received.index(marker) + len(marker)
        length = int(received[start : received.index(b"\r\n", start)])
        while len(received) < end + 4 + length:
            received += self.connection.recv(1 << 20)
        assert received.startswith(b"HTTP/1.1 200"), bytes(received[:200])
        return bytes(received[end + 4 :])


def run(report: Report, share: Share) -> None:
    """Measure and report."""
    parts = share.parts(2, 2, 3)
    with server("demo") as small:
        small.get("/buildinfo")
        report("start", "seconds from process start to the first answer (demo)", time.monotonic() - small.began, 1.0)
        group = json.loads(small.get("/groups?organization=acme"))[0]["id"]
        for what, path in (("buildinfo", "/buildinfo"), ("group budget", f"/groups/{group}/ai/budget")):
            a_second = [1 / seconds for seconds in _seconds(small, path, 2_000, next(parts))]
            report("GETs/s>", f"{what}, one connection, one core", median(a_second), 2_000)
    last, seed = next(parts), "10000-users,200-groups"
    with server(seed) as large:
        large.get("/buildinfo")
        report("seed", f"seconds to seed and serve {seed}", time.monotonic() - large.began, 5.0)
        report_bulk_reads(report, large, seed, last)


def report_bulk_reads(report: Report, large: Server, seed: str, share: Share) -> None:
    """Measure the bulk reads of 100 groups and of 100 people."""
    for (what, path), part in zip(bulk_reads(large), share.parts(1, 1), strict=True):
        large.get(path)
        ms = [seconds * 1_000 for seconds in _seconds(large, path, 100, part)]
        report("bulk", f"ms for {what}, 100 ids, {seed}", median(ms), 2.0)


def bulk_reads(large: Server) -> Iterator[tuple[str, str]]:
    """Yield the two bulk reads, of the first 100 groups and of 100 members."""
    (organization,) = json.loads(large.get("/organizations"))
    groups = json.loads(large.get("/organizations/acme/paginated-groups?limit=100"))["groups"]
    members = json.loads(large.get("/organizations/acme/paginated-members?limit=100"))["members"]
    group_ids = ",".join(group["id"] for group in groups)
    user_ids = ",".join(member["user_id"] for member in members)
    yield "groups' limits", f"/organizations/acme/groups/ai/spend?group_ids={group_ids}"
    yield "members' limits", f"/groups/{organization['id']}/members/ai/spend?user_ids={user_ids}"


def _seconds(target: Server, path: str, count: int, share: Share) -> list[float]:
    """Return the seconds for one GET in each round of `count`."""
    times = []
    for _ in share.rounds():
        began = time.perf_counter()
        for _ in range(count):
            target.get(path)
        times.append((time.perf_counter() - began) / count)
    return times


@contextmanager
def server(seed: str) -> Iterator[Server]:
    """Run a sandbox in its own process."""
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", PROGRAM, seed], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, token = json.loads(process.stdout.readline())
        try:
            with connected(url, token, began) as found:
                yield found
        finally:
            process.terminate()


@contextmanager
def connected(url: str, token: str, began: float) -> Iterator[Server]:
    """Open a connection to a sandbox that runs."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        yield Server(connection, token, began)
