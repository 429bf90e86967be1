"""`reconciler explain`: why somebody's limit is what it is."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click

from reconciler.cli import exits, options
from reconciler.cli.planning import load_policies
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions
from reconciler.core.policy import Policy
from reconciler.operations.explain import find_explanation


@click.command("explain", cls=Sections)
@click.argument("user")
@options.paths
@options.server
@options.screen("explanation")
def command(user: str, paths: tuple[str, ...], server: ServerOptions, screen: Screen) -> int:
    """Say why a person's limit is what it is.

    \b
    reconciler explain ana       username, e-mail address or UUID
    reconciler explain me        whose token it is; every member may ask this

    Their override, the budgets of their groups in order and which one wins, spend and what is left, AI sessions by
    client and model (never a prompt), and which line of a policy says so. Policies are read from PATH, or from
    `policies` if it is there. Only GET requests are sent.
    """

    policies = _policies(paths)
    with server.reader() as reader:
        explanation = find_explanation(user, reader, policies, at=datetime.now(UTC))
    screen.finish((explanation,), exit_code=exits.DONE)
    return exits.DONE


def _policies(paths: tuple[str, ...]) -> tuple[Policy, ...]:
    """Read the policies that are named; those in the default folder only if it exists: a member has none."""

    return load_policies(paths).policies if paths or os.path.isdir(options.DEFAULT_PATH) else ()
