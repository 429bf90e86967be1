"""The journal on disk: who may read it, what a full disk leaves, and that nothing is reported as kept that is not."""

from __future__ import annotations

import os
import resource
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.core.action import Kind
from reconciler.core.plan.outcome import Event, Intent
from reconciler.errors import FileError
from reconciler.formats.journal import dump_event
from reconciler.operations import journal_file
from reconciler.operations.journal_file import JournalFile, require_new


def intent(number: int) -> Event:
    return Intent(
        action=number, address=f"group/acme/g{number}", kind=Kind.UPDATE, at=datetime(2026, 11, 23, tzinfo=UTC)
    )


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk that is full as soon as a file has so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "one.jsonl"
    with JournalFile(str(path)) as journal:
        journal.append(intent(0))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_new_folders_are_for_their_owner_whatever_the_umask(tmp_path: Path) -> None:
    """The folders between were open to everybody."""
    before = os.umask(0)
    try:
        with JournalFile(str(tmp_path / "a" / ".." / "b" / ".reconciler" / "one.jsonl")) as journal:
            journal.append(intent(0))
    finally:
        os.umask(before)
    made = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()}
    assert made == {"a": 0o700, "b": 0o700, ".reconciler": 0o700}


def test_a_umask_that_takes_everything_leaves_a_journal_that_its_owner_can_read(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        with JournalFile(str(tmp_path / "a" / ".reconciler" / "one.jsonl")) as journal:
            journal.append(intent(0))
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, ".reconciler": 0o700, ".gitignore": 0o600, "one.jsonl": 0o600}


def test_git_ignores_the_folder_from_the_day_it_is_made(tmp_path: Path) -> None:
    """Its owner may change that, and another folder is not touched."""
    for name in (".reconciler/one.jsonl", "journals/one.jsonl"):
        with JournalFile(str(tmp_path / name)) as journal:
            journal.append(intent(0))
    assert [path.read_text() for path in tmp_path.rglob(".gitignore")] == ["*\n"]
    ignore = tmp_path / ".reconciler" / ".gitignore"
    ignore.unlink()
    with JournalFile(str(tmp_path / ".reconciler" / "two.jsonl")) as journal:
        journal.append(intent(0))
    assert not ignore.exists()


def test_a_disk_that_takes_no_gitignore_leaves_no_folder_without_it(tmp_path: Path) -> None:
    path = tmp_path / ".reconciler" / "one.jsonl"
    with largest_file(1), pytest.raises(FileError, match=r"cannot be written: File too large; nothing was written"):
        JournalFile(str(path))
    assert not path.parent.exists()
    with JournalFile(str(path)) as journal:
        journal.append(intent(0))
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_no_run_writes_over_the_record_of_another(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text("a record")
    for attempt in (lambda: JournalFile(str(path)), lambda: require_new(str(path))):
        with pytest.raises(FileError, match=r"exists already; nothing was written"):
            attempt()
    assert path.read_text() == "a record"


def test_a_journal_in_this_folder_is_not_written_over_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with JournalFile("one.jsonl") as journal:
        journal.append(intent(0))
    with pytest.raises(FileError, match=r"one.jsonl exists already; nothing was written"):
        JournalFile("one.jsonl")


@pytest.mark.parametrize("name", [".", "new/", "old", "old/"])
def test_a_folder_is_not_a_journal(tmp_path: Path, name: str) -> None:
    (tmp_path / "old").mkdir()
    path = f"{tmp_path}/{name}"
    for attempt in (lambda: JournalFile(path), lambda: require_new(path)):
        with pytest.raises(FileError, match=r"is a folder; nothing was written") as caught:
            attempt()
        assert caught.value.hint == f"name a file in it, such as {os.path.join(path, 'run.jsonl')}"


def test_a_tilde_that_the_shell_left_alone_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--journal=~/run.jsonl` made a folder `~`, and whoever removes that by name loses a home."""
    monkeypatch.chdir(tmp_path)
    for path in ("~/run.jsonl", "~ana/run.jsonl"):
        with pytest.raises(FileError, match=r"would go to a new folder called ~.*; nothing was written"):
            require_new(path)
    require_new("~run.jsonl")
    (tmp_path / "~").mkdir()
    require_new("~/run.jsonl")


@pytest.mark.parametrize("path", ["/dev/null/journal", "/proc/journal"])
def test_a_place_that_takes_no_file_is_refused(path: str) -> None:
    with pytest.raises(FileError, match=r"cannot be written: .*; nothing was written"):
        JournalFile(path)


def test_a_folder_that_cannot_be_read_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def opened(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError
        return real(path, flags, mode)

    monkeypatch.setattr(journal_file.os, "open", opened)  # type: ignore[attr-defined]
    with JournalFile(str(tmp_path / "one.jsonl")) as journal:
        journal.append(intent(0))


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    size = len(dump_event(intent(0)))
    with JournalFile(str(path)) as journal:
        with largest_file(size + size // 2):
            journal.append(intent(0))
            journal.flush()
            with pytest.raises(FileError, match=r"cannot be written: File too large$"):  # and not "nothing was written"
                journal.append(intent(1))
        with pytest.raises(FileError, match="File too large"):  # what it holds is no longer certain
            journal.append(intent(2))
        with pytest.raises(FileError, match="File too large"):
            journal.flush()
    assert dump_event(intent(0)) == path.read_text()


def test_a_journal_without_a_line_is_not_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    with largest_file(10), JournalFile(str(path)) as journal, pytest.raises(FileError) as caught:
        journal.append(intent(0))
    assert caught.value.message.endswith("File too large; nothing was written")
    assert caught.value.hint == "name a writable place with --journal FILE"
    assert not path.exists()


def test_a_file_that_cannot_be_shortened_or_closed_is_still_an_error_of_ours_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota on a file server may be told no sooner than at the close, when the record is on the disk already."""
    path, close = tmp_path / "one.jsonl", os.close

    def fail(fd: int, *_: int) -> None:
        raise OSError(122, "Disk quota exceeded")

    def close_and_fail(fd: int) -> None:
        close(fd)
        fail(fd)

    size = len(dump_event(intent(0)))
    with monkeypatch.context() as patched, JournalFile(str(path)) as journal:
        patched.setattr(journal_file.os, "ftruncate", fail)  # type: ignore[attr-defined]
        journal.append(intent(0))
        journal.flush()
        with largest_file(size + size // 2), pytest.raises(FileError, match=r"cannot be written: File too large"):
            journal.append(intent(1))
        patched.setattr(journal_file.os, "close", close_and_fail)  # type: ignore[attr-defined]
    assert path.read_text().startswith(dump_event(intent(0)))


def test_a_file_of_which_nothing_can_be_asked_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file server that made the file, and no longer knows it."""

    def fail(*_: object) -> int:
        raise OSError(116, "Stale file handle")

    path = str(tmp_path / "one.jsonl")
    with monkeypatch.context() as patched:
        for name in ("fstat", "write", "ftruncate"):
            patched.setattr(journal_file.os, name, fail)  # type: ignore[attr-defined]
        with JournalFile(path) as journal, pytest.raises(FileError, match="Stale file handle; nothing was written"):
            journal.append(intent(0))


def test_a_flush_that_fails_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second fsync says that all is well although the disk has lost the pages; so nobody asks it."""

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with JournalFile(str(tmp_path / "one.jsonl")) as journal:
        journal.append(intent(0))
        with monkeypatch.context() as patched:
            patched.setattr(journal_file.os, "fsync", fail)  # type: ignore[attr-defined]
            with pytest.raises(FileError, match="Input/output error"):
                journal.flush()
        with pytest.raises(FileError, match="Input/output error"):
            journal.flush()


def test_a_journal_that_was_removed_takes_no_more(tmp_path: Path) -> None:
    """What was cleaned away with its folder went on to take intents, which nobody can read."""
    path = tmp_path / ".reconciler" / "one.jsonl"
    with JournalFile(str(path)) as journal:
        journal.append(intent(0))
        journal.flush()
        shutil.rmtree(path.parent)
        journal.append(intent(1))
        with pytest.raises(FileError, match=r"one\.jsonl cannot be written: it was removed"):
            journal.flush()


def test_where_no_links_are_counted_a_journal_takes_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some file systems of a network have it."""
    monkeypatch.setattr(journal_file, "_links", lambda fd: 0)
    with JournalFile(str(tmp_path / "one.jsonl")) as journal:
        journal.append(intent(0))
        journal.flush()
        journal.append(intent(1))
        journal.flush()


def test_threads_share_flushes_and_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes = []
    real = os.fsync

    def fsync(fd: int) -> None:
        flushes.append(fd)
        real(fd)

    monkeypatch.setattr(journal_file.os, "fsync", fsync)  # type: ignore[attr-defined]
    path = tmp_path / "one.jsonl"

    def work(first: int) -> None:
        for number in range(first, first + 25):
            journal.append(intent(number))
            journal.flush()

    with JournalFile(str(path)) as journal:
        threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 100, 25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = len(flushes)
        journal.flush()
        assert done == len(flushes)
    assert sorted(dump_event(intent(number)) for number in range(100)) == sorted(path.read_text().splitlines(True))
    assert len(flushes) <= 101
