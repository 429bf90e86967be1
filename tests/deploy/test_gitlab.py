"""The GitLab component's jobs as a runner runs them, against the sandbox and a stand-in for GitLab's notes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from reconciler.sandbox import Options, Sandbox
from tests.deploy.gitlab import COMPONENT, ROOT, Ran, job, pipeline, run
from tests.deploy.site import BASE, BLOCKS, INVALID, RAISED, WITH_DAN, Repository, answering

NOTE_TOKEN, JOB_TOKEN, FORKS_TOKEN = "glpat-of-the-test", "glcbt-of-the-test", "glcbt-of-a-fork"


@dataclass(slots=True)
class Notes:
    """The notes of one merge request, and where they are served."""

    url: str = ""
    notes: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    packages: dict[str, bytes] = field(default_factory=dict)
    """By path, as `/projects/7/packages/generic/NAME/VERSION/FILE`."""
    merged: list[dict[str, Any]] = field(default_factory=list)
    """The merge requests of every commit."""

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
        return page_of(self.open_issues, query)


def page_of(rows: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """*Source*: GitLab's REST API, "Offset-based pagination": 20 a page unless asked, and 100 at most."""
    asked = parse_qs(query)
    size, number = min(100, int(asked.get("per_page", ["20"])[0])), int(asked.get("page", ["1"])[0])
    return rows[(number - 1) * size : number * size]


class _Handler(BaseHTTPRequestHandler):
    site: Notes

    def _handle(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if "/packages/" in path:
            self._package(path, data)
            return
        assert self.headers["PRIVATE-TOKEN"] == NOTE_TOKEN
        body = json.loads(data) if data else {}
        notes = self.site.notes
        answer: object
        if path == "/user":
            answer = {"id": 5}
        elif re.fullmatch(r"/projects/7/repository/commits/[0-9a-f]{40}/merge_requests", path):
            answer = self.site.merged
        elif "/issues" in path:
            answer = self.site.answer_issue(self.command, path, query, body)
        elif changed := re.fullmatch(r"/projects/7/merge_requests/1/notes/(\d+)", path):
            notes[int(changed[1])].update(body)
            answer = notes[int(changed[1])]
        else:
            assert path == "/projects/7/merge_requests/1/notes"
            if self.command == "POST":
                notes.append({"id": len(notes), "author": {"id": 5}, **body})
            answer = page_of(notes, query)
        self._send(200, json.dumps(answer).encode())

    def _package(self, path: str, data: bytes) -> None:
        """A job's own token may read and write the project's packages; a fork's may only read them."""
        assert self.headers["JOB-TOKEN"] in (JOB_TOKEN, FORKS_TOKEN)
        if self.command == "PUT" and self.headers["JOB-TOKEN"] == JOB_TOKEN:
            self.site.packages[path] = data
        found = self.site.packages.get(path)
        self._send(200 if found is not None else 404, found or b"{}")

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _handle

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def serving() -> Iterator[Notes]:
    site = Notes()
    with answering(type("Handler", (_Handler,), {"site": site})) as site.url:
        yield site


@dataclass(slots=True)
class Site(Repository):
    """A company's project on GitLab."""

    gitlab: Notes

    def begin(self) -> None:
        """Make the repository, and the one on GitLab, which a job's clone calls `origin`."""
        super(Site, self).begin()
        origin = self.work_tree.with_name("origin")
        self.git("clone", "-q", "--bare", ".", str(origin))
        self.git("remote", "add", "origin", str(origin))

    def merge(self) -> str:
        merged = super(Site, self).merge()
        self.git("push", "-q", "origin", "main")
        return merged

    def run(self, name: str, *, snapshot: str = "false", **variables: str) -> Ran:
        shutil.rmtree(self.work_tree / "ai-budgets", ignore_errors=True)  # as GitLab cleans between jobs
        definition = job(name, package="", snapshot=snapshot)
        login = {
            "CODER_URL": self.sandbox.url,
            "CODER_READ_TOKEN": self.sandbox.tokens["auditor"],
            "CI_API_V4_URL": self.gitlab.url,
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "1",
            "CI_COMMIT_SHA": self.git("rev-parse", "HEAD"),
            "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_TOKEN": JOB_TOKEN,
        }
        if "environment" in definition:  # a protected branch
            login["CODER_WRITE_TOKEN"] = self.sandbox.tokens["user-admin"]
        return run(definition, folder=self.work_tree, variables=login | variables)

    def merge_request(self, text: str) -> Ran:
        base = self.git("rev-parse", "main")
        self.branch(text)
        return self.run("ai-budgets-plan", CI_MERGE_REQUEST_DIFF_BASE_SHA=base, GITLAB_NOTE_TOKEN=NOTE_TOKEN)

    def merge_pushed(self, **variables: str) -> Ran:
        """Merge the branch, as the button does, and run what a push to the default branch runs."""
        before = self.git("rev-parse", "main")
        self.merge()
        return self.run("ai-budgets-apply", CI_PIPELINE_SOURCE="push", CI_COMMIT_BEFORE_SHA=before, **variables)

    def fork(self, text: str) -> Ran:
        """Run the job of a merge request from a fork: another project, its own job token, none of our variables."""
        base = self.git("rev-parse", "main")
        self.branch(text)
        shutil.rmtree(self.work_tree / "ai-budgets", ignore_errors=True)
        variables = {
            "CI_API_V4_URL": self.gitlab.url,
            "CI_PROJECT_ID": "666",
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
            "CI_JOB_TOKEN": FORKS_TOKEN,
        }
        return run(job("ai-budgets-fork", package=""), folder=self.work_tree, variables=variables)

    def page(self, name: str) -> str:
        return (self.work_tree / "ai-budgets" / name).read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving() as gitlab, Sandbox(Options()) as sandbox:
        site = Site(work_tree=tmp_path / "work", sandbox=sandbox, gitlab=gitlab)
        site.begin()
        yield site


def test_results_go_to_no_place_that_a_merge_request_chose(site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (site.work_tree / "ai-budgets").symlink_to(elsewhere)
    plan = site.merge_request(RAISED)
    assert plan.code == 0, plan.log
    assert "$200" in site.page("plan.md")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("text", [RAISED, INVALID])
def test_a_job_leaves_no_temporary_file(site: Site, tmp_path: Path, text: str) -> None:
    """A shell executor keeps them, one for each job."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    base = site.git("rev-parse", "main")
    site.branch(text)
    ran = site.run("ai-budgets-plan", CI_MERGE_REQUEST_DIFF_BASE_SHA=base, TMPDIR=str(temporary))
    assert ran.code == (1 if text is INVALID else 0), ran.log
    assert list(temporary.iterdir()) == []


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

    apply = site.merge_pushed()
    assert apply.code == 0, apply.log
    assert "not compared" not in apply.log
    assert json.loads(site.page("reviewed.json"))["digest"] == json.loads(site.page("fresh.json"))["digest"]
    assert site.live("design") == 175
    assert "Coder" in site.page("apply.md") or site.page("apply.md")


def test_the_note_is_found_below_250_others(site: Site) -> None:
    others = [{"id": number, "author": {"id": 9}, "body": f"note {number}"} for number in range(250)]
    site.gitlab.notes += others
    for dollars in (200, 175):
        assert site.merge_request(RAISED.replace("$200", f"${dollars}")).code == 0
        (note,) = (note for note in site.gitlab.notes if note["author"]["id"] == 5)
        assert f"${dollars}" in note["body"]
    assert len(site.gitlab.notes) == 251


def test_every_page_of_issues_is_closed(site: Site) -> None:
    """More than a page can be open where somebody opened them again by hand."""
    site.gitlab.issues += [{"iid": number, "state": "opened", "notes": []} for number in range(1, 251)]
    site.set_by_hand("platform", 900)
    assert site.run("ai-budgets-drift", GITLAB_NOTE_TOKEN=NOTE_TOKEN).code == 2
    assert len(site.gitlab.issues) == 250
    assert "$900" in site.gitlab.issues[0]["description"]
    site.set_by_hand("platform", 500)
    assert site.run("ai-budgets-drift", GITLAB_NOTE_TOKEN=NOTE_TOKEN).code == 0
    assert not site.gitlab.open_issues


def test_a_refused_plan_and_an_invalid_policy(site: Site) -> None:
    refused = site.merge_request(BLOCKS)
    assert refused.code == 3, refused.log
    assert "BLOCKS_USERS" in site.gitlab.notes[0]["body"]
    invalid = site.merge_request(INVALID)
    assert invalid.code == 1
    (finding,) = json.loads(site.page("codequality.json"))
    assert finding["location"]["path"] == "policies/acme.yaml"
    assert len(site.gitlab.notes) == 1


def test_a_change_that_the_reviewed_plan_did_not_show_is_refused(site: Site) -> None:
    site.merge_request(RAISED)
    (path,) = site.gitlab.packages
    plan = json.loads(site.gitlab.packages[path])
    site.gitlab.packages[path] = json.dumps({**plan, "actions": []}).encode()
    apply = site.merge_pushed()
    assert apply.code == 3, apply.log
    assert "did not show this change of group/acme/design" in apply.log
    assert site.live("design") == 150

    by_hand = site.run("ai-budgets-apply", CI_PIPELINE_SOURCE="web", CI_COMMIT_BEFORE_SHA="0" * 40)
    assert by_hand.code == 0, by_hand.log
    assert site.live("design") == 200


def test_somebody_who_left_since_the_review_stops_nobody_elses_change(site: Site) -> None:
    assert site.merge_request(WITH_DAN).code == 0
    site.leave_platform("dan")
    apply = site.merge_pushed()
    assert apply.code == 0, apply.log
    assert "user/dan" in apply.log
    assert site.live("design") == 200
    assert "dan" not in site.overrides()


def test_a_pipeline_of_an_older_commit_takes_nothing_back(site: Site) -> None:
    """Somebody presses "Retry" on the apply before the last."""
    site.merge_request(RAISED)
    before = site.git("rev-parse", "main")
    assert site.merge_pushed().code == 0
    push = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BEFORE_SHA": before}
    older = site.git("rev-parse", "main")
    site.merge_request(RAISED.replace("$200", "$300"))
    assert site.merge_pushed().code == 0
    site.git("checkout", "-q", older)
    again = site.run("ai-budgets-apply", **push)
    assert again.code == 3, again.log
    assert "policies has changed on main since this commit. Nothing was written: the newer" in again.log
    assert "If it has none (as with [skip ci]), or if that fails or is stopped, run one of main by hand." in again.log
    assert site.live("design") == 300


def test_a_tag_that_is_named_like_the_branch_is_not_taken_for_it(site: Site) -> None:
    """Git prefers tags: each new commit was said to be an older one, and the tag's could be applied for ever."""
    site.git("-C", str(site.work_tree.with_name("origin")), "tag", "main")
    site.merge_request(RAISED)
    apply = site.merge_pushed()
    assert apply.code == 0, apply.log
    assert site.live("design") == 200


def test_a_force_push_is_applied_as_a_whole(site: Site) -> None:
    """The commit before it is in no clone, and `--base` was an error that spoke of fetching it."""
    site.merge_request(RAISED)
    site.merge()
    push = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BEFORE_SHA": "f5ba58047f16f7d489aa7eb5ac26629192f07c0f"}
    apply = site.run("ai-budgets-apply", **push)
    assert apply.code == 0, apply.log
    assert "The commit before this push is not in the clone (a force push)" in apply.log
    assert site.live("design") == 200


@pytest.mark.parametrize(("job", "source"), [("apply", "push"), ("apply", "web"), ("due", "schedule")])
def test_where_the_branch_cannot_be_fetched_nothing_is_written(site: Site, job: str, source: str) -> None:
    """As on GitHub: the job told that it did not know whether the branch has newer policies, and took them back."""
    site.merge_request(RAISED)
    site.merge()
    site.git("remote", "set-url", "origin", "/nowhere")
    stopped = site.run(f"ai-budgets-{job}", CI_PIPELINE_SOURCE=source)
    assert stopped.code == 1, stopped.log
    assert "main could not be fetched; Git says why above. It may have newer policies" in stopped.log
    assert "Nothing was written. Run this job again" in stopped.log
    assert site.live("design") == 150


@pytest.mark.parametrize("name", ["ai-budgets-plan", "ai-budgets-fork", "ai-budgets-apply"])
def test_a_change_of_a_folder_or_of_a_file_starts_the_jobs(name: str) -> None:
    """Of one file, of several folders, or with a slash at the end, no change ever started a job."""
    assert job(name, policies="budgets/acme.yaml")["rules"][0]["changes"] == [
        "budgets/acme.yaml",
        "budgets/acme.yaml/**/*",
    ]
    head = yaml.safe_load(COMPONENT.read_text(encoding="utf-8").split("\n---\n")[0])
    allowed = re.compile(head["spec"]["inputs"]["policies"]["regex"])
    assert all(allowed.search(text) for text in ("policies", "budgets/policies", "policies/acme.yaml", "a-b/_c.d"))
    assert not any(allowed.search(text) for text in ("", ".", "./policies", "policies/", "a b", "/a", "a//b", "../a"))


def test_the_image_has_git() -> None:
    """`--base` and what was reviewed are looked up in Git, which Docker's slim images of Python come without."""
    assert job("ai-budgets-plan")["image"] == "python:3.13"


def test_somebody_touched_an_unrelated_budget_meanwhile(site: Site) -> None:
    site.merge_request(RAISED)
    site.set_by_hand("platform", 900)
    apply = site.merge_pushed()
    assert apply.code == 0, apply.log
    assert "not asked for by this change: group/acme/platform" in apply.log
    assert (site.live("design"), site.live("platform")) == (200, 500)


GROUP = {"id": "5d0a56a7-df92-520c-b33c-8d8aade0ef9f", "organization": "acme", "name": "platform"}
DESIGN = {"id": "5d0a56a7-df92-520c-b33c-8d8aade0ef00", "organization": "acme", "name": "design"}
GRANTED = {"type": "budget", "limit_micros": 1_200_000_000, "group": GROUP}
NONE = {"type": "absent"}
STARTS, ENDS, OTHER = "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"
NOTICE = {
    "kind": "starts-later", "address": "user/dan", "text": "", "at": STARTS, "wanted": GRANTED, "until": ENDS,
    "user_id": "of dan",
}  # fmt: skip
ACTION = {
    "address": "user/dan", "subject": {"id": "of dan"}, "after": GRANTED, "origin": "change", "starts": STARTS,
    "expires": ENDS,
}  # fmt: skip


@pytest.mark.parametrize(
    ("announced", "applied", "code"),
    [
        ({}, {}, 0),
        ({"kind": "awaited", "user_id": None}, {}, 0),
        ({}, {"subject": {"id": "of bob"}}, 3),
        ({"user_id": None}, {}, 3),
        ({"until": None}, {"expires": None}, 0),
        ({"wanted": NONE}, {"after": NONE}, 0),
        ({"wanted": GRANTED | {"limit_micros": 0}}, {"after": GRANTED | {"limit_micros": 0}}, 0),
        ({}, {"after": GRANTED | {"limit_micros": 1_200_000_001}}, 3),
        ({}, {"after": GRANTED | {"group": DESIGN}}, 3),
        ({}, {"expires": OTHER}, 3),
        ({}, {"expires": None}, 3),
        ({}, {"starts": OTHER}, 3),
        ({"at": None}, {"starts": None}, 3),
        ({}, {"address": "user/eve"}, 3),
        ({"wanted": NONE}, {"after": GRANTED | {"limit_micros": 0}}, 3),
        ({"wanted": GRANTED | {"limit_micros": 0}}, {"after": NONE}, 3),
        ({"wanted": None}, {}, 3),
        ({"wanted": None, "text": "$1,200.00 (platform) until 2027-02-01 00:00 UTC"}, {}, 3),
        ({"kind": "end-moved"}, {}, 3),
    ],
)
def test_what_was_announced_is_what_is_applied(
    tmp_path: Path, announced: dict[str, Any], applied: dict[str, Any], code: int
) -> None:
    """Of GitHub and GitLab: the sentence was compared, which says amount and group, and not when it ends."""
    action, notice = ACTION | applied, NOTICE | announced
    files = {"plan": {"actions": [action]}, "reviewed": {"actions": [], "effects": {"notices": [notice]}}}
    for ran in compared(tmp_path, files):
        assert ran.returncode == code, ran.stdout + ran.stderr


def test_who_has_the_name_since_the_review_does_not_get_what_was_reviewed(tmp_path: Path) -> None:
    """Of GitHub and GitLab: two people swapped names between the review and the merge."""
    after = {"type": "budget", "limit_micros": 2_000_000_000, "group": GROUP}
    dan = {"address": "user/dan", "subject": {"id": "of dan"}, "after": after, "origin": "change", "starts": None}
    files = {"plan": {"actions": [dan | {"subject": {"id": "of bob"}}]}, "reviewed": {"actions": [dan]}}
    for ran in compared(tmp_path, files):
        assert ran.returncode == 3, ran.stdout + ran.stderr
        assert "Since the review another person or group has the name of" in ran.stdout
    for ran in compared(tmp_path, files | {"plan": {"actions": [dan]}}):
        assert ran.returncode == 0, ran.stdout + ran.stderr
    unseen = dan | {"address": "user/eve", "subject": {"id": "of eve"}}
    for ran in compared(tmp_path, files | {"plan": {"actions": [dan | {"subject": {"id": "of bob"}}, unseen]}}):
        assert ran.returncode == 3, ran.stdout + ran.stderr
        assert "has the name of user/dan. " in ran.stdout.replace("\n", " ")
        assert "The reviewed plan did not show this change of user/eve. Nothing" in ran.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    "reviewed",
    [
        '{"actions": [',
        "[]",
        '{"actions": 1}',
        '{"actions": [{"address": "user/dan"}]}',
        '{"actions": [], "effects": 5}',
        '{"actions": [], "effects": {"notices": [1]}}',
    ],
)
def test_a_reviewed_plan_that_is_cut_or_edited_is_told(tmp_path: Path, reviewed: str) -> None:
    """Of GitHub and GitLab: the job ended in a traceback."""
    (tmp_path / "reviewed.json").write_text(reviewed)
    for ran in compared(tmp_path, {"plan": {"actions": [ACTION]}}):
        assert ran.returncode == 3, ran.stdout + ran.stderr
        assert "Nothing was written. Look at " in ran.stdout.replace("\n", " ")
        assert ran.stderr == ""


def script() -> str:
    """Return the Python that the component's jobs write and run."""
    text = "\n".join(job("ai-budgets-apply")["before_script"])
    (found,) = re.findall(r"<<'PYTHON'\n(.*)\nPYTHON", text, re.DOTALL)
    return str(found)


def test_the_component_imports_nothing_that_lies_beside_its_temporary_file() -> None:
    """On a shell executor all users share that folder: another's `json.py` there would have run with our tokens."""
    assert {words[1] for words in re.findall(r"(python3) (\S+)", COMPONENT.read_text())} == {"-I"}


def test_the_component_compares_by_the_lines_of_the_action() -> None:
    assert script().startswith((ROOT / "deploy/github/compare.py").read_text()), "copy compare.py into the component"


def compared(tmp_path: Path, files: dict[str, Any]) -> Iterator[subprocess.CompletedProcess[str]]:
    """Compare plan.json with reviewed.json, as the pipelines of GitHub and GitLab do."""
    for name, document in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    shutil.copy(tmp_path / "reviewed.json", tmp_path / "reviewed-1.json")  # of GitHub: one for each pull request
    (tmp_path / "report.py").write_text(script())
    environment = {"PATH": os.environ["PATH"], "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    environment |= {"CI_API_V4_URL": "", "CI_PROJECT_ID": "7"}
    for arguments in (
        [str(ROOT / "deploy/github/report.py"), "compare", "."],
        ["report.py", "compare", "plan.json", "reviewed.json"],
    ):
        yield subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )


def behind(site: Site, text: str, newer: str) -> str:
    """Make a branch, and merge and apply a newer change of somebody else; return where the branch began."""
    base = site.git("rev-parse", "main")
    site.branch(text)
    site.git("branch", "older", "change")
    site.merge_request(newer)
    assert site.merge_pushed().code == 0
    site.git("checkout", "-q", "older")
    return base


def test_a_branch_that_is_behind_takes_no_newer_merge_back(site: Site) -> None:
    """The note said that the budget of platform "is applied too", from $900 back to $500."""
    with_dan = f"{BASE}user_overrides:\n  - {{user: dan, group: platform, limit: $700}}\n"
    base = behind(site, with_dan, BASE.replace("$500", "$900"))
    head = site.git("rev-parse", "HEAD")
    target = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    plan = site.run("ai-budgets-plan", **target, CI_COMMIT_SHA=head, GITLAB_NOTE_TOKEN=NOTE_TOKEN)
    assert plan.code == 0, plan.log
    assert [row["address"] for row in json.loads(site.page("reviewed.json"))["actions"]] == ["user/dan"]
    assert "group/acme/platform" not in site.gitlab.notes[0]["body"]
    site.git("branch", "-qf", "change", head)
    before = site.git("rev-parse", "main")
    site.merge()
    apply = site.run("ai-budgets-apply", CI_PIPELINE_SOURCE="push", CI_COMMIT_BEFORE_SHA=before)
    assert apply.code == 0, apply.log
    assert "not compared" not in apply.log
    assert ("dan" in site.overrides(), site.live("platform")) == (True, 900)


def test_a_branch_that_cannot_be_merged_says_why_its_plan_takes_newer_merges_back(site: Site) -> None:
    base = behind(site, BASE.replace("$500", "$600"), BASE.replace("$500", "$900"))
    target = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    plan = site.run("ai-budgets-plan", **target)
    assert plan.code == 0, plan.log
    assert "cannot be merged into this branch, so the plan seems to take them back. Rebase this branch." in plan.log
    assert site.git("status", "--porcelain", "--untracked-files=no") == ""


def test_a_merge_that_cannot_begin_stops_no_plan(site: Site) -> None:
    """A job's own file stands where the target branch has one: there was no merge to give up, and the job failed."""
    with_dan = f"{BASE}user_overrides:\n  - {{user: dan, group: platform, limit: $700}}\n"
    base = behind(site, with_dan, BASE.replace("$500", "$900"))
    site.git("checkout", "-q", "main")
    (site.work_tree / "in-the-way").write_text("theirs")
    site.git("add", "in-the-way")
    site.git("commit", "-qm", "a file")
    site.git("push", "-q", "origin", "main")
    site.git("checkout", "-q", "older")
    (site.work_tree / "in-the-way").write_text("ours")
    target = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    plan = site.run("ai-budgets-plan", **target)
    assert plan.code == 0, plan.log
    assert "cannot be merged into this branch" in plan.log


def test_a_squashed_branch_is_found_by_its_merge_request(site: Site) -> None:
    site.merge_request(RAISED)
    head, before = site.git("rev-parse", "change"), site.git("rev-parse", "main")
    site.git("checkout", "-q", "main")
    site.git("merge", "-q", "--squash", "change")
    site.git("commit", "-qm", "squashed")
    site.git("push", "-q", "origin", "main")
    push = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BEFORE_SHA": before}
    alone = site.run("ai-budgets-apply", **push)
    assert alone.code == 0, alone.log
    assert "is not compared with it" in alone.log
    site.gitlab.merged = [{"sha": head, "state": "merged"}]
    asked = site.run("ai-budgets-apply", **push, GITLAB_NOTE_TOKEN=NOTE_TOKEN)
    assert asked.code == 0, asked.log
    assert "not compared" not in asked.log


def test_a_fork_is_planned_against_the_snapshot_of_the_last_drift_run(site: Site) -> None:
    checked = site.fork(RAISED)
    assert checked.code == 0, checked.log
    assert "is checked and not planned" in checked.log
    invalid = site.fork(INVALID)
    assert invalid.code == 1
    assert json.loads(site.page("codequality.json"))

    site.git("checkout", "-q", "main")
    assert site.run("ai-budgets-drift").code == 0
    assert site.gitlab.packages == {}
    assert site.run("ai-budgets-drift", snapshot="true").code == 0
    planned = site.fork(RAISED)
    assert planned.code == 0, planned.log
    assert "$150.00 -> $200.00" in planned.log
    assert json.loads(site.page("terraform.json")) == {"create": 0, "update": 1, "delete": 0}
    refused = site.fork(BLOCKS)
    assert refused.code == 3, refused.log


def test_a_fork_is_given_no_token_for_coder() -> None:
    for name in ("ai-budgets-fork", "ai-budgets-plan"):
        assert "WRITE_TOKEN" not in json.dumps(pipeline()[name])
    assert "CODER_" not in json.dumps(pipeline()["ai-budgets-fork"])


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
