"""The facts of a run for its journal: who, where, which revision of the policy, and under which name."""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from reconciler import __version__
from reconciler.cli.ci import who_started
from reconciler.cli.repository import revision_of
from reconciler.coder.pool import Workers
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.policy import SourceFile
from reconciler.errors import ReconcilerError
from reconciler.formats.document import JOURNALS
from reconciler.operations.execution import Run
from reconciler.render.text import harmless


def new_run(plan: Plan, *, parallelism: int, note: Callable[[str], None]) -> Run:
    """Name a run and find out who makes it; `note` is told what could not be found out, and why."""
    return Run(
        id=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{plan.digest[:DIGEST_SHOWN]}-{secrets.token_hex(4)}",
        tool=f"reconciler/{__version__}",
        who=who_started(os.environ, otherwise=f"{_user()}@{socket.gethostname()}"),
        revision=_revision(plan.sources, note),
        clock=lambda: datetime.now(UTC),
        pool=Workers(parallelism),
    )


def default_journal(run: Run) -> str:
    """`.reconciler/20261123T150012Z-9f8e12ab34cd-1a2b3c4d.jsonl` under the working directory."""
    return os.path.join(JOURNALS, f"{run.id}.jsonl")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return str(os.getuid())


def _revision(sources: Sequence[SourceFile], note: Callable[[str], None]) -> str:
    """Return the Git commit of the policy (see `revision_of`), and say so in a `note` when Git refuses to look.

    Empty where the files are not here as they went into the plan: a plan that was saved elsewhere must not be recorded
    under the commit that happens to be checked out.
    """
    files = {source.path: _content(source) for source in sources}
    here = {path: content for path, content in files.items() if content is not None}
    if len(here) < len(files):
        return ""
    try:
        return revision_of(here)
    except ReconcilerError as error:
        hint = f"\n  {harmless(error.hint)}" if error.hint else ""
        note(f"The journal does not name the policy's commit: {harmless(error.message)}.{hint}")
        return ""


def _content(source: SourceFile) -> bytes | None:
    try:
        with open(source.path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == source.sha256 else None
