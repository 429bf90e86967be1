"""`reconciler doctor`: is everything in place for a plan and an apply?"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from reconciler.cli import exits
from reconciler.cli.options.connection import server
from reconciler.cli.options.policy import DEFAULT_PATH, paths
from reconciler.cli.policies import load_policies
from reconciler.cli.sections import Sections
from reconciler.cli.server import Dates, ServerOptions
from reconciler.cli.streams import write
from reconciler.core.diagnosis import Check, Level
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.operations.doctor import examine, failed
from reconciler.policy_file.load import Loaded
from reconciler.render.diagnosis import check_lines
from reconciler.render.text import text_of
from reconciler.words import count

_NOTHING = Loaded(policies=(), sources=())


@click.command("doctor", cls=Sections)
@paths
@server
def command(paths: tuple[str, ...], server: ServerOptions) -> int:
    """Check the policies, the connection, the server, the token and its rights.

    One line each: `ok`, `note` (worth knowing) or `fail` (some command will fail), and what to do. It makes a plan to
    count its requests; nothing is written, and the token is not shown. Exits with 1 when a check fails.
    """
    has_failed = False
    for check in _checks(paths, server):
        write(text_of(check_lines(check)))
        has_failed = has_failed or check.level is Level.FAIL
    return exits.ERROR if has_failed else exits.DONE


def _checks(paths: tuple[str, ...], server: ServerOptions) -> Iterator[Check]:
    policies, loaded = _policies(paths)
    yield policies
    try:
        connection = server.connection()
    except ReconcilerError as error:
        yield failed("login", error)
        return
    source = "CODER_SESSION_TOKEN" if os.environ.get("CODER_SESSION_TOKEN") else "the Coder CLI's login"
    yield Check(level=Level.OK, name="login", message=f"{connection.url}, with the token of {source}")
    if connection.is_readable:
        message = "the URL begins with http, so somebody on the way can read the token and change the answers"
        hint = "set CODER_URL to the https URL of the deployment"
        yield Check(level=Level.NOTE, name="login", message=message, hint=hint)
    if connection.proxy is not None:
        proxy = connection.proxy
        yield Check(level=Level.NOTE, name="proxy", message=f"requests go by {proxy.shown} ({proxy.variable})")
    with server.reader(dates=Dates.NONE) as reader:  # one of the checks tells them
        yield from examine(loaded.policies, loaded.sources, reader, now=datetime.now(UTC))


def _policies(paths: tuple[str, ...]) -> tuple[Check, Loaded]:
    """Return how reading the policies went, and what was read; nothing where there are problems."""
    if not paths and not os.path.isdir(DEFAULT_PATH):
        hint = (
            "name a folder, or write the first policy: `reconciler init`, or `reconciler export -o policies/ORG.yaml`"
        )
        return Check(
            level=Level.NOTE, name="policies", message="there is no folder `policies` here", hint=hint
        ), _NOTHING
    try:
        loaded = load_policies(paths)
    except PolicyError as error:
        first = error.findings[0]
        return Check(
            level=Level.FAIL,
            name="policies",
            message=f"{count(len(error.findings), 'problem')}, such as {first.place}: {first.message}",
            hint=f"run `{shlex.join(['reconciler', 'validate', *paths])}`",
        ), _NOTHING
    except ReconcilerError as error:
        return failed("policies", error), _NOTHING
    message = f"valid: {count(len(loaded.sources), 'file')}, {count(len(loaded.policies), 'organization')}"
    return Check(level=Level.OK, name="policies", message=message), loaded
