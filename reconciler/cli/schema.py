"""`reconciler schema`: print a published JSON Schema."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("name", type=click.Choice(["policy", "plan", "journal"]), default="policy")
def command(name: str) -> int:
    """Print the JSON Schema of a policy file (or of a saved plan, or a journal line).

    \b
    Save it beside your policies for completion in editors:
      reconciler schema > policy.v1.schema.json
    and begin each policy with
      # yaml-language-server: $schema=policy.v1.schema.json
    """
    from reconciler.formats.schemas import schema_text

    click.echo(schema_text(name), nl=False)
    return 0
