"""From the paths of the command line to the bytes of policy files. A named path that cannot be read is a finding.

A folder is searched for *.yaml and *.yml, capitals or not, at any depth and through links; each real folder is entered
once, so a loop of links ends. What looks like a policy there and is not read (a hidden file, `acme.yaml.txt`, a broken
link), and what may stand for policies (a broken link to a folder, an empty folder: Git keeps none, but for submodules)
is unknown, not absent: it is returned as `NotRead`, so that nothing is removed for not being listed.

How one file is read: opening.py.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from reconciler.core.policy import NotRead
from reconciler.dataclass import dataclass
from reconciler.errors import Finding, Place
from reconciler.policy_file.nodes import PolicyText
from reconciler.policy_file.opening import STDIN, STDIN_NAME, UnreadableError, cannot_read, read_bytes, read_file

SUFFIXES = (".yaml", ".yml")
_WITH_TXT = tuple(f"{suffix}.txt" for suffix in SUFFIXES)
"""How names end to which an editor added its own suffix; the system may not show it."""
MAX_HIDDEN = 10_000
"""Names below hidden folders that are looked at: a cache can be huge, and hardly holds a policy."""
_HIDDEN_BYTES = 64 * 1024
_POLICY = re.compile(rb"""^[ {]*["']?organization["']?[ ]*:""", re.MULTILINE)
"""A key that every policy has. Files such as .pre-commit-config.yaml, which are hidden on purpose, do not have it."""
EMPTY = "the folder contains no policy: no file that ends in .yaml or .yml"

_OTHER_FILES = (".md", ".txt", ".json")
"""Names that no folder has; a link of such a name that leads nowhere hides no policy."""
NOTHING_THERE = "the folder is empty, like a Git submodule that is not checked out; check it out, or remove the folder"
NOWHERE = "the link leads nowhere; mend it, or remove it"


@dataclass(slots=True, kw_only=True)
class Files:
    """What the paths lead to; `texts` are sorted by path."""

    texts: list[PolicyText] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    not_read: list[NotRead] = field(default_factory=list)


def read_files(paths: Sequence[str]) -> Files:
    """Read all files, each once even when it is named twice."""
    search = _Search()
    for path in sorted({os.fspath(path) for path in paths}):
        if path != STDIN and os.path.isdir(path):
            search.folder(path)
        else:
            search.file(path)
    files = Files(findings=search.findings, not_read=[*search.not_read, *_hidden(search), *_misnamed(search)])
    for real, (path, is_named) in sorted(search.files.items(), key=lambda item: item[1]):
        try:
            files.texts.append(read_file(path, target=search.target(real)))
        except UnreadableError as error:
            if is_named:
                files.findings.append(_finding(path, error.message, error.hint))
            else:
                reason = "; ".join(filter(None, (error.message, error.hint)))
                files.not_read.append(NotRead(path=path, reason=reason))
    files.not_read.sort()
    if not files.texts:  # nothing at all must not pass for an empty policy
        files.findings += [_finding(missed.path, missed.reason) for missed in files.not_read]
    return files


def first_file_below(folder: str) -> str:
    """Return the first file that is read where this folder is named; empty where none is, or there is no folder."""
    search = _Search()
    if os.path.isdir(folder):
        search.folder(folder)
    return min((path for path, _ in search.files.values()), default="")


def first_policy_in(folder: str) -> str:
    """Return the first policy in this folder, and not below it; empty where there is none, or no folder."""
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    paths = (os.path.join(folder, name) for name in sorted(names) if _is_policy(name))
    return next(filter(_has_organization, paths), "")


class _Search:
    """Collects files. `files` has a real path as its key, and the path to show, and whether it was named, as value."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bool]] = {}
        self.findings: list[Finding] = []
        self.hidden: list[str] = []
        self.misnamed: list[str] = []
        self.not_read: list[NotRead] = []
        self._entered: set[str] = set()
        self._roots: set[str] = set()
        """The real folders that hold what was named."""
        self._no_links: set[str] = set()
        """The files that were named, with any suffix, and standard input."""

    def target(self, real: str) -> str:
        """Return where a link leads to what is no policy of the named folders; empty for a file that is one."""
        is_policy = real in self._no_links or any(_is_policy_below(root, real) for root in self._roots)
        return "" if is_policy else real

    def file(self, path: str) -> None:
        """Add a file that was named."""
        key = path if path == STDIN else os.path.realpath(path)
        self._roots.add(_folder_of(path))
        if not os.path.islink(path):
            self._no_links.add(key)
        shown, _ = self.files.get(key, (path, True))
        self.files[key] = (shown, True)

    def folder(self, path: str) -> None:
        """Add what is below a folder that was named."""
        try:
            os.scandir(path).close()
        except OSError as error:
            self.findings.append(_finding(path, cannot_read("folder", error)))
            return
        self._roots.add(_root_of(path))
        if os.path.realpath(path) in self._entered:
            return
        is_empty = True
        for file in self._walk(path):
            is_empty = False
            if file:
                self.files.setdefault(os.path.realpath(file), (file, False))
        if is_empty:
            self.not_read.append(NotRead(path=path, reason=EMPTY))

    def _walk(self, top: str) -> Iterator[str]:
        """Yield the paths of policy files, and an empty text for a folder that was searched before or cannot be."""
        stack = [top]
        while stack:
            folder = stack.pop()
            real = os.path.realpath(folder)
            if real in self._entered:
                yield ""
                continue
            self._entered.add(real)
            try:
                with os.scandir(folder) as scanned:
                    entries = sorted(scanned, key=lambda entry: entry.name)
            except OSError as error:
                self.not_read.append(NotRead(path=folder, reason=cannot_read("folder", error)))
                yield ""
                continue
            self.hidden += [entry.path for entry in entries if entry.name.startswith(".")]
            if not entries and folder != top:
                self.not_read.append(NotRead(path=folder, reason=NOTHING_THERE))
            visible = [entry for entry in entries if not entry.name.startswith(".")]
            self.misnamed += [entry.path for entry in visible if entry.name.lower().endswith(_WITH_TXT)]
            folders = [entry.path for entry in visible if self._is_folder(entry)]
            stack += reversed(folders)
            yield from (entry.path for entry in visible if _is_policy(entry.name) and entry.path not in folders)

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether it is a folder. What may be one that cannot be entered (`people`, `team.d`, `acme.com`) is not read.

        Asked once: a file server that tells no kinds with its names may fail at one question and answer the next.
        """
        may_be_one = not entry.name.lower().endswith((*SUFFIXES, *_OTHER_FILES))
        reason = ""
        try:
            if entry.is_dir():
                return True
        except OSError as error:
            if error.errno != errno.ELOOP:  # a link to itself leads nowhere, as others do
                reason = cannot_read("folder", error)
        if not reason and may_be_one and entry.is_symlink() and not os.path.exists(entry.path):
            reason = NOWHERE
        if may_be_one and reason:
            self.not_read.append(NotRead(path=entry.path, reason=reason))
        return False


def _is_policy_below(root: str, real: str) -> bool:
    """Whether a real path is that of a policy below a folder. Kubernetes mounts a ConfigMap's behind two dots."""
    if not real.startswith(os.path.join(root, "")):
        return False
    parts = os.path.relpath(real, root).split(os.sep)
    return _is_policy(parts[-1]) and not any(part.startswith(".") and not part.startswith("..") for part in parts)


def _root_of(path: str) -> str:
    """Return the real folder in which policies are shown that were named by their folder; of a link, its own folder.

    A checkout below that is its own, behind a dot too, where git-sync makes it: no commit brings a `.git`.
    """
    beside, real = _folder_of(path), os.path.realpath(path)
    is_checkout = real.startswith(os.path.join(beside, "")) and os.path.lexists(os.path.join(real, ".git"))
    return beside if os.path.islink(os.path.abspath(path)) and not is_checkout else real


def _folder_of(path: str) -> str:
    """Return the real folder in which a path lies; if the path is a link, not where it leads."""
    return os.path.realpath(os.path.dirname(os.path.abspath(path)))


def _hidden(search: _Search) -> Iterator[NotRead]:
    """Yield hidden files that look like a policy and were not read by another path."""
    reason = "a name in its path begins with a dot, so it is hidden; rename it, or move it out of the folder"
    for path in search.hidden:
        for file in _below(path):
            if _is_policy(file) and os.path.realpath(file) not in search.files and _has_organization(file):
                yield NotRead(path=file, reason=reason)


def _misnamed(search: _Search) -> Iterator[NotRead]:
    """Yield files that look like a policy but for the end of their names, and were not named either."""
    reason = "its name does not end in .yaml or .yml; rename it, or move it out of the folder"
    for path in search.misnamed:
        if os.path.realpath(path) not in search.files and _has_organization(path):
            yield NotRead(path=path, reason=reason)


def _below(path: str) -> Iterator[str]:
    """Yield a file, or the files below a folder. Git's own folder holds no policy."""
    if not os.path.isdir(path) or os.path.islink(path):
        yield path
        return
    looked_at = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name != ".git")
        looked_at += len(folders) + len(names)
        if folder.rpartition(os.sep)[2] == ".git" or looked_at > MAX_HIDDEN:
            return
        yield from (os.path.join(folder, name) for name in sorted(names))


def _has_organization(path: str) -> bool:
    try:
        return bool(_POLICY.search(read_bytes(path, _HIDDEN_BYTES)))
    except (OSError, UnreadableError):
        return False


def _is_policy(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _finding(path: str, message: str, hint: str = "") -> Finding:
    name = STDIN_NAME if path == STDIN else path
    return Finding(place=Place(name, 1, 1), message=message, hint=hint)
