"""Files that are not policies: saved plans and journals. Read whole or not at all; written whole, mode 0600."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from reconciler import strict_json
from reconciler.errors import FileError
from reconciler.formats import document
from reconciler.formats.document import JOURNALS
from reconciler.words import HINT_HOME, home_left_alone

STDIN = "-"
"""As policy_file/files.py has it; that room is not loaded for documents."""
MAX_BYTES = 256 * 2**20
_MOST_LINKS = 40
"""In a row; as many as Linux follows."""
_HEAD = 16_000
"""Characters of a journal before its actions; it has about 800."""
_JOURNAL = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{12})-[0-9a-f]{8}\.jsonl")
"""A name as runs.py gives it, with the plan's digest."""


def read_text(path: str) -> str:
    """Read a file of ours. Raises FileError when it cannot be read, is not a file, is huge, or is not UTF-8."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{path} is not a file")
        if status.st_size > MAX_BYTES:
            raise FileError(f"{path} is larger than {MAX_BYTES // 2**20} MiB, the limit for plans and journals")
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path} is not UTF-8 text") from None


def kind_of_document(path: str) -> str:
    """Say which of our own documents a file is: a `saved plan`, `journal` or `saved result (drift)`; else empty."""
    name = name_of(path)
    if name in (document.PLAN, document.JOURNAL):
        return "saved plan" if name == document.PLAN else "journal"
    return f"saved result ({name.removeprefix('reconciler ')})" if name.startswith("reconciler ") else ""


def name_of(path: str) -> str:
    """Return the format that a file says it has; empty for a file that is not of ours, or cannot be read."""
    if path == STDIN:  # a file of that name is `./-`
        return ""
    beginning = starts_with(path)
    if not document.may_be_ours(beginning):
        return ""
    return document.name_of(beginning) or document.name_of(starts_with(path, characters=MAX_BYTES))


def starts_with(path: str, *, characters: int = 200) -> str:
    """Return the beginning of a regular file as text; empty for anything that cannot be read so."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.read(characters)
    except OSError:
        return ""


def require_replaceable(path: str, name: str) -> None:
    """Raise FileError when writing there would destroy a file that is not of this format: a policy, most likely."""
    _require_no_stream(path)
    target = _target_of(path)
    if starts_with(target) and name_of(target) != name:
        raise FileError(
            f"{path} exists and is not a {name}; it is left alone", hint="choose another name, or remove it"
        )


def _require_no_stream(path: str) -> None:
    """Raise FileError for `-`, which other tools take for stdout; a file of that name is `./-`."""
    if path == STDIN:
        raise FileError(
            "'-' is not a file", hint="name a file; without -o a result goes to stdout, a plan with `plan --json`"
        )


def require_savable(path: str) -> None:
    """Raise FileError when a result must not or cannot be saved there: over a policy or a journal, to no folder.

    Asked before anything is read, so that a run does not end with a result that has nowhere to go.
    """
    if path == STDIN:
        raise FileError("--save writes files, and '-' is not a file", hint="--format prints a result to stdout")
    target = _target_of(path)
    if name_of(target) == document.JOURNAL:
        raise FileError(f"{path} is a journal, which `revert` needs; it is left alone", hint="choose another name")
    if target.lower().endswith((".yaml", ".yml")) and os.path.exists(target):
        raise FileError(f"{path} exists and may be a policy; it is left alone", hint="choose another name")
    if not path or (os.path.exists(target) and not os.path.isfile(target)):
        raise FileError(f"{path!r} is not a file", hint="name a file to write, or leave it out")
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        hint = f"make it: mkdir -p {shlex.quote(folder)}"
        raise FileError(f"{path} cannot be written: there is no folder {folder}", hint=hint)


def write_private(path: str, text: str, *, mode: int = 0o600) -> None:
    """Write a file that holds names and amounts: whole or not at all, 0600 unless told otherwise. Raises FileError."""
    write_all_private({path: (text, mode)})


def write_kept(path: str, text: str, *, hint: str) -> None:
    """Write what a later command reads, as `write_private` does. Raises FileError where it is too large for that."""
    if len(text.encode("utf-8", "backslashreplace")) > MAX_BYTES:
        message = (
            f"{path} would be larger than {MAX_BYTES // 2**20} MiB, the most that is read again; it was not written"
        )
        raise FileError(message, hint=hint)
    write_private(path, text)


def write_all_private(texts: Mapping[str, tuple[str, int]]) -> None:
    """Write files, each with its permissions; none is replaced before the disk has taken them all. Raises FileError.

    A link stays, and what it points to is replaced, unless it may be a trap. A device, a pipe and a folder are refused:
    replacing `/dev/null` by a file breaks the machine.
    """
    waiting: list[tuple[str, str, str]] = []
    written: list[str] = []
    try:
        for path, (text, mode) in texts.items():
            target = _target_of(path)
            if not path or (os.path.exists(target) and not os.path.isfile(target)):
                raise FileError(f"{path!r} is not a file", hint="name a file to write, or leave it out")
            with _told(path):
                _write_beside(path, text, mode, target, waiting)
        while waiting:
            path, temporary, target = waiting[0]
            with _told(path, f"; written before: {', '.join(written)}" if written else ""):
                os.replace(temporary, target)
            written.append(path)
            del waiting[0]
    finally:
        for _, temporary, _ in waiting:
            with suppress(OSError):
                os.unlink(temporary)


def _write_beside(path: str, text: str, mode: int, target: str, waiting: list[tuple[str, str, str]]) -> None:
    import tempfile

    # `init` lets Git ignore this name (IGNORED): a run that is killed leaves the file.
    fd, temporary = tempfile.mkstemp(prefix=".reconciler-", dir=os.path.dirname(target))
    waiting.append((path, temporary, target))
    with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        with suppress(OSError):  # some file systems have no permissions to give
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


@contextmanager
def _told(path: str, result: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}{result}") from None


def _target_of(path: str) -> str:
    """Return where a path leads. Raises FileError for a link that somebody else put into a folder like /tmp.

    The last part is not looked up again: a link that appears there meanwhile is replaced, and not followed.
    """
    link = path
    for _ in range(_MOST_LINKS):
        if not os.path.islink(link):
            break
        folder = os.path.dirname(link)
        if is_trap(os.lstat(link), os.stat(folder or "."), user=os.geteuid()):
            raise FileError(
                f"{path} is a link that another user made, in a folder where everybody may write; it is left alone",
                hint="choose another name, or a folder of your own",
            )
        link = os.path.join(folder, os.readlink(link))
    folder, name = os.path.split(link)
    return os.path.join(os.path.realpath(folder), name)


def is_trap(link: os.stat_result, folder: os.stat_result, *, user: int) -> bool:
    """Whether Linux, too, would not follow this link to open what it points to (`fs.protected_symlinks`).

    What we write replaces its target, and nothing is opened through the link, so the system does not ask.
    """
    is_shared = bool(folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH)
    return is_shared and link.st_uid not in (user, folder.st_uid)


def require_new(path: str) -> None:
    """Raise FileError when something is there already, be it a link that leads nowhere."""
    _require_no_stream(path)
    if os.path.lexists(path):
        raise FileError(f"{path} exists; it is left alone", hint="name a new file or folder, or remove it first")
    if (home := home_left_alone(path)) and not os.path.isdir(home):
        raise FileError(f"{path} would go to a new folder called {home}; nothing was written", hint=HINT_HOME)


def write_new_files(texts: Mapping[str, str]) -> None:
    """Write files that must not exist yet, and the folders they lie in: all of them whole, or none. Raises FileError.

    For files that are meant to be committed: readable by everybody who may read the folder. A file that appears in
    between is not overwritten. The beginning of a policy is a policy, too: one that removes what it does not list. So
    who is killed leaves an empty file at most, which no command takes for a policy.
    """
    for path in texts:
        require_new(path)
    waiting: list[tuple[str, str, str]] = []
    begun: list[str] = []
    try:
        for path, text in texts.items():
            with _told(path, "; nothing was written"):
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
                _write_beside(path, text, 0o600, path, waiting)
        for path, temporary, _ in waiting:
            with _told(path, "; nothing was written"):
                with open(path, "xb") as file:
                    begun.append(path)
                    with suppress(OSError):
                        os.chmod(temporary, stat.S_IMODE(os.fstat(file.fileno()).st_mode))
                os.replace(temporary, path)
    except BaseException:
        for path in begun:
            with suppress(OSError):
                os.unlink(path)
        raise
    finally:
        for _, temporary, _ in waiting:
            with suppress(OSError):
                os.unlink(temporary)


def policy_file_name(organization: str) -> str:
    """Return the name of an organization's policy file. Raises FileError for a name that leads to another folder."""
    if os.path.basename(organization) != organization or organization.startswith("."):
        raise FileError(f"The organization {organization!r} has a name that cannot be a file name")
    return f"{organization}.yaml"


def journaled() -> frozenset[tuple[str, str]]:
    """Return the plans of the journals in the working directory, by the digests in their names, and their accounts."""
    try:
        names = os.listdir(JOURNALS)
    except OSError:
        return frozenset()
    digests = {name: match[1] for name in names if (match := _JOURNAL.fullmatch(name))}
    return frozenset((digest, _account_of(os.path.join(JOURNALS, name))) for name, digest in digests.items())


def _account_of(path: str) -> str:
    """Return the Coder account that a journal begins with; empty where it does not say it."""
    head, has_actions, _ = starts_with(path, characters=_HEAD).partition(', "actions": [')
    try:
        user = strict_json.parse(head + "}")["deployment"]["user"] if has_actions else ""
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return user if isinstance(user, str) else ""
