"""A stand-in for a GitHub runner: takes a job's steps from the workflow and runs their shell lines in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.expressions import fill, is_true
from tests.deploy.github import REPOSITORY, REPOSITORY_ID, GitHub
from tests.warm import warm_folder

ROOT = Path(__file__).parents[2]
OURS = "acme/coder-budget-reconciler"
NOTHING_TO_DO = ("actions/checkout", "actions/setup-python")
"""The test lays out the work tree, and has a Python."""


@cache
def _yaml(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


@dataclass(slots=True)
class Job:
    """What became of a job."""

    was_skipped: bool = False
    has_failed: bool = False
    log: str = ""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def annotations(self) -> list[str]:
        return [line for line in self.log.splitlines() if line.startswith(("::error", "::warning", "::notice"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One event in one repository."""

    github: GitHub
    workflow: Path
    work_tree: Path
    scratch: Path
    event_name: str
    event: Mapping[str, Any]
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    sha: str
    ref: str = "refs/heads/main"
    run: int = 1
    attempt: int = 1

    def jobs(self) -> dict[str, Job]:
        """Run every job whose condition holds, as on a machine of its own."""
        definition = _yaml(self.workflow)
        return {name: self.job(name, job) for name, job in definition["jobs"].items()}

    def job(self, name: str, definition: Mapping[str, Any]) -> Job:
        job = Job()
        is_fork = (
            self.event_name == "pull_request" and self.event["pull_request"]["head"]["repo"]["full_name"] != REPOSITORY
        )
        permissions = {key: "read" if is_fork else value for key, value in definition.get("permissions", {}).items()}
        contexts = {
            "github": {
                "event_name": self.event_name,
                "event": self.event,
                "repository": REPOSITORY,
                "ref": self.ref,
                "workflow": _yaml(self.workflow)["name"],
                "run_attempt": str(self.attempt),
                "token": self.github.token(permissions),
            },
            "vars": self.variables,
            "secrets": {} if is_fork else self.secrets,
            "steps": {},
        }
        if not is_true(definition.get("if", ""), contexts, self._status(job)):
            job.was_skipped = True
            return job
        machine = self.scratch / f"{name}-{len(self.github.tokens)}"
        machine.mkdir(parents=True)
        self._steps(definition["steps"], contexts, job, machine, {})
        return job

    def _steps(
        self, steps: list[dict[str, Any]], contexts: dict[str, Any], job: Job, machine: Path, given: dict[str, str]
    ) -> None:
        for number, step in enumerate(steps):
            status = self._status(job)
            if not is_true(step.get("if", ""), contexts, status):
                continue
            environment = given | {key: fill(value, contexts, status) for key, value in step.get("env", {}).items()}
            inputs = {key: fill(value, contexts, status) for key, value in step.get("with", {}).items()}
            if "run" in step:
                outputs = self._run(fill(step["run"], contexts, status), environment, job, machine, number)
            else:
                outputs = self._uses(step["uses"].partition("@")[0], inputs, environment, contexts, job, machine)
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": outputs}
                job.outputs[step["id"]] = outputs

    def _uses(
        self,
        action: str,
        inputs: dict[str, str],
        environment: dict[str, str],
        contexts: dict[str, Any],
        job: Job,
        machine: Path,
    ) -> dict[str, str]:
        if action == OURS:
            definition = _yaml(ROOT / "action.yml")
            defaults = {
                key: fill(value.get("default", ""), contexts, self._status(job))
                for key, value in definition["inputs"].items()
            }
            inside = {"github": contexts["github"], "inputs": defaults | inputs, "steps": {}}
            self._steps(definition["runs"]["steps"], inside, job, machine, environment)
            status = self._status(job)
            return {key: fill(value["value"], inside, status) for key, value in definition["outputs"].items()}
        if action == "actions/upload-artifact":
            head = self.event.get("pull_request", {}).get("head", {}).get("sha", self.sha)
            branch = "change" if self.event_name == "pull_request" else "main"
            was_taken = self.github.upload(
                inputs["name"], Path(inputs["path"] or "/nowhere"), head_sha=head, branch=branch, run=self.run,
                overwrite=inputs.get("overwrite") == "true",
            )  # fmt: skip
            job.has_failed = job.has_failed or not was_taken
            return {}
        assert action in NOTHING_TO_DO, action
        return {}

    def _run(self, script: str, environment: dict[str, str], job: Job, machine: Path, number: int) -> dict[str, str]:
        files = {name: machine / name for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("")
        (machine / "event.json").write_text(json.dumps(self.event))
        (machine / f"step-{number}.sh").write_text(script)
        (machine / "home").mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(machine / f"step-{number}.sh")],
            cwd=self.work_tree,
            env={
                "PATH": f"{warm_folder()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(machine / "home"),
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_API_URL": self.github.url,
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_REPOSITORY_ID": str(REPOSITORY_ID),
                "GITHUB_SHA": self.sha,
                "GITHUB_REF": self.ref,
                "GITHUB_REF_NAME": self.ref.removeprefix("refs/heads/"),
                "GITHUB_RUN_ID": str(self.run),
                "GITHUB_WORKFLOW": _yaml(self.workflow)["name"],
                "GITHUB_BASE_REF": "main" if self.event_name == "pull_request" else "",
                "GITHUB_EVENT_NAME": self.event_name,
                "GITHUB_EVENT_PATH": str(machine / "event.json"),
                "RUNNER_TEMP": str(machine),
                "RECONCILER_INSTALLED": "by the test",
                **{key: str(file) for key, file in files.items()},
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        job.log += done.stdout
        job.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        job.has_failed = job.has_failed or done.returncode != 0
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def _status(self, job: Job) -> dict[str, Any]:
        return {
            "success": lambda: not job.has_failed,
            "failure": lambda: job.has_failed,
            "always": lambda: True,
            "cancelled": lambda: False,
        }
