"""`reconciler snapshot`: save what a plan reads."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from reconciler.cli import exits, files
from reconciler.cli.options.connection import server
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions
from reconciler.cli.streams import tell, write_document
from reconciler.core.recording import redact
from reconciler.formats.documents import DOCUMENTS, dump
from reconciler.operations.snapshot import record
from reconciler.render.recording import recording_lines


@click.command("snapshot", cls=Sections)
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write to this file instead of stdout (0600).")
@click.option("--redact", "is_redacted", is_flag=True, help="Replace names and e-mail addresses by stable aliases.")
@server
def command(output: str | None, is_redacted: bool, server: ServerOptions) -> int:
    """Save what a plan reads: names, memberships, budgets, overrides and spend.

    \b
    reconciler snapshot -o live.json
    reconciler plan --live live.json         without a server and without a token
    reconciler status --live live.json
    reconciler explain ana --live live.json

    For pull requests from forks, for tests of policies, and for bug reports (--redact). `apply` never takes one. Ids
    of people and groups stay, so that policies that name ids still fit. Only GET requests are sent.
    """
    if output is not None:
        files.require_replaceable(output, DOCUMENTS["snapshot"].title)
    with server.reader() as reader:
        recording = record(reader, at=datetime.now(UTC))
    if is_redacted:
        recording = redact(recording)
    if output is None:
        write_document(dump(recording))
    else:
        files.write_kept(output, dump(recording), hint="use a token that reads fewer organizations")
        for line in recording_lines(recording):
            tell(line)
    return exits.DONE
