"""The GitLab component's jobs as a runner runs them, against the sandbox and a stand-in for GitLab's notes."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Options, Sandbox
from tests.deploy.gitlab import ROOT, Ran, job, pipeline, run
from tests.deploy.site import BASE, BLOCKS, INVALID, RAISED, Repository

OPTIONS = (ROOT / "reconciler/cli/help/plan.txt").read_text() + (ROOT / "reconciler/cli/help/apply.txt").read_text()
needs_base = pytest.mark.skipif("--base" not in OPTIONS, reason="the option --base is not there yet")
needs_due = pytest.mark.skipif("--due" not in OPTIONS, reason="the option --due is not there yet")
NOTE_TOKEN = "glpat-of-the-test"


@dataclass(slots=True)
class Notes:
    """The notes of one merge request, and where they are served."""

    url: str = ""
    notes: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)

    @property
    def open_issues(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues if issue["state"] == "opened"]

    def answer_issue(self, command: str, path: str, query: str, body: dict[str, Any]) -> object:
        """*Source*: GitLab's REST API, "Issues" and "Notes"."""
        if changed := re.fullmatch(r"/projects/7/issues/(\d+)", path):
            issue = self.issues[int(changed[1]) - 1]
            if body.pop("state_event", "") == "close":
                issue["state"] = "closed"
            issue.update(body)
            return issue
        if noted := re.fullmatch(r"/projects/7/issues/(\d+)/notes", path):
            self.issues[int(noted[1]) - 1]["notes"].append(body["body"])
            return {"id": 1}
        assert path == "/projects/7/issues"
        if command == "POST":
            self.issues.append({"iid": len(self.issues) + 1, "state": "opened", "notes": [], **body})
            return self.issues[-1]
        assert "state=opened&labels=ai-budgets-drift&author_id=5" in query
        return self.open_issues


class _Handler(BaseHTTPRequestHandler):
    site: Notes

    def _handle(self) -> None:
        assert self.headers["PRIVATE-TOKEN"] == NOTE_TOKEN
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path, _, query = self.path.partition("?")
        notes = self.site.notes
        answer: object
        if path == "/user":
            answer = {"id": 5}
        elif "/issues" in path:
            answer = self.site.answer_issue(self.command, path, query, body)
        elif changed := re.fullmatch(r"/projects/7/merge_requests/1/notes/(\d+)", path):
            notes[int(changed[1])].update(body)
            answer = notes[int(changed[1])]
        else:
            assert path == "/projects/7/merge_requests/1/notes"
            if self.command == "POST":
                notes.append({"id": len(notes), "author": {"id": 5}, **body})
            answer = notes
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _handle

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def serving() -> Iterator[Notes]:
    site = Notes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class Site(Repository):
    """A company's project on GitLab."""

    gitlab: Notes

    def run(self, name: str, **variables: str) -> Ran:
        shutil.rmtree(self.work_tree / "ai-budgets", ignore_errors=True)  # as GitLab cleans between jobs
        definition = job(name, package="")
        login = {
            "CODER_URL": self.sandbox.url,
            "CODER_READ_TOKEN": self.sandbox.tokens["auditor"],
            "CI_API_V4_URL": self.gitlab.url,
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "1",
        }
        if "environment" in definition:  # a protected branch
            login["CODER_WRITE_TOKEN"] = self.sandbox.tokens["user-admin"]
        return run(definition, folder=self.work_tree, variables=login | variables)

    def merge_request(self, text: str) -> Ran:
        base = self.git("rev-parse", "main")
        self.branch(text)
        return self.run("ai-budgets-plan", CI_MERGE_REQUEST_DIFF_BASE_SHA=base, GITLAB_NOTE_TOKEN=NOTE_TOKEN)

    def page(self, name: str) -> str:
        return (self.work_tree / "ai-budgets" / name).read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving() as gitlab, Sandbox(Options()) as sandbox:
        site = Site(work_tree=tmp_path / "work", sandbox=sandbox, gitlab=gitlab)
        site.begin()
        yield site


@needs_base
def test_a_merge_request_its_update_and_its_merge(site: Site) -> None:
    plan = site.merge_request(RAISED)
    assert plan.code == 0, plan.log
    assert json.loads(site.page("terraform.json")) == {"create": 0, "update": 1, "delete": 0}
    assert isinstance(json.loads(site.page("codequality.json")), list)
    (note,) = site.gitlab.notes
    assert "$200" in note["body"]

    again = site.merge_request(RAISED.replace("$200", "$175"))
    assert again.code == 0, again.log
    (note,) = site.gitlab.notes
    assert "$175" in note["body"]
    assert site.live("design") == 150

    site.merge()
    apply = site.run("ai-budgets-apply")
    assert apply.code == 0, apply.log
    assert site.live("design") == 175
    assert "Coder" in site.page("apply.md") or site.page("apply.md")


@needs_base
def test_a_refused_plan_and_an_invalid_policy(site: Site) -> None:
    refused = site.merge_request(BLOCKS)
    assert refused.code == 3, refused.log
    assert "BLOCKS_USERS" in site.gitlab.notes[0]["body"]
    invalid = site.merge_request(INVALID)
    assert invalid.code == 1
    (finding,) = json.loads(site.page("codequality.json"))
    assert finding["location"]["path"] == "policies/acme.yaml"
    assert len(site.gitlab.notes) == 1


def test_drift_is_orange(site: Site) -> None:
    assert site.run("ai-budgets-drift").code == 0
    site.set_by_hand("platform", 900)
    drift = site.run("ai-budgets-drift")
    assert drift.code == 2, drift.log
    assert job("ai-budgets-drift")["allow_failure"] == {"exit_codes": 2}
    assert "reconciler_differences" in site.page("metrics.prom")


def test_one_issue_is_kept_up_to_date(site: Site) -> None:
    """It has Undo and Keep with the lines to write, and is closed when live matches the policy again."""
    with_token = {"GITLAB_NOTE_TOKEN": NOTE_TOKEN}
    assert site.run("ai-budgets-drift", **with_token).code == 0
    assert not site.gitlab.issues
    for dollars in (900, 950):
        site.set_by_hand("platform", dollars)
        drift = site.run("ai-budgets-drift", **with_token)
        assert drift.code == 2, drift.log
        (issue,) = site.gitlab.open_issues
        assert issue["confidential"] is True
        assert f"${dollars}" in issue["description"]
        assert "**Undo**" in issue["description"]
        assert f"limit: ${dollars}" in issue["description"].partition("**Keep**")[2]
    assert site.run("ai-budgets-drift", **with_token, CODER_URL="http://127.0.0.1:1").code == 1
    assert site.gitlab.open_issues, "a run that could not read says nothing of live"
    site.set_by_hand("platform", 500)
    assert site.run("ai-budgets-drift", **with_token).code == 0
    assert not site.gitlab.open_issues
    assert site.gitlab.issues[0]["notes"] == ["Live budgets match the policy again."]


@needs_due
def test_a_grant_ends_by_itself(site: Site) -> None:
    soon = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    past = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")
    grant = f"{BASE}user_overrides:\n  - {{user: dan, group: platform, limit: $900, expires: {soon}}}\n"
    site.write(grant)
    assert site.run("ai-budgets-apply").code == 0
    assert "dan" in site.overrides()
    site.write(grant.replace(soon, past))
    site.set_by_hand("design", 160)
    due = site.run("ai-budgets-due")
    assert due.code == 0, due.log
    assert "dan" not in site.overrides()
    assert site.live("design") == 160


def test_only_jobs_of_protected_branches_see_the_write_token() -> None:
    for name, definition in pipeline().items():
        writes = "CODER_WRITE_TOKEN" in json.dumps(definition)
        assert writes == ("environment" in definition), name
        assert not (writes and "CODER_READ_TOKEN" in json.dumps(definition))
