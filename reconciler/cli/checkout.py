"""Where the files of this folder can be looked at: in the commit that a CI system checked out.

*Source*: GitHub Actions "Variables reference", GitLab "Predefined CI/CD variables".
"""

from __future__ import annotations

import os
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
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        base = f"{server}/{environ['GITHUB_REPOSITORY']}/blob/{environ['GITHUB_SHA']}"
        root = environ.get("GITHUB_WORKSPACE", "")
    elif environ.get("GITLAB_CI") and environ.get("CI_PROJECT_URL") and environ.get("CI_COMMIT_SHA"):
        base = f"{environ['CI_PROJECT_URL']}/-/blob/{environ['CI_COMMIT_SHA']}"
        root = environ.get("CI_PROJECT_DIR", "")
    else:
        return Here()
    folder = os.path.relpath(folder, root) if root else "."
    if folder.startswith(".."):
        return Here()
    return Here(base) if folder == "." else Here(f"{base}/{folder}", folder)
