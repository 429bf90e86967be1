"""`--base`: the policy before this change, from a file or folder, or from a Git revision of the policy's own paths."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.options import DEFAULT_PATH
from reconciler.core.policy import Policy
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.policy_file.load import load
from reconciler.words import count

if TYPE_CHECKING:
    from reconciler.cli.repository import Repository

MAX_BYTES = 64 * 1024 * 1024
SUFFIXES = (".yaml", ".yml")


def load_base(base: str | None, paths: Sequence[str]) -> tuple[Policy, ...] | None:
    """Return the policies before this change; None when no base is asked for.

    A base that names a file or folder is read from there, else it is a Git revision of `paths`. Raises ReconcilerError
    when it is neither, or when the policy before had errors.
    """
    if base is None:
        return None
    if os.path.lexists(base):
        return _load([base], base)
    places = list(paths) or [DEFAULT_PATH]
    with tempfile.TemporaryDirectory(prefix="reconciler-base-") as folder:
        copies = [_copy(base, place, Path(folder, str(number))) for number, place in enumerate(places)]
        present = [str(copy) for copy in copies if copy is not None]
        return _load(present, base) if present else ()


def _load(paths: Sequence[str], base: str) -> tuple[Policy, ...]:
    try:
        return load(paths).policies
    except PolicyError as error:
        problems = count(len(error.findings), "problem")
        raise ReconcilerError(
            f"--base {base}: the policy before has {problems} itself; the first is: {error.findings[0].message}",
            hint="give a base whose policy is valid, or leave --base out",
        ) from None


def _copy(revision: str, place: str, target: Path) -> Path | None:
    """Write the policy files that a path had at a revision below `target`; None where it had none."""
    is_folder = os.path.isdir(place)
    folder = place if is_folder else os.path.dirname(place) or os.curdir
    from reconciler.cli.repository import open_repository  # starts children; without --base nothing does

    repository = open_repository(folder)
    commit = repository.commit(revision) if repository else ""
    if repository is None or not commit:
        raise ReconcilerError(
            f"--base {revision}: neither a file nor a folder, nor a Git revision that this clone knows",
            hint="give a path, or a revision such as origin/main; in CI fetch it first (`fetch-depth: 0`)",
        )
    contents = _contents(repository, commit, folder, "" if is_folder else os.path.basename(place))
    for path, content in contents.items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    return target if contents else None


def _contents(repository: Repository, commit: str, folder: str, name: str) -> dict[str, bytes]:
    def wants(path: str) -> bool:
        hidden = any(part.startswith(".") for part in path.split("/"))
        return path == name if name else path.lower().endswith(SUFFIXES) and not hidden

    files = repository.read_tree(commit, repository.place(folder), wants=wants, max_bytes=MAX_BYTES)
    return dict(files.contents)
