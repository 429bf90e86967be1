"""`reconciler sandbox`: a stand-in Coder server on this machine."""

from __future__ import annotations

import gc
import json
import os
from importlib import import_module
from typing import TYPE_CHECKING

import click

from reconciler.cli.options.given import is_given
from reconciler.cli.streams import tell
from reconciler.errors import MissingPartError, ReconcilerError

if TYPE_CHECKING:
    from reconciler.sandbox import Profile, Ready

SPEND_BY_USER = "2.38"
"""The version that serves the spend by user, at one of two places."""


@click.command("sandbox")
@click.option(
    "--seed",
    default="demo",
    show_default=True,
    metavar="SEED",
    help="demo, empty, new, N-users,M-groups[,K-organizations], or a YAML file.",
)
@click.option(
    "--coder-version",
    default="2.37",
    show_default=True,
    type=click.Choice(["2.34", "2026-05-29", "2.35", "2.36", "2.37", "2.38"]),
    help="Which Coder to be.",
)
@click.option(
    "--database", type=click.Path(), metavar="FILE", help="Keep the state in this SQLite file; else in memory."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--rate-limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Answer 429 after N requests a minute, per user and path.",
)
@click.option("--latency", default=0.0, type=click.FloatRange(0, 60), metavar="SECONDS", help="Delay every answer.")
@click.option("--unlicensed", is_flag=True, help="Have no licence for AI budgets.")
@click.option(
    "--with-experiment/--without-experiment",
    default=False,
    help="2.35: serve user overrides, which its stock release hides behind an experiment.",
)
@click.option(
    "--profile",
    type=click.Choice(["none", "real"]),
    default="none",
    show_default=True,
    help="real: requests take as long as on a real server.",
)
@click.option(
    "--advance", default=0, type=click.IntRange(0, 400), metavar="DAYS", help="Move clock and spend forward by days."
)
@click.option(
    "--experimental-spend", is_flag=True, help="2.38: serve the spend by user below /api/experimental, not /api/v2."
)
@click.option("--print-json", is_flag=True, help="Print one JSON line with url, tokens and control_secret when ready.")
def command(
    seed: str,
    coder_version: str,
    database: str | None,
    host: str,
    port: int,
    rate_limit: int | None,
    latency: float,
    unlicensed: bool,
    with_experiment: bool,
    profile: Profile,
    advance: int,
    experimental_spend: bool,
    print_json: bool,
) -> None:
    """Run a stand-in Coder server with AI budgets, until Ctrl-C.

    It enforces Coder's rules (memberships, roles, limits, generations) over real HTTP, and is for trying things out:
    its tokens are the same on every machine and no secret, and it listens on this machine alone unless told otherwise.
    """
    import sqlite3

    if database is not None and is_given("seed") and os.path.exists(database) and os.path.getsize(database):
        # no mistake: the same command line starts it again and again
        tell(f"Note: {database} keeps the company that is in it; --seed is for a new file, and is not used.")
    if experimental_spend and coder_version != SPEND_BY_USER:
        raise click.UsageError(f"--experimental-spend is about {SPEND_BY_USER}; add --coder-version {SPEND_BY_USER}")
    require_sandbox()
    from reconciler.sandbox import Options, serve

    options = Options(
        coder_version=coder_version,
        seed=seed,
        database=database,
        host=host,
        port=port,
        rate_limit=rate_limit,
        latency_s=latency,
        licensed=not unlicensed,
        experiments=("ai-gateway-cost-control",) if with_experiment else (),
        profile=profile,
        advance_days=advance,
        experimental_spend_route=experimental_spend,
    )
    try:
        gc.enable()  # unlike other commands (entry.py) this one lives on
        serve(options, _print_json if print_json else _print_text)
    except (ValueError, OSError, sqlite3.Error) as error:
        raise ReconcilerError(f"The sandbox cannot serve: {error}") from None


def require_sandbox() -> None:
    """Raise MissingPartError where the packages of the sandbox are not installed."""
    try:
        import_module("reconciler.sandbox")
    except ImportError as error:
        message = f"The sandbox needs a package that is not installed: {error.name}"
        raise MissingPartError(message, part="sandbox") from None


def _print_json(ready: Ready) -> None:
    tokens = dict(ready.tokens)
    click.echo(json.dumps({"url": ready.url, "tokens": tokens, "control_secret": ready.control_secret}))


def _print_text(ready: Ready) -> None:
    click.echo(f"A stand-in Coder listens at {ready.url}. Ctrl-C ends it.\n")
    click.echo("To use it, in another terminal:")
    click.echo(f"  export CODER_URL={ready.url}")
    if not ready.tokens:
        click.echo("\nThe seed makes no token. Log in as Coder's clients do; on a server without people,")
        click.echo("POST /api/v2/users/first makes the first user.")
        return
    token = ready.tokens.get("user-admin") or ready.tokens.get("owner") or next(iter(ready.tokens.values()))
    click.echo(f"  export CODER_SESSION_TOKEN={token}\n")
    click.echo("Tokens by role:")
    for role, token in ready.tokens.items():
        click.echo(f"  {role:<24}{token}")
