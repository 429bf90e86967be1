"""Where the files of this folder can be looked at: in the commit that a CI system checked out.

Its workspace may hold other checkouts: the files of another repository are not in that commit, and the paths of the
same repository in a folder of its own (`path:` of actions/checkout) begin at that folder. So a checkout below counts
where its own `.git/config` names the repository that CI names.

*Source*: GitHub Actions "Variables reference", GitLab "Predefined CI/CD variables".
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple


class Here(NamedTuple):
    """The working directory in the commit that CI checked out; empty outside of CI."""

    link_base: str = ""
    """`https://github.com/acme/budgets/blob/SHA`; a policy's path and line are put behind it."""
    folder: str = ""
    """Its path from the top of the checkout; empty at the top."""


def here() -> Here:
    """Return where the working directory is; nothing where it was removed."""
    try:
        return place_of(os.environ, folder=os.getcwd())
    except FileNotFoundError:
        return Here()


def place_of(environ: Mapping[str, str], *, folder: str) -> Here:
    """Return where a folder is in what CI checked out."""
    if environ.get("GITHUB_ACTIONS") and environ.get("GITHUB_REPOSITORY") and environ.get("GITHUB_SHA"):
        server, repository = environ.get("GITHUB_SERVER_URL", "https://github.com"), environ["GITHUB_REPOSITORY"]
        base = f"{server}/{repository}/blob/{environ['GITHUB_SHA']}"
        workspace = environ.get("GITHUB_WORKSPACE", "")
    elif environ.get("GITLAB_CI") and environ.get("CI_PROJECT_URL") and environ.get("CI_COMMIT_SHA"):
        base = f"{environ['CI_PROJECT_URL']}/-/blob/{environ['CI_COMMIT_SHA']}"
        repository, workspace = environ.get("CI_PROJECT_PATH", ""), environ.get("CI_PROJECT_DIR", "")
    else:
        return Here()
    if not workspace:
        return Here(base)
    top = _top_of(folder, workspace)
    if top is None or not (top == workspace or _is_checkout_of(top, repository)):
        return Here()
    below = os.path.relpath(folder, top)
    return Here(base) if below == os.curdir else Here(f"{base}/{below}", below)


def _top_of(folder: str, workspace: str) -> str | None:
    """Return the nearest checkout above a folder, up to the workspace; None outside of it."""
    if os.path.relpath(folder, workspace).startswith(os.pardir):
        return None
    top = folder
    while not os.path.samefile(top, workspace):
        if os.path.lexists(os.path.join(top, ".git")):
            return top
        top = os.path.dirname(top)
    return workspace


def _is_checkout_of(top: str, repository: str) -> bool:
    """Whether a checkout says that it was cloned from a repository (`acme/budgets`)."""
    try:
        with open(os.path.join(top, ".git", "config"), encoding="utf-8", errors="replace") as file:
            config = file.read(65_536)
    except OSError:  # a submodule or a worktree, whose `.git` is a file
        return False
    url = re.compile(rf"url\s*=\s*\S*[/:]{re.escape(repository)}(\.git)?/?", re.IGNORECASE)
    section = ""
    for line in map(str.strip, config.splitlines()):
        section = line if line.startswith("[") else section
        if repository and section.startswith("[remote ") and url.fullmatch(line):  # it may hold submodules, too
            return True
    return False
