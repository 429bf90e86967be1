"""A company's repository on GitHub, its Coder, and what happens to them: pull requests, merges, schedules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.sandbox import Options, Sandbox
from tests.deploy.github import REPOSITORY, GitHub, serving
from tests.deploy.runner import ROOT, Job, Runner
from tests.deploy.site import Repository

WORKFLOW = ROOT / "deploy" / "github" / "ai-budgets.yml"
DUE, DRIFT = "41 * * * *", "17 5 * * *"


@dataclass(slots=True)
class Site(Repository):
    """A company's repository on GitHub, and its Coder."""

    folder: Path
    github: GitHub
    workflow: Path = WORKFLOW
    attempts: list[int] = field(default_factory=list)
    """Of each run, how many it has."""

    def pull_request(self, text: str, *, repository: str = REPOSITORY, number: int = 1) -> dict[str, Job]:
        """Push a change to the branch, and check out what GitHub would merge."""
        head = self.branch(text)
        self.git("checkout", "-q", "-B", "merged", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", "change")
        event = {"pull_request": {"number": number, "head": {"sha": head, "repo": {"full_name": repository}}}}
        return self.event("pull_request", event)

    def push_merge(self) -> dict[str, Job]:
        """Merge the branch, as the button does."""
        before, head = self.git("rev-parse", "main"), self.git("rev-parse", "change")
        pull = {"number": 1, "merged_at": "2026-11-25T12:00:00Z", "head": {"sha": head}}
        self.github.pulls[self.merge()] = [pull]
        return self.event("push", {"before": before})

    def schedule(self, cron: str) -> Job:
        jobs = self.event("schedule", {"schedule": cron})
        (ran,) = (job for job in jobs.values() if not job.was_skipped)
        return ran

    def event(
        self, name: str, event: dict[str, Any], *, again: bool = False, ref: str = "refs/heads/main"
    ) -> dict[str, Job]:
        """Run the workflow, or the last run once more ("Re-run all jobs")."""
        if again:
            self.attempts[-1] += 1
        else:
            self.attempts.append(1)
        runner = Runner(
            github=self.github,
            workflow=self.workflow,
            work_tree=self.work_tree,
            scratch=self.folder / "machines",
            event_name=name,
            event=event,
            variables={"CODER_URL": self.sandbox.url},
            secrets={
                "CODER_READ_TOKEN": self.sandbox.tokens["auditor"],
                "CODER_WRITE_TOKEN": self.sandbox.tokens["user-admin"],
            },
            sha=self.git("rev-parse", "HEAD"),
            ref=ref,
            run=len(self.attempts),
            attempt=self.attempts[-1],
        )
        return runner.jobs()


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    """Open a repository with its first commit, beside a Coder that matches it."""
    with serving() as github, Sandbox(Options()) as sandbox:
        site = Site(work_tree=folder / "work", sandbox=sandbox, folder=folder, github=github)
        site.begin()
        github.work_tree = site.work_tree
        yield site
