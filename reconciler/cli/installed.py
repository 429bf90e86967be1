"""How this copy of reconciler was installed, to name the right command when a part of it is missing.

It must never name a package that is not ours: on the package index `reconciler` is a stranger's.
"""

from __future__ import annotations

import json
import shlex
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from reconciler import __version__

DISTRIBUTION = "coder-budget-reconciler"
"""Our name on the package index; pyproject.toml has the same."""


def command_to_add(extra: str) -> str:
    """Return the shell command that adds an optional part, such as `sandbox`, to this very installation."""
    wanted, is_editable = _requirement(extra)
    if Path(sys.prefix, "uv-receipt.toml").exists():
        return shlex.join(["uv", "tool", "install", "--force", wanted])
    if Path(sys.prefix, "pipx_metadata.json").exists():
        return shlex.join(["pipx", "install", "--force", wanted])
    options = ["--editable"] if is_editable else []
    return shlex.join([sys.executable, "-m", "pip", "install", *options, wanted])


def _requirement(extra: str) -> tuple[str, bool]:
    """Return what to ask an installer for, from where this copy came from, and whether it is an editable install."""
    named = f"{DISTRIBUTION}[{extra}]"
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # run from a checkout that nobody installed
        return f"{Path(__file__).parents[2]}[{extra}]", True
    if not text:
        return f"{named}=={__version__}", False
    source = json.loads(text)
    url = urlsplit(source["url"])
    if url.scheme == "file":
        return f"{url2pathname(url.path)}[{extra}]", bool(source.get("dir_info", {}).get("editable"))
    repository = source.get("vcs_info")
    if repository:
        return f"{named} @ {repository['vcs']}+{source['url']}@{repository['commit_id']}", False
    return f"{named} @ {source['url']}", False
