"""`reconciler show`: print a saved plan or a journal."""

from __future__ import annotations

import click

from reconciler.cli import exits, files, options
from reconciler.cli.outcomes import outcome_document, read_outcome
from reconciler.cli.screen import Screen
from reconciler.errors import FileError
from reconciler.formats import document, journal
from reconciler.formats import plan as plan_format
from reconciler.render.effects import Detail
from reconciler.render.outcome import outcome_text, started_text
from reconciler.render.plan import plan_report


@click.command("show")
@click.argument("file", type=click.Path())
@options.effects
@options.screen
def command(file: str, detail: Detail, screen: Screen) -> int:
    """Print a saved plan, or what a journal says happened.

    It asks no server, so it always works: a plan that is stale, or for another deployment, is printed all the same. A
    journal that was cut off says which single write is in doubt.
    """

    text = files.read_text(file)
    match document.name_of(text):
        case plan_format.NAME:
            plan = plan_format.load_plan(text, source=file)
            screen.text_or_document(lambda: plan_report(plan, detail=detail), lambda: text)
        case journal.NAME:
            outcome = read_outcome(text, source=file)
            screen.result(f"{started_text(outcome.started)}\n\n{outcome_text(outcome)}")
            screen.document(outcome_document(outcome, exits.DONE, journal=file))
        case _:
            raise FileError(f"{file} is neither a saved plan nor a journal", hint="make one with `plan -o FILE`")
    return exits.DONE
