"""`reconciler export`: write live budgets as a policy."""

from __future__ import annotations

import os

import click

from reconciler.cli import completing, exits, files
from reconciler.cli.files import policy_file_name
from reconciler.cli.options.connection import server
from reconciler.cli.sections import Sections
from reconciler.cli.server import Dates, ServerOptions
from reconciler.cli.streams import tell, write_document, write_paths
from reconciler.errors import FileError, ReconcilerError
from reconciler.operations.export import export
from reconciler.policy_file.write import dump


@click.command("export", cls=Sections)
@click.argument("organization", required=False, shell_complete=completing.organizations)
@click.option("--all", "is_all", is_flag=True, help="Every organization that the token may read, a file for each.")
@click.option(
    "-o", "--output", type=click.Path(), metavar="FILE",
    help="Write to this file, which must be new; with --all to this folder, a file for each organization.",
)  # fmt: skip
@server
def command(organization: str | None, is_all: bool, output: str | None, server: ServerOptions) -> int:
    """Print the live budgets of an organization as a policy file.

    \b
    reconciler export acme -o policies/acme.yaml
    reconciler export --all -o policies
    reconciler plan                          says: No changes.

    ORGANIZATION may be left out where there is only one. Nothing is overwritten. Only GET requests are sent.
    """
    _require_sense(organization, is_all=is_all, output=output)
    if output is not None and not is_all:
        files.require_new(output)
    with server.reader(dates=Dates.NONE) as reader:
        policies = export(reader, organization, note=tell)
    if is_all:
        texts = {os.path.join(str(output), policy_file_name(policy.organization)): dump(policy) for policy in policies}
        files.write_new_files(texts)
        write_paths(texts)
        return exits.DONE
    if len(policies) > 1:
        names = ", ".join(policy.organization for policy in policies)
        raise ReconcilerError(
            "A policy file holds one organization, and there are several",
            hint=f"name one: {names}; or pass --all -o FOLDER",
        )
    if output is None:
        write_document(dump(policies[0]))
    else:
        files.write_new_files({output: dump(policies[0])})
    return exits.DONE


def _require_sense(organization: str | None, *, is_all: bool, output: str | None) -> None:
    if is_all and organization:
        raise click.UsageError("Name an organization, or pass --all; not both")
    if is_all and output is None:
        raise click.UsageError("--all writes a file for each organization; name a folder: --all -o policies")
    if is_all and output is not None and os.path.exists(output) and not os.path.isdir(output):
        raise FileError(f"{output} is not a folder", hint="name a folder: --all -o policies")
