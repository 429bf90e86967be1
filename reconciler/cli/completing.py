"""What a shell may offer for the values of options and arguments. It asks no server and raises nothing."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem

from reconciler.cli import files
from reconciler.core.policy import Hazard, Policy
from reconciler.errors import ReconcilerError
from reconciler.formats import document
from reconciler.formats.document import JOURNAL, JOURNALS, PLAN

_POLICIES = "policies"
Items = list[CompletionItem]


def hazards(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer `HAZARD=1` for `--allow`; the number is for the user to raise."""
    return _starting(incomplete, [f"{hazard}=1" for hazard in Hazard])


def organizations(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer the organizations of the policies in the default folder."""
    return _starting(incomplete, [policy.organization for policy in _policies()])


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer the addresses that the policies in the default folder list, and a glob for each organization."""
    texts = ["user/*"]
    for policy in _policies():
        texts.append(f"group/{policy.organization}/*")
        texts += [f"group/{policy.organization}/{entry.group}" for entry in policy.group_budgets]
        texts += [f"user/{entry.user}" for entry in policy.user_overrides]
    return _starting(incomplete, texts)


def saved_plans(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer the shell's own file names, and before them the saved plans of this folder."""
    return [CompletionItem(incomplete, type="file"), *_documents(incomplete, folder="", names=(PLAN,))]


def documents(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer the shell's own file names, saved plans of this folder, and journals."""
    plans = _documents(incomplete, folder="", names=(PLAN, JOURNAL))
    return [
        CompletionItem(incomplete, type="file"),
        *plans,
        *_documents(incomplete, folder=JOURNALS, names=(JOURNAL,)),
    ]


def journals(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer the shell's own file names, and the journals of this folder and of `.reconciler/`."""
    here = _documents(incomplete, folder="", names=(JOURNAL,))
    return [
        CompletionItem(incomplete, type="file"),
        *here,
        *_documents(incomplete, folder=JOURNALS, names=(JOURNAL,)),
    ]


def _documents(incomplete: str, *, folder: str, names: tuple[str, ...]) -> Items:
    try:
        paths = sorted(os.path.join(folder, name) for name in os.listdir(folder or "."))
    except OSError:
        return []
    close = [path for path in paths if path.startswith(incomplete)]
    return [CompletionItem(path) for path in close if document.name_of(files.starts_with(path)) in names]


def _starting(incomplete: str, texts: list[str]) -> Items:
    return [CompletionItem(text) for text in dict.fromkeys(texts) if text.startswith(incomplete)]


def _policies() -> tuple[Policy, ...]:
    """Return what the default folder holds; nothing while it is missing or has problems."""
    from reconciler.policy_file.load import load

    try:
        return load([_POLICIES]).policies
    except ReconcilerError:
        return ()
