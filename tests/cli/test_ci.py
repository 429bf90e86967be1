"""Runs in CI: the journal names who started them and where they can be looked up; nobody is asked."""

from __future__ import annotations

import pytest

from reconciler.cli.ci import is_ci, who_started

GITHUB = {
    "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "octocat", "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/budgets", "GITHUB_RUN_ID": "17", "GITHUB_RUN_ATTEMPT": "2",
}  # fmt: skip
GITLAB = {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ana", "CI_JOB_URL": "https://gitlab.com/acme/budgets/-/jobs/17"}
JENKINS = {"JENKINS_URL": "https://ci.acme.com/", "BUILD_URL": "https://ci.acme.com/job/budgets/17/"}
BUILDKITE = {
    "BUILDKITE": "true", "BUILDKITE_BUILD_CREATOR": "Ana Lyse", "BUILDKITE_JOB_ID": "0191-a",
    "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/budgets/builds/17",
}  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "who"),
    [
        ({}, "me@host"),
        ({"CI": "true"}, "me@host"),
        (GITHUB, "octocat in https://github.com/acme/budgets/actions/runs/17/attempts/2"),
        (
            GITHUB | {"GITHUB_TRIGGERING_ACTOR": "ana"},
            "ana in https://github.com/acme/budgets/actions/runs/17/attempts/2",
        ),
        (GITHUB | {"GITHUB_RUN_ATTEMPT": ""}, "octocat in https://github.com/acme/budgets/actions/runs/17"),
        (GITHUB | {"GITHUB_RUN_ID": ""}, "octocat"),
        (GITLAB, "ana in https://gitlab.com/acme/budgets/-/jobs/17"),
        (JENKINS, "me@host in https://ci.acme.com/job/budgets/17/"),
        (JENKINS | {"BUILD_USER_ID": "ana"}, "ana in https://ci.acme.com/job/budgets/17/"),
        (JENKINS | {"BUILD_URL": "https://me:secret@ci.acme.com/1/"}, "me@host in https://ci.acme.com/1/"),
        (JENKINS | {"BUILD_URL": "https://[broken/"}, "me@host"),
        (BUILDKITE, "Ana Lyse in https://buildkite.com/acme/budgets/builds/17#0191-a"),
        (GITLAB | {"GITLAB_USER_LOGIN": "a\x1b[31m\n\u202ena"}, "a[31mna in https://gitlab.com/acme/budgets/-/jobs/17"),
    ],
)
def test_who_started_a_run_and_where(environ: dict[str, str], who: str) -> None:
    assert who_started(environ, otherwise="me@host") == who


@pytest.mark.parametrize("value", ["true", "1", "yes", "True", "woodpecker"])
def test_ci_is_set(value: str) -> None:
    assert is_ci({"CI": value})


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "false"}, {"CI": "0"}, {"CI": "False"}])
def test_ci_is_not_set(environ: dict[str, str]) -> None:
    assert not is_ci(environ)
