"""`reconciler schema`: print a published JSON Schema."""

from __future__ import annotations

import click

from reconciler.cli import exits
from reconciler.cli.streams import write_document
from reconciler.formats.documents import DOCUMENTS
from reconciler.resources import schema_text

NAMES = ("policy", "journal", *DOCUMENTS)


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES), default="policy")
def command(name: str) -> int:
    """Print a published JSON Schema: of a policy file, of a line of a journal, or of what a command prints with --json.

    \b
    Save it beside your policies for completion in editors:
      reconciler schema > policy.v1.schema.json
    and begin each policy with
      # yaml-language-server: $schema=policy.v1.schema.json
    """
    write_document(schema_text(name))
    return exits.DONE
