"""`reconciler export`: write live budgets as a policy."""

from __future__ import annotations

import click

from reconciler.cli import exits, options
from reconciler.cli.screen import write_document
from reconciler.cli.server import ServerOptions
from reconciler.errors import ReconcilerError
from reconciler.operations.export import export
from reconciler.policy_file.write import dump


@click.command("export")
@click.argument("organization", required=False)
@options.server
def command(organization: str | None, server: ServerOptions) -> int:
    """Print the live budgets of an organization as a policy file.

    \b
    reconciler export acme > policies/acme.yaml
    reconciler plan                          says: No changes.

    ORGANIZATION may be left out where there is only one. Only GET requests are sent.
    """

    with server.reader() as reader:
        policies = export(reader, organization)
    if len(policies) > 1:
        names = ", ".join(policy.organization for policy in policies)
        raise ReconcilerError("A policy file holds one organization, and there are several", hint=f"name one: {names}")
    write_document(dump(policies[0]))
    return exits.DONE
