"""A stand-in for GitHub's REST API, as far as report.py uses it: it checks the token's permissions of each job."""

from __future__ import annotations

import io
import json
import re
import secrets
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.deploy.site import answering

REPOSITORY, REPOSITORY_ID = "acme/budgets", 7


@dataclass(slots=True)
class GitHub:
    """What GitHub knows of one repository."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    uploads: int = 0
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By the commit that they were merged as."""
    tokens: dict[str, Mapping[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    fails: str = ""
    """What stands in the paths that are answered 502."""
    work_tree: Path = Path()
    """The repository; its branches are GitHub's."""

    def token(self, permissions: Mapping[str, str]) -> str:
        token = f"ghs_{secrets.token_hex(8)}"
        self.tokens[token] = permissions
        return token

    def upload(
        self,
        name: str,
        folder: Path,
        *,
        head_sha: str,
        branch: str = "change",
        repository_id: int = REPOSITORY_ID,
        run: int = 0,
        overwrite: bool = False,
    ) -> bool:
        """Keep files under a name, as actions/upload-artifact does; return whether they were taken.

        *Source*: its rules for names, and that a name is taken once in a run; whether a second attempt is another run
        is told both ways, so the stricter is believed.
        """
        if not 0 < len(name) <= 256 or set(name) & set('":<>|*?\r\n\\/'):
            return False
        same = [artifact for artifact in self.artifacts if run and (artifact["run"], artifact["name"]) == (run, name)]
        if same and not overwrite:
            return False
        self.artifacts = [artifact for artifact in self.artifacts if artifact not in same]
        data = io.BytesIO()
        files = sorted(folder.rglob("*")) if folder.is_dir() else [folder] if folder.is_file() else []
        if not files:
            return True
        with zipfile.ZipFile(data, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder) if folder.is_dir() else file.name)
        self.uploads += 1
        self.artifacts.append(
            {
                "id": self.uploads,
                "name": name,
                "run": run,
                "expired": False,
                "created_at": f"2026-11-25T12:{self.uploads:02}:00Z",
                "workflow_run": {
                    "head_sha": head_sha,
                    "head_branch": branch,
                    "repository_id": REPOSITORY_ID,
                    "head_repository_id": repository_id,
                },
                "data": data.getvalue(),
            }
        )
        return True

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[str, Any]:
        """Return the permission that a request needs, and what it answers once it is granted."""
        match [method, *path.strip("/").split("/")]:
            case ["GET", "commits", sha, "pulls"]:
                return "pull-requests: read", lambda: self.pulls.get(sha, [])
            case ["GET", "issues", number, "comments"]:
                return "pull-requests: read", lambda: _page([c for c in self.comments if c["on"] == number], query)
            case ["POST", "issues", number, "comments"]:
                kind = "issues" if any(str(i["number"]) == number for i in self.issues) else "pull-requests"
                return f"{kind}: write", lambda: self._add(self.comments, {"on": number, **body})
            case ["PATCH", "issues", "comments", id_]:
                return "pull-requests: write", lambda: self._change(self.comments, "id", id_, body)
            case ["GET", "issues"]:
                return "issues: read", lambda: _page([i for i in self.issues if i["state"] == "open"], query)
            case ["POST", "issues"]:
                new = {"number": 100 + len(self.issues), "state": "open", **(body or {})}
                return "issues: write", lambda: self._add(self.issues, new)
            case ["PATCH", "issues", number]:
                return "issues: write", lambda: self._change(self.issues, "number", number, body)
            case ["GET", "git", "ref", *ref]:
                return "contents: read", lambda: self._object(f"refs/{'/'.join(ref)}")
            case ["GET", "git", "tags", sha]:
                return "contents: read", lambda: self._object(f"{sha}^{{commit}}")
            case ["GET", "contents", *path_]:
                return "contents: read", lambda: self._contents("/".join(path_), query["ref"][0])
            case ["GET", "actions", "artifacts"]:
                name = query["name"][0]
                shown = [{k: v for k, v in a.items() if k != "data"} for a in self.artifacts if a["name"] == name]
                return "actions: read", lambda: {"total_count": len(shown), "artifacts": shown}
            case _:
                raise AssertionError(f"{method} {path} is not known")

    def _contents(self, path: str, ref: str) -> list[dict[str, str]]:
        assert self._object(ref)["object"]["type"] == "commit", "GitHub answers 404 for a tag's own object"
        rows = (line.split() for line in self._git("ls-tree", ref, f"{path}/").splitlines())
        return [{"sha": sha, "path": file} for _, _, sha, file in rows]

    def _object(self, name: str) -> dict[str, dict[str, str]]:
        sha = self._git("rev-parse", name).strip()
        return {"object": {"sha": sha, "type": self._git("cat-file", "-t", sha).strip()}}

    def _git(self, *command: str) -> str:
        done = subprocess.run(["git", *command], cwd=self.work_tree, check=True, capture_output=True, text=True)
        return done.stdout

    def _add(self, items: list[dict[str, Any]], item: dict[str, Any]) -> dict[str, Any]:
        items.append({"id": len(items) + 1, "user": {"type": "Bot"}, **item})
        return items[-1]

    def _change(self, items: list[dict[str, Any]], key: str, value: str, body: dict[str, Any]) -> dict[str, Any]:
        (item,) = (item for item in items if str(item[key]) == value)
        item.update(body)
        return item


def _page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    size, number = int(query["per_page"][0]), int(query["page"][0])
    return items[(number - 1) * size : number * size]


def _is_granted(needed: str, permissions: Mapping[str, str]) -> bool:
    kind, level = needed.split(": ")
    given = permissions.get(kind, "none")
    return given == "write" or given == level


class _Handler(BaseHTTPRequestHandler):
    github: GitHub

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        permissions = self.github.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        path = parts.path.removeprefix(f"/repos/{REPOSITORY}")
        if download := re.fullmatch(r"/store/(\d+)", parts.path):
            assert "Authorization" not in self.headers, "the store of artifacts was sent our token"
            (artifact,) = (item for item in self.github.artifacts if item["id"] == int(download[1]))
            self._send(200, artifact["data"])
            return
        if permissions is None:
            self._send(401, b"{}")
            return
        if self.github.fails and self.github.fails in path:
            self._send(502, b"<html>")
            return
        if zipped := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            self.send_response(302)
            self.send_header("Location", f"{self.github.url}/store/{zipped[1]}")
            self.end_headers()
            return
        needed, answer = self.github.answer(self.command, path, parse_qs(parts.query), body)
        if not _is_granted(needed, permissions):
            self.github.refused.append(f"{self.command} {path}: {needed}")
            self._send(403, b'{"message": "Resource not accessible by integration"}')
            return
        self._send(200, json.dumps(answer()).encode())

    do_GET = do_POST = do_PATCH = _handle

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def serving() -> Iterator[GitHub]:
    """Serve an empty repository's API on this machine."""
    github = GitHub()
    with answering(type("Handler", (_Handler,), {"github": github})) as github.url:
        yield github
