"""Where the files of this folder can be looked at: in the commit that a CI system checked out.

*Source*: GitHub Actions "Variables reference", GitLab "Predefined CI/CD variables".
"""

from __future__ import annotations

import os
from collections.abc import Mapping


def links_from_here() -> str:
    """Return the address of the working directory, as `link_base` does; empty where it was removed."""
    try:
        return link_base(os.environ, folder=os.getcwd())
    except FileNotFoundError:
        return ""


def link_base(environ: Mapping[str, str], *, folder: str) -> str:
    """Return the address of a folder in the commit that CI checked out; empty outside of CI.

    `https://github.com/acme/budgets/blob/SHA`; a policy's path and line are put behind it.
    """
    if environ.get("GITHUB_ACTIONS") and environ.get("GITHUB_REPOSITORY") and environ.get("GITHUB_SHA"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        base = f"{server}/{environ['GITHUB_REPOSITORY']}/blob/{environ['GITHUB_SHA']}"
        root = environ.get("GITHUB_WORKSPACE", "")
    elif environ.get("GITLAB_CI") and environ.get("CI_PROJECT_URL") and environ.get("CI_COMMIT_SHA"):
        base = f"{environ['CI_PROJECT_URL']}/-/blob/{environ['CI_COMMIT_SHA']}"
        root = environ.get("CI_PROJECT_DIR", "")
    else:
        return ""
    folder = os.path.relpath(folder, root) if root else "."
    if folder.startswith(".."):
        return ""
    return base if folder == "." else f"{base}/{folder}"
