"""A person at a terminal: the question before an apply, answered with yes, no, nothing, Ctrl-C; colours; progress."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

from reconciler.core.plan.outcome import Ending, Outcome, Result, replay
from reconciler.formats.journal import load_events
from reconciler.sandbox import Fault, Sandbox
from tests.cli.running import AT, COMPANY, RAISE_PLATFORM, RECONCILER, Shell
from tests.patience import HELD_S, PATIENCE_S, wait_until
from tests.warm import warm_folder

QUESTION = "Apply these changes to "
CTRL_C = b"\x03"


@pytest.fixture
def mine() -> Iterator[Sandbox]:
    """A company to write to."""
    with Sandbox(COMPANY) as sandbox:
        yield sandbox


def converse(shell: Shell, arguments: list[str], answer: bytes) -> tuple[int, str]:
    """Run a command on a terminal of its own; type the answer once it asks. Return its exit code and what was seen.

    A command that gets no signal starts warm.
    """
    master, slave = pty.openpty()
    command = [*(RECONCILER if answer == CTRL_C else (str(warm_folder() / "reconciler"),)), *arguments]
    environment = shell.clean({"TERM": "xterm"})
    process = subprocess.Popen(
        command, cwd=shell.folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    seen, has_answered, ends = b"", False, time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if select.select([master], [], [], 0.1)[0]:
            try:
                chunk = os.read(master, 65_536)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            seen += chunk
        if QUESTION.encode() in seen and b"[y/N]" in seen and not has_answered:
            has_answered = True
            if answer == CTRL_C:
                process.send_signal(2)
            else:
                os.write(master, answer)
    os.close(master)
    return process.wait(timeout=PATIENCE_S), seen.decode()


def writes(sandbox: Sandbox) -> list[str]:
    return [request.method for request in sandbox.requests if request.method in ("PUT", "DELETE")]


@pytest.mark.parametrize(
    ("answer", "code", "says", "written"),
    [
        (b"y\n", 0, "Apply complete: 0 created, 1 updated, 0 deleted.", ["PUT"]),
        (b"n\n", 1, "Not approved; nothing was written", []),
        (b"\n", 1, "Not approved; nothing was written", []),
        (b"\x04", 1, "Not approved; nothing was written", []),
        (CTRL_C, 130, "\nError: Interrupted; nothing was written", []),
    ],
)
def test_the_question(shell: Shell, mine: Sandbox, answer: bytes, code: int, says: str, written: list[str]) -> None:
    shell.connect(mine).policy(RAISE_PLATFORM)
    ended, seen = converse(shell, ["apply", *AT], answer)
    assert says in seen
    assert ended == code
    assert writes(mine) == written
    assert "Traceback" not in seen


def test_nobody_is_asked_about_a_plan_that_cannot_be_applied(shell: Shell, mine: Sandbox) -> None:
    shell.connect(mine).policy(RAISE_PLATFORM)
    assert shell.run("plan", "-o", "saved.plan").code == 0
    mine.execute("DELETE FROM group_ai_budgets")
    ended, seen = converse(shell, ["apply", "saved.plan"], b"y\n")
    assert (ended, QUESTION in seen) == (3, False)
    assert "The plan is stale" in seen


def test_nothing_is_asked_when_nothing_is_to_be_done_or_approval_was_given(shell: Shell, mine: Sandbox) -> None:
    shell.connect(mine).policy(RAISE_PLATFORM)
    ended, seen = converse(shell, ["apply", "--auto-approve", *AT], b"")
    assert (ended, QUESTION in seen) == (0, False)
    assert "\x1b[33m  ~ group/acme/platform" in seen
    again, seen = converse(shell, ["apply", *AT], b"")
    assert (again, QUESTION in seen) == (0, False)
    assert "No changes." in seen


def test_with_ci_set_nobody_is_asked(shell: Shell, mine: Sandbox) -> None:
    """A CI that gives its jobs a terminal waited for an answer for ever."""
    shell.connect(mine).set(CI="true").policy(RAISE_PLATFORM)
    ended, seen = converse(shell, ["apply", *AT], b"y\n")
    assert (ended, QUESTION in seen, writes(mine)) == (1, False, [])
    assert "CI is set, so nobody can be asked to approve the plan; nothing was written" in seen


TWO = RAISE_PLATFORM + "  - group: eng\n    limit: $70\n"


def take_the_terminal(shell: Shell, sandbox: Sandbox, *, is_controlling: bool) -> tuple[int, Outcome]:
    """Close the terminal of an apply while its first write is held up; return its exit code and its journal.

    The end of a controlling terminal is told by SIGHUP; that it was seen is read from stderr, which is a file then.
    """
    master, slave = pty.openpty()
    errors = shell.folder / "errors"

    def own_it() -> None:
        if is_controlling:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    sandbox.fault(Fault("delay", method="PUT", seconds=HELD_S))
    command = [*RECONCILER, "apply", "--auto-approve", "--journal", "it.jsonl", "--parallelism", "1", *AT]
    with errors.open("w") as file:
        process = subprocess.Popen(
            command, cwd=shell.folder, env=shell.clean({"TERM": "xterm"}), start_new_session=True, preexec_fn=own_it,
            stdin=slave, stdout=slave, stderr=file if is_controlling else slave,
        )  # fmt: skip
    os.close(slave)
    wait_until(lambda: bool(writes(sandbox)))
    os.close(master)
    if is_controlling:
        wait_until(lambda: "Interrupted: finishing the writes in flight" in errors.read_text())
    else:
        time.sleep(1.1)  # the progress of reads is told from the second second on
    sandbox.release()
    code = process.wait(timeout=PATIENCE_S)
    return code, replay(load_events((shell.folder / "it.jsonl").read_text(), source="it"))


def test_a_terminal_that_goes_away_during_the_writes_changes_nothing(shell: Shell, mine: Sandbox) -> None:
    """The line that tells of progress failed, and took the run with it: no proof, and a journal without an end."""
    shell.connect(mine).policy(TWO)
    code, outcome = take_the_terminal(shell, mine, is_controlling=False)
    assert (code, writes(mine)) == (0, ["PUT", "PUT"])
    assert outcome.is_complete


def test_a_window_that_is_closed_during_the_writes_is_an_interruption(shell: Shell, mine: Sandbox) -> None:
    shell.connect(mine).policy(TWO)
    code, outcome = take_the_terminal(shell, mine, is_controlling=True)
    assert (code, writes(mine)) == (130, ["PUT"])
    assert outcome.ended is not None
    assert outcome.ended.ending is Ending.INTERRUPTED
    assert [action.result for action in outcome.results] == [Result.DONE, Result.NOT_ATTEMPTED]


def test_a_long_read_tells_how_far_it_is(shell: Shell, mine: Sandbox) -> None:
    shell.connect(mine).policy(RAISE_PLATFORM)
    mine.fault(Fault("delay", path="*/groups", seconds=1.3))
    ended, seen = converse(shell, ["plan", *AT], b"")
    assert ended == 0
    assert "\r\x1b[KReading: [" in seen
    assert "requests\r\x1b[K" in seen
