"""The facts of a run for its journal: who, where, which revision of the policy, and under which name."""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import socket
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler import __version__
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.policy import SourceFile
from reconciler.operations.apply import Run

JOURNAL_FOLDER = ".reconciler"


def new_run(plan: Plan, *, parallelism: int) -> Run:
    """Name a run and find out who makes it."""
    return Run(
        id=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{plan.digest[:DIGEST_SHOWN]}-{secrets.token_hex(4)}",
        tool=f"reconciler/{__version__}",
        who=f"{_user()}@{socket.gethostname()}",
        revision=_revision(plan.sources),
        clock=lambda: datetime.now(UTC),
        parallelism=parallelism,
    )


def default_journal(run: Run) -> str:
    """`.reconciler/20261123T150012Z-9f8e12ab34cd-1a2b3c4d.jsonl` under the working directory."""
    return os.path.join(JOURNAL_FOLDER, f"{run.id}.jsonl")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return str(os.getuid())


def _revision(sources: Sequence[SourceFile]) -> str:
    """Return the Git commit of the policy, `-dirty` when that is not all of it: changed, not added, or ignored.

    Empty where there is no Git, and where the files are not here as they went into the plan: a plan that was saved
    elsewhere must not be recorded under the commit that happens to be checked out.
    """
    if not sources or not all(map(_is_here, sources)):
        return ""
    files = [os.path.abspath(source.path) for source in sources]
    folder = os.path.dirname(files[0])
    commit = _git(folder, "describe", "--always", "--abbrev=40", "--match=", "--dirty")
    if not commit or commit.endswith("-dirty"):
        return commit or ""
    is_whole = _git(folder, "status", "--porcelain", "--ignored", "--", *files) == ""
    return commit if is_whole else f"{commit}-dirty"


def _git(folder: str, *arguments: str) -> str | None:
    """Return what Git says; None when it is not there, or fails."""
    try:
        answer = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(answer.stdout).strip() if answer.returncode == 0 else None


def _is_here(source: SourceFile) -> bool:
    try:
        with open(source.path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == source.sha256
    except OSError:
        return False
