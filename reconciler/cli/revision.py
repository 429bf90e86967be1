"""The policy files of a Git revision, written out for as long as they are read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path

from reconciler.cli.children import find_program
from reconciler.cli.repository import CommittedFiles, Repository, open_repository
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError
from reconciler.policy_file.files import SUFFIXES, first_file_below

MAX_BYTES = 64 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Copies:
    """The policies of paths as they were at a revision."""

    paths: list[str] = field(default_factory=list)
    """What to read, each file once even where two paths lead to it."""
    missing: list[str] = field(default_factory=list)
    """Paths that had no policy files."""
    elsewhere: list[str] = field(default_factory=list)
    """Policies of today that the revision does not hold: in a submodule, or behind a link out of the repository."""


@contextmanager
def written_out(revision: str, places: Sequence[str]) -> Iterator[Copies]:
    """Yield copies of the paths as they were at a revision. Raises ReconcilerError when there is no such revision."""
    with tempfile.TemporaryDirectory(prefix="reconciler-base-") as folder:
        copies, seen = Copies(), set[str]()
        for number, place in enumerate(places):
            _copy(revision, place, Path(folder, str(number)), copies, seen)
        yield copies


def _copy(revision: str, place: str, target: Path, copies: Copies, seen: set[str]) -> None:
    """Write the policy files that a path had at a revision below `target`, without those that were `seen` before."""
    is_folder = os.path.isdir(place)
    folder = place if is_folder else os.path.dirname(place) or os.curdir
    repository, commit = _commit(revision, folder)
    files = _files(repository, commit, folder, "" if is_folder else os.path.basename(place))
    for path, content in files.contents.items():
        if files.places[path] not in seen:
            seen.add(files.places[path])
            copy = target / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    if target.exists():
        copies.paths.append(str(target))
    below = [os.path.join(place, path) for path in files.left_out if not _is_hidden(path)] if is_folder else []
    elsewhere = [path for path in below if (_is_policy(path) and os.path.isfile(path)) or first_file_below(path)]
    copies.elsewhere.extend(elsewhere)
    if not files.contents and not elsewhere:
        copies.missing.append(place)


def _commit(revision: str, folder: str) -> tuple[Repository, str]:
    """Return the repository of a folder, and the commit in it that a revision names. Raises ReconcilerError."""
    repository = open_repository(folder)
    commit = repository.commit(revision) if repository else ""
    if repository is None and find_program("git", outside=folder) is None:
        raise ReconcilerError(
            f"--base {revision}: neither a file nor a folder, and no Git is installed that knows revisions",
            hint="install Git (slim images come without it), or give a path",
        )
    if repository is None or not commit:
        raise ReconcilerError(
            f"--base {revision}: neither a file nor a folder, nor a Git revision that this clone knows",
            hint="give a path, or a revision such as origin/main; in CI fetch it first (`fetch-depth: 0`)",
        )
    return repository, commit


def _is_policy(path: str) -> bool:
    return path.lower().endswith(SUFFIXES)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _files(repository: Repository, commit: str, folder: str, name: str) -> CommittedFiles:
    def wants(path: str) -> bool:
        return path == name if name else _is_policy(path) and not _is_hidden(path)

    return repository.read_tree(commit, repository.place(folder), wants=wants, max_bytes=MAX_BYTES)
