"""`show` on a journal: what an apply did, a year later and without a server, also when the file was cut by a crash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.sandbox import Sandbox
from tests.cli.running import AT, COMPANY, RAISE_PLATFORM, Shell


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a journal with one update; made once, by a whole process."""
    folder = tmp_path_factory.mktemp("applied")
    with Sandbox(COMPANY) as sandbox, pytest.MonkeyPatch.context() as patch:
        shell = Shell(folder, patch, None)  # type: ignore[arg-type]  # only `process` is used
        shell.connect(sandbox).policy(RAISE_PLATFORM)
        done = shell.process("apply", "--auto-approve", "--journal", "run.jsonl", *AT)
        assert done.code == 0, done.err
    return (folder / "run.jsonl").read_text(encoding="utf-8")


def written(shell: Shell, text: str) -> Path:
    path = shell.folder / "run.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_journal_is_told(shell: Shell, journal: str) -> None:
    ran = shell.run("show", written(shell, journal))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Run ")
    assert ran.out.endswith("Apply complete: 0 created, 1 updated, 0 deleted.\n")
    document = shell.run("show", "run.jsonl", "--json").document
    assert (document["is_complete"], document["counts"]["done"]) == (True, 1)


def test_a_journal_that_was_cut_says_what_is_in_doubt(shell: Shell, journal: str) -> None:
    started, intent, recorded, _ended = journal.splitlines(keepends=True)
    for text, says in {
        started: "Apply not finished: 1 not attempted.",
        started + intent: "Apply not finished: 1 in doubt.",
        started + intent + recorded[:-1]: "Apply not finished: 1 in doubt.",
        started + intent + recorded: "Apply not finished: 1 updated.",
    }.items():
        ran = shell.run("show", written(shell, text))
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.endswith(says + "\n")
        is_done = says == "Apply not finished: 1 updated."
        assert ("To go on, run it again unless it is still going on: " in ran.out) == (not is_done)
        assert ("To go on, look at a new plan: " in ran.out) == is_done


def test_a_journal_that_is_damaged_is_refused(shell: Shell, journal: str) -> None:
    started, intent, recorded, ended = journal.splitlines(keepends=True)
    for text, says in {
        started + intent[:20] + "\n" + recorded: "is not complete: it breaks off in the middle",
        started + intent.replace(":", "", 1) + recorded: "copy the journal once more from where its run wrote it",
        started.replace('"version": 2', '"version": 9') + intent: "use a newer reconciler",
        started + recorded.replace('"done"', '"fine"') + ended: "result must be",
        started + started: "holds more than one run: another journal begins on line 2",
        started + re.sub(r'"action": ?0', '"action":7', intent): "it names action 7, but the run has only 1",
        started.replace('"actions"', '"axions"') + intent: "axions is not a known key",
        started[:50]: "is not complete: it breaks off in its first line",
    }.items():
        ran = shell.run("show", written(shell, text))
        assert (ran.code, ran.out) == (1, "")
        assert says in ran.err, ran.err
