"""The policies that the command line names, read; what was not read is told."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from reconciler.cli import files
from reconciler.cli.options.policy import DEFAULT_PATH
from reconciler.cli.streams import tell
from reconciler.core.policy import Policy
from reconciler.errors import FileError, RefusedError
from reconciler.policy_file.load import Loaded, is_as_read, load
from reconciler.render.text import harmless


def load_policies(paths: Sequence[str]) -> Loaded:
    """Read the policy files; all of their problems come in one PolicyError."""

    for path in paths:
        _require_no_document(path)
    loaded = load(paths or [DEFAULT_PATH])
    for missed in loaded.not_read:
        tell(f"Not read: {harmless(missed.path)}: {harmless(missed.reason)}.")
    for note in loaded.notes:
        tell(f"Note: {harmless(f'{note.place}: {note.message}; {note.hint}')}.")
    return loaded


def require_as_read(loaded: Loaded, paths: Sequence[str]) -> None:
    """Raise RefusedError where the policy files are no longer those that were read: what a plan does not list, it may
    remove, and a `git checkout` that is under way leaves files out for a moment."""
    if not is_as_read(loaded, paths or [DEFAULT_PATH]):
        raise RefusedError(
            "The policy files changed while the plan was made; nothing was written",
            hint="run it again when nothing else (Git, an editor) writes them",
        )


def load_named_policies(paths: Sequence[str]) -> tuple[Policy, ...]:
    """Read the policies that are named; without names those in the default folder, if it exists."""
    return load_policies(paths).policies if paths or os.path.isdir(DEFAULT_PATH) else ()


def _require_no_document(path: str) -> None:
    """Say it in one sentence; read as a policy, a plan or a journal has a problem on every line."""
    kind, file = files.kind_of_document(path), shlex.quote(path)
    if kind == "saved plan":
        hint = f"`reconciler show {file}` prints it; `reconciler apply {file}`, alone, applies it"
    elif kind == "journal":
        hint = f"`reconciler show {file}` prints it; `reconciler revert {file}` takes it back"
    else:
        hint = f"`reconciler show {file}` prints it"
    if kind:
        raise FileError(f"{path} is a {kind}, not a policy", hint=hint)
