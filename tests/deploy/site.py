"""What the tests of both pipelines share: a repository with a policy, and live budgets changed behind its back."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from reconciler.sandbox import Sandbox
from tests.warm import warm_folder

BASE = """\
version: 1
organization: acme
group_budgets:
  - {group: platform, limit: $500}
  - {group: design, limit: $150}
"""
RAISED = BASE.replace("$150", "$200")
BLOCKS = BASE.replace("$500", "$60")
WITH_DAN = RAISED + "user_overrides:\n  - {user: dan, group: platform, limit: $700}\n"
INVALID = BASE.replace("$150", "-1")
_LOOKS_UP_S = 0.02
"""Python's own servers look twice a second whether they are to end."""


@dataclass(slots=True)
class Repository:
    """A work tree with `policies/acme.yaml`, and the company's Coder."""

    work_tree: Path
    sandbox: Sandbox

    def begin(self) -> None:
        """Make the repository with its first commit on `main`."""
        (self.work_tree / "policies").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.write(BASE)
        self.git("add", ".")
        self.git("commit", "-qm", "first")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "maintenance.auto=false", *arguments],
            cwd=self.work_tree, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def write(self, text: str) -> None:
        (self.work_tree / "policies" / "acme.yaml").write_text(text)

    def branch(self, text: str) -> str:
        """Commit a change on the branch `change`; return the commit."""
        self.git("checkout", "-q", "-B", "change", "main")
        self.write(text)
        self.git("commit", "-q", "--allow-empty", "-am", "change")
        return self.git("rev-parse", "HEAD")

    def merge(self) -> str:
        """Merge the branch `change` into `main`; return the merge."""
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", "change")
        return self.git("rev-parse", "HEAD")

    def live(self, group: str) -> int:
        """Return a group's live budget in US dollars."""
        return int(self._call("GET", f"/groups/{self._id(group)}/ai/budget")["spend_limit_micros"]) // 1_000_000

    def set_by_hand(self, group: str, usd: int) -> None:
        self._call("PUT", f"/groups/{self._id(group)}/ai/budget", {"spend_limit_micros": usd * 1_000_000})

    def leave_platform(self, user: str) -> None:
        self.sandbox.execute(
            "DELETE FROM group_members WHERE user_id = (SELECT id FROM users WHERE username = ?) AND group_id = ?",
            (user, self._id("platform")),
        )

    def overrides(self) -> set[str]:
        """Return who has an override in acme."""
        done = subprocess.run(
            [warm_folder() / "reconciler", "export", "acme"], capture_output=True, text=True, check=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.work_tree), "CODER_URL": self.sandbox.url,
                 "CODER_SESSION_TOKEN": self.sandbox.tokens["user-admin"]},
        )  # fmt: skip
        return {line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("  - user: ")}

    def _id(self, group: str) -> str:
        return str(self._call("GET", f"/organizations/acme/groups/{group}")["id"])

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.sandbox.url}/api/v2{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Coder-Session-Token": self.sandbox.tokens["owner"]},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            result: dict[str, Any] = json.load(answer)
        return result


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer requests at the address that this yields. Each test ends its own, so it looks for that often."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=[_LOOKS_UP_S], daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
