"""A snapshot of a deployment in a few lines of text. Pure: a recording in, text out."""

from __future__ import annotations

from reconciler.core.budget import Budget
from reconciler.core.recording import Recording
from reconciler.render.formats import Facts
from reconciler.render.source import deployment_text
from reconciler.render.text import Line, day, lines_of
from reconciler.words import count, count_people


def recording_lines(recording: Recording) -> list[Line]:
    """Say what a snapshot holds."""
    budgets = sum(isinstance(row.budget, Budget) for row in recording.groups)
    overrides = sum(isinstance(row.override, Budget) for row in recording.people)
    held = [
        count(len(recording.organizations), "organization"),
        count(len(recording.groups), "group"),
        count_people(len(recording.people)),
        count(budgets, "group budget"),
        count(overrides, "override"),
    ]
    names = "Names and addresses are aliases." if recording.is_redacted else "It holds names and e-mail addresses."
    refused = sorted({reason for export in recording.exports for reason in export.left_out.values()})
    spend = [f"Without the spend export: {reason.rstrip('.')}." for reason in refused]
    return lines_of(
        [
            f"Snapshot of {day(recording.at)}: {deployment_text(recording.deployment)}.",
            f"{', '.join(held)}. {names}",
            *spend,
        ]
    )


def page_lines(recording: Recording, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return recording_lines(recording)
