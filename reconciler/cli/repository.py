"""What Git knows of a policy: the commit that holds it, and the files of another commit.

A policy folder can hold files that Git obeys: an embedded repository with commands in its configuration, attributes
that name filters, hooks. So Git is asked with commands that read commits and trees alone: none of them looks at the
working tree, the index, hooks, filters, a pager or the network. Files are compared with a commit by their hashes.

    the repository   the nearest folder above with a `.git`; an embedded bare repository below it is never looked at
    environment      the allow-list of children.py; HOME, because Git asks the user's own settings whom it may trust
    objects          none is fetched, and none is replaced by another (refs/replace)
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Callable, Mapping

from reconciler.cli import children
from reconciler.cli.tree import Tree
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError

LIMIT_S = 20.0
_ALWAYS = (
    "--no-pager", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects",
    "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null",
)  # fmt: skip
_VARIABLES = {"LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
_BELONGS_TO_ANOTHER = re.compile(r"dubious ownership|unsafe repository")
_POLICY = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedFiles:
    """Files of a folder at a commit: content by path below the folder. `left_out` is what the commit does not hold."""

    contents: Mapping[str, bytes]
    places: Mapping[str, str]
    """Where each of them lies, links followed: the same for two paths to one file."""
    left_out: tuple[str, ...]
    """Links that lead out of the repository or nowhere, and submodules; sorted."""


def revision_of(files: Mapping[str, bytes]) -> str:
    """Return the commit that holds these files (path to content), with `-dirty` where it does not hold exactly them.

    Dirty is a policy file that was changed, added or removed and not committed. Empty where there is no Git and no
    commit. Raises ReconcilerError when Git refuses to look, and says what to do.
    """
    contents = {os.path.abspath(path): content for path, content in files.items()}
    repository = open_repository(os.path.dirname(min(contents))) if contents else None
    commit = repository.commit("HEAD") if repository else ""
    if repository is None or not commit:
        return ""
    by_place = {repository.place(path): content for path, content in contents.items()}
    folder = os.path.commonpath([os.path.dirname(place) for place in by_place])
    tree = repository.tree(commit, folder)
    is_held = all(_is_blob(content, tree.file(place)) for place, content in by_place.items())
    missing = (path for path, _ in tree.walk(folder) if not os.path.lexists(os.path.join(repository.top, folder, path)))
    is_whole = is_held and not any(path.lower().endswith(_POLICY) for path in missing)
    return commit if is_whole else f"{commit}-dirty"


def open_repository(folder: str) -> Repository | None:
    """Return the repository that a folder belongs to; None where there is none, or no Git to read it."""
    top = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(top, ".git")):
        if top == os.path.dirname(top):
            return None
        top = os.path.dirname(top)
    program = children.find_program("git", outside=top)
    return Repository(top, program) if program else None


class Repository:
    """A repository to read from. Its methods raise ReconcilerError when Git refuses to look, and say what to do."""

    def __init__(self, top: str, program: str) -> None:
        """`top` is the real path of the folder that holds `.git`."""
        self.top, self._program = top, program
        self._environment = {
            **children.allowed("HOME", "XDG_CONFIG_HOME", "SUDO_UID"),
            **_VARIABLES,
            "PATH": children.search_path(outside=top),
            "GIT_CEILING_DIRECTORIES": os.path.dirname(top),
        }

    def commit(self, revision: str) -> str:
        """Return the id of the commit that a revision (`main`, `HEAD~2`) names; empty where it names none."""
        if not revision or revision.startswith("-") or not revision.isprintable():
            return ""
        return self._line("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")

    def place(self, path: str) -> str:
        """Return a file's or folder's path below the top: empty for the top, `../` in front of what is elsewhere.

        Links outside of the repository are followed; those inside are left for the tree to follow.
        """
        absolute = os.path.abspath(path)
        if os.path.commonpath((self.top, absolute)) != self.top:
            absolute = os.path.realpath(path)
        place = os.path.relpath(absolute, self.top)
        return "" if place == os.curdir else place

    def tree(self, commit: str, folder: str) -> Tree:
        """Return the tree of a commit: all of it where links may lead out of the folder, else that of the folder."""
        files, links, foreign = self._list(commit, folder)
        if folder and (links or not files):
            files, links, foreign = self._list(commit, "")
        targets = self._contents(set(links.values()), max_bytes=children.MAX_BYTES)
        return Tree(
            files=files,
            links={path: os.fsdecode(targets[object_id]) for path, object_id in links.items()},
            foreign=frozenset(foreign),
        )

    def read_tree(self, commit: str, folder: str, *, wants: Callable[[str], bool], max_bytes: int) -> CommittedFiles:
        """Return the files below a folder (its `place`) at a commit for whose path below it `wants` says yes.

        Raises ReconcilerError when this clone does not hold them, or they are more than `max_bytes`.
        """
        tree = self.tree(commit, folder)
        object_ids = dict(tree.walk(folder))
        wanted = {path: object_id for path, object_id in object_ids.items() if object_id and wants(path)}
        contents = self._contents(set(wanted.values()), max_bytes=max_bytes)
        return CommittedFiles(
            contents={path: contents[object_id] for path, object_id in wanted.items()},
            places={path: os.path.join(self.top, tree.locate(f"{folder}/{path}") or "") for path in wanted},
            left_out=tuple(path for path, object_id in object_ids.items() if object_id is None),
        )

    def _list(self, commit: str, folder: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Return the object ids of files, links and submodules by path."""
        answer = self._ask("ls-tree", "-r", "-z", "--full-tree", "--", commit, *([f"{folder}/"] if folder else []))
        if answer.code != 0:
            raise self._missing(commit)
        kinds: dict[bytes, dict[str, str]] = {b"100": {}, b"120": {}, b"160": {}}
        for entry in answer.output.split(b"\0")[:-1]:
            facts, _, path = entry.partition(b"\t")
            mode, _, object_id = facts.split(b" ")
            kinds[mode[:3]][os.fsdecode(path)] = object_id.decode()
        return kinds[b"100"], kinds[b"120"], kinds[b"160"]

    def _contents(self, object_ids: set[str], *, max_bytes: int) -> dict[str, bytes]:
        if not object_ids:
            return {}
        questions = "".join(f"{object_id}\n" for object_id in sorted(object_ids)).encode()
        answer = self._ask("cat-file", "--batch", questions=questions, max_bytes=max_bytes + 100 * len(object_ids))
        contents: dict[str, bytes] = {}
        start = 0
        while start < len(answer.output):
            ends = answer.output.index(b"\n", start)
            object_id, kind, *size = answer.output[start:ends].decode().split(" ")
            if kind != "blob":
                raise self._missing(object_id)
            start = ends + 1 + int(size[0])
            contents[object_id] = answer.output[ends + 1 : start]
            start += 1
        if len(contents) < len(object_ids):
            raise self._missing(min(object_ids - set(contents)))
        return contents

    def _missing(self, object_id: str) -> ReconcilerError:
        return ReconcilerError(
            f"the Git clone in {self.top} does not hold all of {object_id}",
            hint="fetch it first: `git fetch --unshallow`, or `fetch-depth: 0` in GitHub's checkout",
        )

    def _line(self, *arguments: str) -> str:
        answer = self._ask(*arguments)
        return answer.output.decode().strip() if answer.code == 0 else ""

    def _ask(self, *arguments: str, questions: bytes = b"", max_bytes: int = children.MAX_BYTES) -> children.Completed:
        answer = children.ask(
            [self._program, *_ALWAYS, *arguments],
            folder=self.top,
            environment=self._environment,
            questions=questions,
            max_bytes=max_bytes,
            limit_s=LIMIT_S,
        )
        if answer.code and _BELONGS_TO_ANOTHER.search(answer.error):
            raise ReconcilerError(
                f"Git does not read {self.top}, because the folder belongs to another user",
                hint=f"if you trust the folder: git config --global --add safe.directory {shlex.quote(self.top)}",
            )
        return answer


def _is_blob(content: bytes, object_id: str | None) -> bool:
    """Whether Git names this content so: by SHA-1, or SHA-256 in the repositories that use it."""
    if object_id is None:
        return False
    name = hashlib.new("sha1" if len(object_id) == 40 else "sha256", usedforsecurity=False)
    name.update(b"blob %d\0" % len(content))
    name.update(content)
    return name.hexdigest() == object_id
