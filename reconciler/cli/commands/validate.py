"""`reconciler validate`: check policy files without a server."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import click

from reconciler.cli import exits
from reconciler.cli.base import load_base
from reconciler.cli.options.output import screen
from reconciler.cli.options.policy import base, paths
from reconciler.cli.policies import load_policies
from reconciler.cli.screen import Screen
from reconciler.core.gate.rules import check_policies
from reconciler.core.gate.validation import Validation
from reconciler.policy_file.load import listed_in


@click.command("validate")
@paths
@base
@screen("validation")
def command(paths: tuple[str, ...], base: str | None, screen: Screen) -> int:
    """Check policy files and folders, without a server.

    Every violation of every file is reported in one run, as file:line:column, with what was expected and the nearest
    name that exists. Names of groups and people are looked up by `plan`, which has a server to ask.

    Guardrails are checked too, but for max_exposure, which needs a server. A broken guardrail is an error where the
    option for the policy before this change shows that this change breaks it; else it is a warning.

    PATH is a file, a folder (*.yaml and *.yml below it), or - for standard input; `policies` when none is given.
    """

    loaded = load_policies(paths)
    before = load_base(base, paths)
    breaches = check_policies(loaded.policies, now=datetime.now(UTC), base=before)
    code = exits.of_validation(breaches, is_whole=not loaded.not_read)
    validation = Validation(
        exit_code=code,
        files=loaded.sources,
        organizations=tuple(policy.organization for policy in loaded.policies),
        group_budgets=sum(len(policy.group_budgets) for policy in loaded.policies),
        user_overrides=sum(len(policy.user_overrides) for policy in loaded.policies),
        not_read=loaded.not_read,
        breaches=breaches,
    )
    screen.finish((validation,), exit_code=code, entries=partial(listed_in, loaded.policies))
    return code
