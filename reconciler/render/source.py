"""Where a result comes from, in words: the server and who asked, or a snapshot of it."""

from __future__ import annotations

from datetime import datetime

from reconciler.core.snapshot import Deployment
from reconciler.render.text import day, harmless


def deployment_text(deployment: Deployment) -> str:
    """`Coder 2.37.1 at https://coder.example, as ci-budgets (user-admin)`."""
    roles = f" ({', '.join(map(harmless, deployment.roles))})" if deployment.roles else ""
    version = harmless(deployment.version.removeprefix("v").partition("+")[0])
    return f"Coder {version} at {harmless(deployment.url)}, as {harmless(deployment.user)}{roles}"


def snapshot_text(made_at: datetime) -> str:
    """`From a snapshot of 2026-11-20; the server was not asked.`"""
    return f"From a snapshot of {day(made_at)}; the server was not asked."
