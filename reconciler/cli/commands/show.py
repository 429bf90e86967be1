"""`reconciler show`: print saved documents and journals."""

from __future__ import annotations

import click

from reconciler.cli import completing, exits, files
from reconciler.cli.options.output import screen
from reconciler.cli.options.run import effects
from reconciler.cli.outcomes import read_outcome
from reconciler.cli.screen import Screen
from reconciler.core.plan.report import OutcomeReport, report_of
from reconciler.formats import document, journal
from reconciler.formats.documents import Value, load_several
from reconciler.render.detail import Detail


@click.command("show")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(), shell_complete=completing.documents
)
@effects
@screen()
def command(paths: tuple[str, ...], detail: Detail, screen: Screen) -> int:
    """Print saved plans, journals or other results, in any format.

    \b
    reconciler show saved.plan
    reconciler show .reconciler/RUN.jsonl         what a journal says happened
    reconciler show a.plan b.plan --format markdown   one page of both

    FILE is a saved plan, a journal, or what a command printed with --json; several files must be of one kind. It asks
    no server, so it always works: a plan that is stale, or for another deployment, is printed all the same. A journal
    that was cut off says which single write is in doubt.
    """

    texts: dict[str, str] = {}
    for path in paths:
        texts.setdefault(files.read_text(path), path)
    if len(texts) < len(paths):
        screen.note("Note: files with the same content are shown once.")
    values = tuple(value for text, path in texts.items() for value in _values(text, path))
    shown = _distinct(values)
    if len(shown) < len(values):
        screen.note("Note: a run that several files record is shown once.")
    screen.finish(shown, exit_code=exits.DONE, detail=detail)
    return exits.DONE


def _values(text: str, path: str) -> tuple[Value, ...]:
    if document.name_of(text) != journal.NAME:
        return load_several(text, source=path)
    outcome = read_outcome(text, source=path)
    return (report_of(outcome, exit_code=exits.of_outcome(outcome), journal=path),)


def _distinct(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Keep each run once: its journal and its saved outcome are the same run, and the outcome has the plan as well."""
    kept: dict[object, Value] = {}
    for value in values:
        key = (isinstance(value, OutcomeReport) and value.run) or id(value)
        first = kept.setdefault(key, value)
        if isinstance(first, OutcomeReport) and first.plan is None:
            kept[key] = value
    return tuple(kept.values())
