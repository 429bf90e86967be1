"""`reconciler validate`: check policy files without a server."""

from __future__ import annotations

import click

from reconciler.cli import exits, options
from reconciler.cli.planning import load_policies
from reconciler.cli.screen import Screen
from reconciler.core.policy import Validation


@click.command("validate")
@options.paths
@options.screen("validation")
def command(paths: tuple[str, ...], screen: Screen) -> int:
    """Check policy files and folders, without a server.

    Every violation of every file is reported in one run, as file:line:column, with what was expected and the nearest
    name that exists. Names of groups and people are looked up by `plan`, which has a server to ask.

    PATH is a file, a folder (*.yaml and *.yml below it), or - for standard input; `policies` when none is given.
    """

    loaded = load_policies(paths)
    code = exits.ERROR if loaded.not_read else exits.DONE
    validation = Validation(
        exit_code=code,
        files=loaded.sources,
        organizations=tuple(policy.organization for policy in loaded.policies),
        group_budgets=sum(len(policy.group_budgets) for policy in loaded.policies),
        user_overrides=sum(len(policy.user_overrides) for policy in loaded.policies),
        not_read=loaded.not_read,
    )
    screen.finish((validation,), exit_code=code)
    return code
