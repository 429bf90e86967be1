"""What the variables of a CI system tell: that nobody can be asked, who started the run, and where it can be looked up.

*Source*: GitHub Actions "Variables reference", GitLab "Predefined CI/CD variables", Jenkins "Using environment
variables" (and its build user vars plugin), Buildkite "Environment variables".
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from reconciler.dataclass import dataclass

_MAX_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _System:
    mark: str
    """The variable that is set in every run of this system and nowhere else."""
    actors: tuple[str, ...]
    """Variables that name who started the run; the first that is set counts."""
    urls: tuple[str, ...]
    """Where the run can be looked up; the first whose variables are all set counts."""


_GITHUB_RUN = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
_SYSTEMS = (
    _System(
        mark="GITHUB_ACTIONS",
        actors=("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        urls=(f"{_GITHUB_RUN}/attempts/{{GITHUB_RUN_ATTEMPT}}", _GITHUB_RUN),
    ),
    _System(mark="GITLAB_CI", actors=("GITLAB_USER_LOGIN",), urls=("{CI_JOB_URL}", "{CI_PIPELINE_URL}")),
    _System(mark="BUILDKITE", actors=("BUILDKITE_BUILD_CREATOR",), urls=("{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}",)),
    _System(mark="JENKINS_URL", actors=("BUILD_USER_ID", "BUILD_USER"), urls=("{BUILD_URL}",)),
)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether CI says that this is an unattended run, where nobody can be asked even if there is a terminal."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def who_started(environ: Mapping[str, str], *, otherwise: str) -> str:
    """Return `octocat in https://github.com/acme/budgets/actions/runs/17/attempts/1`; outside of CI `otherwise`.

    A part that the CI system does not tell is left out: `otherwise` stands for the actor.
    """
    for system in _SYSTEMS:
        if environ.get(system.mark):
            actor = next((name for key in system.actors if (name := _printable(environ.get(key, "")))), otherwise)
            url = next((url for template in system.urls if (url := _filled(template, environ))), "")
            return f"{actor} in {url}" if url else actor
    return otherwise


def _filled(template: str, environ: Mapping[str, str]) -> str:
    try:
        parts = urlsplit(template.format_map({key: value for key, value in environ.items() if value}))
    except (KeyError, ValueError):  # a variable is not set, or they make no URL
        return ""
    without_password = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return _printable(urlunsplit(without_password))


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:_MAX_LENGTH]
