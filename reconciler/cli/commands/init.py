"""`reconciler init`: a starting point from what is live."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

import click

from reconciler.cli import completing, exits, files
from reconciler.cli.options.connection import server
from reconciler.cli.options.policy import DEFAULT_PATH
from reconciler.cli.sections import Sections
from reconciler.cli.server import Dates, ServerOptions
from reconciler.cli.streams import tell, write_paths
from reconciler.errors import FileError
from reconciler.operations.starting_point import GroupFacts, StartingPoint, find_starting_points
from reconciler.policy_file.files import first_file_below, first_policy_in
from reconciler.policy_file.first import dump_first
from reconciler.render.text import spend_text
from reconciler.resources import schema_text, shipped
from reconciler.words import count_people

PIPELINES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "github": {".github/workflows/ai-budgets.yml": ("deploy", "github", "ai-budgets.yml")},
    "gitlab": {
        ".gitlab-ci.yml": ("deploy", "gitlab", "example.gitlab-ci.yml"),
        ".gitlab/ai-budgets.yml": ("deploy", "gitlab", "templates", "ai-budgets.yml"),
    },
    "none": {},
}
"""What is written for which CI: the file there, and the shipped file it is a copy of."""
UNPUBLISHED = "@" + "0" * 40
"""What pins the action in workflows until this repository is published (`make home`)."""
IGNORED = """\
# Journals, saved plans and what a run that was killed left hold names and amounts.
.reconciler*
*.plan
"""


@click.command("init", cls=Sections)
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option("--organization", metavar="NAME", shell_complete=completing.organizations, help="Only this organization.")
@click.option(
    "--ci", type=click.Choice(list(PIPELINES)), default="github", show_default=True, help="Which pipeline to write."
)
@server
def command(folder: str, organization: str | None, ci: str, server: ServerOptions) -> int:
    """Write a starting point into FOLDER: what is live today, as a policy in Git.

    \b
    policies/ORG.yaml   budgets, with people and spend as comments
    schemas/            completion and checks in editors
    .gitignore          journals and saved plans
    .github/workflows/ai-budgets.yml or .gitlab-ci.yml

    Nothing is overwritten: if one of these files exists, or another policy, nothing is written. Only GET requests are
    sent.
    """
    texts = {
        "schemas/policy.v1.schema.json": schema_text("policy"),
        ".gitignore": IGNORED,
        **{name: shipped(*parts).read_text(encoding="utf-8") for name, parts in PIPELINES[ci].items()},
    }
    for name in texts:
        files.require_new(os.path.normpath(os.path.join(folder, name)))
    _require_no_policies(folder)
    with server.reader(dates=Dates.NONE) as reader:
        for start in find_starting_points(reader, organization, note=tell):
            texts[f"policies/{files.policy_file_name(start.policy.organization)}"] = _text(start)
    written = {os.path.normpath(os.path.join(folder, name)): text for name, text in sorted(texts.items())}
    files.write_new_files(written)
    write_paths(written)
    _tell_what_is_next(folder, pipeline="".join(texts[name] for name in PIPELINES[ci]))
    return exits.DONE


def _require_no_policies(folder: str) -> None:
    """Raise FileError where policies are: entries that are live would be listed twice."""
    if there := first_file_below(os.path.join(folder, DEFAULT_PATH)):
        raise FileError(
            f"{os.path.normpath(there)} exists; it is left alone, and plans would read it beside what `init` writes",
            hint="name a new folder; or add an organization by `reconciler export ORG -o policies/ORG.yaml`",
        )
    if there := first_policy_in(folder):
        raise FileError(
            f"{os.path.normpath(there)} is a policy, so this folder holds policies itself; nothing was written",
            hint="name the folder above it, or a new one",
        )


def _text(start: StartingPoint) -> str:
    return dump_first(
        start.policy,
        groups={group.name: _facts(group) for group in start.groups},
        exposure_micros=start.exposure_micros,
        unlimited=start.unlimited,
        unknown=start.unknown,
    )


def _facts(group: GroupFacts) -> str:
    """`10 people, $212.10 spent this month`."""
    spend = "" if group.spend_micros is None else f", {spend_text(group.spend_micros)} spent this month"
    return f"{count_people(group.people)}{spend}"


def _tell_what_is_next(folder: str, *, pipeline: str) -> None:
    there = "" if os.path.normpath(folder) == "." else f"cd {shlex.quote(folder)} && "
    tell(f"\nNext: {there}reconciler plan         says: No changes.")
    if pipeline:
        tell("Then read the first lines of the pipeline: they say which variables and tokens it needs.")
    if UNPUBLISHED in pipeline:
        tell("It names a commit of zeros, as this copy of reconciler was not published: write the commit that you use.")
