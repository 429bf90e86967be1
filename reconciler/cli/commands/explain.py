"""`reconciler explain`: why somebody's limit is what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from reconciler.cli import exits
from reconciler.cli.live import Live, live_option
from reconciler.cli.options.connection import server
from reconciler.cli.options.output import screen
from reconciler.cli.options.policy import paths
from reconciler.cli.policies import load_named_policies
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.operations.explain import find_explanation


@click.command("explain", cls=Sections)
@click.argument("user")
@paths
@server
@live_option
@screen("explanation")
def command(user: str, paths: tuple[str, ...], live: Live, screen: Screen) -> int:
    """Say why a person's limit is what it is.

    \b
    reconciler explain ana       username, e-mail address or UUID; or user/ana
    reconciler explain me        whose token it is; every member may ask this

    Their override, the budgets of their groups in order and which one wins, spend and what is left, AI sessions by
    client and model (never a prompt), and which line of a policy says so. Policies are read from PATH, or from
    `policies` if it is there. Only GET requests are sent.
    """

    policies = load_named_policies(paths)
    with live.reader() as reader:
        name = user.removeprefix("user/")  # an address, as plans and drifts print it; a username has no slash
        explanation = find_explanation(name, reader, policies, at=live.snapshot_at or datetime.now(UTC))
    explanation = replace(explanation, snapshot_at=live.snapshot_at)
    screen.finish((explanation,), exit_code=exits.DONE)
    return exits.DONE
