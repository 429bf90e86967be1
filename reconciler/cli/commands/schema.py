"""`reconciler schema`: print a published JSON Schema."""

from __future__ import annotations

import click

from reconciler.cli import exits
from reconciler.cli.screen import write_document
from reconciler.resources import schema_text


@click.command("schema")
@click.argument("name", type=click.Choice(["policy", "plan", "journal"]), default="policy")
def command(name: str) -> int:
    """Print a published JSON Schema. Of a policy file, of a saved plan, or of a line of a journal.

    \b
    Save it beside your policies for completion in editors:
      reconciler schema > policy.v1.schema.json
    and begin each policy with
      # yaml-language-server: $schema=policy.v1.schema.json
    """

    write_document(schema_text(name))
    return exits.DONE
