"""The GitHub workflow as a runner runs it: each job's shell lines in order, against the sandbox and a stand-in GitHub.

For each story: what the comment, the summary, the annotations, the outputs, the issue and live are afterwards.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.sandbox import Fault
from tests.deploy.company import DRIFT, DUE, Site, opened
from tests.deploy.github import REPOSITORY
from tests.deploy.runner import ROOT, Job
from tests.deploy.site import BASE, BLOCKS, INVALID, RAISED, WITH_DAN
from tests.warm import warm_folder

LABS = "version: 1\norganization: labs\ngroup_budgets:\n  - {group: robotics, limit: $350}\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with opened(tmp_path) as site:
        yield site


def ran(jobs: dict[str, Job]) -> set[str]:
    return {name for name, job in jobs.items() if not job.was_skipped}


def test_nothing_is_told_twice_in_a_log_or_a_summary(site: Site) -> None:
    plan = site.pull_request(RAISED)["plan"]
    apply = site.push_merge()["apply"]
    site.set_by_hand("design", 999)
    drift, due = site.schedule(DRIFT), site.schedule(DUE)
    pages = [(plan, 1), (apply, 2), (drift, 1), (due, 1)]  # an apply has its plan's page, and its own
    for job, count in pages:
        assert job.summary.count("### AI budgets") == count, job.summary
        assert job.log.count("Plan digest") == count, job.log
    assert drift.log.count("group/acme/design: the policy says $200.00, and live is $999.00") == 1
    assert "::warning title=AI budgets%3A drift,file=policies/acme.yaml,line=5" in drift.log
    invalid = site.pull_request(INVALID)["plan"]
    assert invalid.summary.count("### AI budgets") == 1
    assert invalid.log.count("::error") == 1, invalid.log


def test_a_pull_request_its_update_and_its_merge(site: Site) -> None:
    jobs = site.pull_request(RAISED)
    plan = jobs["plan"]
    assert ran(jobs) == {"plan"}
    assert not plan.has_failed, plan.log
    assert plan.outputs["plan"]["exit-code"] == "0"
    assert plan.outputs["plan"]["changes"] == "1"
    assert len(plan.outputs["plan"]["digest"]) == 64
    (comment,) = site.github.comments
    assert comment["on"] == "1"
    assert "design" in comment["body"]
    assert "$200" in comment["body"]
    assert "https://github.example/acme/budgets/actions/runs/1" in comment["body"]
    assert plan.summary.count("AI budgets: +$150 a month, 1 change\n") == 1
    assert site.live("design") == 150

    again = site.pull_request(RAISED.replace("$200", "$175"))["plan"]
    assert not again.has_failed, again.log
    (comment,) = site.github.comments
    assert "$175" in comment["body"]
    assert "$200" not in comment["body"]

    jobs = site.push_merge()
    apply = jobs["apply"]
    assert ran(jobs) == {"apply"}
    assert not apply.has_failed, apply.log
    assert "The plan of pull request 1" in apply.log
    assert site.live("design") == 175
    assert len(site.github.comments) == 2
    assert apply.summary.count("AI budgets: applied, 1 change\n") == 1
    journal = next(artifact for artifact in site.github.artifacts if artifact["name"] == "ai-budgets-journal-1")
    assert b"journal.jsonl" in journal["data"]
    assert not site.github.refused


def test_neither_token_reaches_a_log_a_page_or_an_artifact(site: Site) -> None:
    jobs = [*site.pull_request(RAISED).values(), *site.push_merge().values(), site.schedule(DRIFT)]
    texts = [job.log + job.summary for job in jobs] + [comment["body"] for comment in site.github.comments]
    for secret in (site.sandbox.tokens["auditor"], site.sandbox.tokens["user-admin"], *site.github.tokens):
        assert not any(secret in text for text in texts)
        assert not any(secret.encode() in artifact["data"] for artifact in site.github.artifacts)


def test_git_is_started_without_the_token(tmp_path: Path) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\n")
    (tmp_path / "git").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_TOKEN": "secret-of-github", "BASE": "main",
        "GITHUB_API_URL": "http://127.0.0.1:1", "GITHUB_REPOSITORY": "acme/budgets", "GITHUB_SHA": "5" * 40,
        "POLICIES": "policies",
    }  # fmt: skip
    report = ["python3", str(ROOT / "deploy/github/report.py"), "reviewed-plan", str(tmp_path / "folder")]
    subprocess.run(report, env=environment, capture_output=True, check=False)
    seen = (tmp_path / "seen").read_text()
    assert "BASE=main" in seen
    assert "secret-of-github" not in seen


def test_a_refused_plan_fails_the_pull_request_and_says_why(site: Site) -> None:
    plan = site.pull_request(BLOCKS)["plan"]
    assert plan.has_failed
    assert plan.outputs["plan"]["exit-code"] == "3"
    assert "BLOCKS_USERS" in site.github.comments[0]["body"]
    assert plan.summary.count("This plan is refused") == 1

    apply = site.push_merge()["apply"]
    assert apply.has_failed
    assert apply.outputs["apply"]["exit-code"] == "3"
    assert site.live("platform") == 500


def test_an_invalid_policy_is_shown_at_its_line(site: Site) -> None:
    plan = site.pull_request(INVALID)["plan"]
    assert plan.has_failed
    assert plan.outputs["plan"] == plan.outputs["plan"] | {"exit-code": "1", "digest": "", "changes": ""}
    (annotation,) = (line for line in plan.annotations if line.startswith("::error"))
    assert "file=policies/acme.yaml" in annotation
    assert "line=5" in annotation
    assert plan.summary.count("AI budgets: ⛔ error") == 1
    assert "policies/acme.yaml" in plan.summary
    assert "policies/acme.yaml" in site.github.comments[0]["body"]


def test_a_fork_gets_no_secret_no_comment_and_is_checked(site: Site) -> None:
    jobs = site.pull_request(INVALID, repository="mallory/budgets")
    assert ran(jobs) == {"fork"}
    assert jobs["fork"].has_failed
    assert any("file=policies/acme.yaml" in line for line in jobs["fork"].annotations)
    assert not site.github.comments
    good = site.pull_request(RAISED, repository="mallory/budgets")["fork"]
    assert not good.has_failed, good.log
    assert "No drift run has left a snapshot yet" in good.log


def test_a_fork_is_planned_against_the_snapshot_of_the_last_drift_run(site: Site) -> None:
    assert not site.schedule(DRIFT).has_failed
    forged = site.folder / "live.json"
    forged.write_text("{}")
    site.github.upload("ai-budgets-live-AI budgets", forged, head_sha="0" * 40, branch="main", repository_id=666)
    site.github.upload("ai-budgets-live-AI budgets", forged, head_sha="0" * 40, branch="change")
    fork = site.pull_request(RAISED, repository="mallory/budgets")["fork"]
    assert not fork.has_failed, fork.log
    assert "$200" in fork.summary
    refused = site.pull_request(BLOCKS, repository="mallory/budgets")["fork"]
    assert refused.has_failed
    assert "BLOCKS_USERS" in refused.summary
    assert not site.github.comments
    assert not site.github.refused


def test_a_plan_that_a_fork_uploaded_is_not_the_reviewed_plan(site: Site) -> None:
    site.pull_request(RAISED)
    forged = site.folder / "forged"
    forged.mkdir()
    (forged / "plan.json").write_text(json.dumps({"actions": []}))
    head = site.git("rev-parse", "change")
    site.github.upload(f"ai-budgets-plan-AI budgets-1-{head}", forged, head_sha=head, repository_id=666)
    apply = site.push_merge()["apply"]
    assert not apply.has_failed, apply.log
    assert site.live("design") == 200


def test_a_change_that_the_reviewed_plan_did_not_show_is_refused(site: Site) -> None:
    site.pull_request(RAISED)
    (artifact,) = site.github.artifacts
    empty = site.folder / "empty"
    empty.mkdir()
    (empty / "plan.json").write_text(json.dumps({"actions": []}))
    site.github.artifacts.clear()
    site.github.upload(artifact["name"], empty, head_sha=site.git("rev-parse", "change"))
    apply = site.push_merge()["apply"]
    assert apply.has_failed
    assert apply.outputs["apply"]["exit-code"] == "3"
    assert "did not show this change of group/acme/design" in apply.log
    assert site.live("design") == 150
    assert any("did not show" in comment["body"] for comment in site.github.comments)

    by_hand = site.event("workflow_dispatch", {})
    assert ran(by_hand) == {"apply"}
    assert not by_hand["apply"].has_failed, by_hand["apply"].log
    assert site.live("design") == 200


@pytest.mark.parametrize("user", ["dan", "newcomer"])
@pytest.mark.parametrize(("raised", "exit_code"), [("$900", "0"), ("$950", "3")])
def test_a_grant_that_starts_between_review_and_merge_was_announced(
    site: Site, user: str, raised: str, exit_code: str
) -> None:
    """Its start made it a change that the reviewed plan did not show, and nothing of the merge was applied."""
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    end = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%d")
    entry = f"{{user: {user}, group: platform, limit: $900, starts: {day}, expires: {end}}}"
    grant = f"{RAISED}user_overrides:\n  - {entry}\n"
    site.pull_request(grant)
    (artifact,) = site.github.artifacts
    past = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")
    head = site.branch(grant.replace(day, past).replace("$900", raised))  # as time goes by
    document = json.loads(zipfile.ZipFile(io.BytesIO(artifact["data"])).read("plan.json"))
    (notice,) = document["effects"]["notices"]
    assert notice["kind"] == ("starts-later" if user == "dan" else "awaited")
    notice["at"] = f"{past}T00:00:00Z"
    (site.folder / "plan.json").write_text(json.dumps(document))
    site.github.artifacts.clear()
    site.github.upload(f"ai-budgets-plan-AI budgets-1-{head}", site.folder / "plan.json", head_sha=head)
    site.sandbox.execute("UPDATE users SET username = 'newcomer' WHERE username = 'carol' AND ? = 'newcomer'", (user,))
    apply = site.push_merge()["apply"]
    assert apply.outputs["apply"]["exit-code"] == exit_code, apply.log
    assert (user in site.overrides(), site.live("design")) == ((True, 200) if exit_code == "0" else (False, 150))


def test_of_two_fast_merges_the_newer_applies_both_and_what_to_do_if_it_fails_is_said(site: Site) -> None:
    """The run of the first waits, is outdated when it begins, and the run of the second is refused."""
    commits = [site.git("rev-parse", "main")]
    for number, text in enumerate((RAISED, RAISED.replace("$500", "$60")), start=1):
        site.pull_request(text)
        pull = {"number": number, "merged_at": "2026-11-25T12:00:00Z", "head": {"sha": site.git("rev-parse", "change")}}
        commits.append(site.merge())
        site.github.pulls[commits[-1]] = [pull]
    site.git("checkout", "-q", commits[1])
    first = site.event("push", {"before": commits[0]})["apply"]
    site.git("checkout", "-q", "main")
    second = site.event("push", {"before": commits[1]})["apply"]
    assert [job.outputs["apply"]["exit-code"] for job in (first, second)] == ["3", "3"]
    what_to_do = "If it has none (as with [skip ci]), or if that fails or is stopped, run this workflow by hand on"
    assert any(comment["on"] == "1" and what_to_do in comment["body"] for comment in site.github.comments)
    site.schedule(DRIFT)
    assert "**Undo** it: run `reconciler apply`, or your pipeline's apply by hand" in site.github.issues[0]["body"]
    site.pull_request(RAISED.replace("$500", "$400"))
    assert not site.push_merge()["apply"].has_failed
    assert (site.live("design"), site.live("platform")) == (200, 400)


def test_somebody_who_left_since_the_review_stops_nobody_elses_change(site: Site) -> None:
    assert not site.pull_request(WITH_DAN)["plan"].has_failed
    site.leave_platform("dan")
    apply = site.push_merge()["apply"]
    assert not apply.has_failed, apply.log
    assert site.live("design") == 200
    assert "dan" not in site.overrides()
    assert any("user/dan" in line for line in apply.annotations)

    site.set_by_hand("design", 150)
    by_hand = site.event("workflow_dispatch", {})["apply"]  # it has no policy before the change
    assert not by_hand.has_failed, by_hand.log
    assert site.live("design") == 200


def test_a_run_of_an_older_commit_takes_nothing_back(site: Site) -> None:
    """Somebody presses "Re-run all jobs" on the run before the last."""
    site.pull_request(RAISED)
    before = site.git("rev-parse", "main")
    assert not site.push_merge()["apply"].has_failed
    older = site.git("rev-parse", "main")
    site.pull_request(RAISED.replace("$200", "$300"))
    assert not site.push_merge()["apply"].has_failed
    site.git("checkout", "-q", older)
    again = site.event("push", {"before": before})["apply"]
    assert again.has_failed
    assert again.outputs["apply"]["exit-code"] == "3"
    assert "policies changed on main since this commit. Nothing was written: the run of the newer" in again.log
    assert "policies changed on main" in again.summary
    assert site.live("design") == 300

    due = site.schedule(DUE)
    assert not due.has_failed, due.log
    assert any(line.startswith("::warning") and "Nothing was written" in line for line in due.annotations)
    site.git("checkout", "-q", "main")
    assert not site.event("push", {"before": older})["apply"].has_failed
    assert not site.schedule(DUE).has_failed


def test_a_tag_that_is_called_as_the_branch_does_not_hide_a_newer_commit(site: Site) -> None:
    """The branch was asked for by its name alone, which may mean the tag: the run of an older commit took back $300."""
    site.pull_request(RAISED)
    before = site.git("rev-parse", "main")
    site.push_merge()
    older = site.git("rev-parse", "main")
    site.pull_request(RAISED.replace("$200", "$300"))
    site.push_merge()
    site.git("tag", "main", older)
    site.git("checkout", "-q", older)
    again = site.event("push", {"before": before})["apply"]
    assert again.outputs["apply"]["exit-code"] == "3", again.log
    assert site.live("design") == 300


def test_a_run_on_a_tag_with_a_message_applies(site: Site) -> None:
    """Such a tag is an object of its own, at which GitHub shows no files; so all of them passed for changed."""
    site.pull_request(RAISED)
    site.merge()
    site.git("tag", "-a", "v1", "-m", "the budgets of 2027")
    apply = site.event("push", {"before": site.git("rev-parse", "HEAD^1")}, ref="refs/tags/v1")["apply"]
    assert not apply.has_failed, apply.log
    assert site.live("design") == 200


def test_one_push_of_two_merges_is_compared_with_both_plans(site: Site) -> None:
    """As a merge queue has it: the changes of the first were refused, as none that the plan of the second showed."""
    before = site.git("rev-parse", "main")
    site.pull_request(RAISED)
    heads = [site.git("rev-parse", "change")]
    pulls = [{"number": 1, "merged_at": "2026-11-25T12:00:00Z", "head": {"sha": heads[0]}}]
    first = site.merge()
    site.git("checkout", "-q", "-B", "main", before)
    (site.work_tree / "policies" / "labs.yaml").write_text(LABS)
    site.git("add", ".")
    site.pull_request(BASE, number=2)
    heads.append(site.git("rev-parse", "change"))
    pulls.append(pulls[0] | {"number": 2, "head": {"sha": heads[1]}})
    site.git("checkout", "-q", "-B", "main", first)
    site.github.pulls |= {first: pulls[:1], site.merge(): pulls[1:]}
    apply = site.event("push", {"before": before})["apply"]
    assert not apply.has_failed, apply.log
    assert "The plan of pull request 1" in apply.log
    assert "The plan of pull request 2" in apply.log
    assert [site.live("design"), "Not in the reviewed plan" in apply.log] == [200, False]
    assert {comment["on"] for comment in site.github.comments if "applied, 2 changes" in comment["body"]} == {"1", "2"}

    site.github.artifacts.clear()
    forged = site.folder / "forged"
    forged.mkdir()
    (forged / "plan.json").write_text(json.dumps({"actions": []}))
    for number, head in enumerate(heads, start=1):
        site.github.upload(f"ai-budgets-plan-AI budgets-{number}-{head}", forged, head_sha=head)
    site.set_by_hand("design", 150)
    again = site.event("push", {"before": before})["apply"]
    assert again.outputs["apply"]["exit-code"] == "3", again.log


@pytest.mark.parametrize("before", ["force", "0" * 40])
def test_a_push_whose_policy_before_is_not_there_is_applied_as_a_whole(site: Site, before: str) -> None:
    """A force push leaves the old commit in no clone, and a new branch has none: --base was an error of fetch-depth."""
    site.pull_request(RAISED)
    site.push_merge()
    if before == "force":
        before = "f5ba58047f16f7d489aa7eb5ac26629192f07c0f"
        site.git("reset", "-q", "--hard", "HEAD^1")
    apply = site.event("push", {"before": before})["apply"]
    assert not apply.has_failed, apply.log
    assert "The commit before this push is not in the clone" in apply.log
    assert site.live("design") == (200 if before == "0" * 40 else 150)


def test_the_journal_of_a_run_that_is_cancelled_is_kept(tmp_path: Path) -> None:
    """The runner kills what does not end within seconds: the folder was told last, so nothing was uploaded."""
    (tmp_path / "reconciler").write_text("#!/bin/bash\nkill -9 $PPID\n")
    (tmp_path / "reconciler").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin", "COMMAND": "apply", "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }  # fmt: skip
    command = ["bash", str(ROOT / "deploy/github/run.sh"), str(tmp_path / "pages")]
    assert subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode == -9
    assert (tmp_path / "output").read_text() == f"folder={tmp_path / 'pages'}\n"


@pytest.mark.parametrize(
    ("on", "event", "kept"),
    [
        ("push", {"before": "0" * 40}, ["journal-1", "journal-2"]),
        ("schedule", {"schedule": DUE}, ["due-1", "due-2"]),
        ("schedule", {"schedule": DRIFT}, ["drift", "live-AI budgets"]),
    ],
)
def test_a_run_that_is_started_again_keeps_its_pages_and_every_journal(
    site: Site, on: str, event: dict[str, str], kept: list[str]
) -> None:
    """A name is taken once in a run: the journal of what the second attempt wrote was not kept, and its job failed."""
    for again in (False, True):
        jobs = site.event(on, event, again=again)
        assert not any(job.has_failed for job in jobs.values())
    assert [item["name"].removeprefix("ai-budgets-") for item in site.github.artifacts] == kept


def test_two_workflows_for_two_coders_leave_each_others_words_and_runs_alone(site: Site) -> None:
    """A clean drift of staging closed the issue about production, and its apply took the place of one that waited."""
    staging = site.folder / "staging.yml"
    text = site.workflow.read_text()
    staging.write_text(text.replace("name: AI budgets\n", "name: AI budgets of staging\n"))
    site.set_by_hand("design", 999)
    site.schedule(DRIFT)
    site.set_by_hand("design", 150)
    production, site.workflow = site.workflow, staging
    site.schedule(DRIFT)
    site.pull_request(RAISED)
    site.workflow = production
    site.pull_request(RAISED)
    (issue,) = site.github.issues
    assert (issue["state"], issue["title"]) == ("open", "AI budgets: live differs from the policy")
    names = ["AI budgets", "AI budgets of staging"]
    assert [[f"of `{name}`" in comment["body"] for name in names] for comment in site.github.comments] == [
        [False, True],
        [True, False],
    ]
    kept = [item["name"] for item in site.github.artifacts]
    for name in names:
        assert f"ai-budgets-live-{name}" in kept
        assert sum(artifact.startswith(f"ai-budgets-plan-{name}-") for artifact in kept) == 1
    for job in yaml.safe_load(text)["jobs"].values():
        assert job["concurrency"]["group"].startswith("${{ github.workflow }}-")


def test_github_that_does_not_answer_stops_what_depends_on_it_and_nothing_else(site: Site) -> None:
    """A run of an older commit went on where the branch could not be read; a comment failed a complete apply."""
    site.pull_request(RAISED)
    older = site.merge()
    site.git("commit", "-q", "--allow-empty", "-m", "of other files")
    site.git("checkout", "-q", older)
    for site.github.fails in ("/git/ref/", "/contents/", "/pulls"):
        apply = site.event("push", {"before": site.git("rev-parse", "HEAD^1")})["apply"]
        assert apply.has_failed
        assert site.live("design") == 150
        assert "Traceback" not in apply.log
        (error,) = (line for line in apply.annotations if line.startswith("::error"))
        assert "HTTP Error 502: Bad Gateway. Nothing was written. Run this job again." in error
    by_hand = site.event("workflow_dispatch", {})["apply"]
    assert not by_hand.has_failed, by_hand.log
    assert "The comment could not be written (HTTP Error 502: Bad Gateway)." in by_hand.log
    assert site.live("design") == 200


def test_a_permission_that_is_missing_is_told_where_nothing_can_go_on_without_it(site: Site) -> None:
    """It was said to run the job again, which ends in the same way."""
    text = site.workflow.read_text()
    site.workflow = site.folder / "too-few.yml"
    site.workflow.write_text(text.replace("pull-requests: write # what", "issues: read # what"))
    site.pull_request(RAISED)
    apply = site.push_merge()["apply"]
    assert site.live("design") == 150
    (error,) = (line for line in apply.annotations if line.startswith("::error"))
    assert "Nothing was written. Give this job the `permissions` that it has in deploy/github/ai-budgets.yml." in error


def test_somebody_touched_an_unrelated_budget_meanwhile(site: Site) -> None:
    """`--expect-digest` refused here: a hand edit of another budget changed the digest of the approved change."""
    site.pull_request(RAISED)
    site.set_by_hand("platform", 900)
    apply = site.push_merge()["apply"]
    assert not apply.has_failed, apply.log
    assert (site.live("design"), site.live("platform")) == (200, 500)
    assert any("Not in the reviewed plan" in line and "platform" in line for line in apply.annotations)


def test_the_comment_is_found_below_250_others(site: Site) -> None:
    for number in range(250):
        person = {"type": "User"}
        site.github.comments.append({"id": 1000 + number, "on": "1", "body": f"comment {number}", "user": person})
    for dollars in (200, 175):
        assert not site.pull_request(RAISED.replace("$200", f"${dollars}"))["plan"].has_failed
        (comment,) = (comment for comment in site.github.comments if comment["user"]["type"] == "Bot")
        assert f"${dollars}" in comment["body"]
    assert len(site.github.comments) == 251


def test_the_issue_is_found_below_250_others(site: Site) -> None:
    for number in range(250):
        person = {"type": "User"}
        site.github.issues.append({"number": 1000 + number, "state": "open", "body": "hello", "user": person})
    for dollars in (900, 950):
        site.set_by_hand("platform", dollars)
        site.schedule(DRIFT)
    (issue,) = (issue for issue in site.github.issues if issue["user"]["type"] == "Bot")
    assert "$950" in issue["body"]
    site.set_by_hand("platform", 500)
    site.schedule(DRIFT)
    assert [len(site.github.issues), issue["state"]] == [251, "closed"]


def test_drift_keeps_one_issue(site: Site) -> None:
    assert not site.schedule(DRIFT).has_failed
    assert site.github.issues == []

    site.set_by_hand("platform", 900)
    drift = site.schedule(DRIFT)
    assert not drift.has_failed, drift.log
    assert drift.outputs["drift"]["exit-code"] == "2"
    (issue,) = site.github.issues
    assert (issue["state"], issue["labels"]) == ("open", ["ai-budgets-drift"])
    assert "platform" in issue["body"]

    site.set_by_hand("platform", 950)
    assert not site.schedule(DRIFT).has_failed
    (issue,) = site.github.issues
    assert "$950" in issue["body"]

    site.set_by_hand("platform", 500)
    assert not site.schedule(DRIFT).has_failed
    (issue,) = site.github.issues
    assert issue["state"] == "closed"
    assert not site.github.refused


def test_a_grant_ends_by_itself(site: Site) -> None:
    soon = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    past = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")
    grant = f"{BASE}user_overrides:\n  - {{user: dan, group: platform, limit: $900, expires: {soon}}}\n"
    site.pull_request(grant)
    assert not site.push_merge()["apply"].has_failed
    early = site.schedule(DUE)
    assert not early.has_failed, early.log
    assert "dan" in site.overrides()

    site.write(grant.replace(soon, past))  # as time goes by
    site.set_by_hand("design", 160)  # and a hand edit, which is not due
    due = site.schedule(DUE)
    assert not due.has_failed, due.log
    assert "dan" not in site.overrides()
    assert site.live("design") == 160


def _overrides(site: Site) -> set[str]:
    done = subprocess.run(
        ["reconciler", "export", "acme"], capture_output=True, text=True, check=True,
        env={"PATH": _path(), "HOME": str(site.folder), "CODER_URL": site.sandbox.url,
             "CODER_SESSION_TOKEN": site.sandbox.tokens["user-admin"]},
    )  # fmt: skip
    return {line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("  - user: ")}


def _path() -> str:
    import os
    import sys

    return f"{warm_folder()}:{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.mark.parametrize("script", ["install.sh", "run.sh"])
def test_python_beside_reconciler_gets_no_token_for_coder_and_imports_nothing_of_the_checkout(
    tmp_path: Path, script: str
) -> None:
    """`python3 -m venv` would run a `venv.py` of the checkout, which is the working directory."""
    seen = tmp_path / "seen"
    (tmp_path / "python3").write_text(f'#!/bin/bash\nprintf "%s\\n" "$*" >> {seen}\nenv >> {seen}\nexit 1\n')
    (tmp_path / "python3").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "CODER_SESSION_TOKEN": "canary",
        "CODER_HEADER": "X-Canary=canary",
        "COMMAND": "nothing",
    }
    command = ["bash", str(ROOT / "deploy" / "github" / script), str(tmp_path / "pages")]
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert seen.read_text().startswith({"install.sh": "-I ", "run.sh": "-Es "}[script])
    assert "canary" not in seen.read_text()


def test_what_a_job_installs_is_pinned_by_hashes_what_builds_it_too(tmp_path: Path) -> None:
    """`pip install FOLDER` fetched the newest of what builds the package, and ran it in the job that has the token."""
    seen = tmp_path / "seen"
    pip = f'#!/bin/bash\nprintf "%s\\n" "$*" >> {seen}\n'
    (tmp_path / "python3").write_text(
        f"#!/bin/bash\n[[ $3 == venv ]] || exit 0\nmkdir -p $4/bin $4/wheels\ntouch $4/wheels/ours.whl\n"
        f"cat > $4/bin/pip <<'END'\n{pip}END\nchmod +x $4/bin/pip\n"
    )
    (tmp_path / "python3").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), "GITHUB_PATH": "/dev/null"}
    command = ["bash", str(ROOT / "deploy" / "github" / "install.sh")]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    calls = seen.read_text().splitlines()
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    calls += re.findall(r"^(?:RUN| &&) pip (.*?)(?: \\\\)?$", image, re.MULTILINE)
    assert len(calls) == 8
    for call in calls:
        assert {"--require-hashes", "--no-build-isolation", "--no-index"} & set(call.split()), call
        assert "--require-hashes" in call or "--no-deps" in call, call
    subprocess.run(command, cwd=tmp_path, env=environment | {"VERSION": "0.1.0"}, check=True)
    assert "--no-deps --only-binary :all: coder-budget-reconciler==0.1.0" in seen.read_text(), "nothing is built"


def test_only_the_step_that_runs_reconciler_has_the_token_for_coder() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        assert (step.get("id") == "run") == ("CODER_SESSION_TOKEN" not in step["env"])
        assert not step["env"].get("CODER_SESSION_TOKEN")
        assert "GITHUB_TOKEN" not in step["env"] or step.get("id") != "run"


@pytest.mark.parametrize("left", ["plan.json", "cut.json", "none.json"])
def test_a_plan_that_ended_with_an_error_was_not_reviewed(site: Site, left: str) -> None:
    """Its job failed, and somebody merged: the apply ended in a traceback, or was compared with nothing."""
    site.sandbox.fault(Fault("status", path="*/users/me", status=401, body={"message": "API key expired."}))
    plan = site.pull_request(RAISED)["plan"]
    assert plan.outputs["plan"]["exit-code"] == "1"
    if left != "plan.json":
        (artifact,) = site.github.artifacts
        folder = site.folder / "damaged"
        folder.mkdir()
        (folder / ("plan.json" if left == "cut.json" else "plan.md")).write_text('{"actions": [{"addr')
        site.github.artifacts.clear()
        site.github.upload(artifact["name"], folder, head_sha=site.git("rev-parse", "change"))
    apply = site.push_merge()["apply"]
    assert apply.outputs["apply"]["exit-code"] == "3"
    assert site.live("design") == 150
    text = "The plan of the pull request ended with an error, so nobody saw what this change does. Nothing was written."
    if left == "cut.json":  # as on GitLab
        text = "The plan that the pull request kept is damaged, so nothing can be compared with it. Nothing was"
    assert text in apply.summary
    assert any(text in comment["body"] for comment in site.github.comments)
    assert not site.event("workflow_dispatch", {})["apply"].has_failed
    assert site.live("design") == 200


def test_two_pull_requests_of_one_commit_have_a_plan_each(site: Site) -> None:
    """One to `main`, and a later one to a branch where its plan ends with an error: the merge was refused for that."""
    assert not site.pull_request(RAISED)["plan"].has_failed
    head = site.git("rev-parse", "change")
    site.sandbox.fault(Fault("status", path="*/users/me", status=401, body={"message": "API key expired."}))
    other = {"number": 2, "head": {"sha": head, "repo": {"full_name": REPOSITORY}}}
    assert site.event("pull_request", {"pull_request": other})["plan"].has_failed
    apply = site.push_merge()["apply"]
    assert not apply.has_failed, apply.log
    assert f"The plan of pull request 1 at {head[:12]} was fetched." in apply.log
    assert site.live("design") == 200


def test_a_plan_that_an_earlier_workflow_kept_is_compared(site: Site) -> None:
    """A bot takes a new release into a copied workflow, and leaves the names of its artifacts, which had no number."""
    text = site.workflow.read_text()
    site.workflow = site.folder / "copied.yml"
    site.workflow.write_text(text.replace("${{ github.event.pull_request.number }}-", ""))
    site.set_by_hand("design", 200)
    site.pull_request(RAISED)
    site.set_by_hand("design", 150)
    apply = site.push_merge()["apply"]
    assert apply.outputs["apply"]["exit-code"] == "3", apply.log
    assert "did not show this change of group/acme/design" in apply.log


def test_a_name_is_no_markdown_in_what_is_said_of_the_reviewed_plan(tmp_path: Path) -> None:
    name = "group/acme/x\n# [free](https://evil.example) @everyone `"
    plans = {"plan": [{"address": name, "subject": {"id": "x"}, "after": {"type": "absent"}}], "reviewed-1": []}
    for file, actions in plans.items():
        (tmp_path / f"{file}.json").write_text(json.dumps({"actions": actions}))
    report = ["python3", str(ROOT / "deploy/github/report.py"), "compare", str(tmp_path)]
    environment = os.environ | {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    assert subprocess.run(report, env=environment, capture_output=True, check=False).returncode == 3
    for page in ("summary.md", "apply.md"):
        text = (tmp_path / page).read_text()
        assert "`` group/acme/x\\x0a# [free](https://evil.example) @everyone ` ``" in text
