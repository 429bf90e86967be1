"""GitHub's REST API for this repository: requests, lists, artifacts. Python's standard library alone.

In the environment: GITHUB_TOKEN, GITHUB_API_URL, GITHUB_REPOSITORY.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

MAX_PLAN_BYTES = 64 * 2**20
NO_ANSWER = (OSError, http.client.HTTPException, ValueError, zipfile.BadZipFile)
"""What a request ends with where GitHub refuses it, cannot be reached, or answers what cannot be read."""


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Send a request to GitHub's API for this repository; return the decoded answer."""
    with urllib.request.urlopen(request(method, path, body), timeout=60) as answer:
        return json.load(answer)


def every(path: str) -> list[dict[str, Any]]:
    """Return all items of a list, a hundred a page."""
    items: list[dict[str, Any]] = []
    for number in range(1, 31):
        joiner = "&" if "?" in path else "?"
        some = call("GET", f"{path}{joiner}per_page=100&page={number}")
        items += some
        if len(some) < 100:
            break
    return items


def newest(name: str, key: str, value: str) -> int | None:
    """Return the newest artifact of a name from a run of this repository, where the run's `key` has this value."""
    answer = call("GET", f"/actions/artifacts?name={urllib.parse.quote(name, safe='')}&per_page=100")
    for artifact in sorted(answer["artifacts"], key=lambda item: str(item["created_at"]), reverse=True):
        run = artifact.get("workflow_run") or {}
        is_own = run.get("head_repository_id") == run.get("repository_id") and run.get(key) == value
        if is_own and not artifact["expired"]:
            return int(artifact["id"])
    return None


def download(artifact: int) -> bytes:
    opener = urllib.request.build_opener(KeepToken)
    with opener.open(request("GET", f"/actions/artifacts/{artifact}/zip"), timeout=60) as answer:
        return bytes(answer.read(MAX_PLAN_BYTES))


def unzipped(data: bytes, name: str) -> bytes:
    """Return one file of an archive, empty where it has none; it is never unpacked to disk by the names in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = next((item for item in archive.infolist() if Path(item.filename).name == name), None)
        if member is None:
            return b""
        if member.file_size > MAX_PLAN_BYTES:
            raise SystemExit(f"{name} in the artifact is larger than {MAX_PLAN_BYTES} bytes")
        return archive.read(member)


class KeepToken(urllib.request.HTTPRedirectHandler):
    """An artifact is a redirect to a store of files, which must not get our token."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> urllib.request.Request | None:
        new = super().redirect_request(*args, **kwargs)
        if new is not None:
            new.remove_header("Authorization")
        return new


def request(method: str, path: str, body: dict[str, Any] | None = None) -> urllib.request.Request:
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}{path}"
    headers = {
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    data = json.dumps(body).encode() if body is not None else None
    return urllib.request.Request(url, data=data, headers=headers, method=method)


def why(error: Exception, permission: str) -> str:
    """Return why a request failed, and the permission that it needs where that may be missing."""
    return f"{error}; is `{permission}` missing?" if getattr(error, "code", None) in (403, 404) else str(error)
