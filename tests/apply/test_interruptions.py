"""Ctrl-C, SIGTERM, `kill -9`, closed streams, a full disk: what the exit code says is true, and so is the journal."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.sandbox import Fault
from tests.apply.site import SEVEN, Said, Site
from tests.chaos.commands import Running
from tests.patience import HELD_S, wait_until

FIRST_SIGNAL = "Interrupted: finishing the writes in flight, beginning nothing new."


def interrupted(site: Site, *signals: signal.Signals, at: str, method: str = "PUT", cold: bool = False) -> Said:
    """Apply in a single thread; while the write of `at` is held up, send the signals. A second one must end it."""
    subject = site.id_of(at)
    site.sandbox.fault(Fault("delay", method=method, path=f"*/{subject}/*", seconds=HELD_S))
    arguments = ("apply", "--auto-approve", "--parallelism", "1")
    command = site.command(*arguments, is_cold=cold)
    running: Running = site.launcher.start(command)
    wait_until(lambda: any(subject in request.path for request in site.writes))
    first, *more = signals
    running.send(first)
    wait_until(lambda: FIRST_SIGNAL in command.err.read_text())
    for number in more:
        running.send(number)
    if not more:
        site.sandbox.release()
    return site.result(command, running)


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_write_in_flight_is_finished_and_nothing_new_begun(site: Site, number: signal.Signals, cold: bool) -> None:
    site.policy(*SEVEN)
    said = interrupted(site, number, at="platform", cold=cold)
    assert said.code == 130
    assert FIRST_SIGNAL in said.err
    assert list(site.results.values()) == ["done"] * 3 + ["not-attempted"] * 4
    assert len(site.writes) == 3
    assert "4 actions not attempted: the run was interrupted." in said.out
    assert "Not verified: the result was not read again, because the run was interrupted." in said.out
    assert "Apply interrupted: 1 created, 2 updated, 4 not attempted, 3 not verified." in said.out
    assert "To go on, run it again: what is done is not done twice." in said.out
    assert site.apply().code == 0
    assert site.run("plan", "--detailed-exitcode").code == 0


def test_a_second_one_ends_it_at_once(site: Site) -> None:
    site.policy(*SEVEN)
    said = interrupted(site, signal.SIGINT, signal.SIGINT, at="platform")
    assert said.code == 130
    assert re.search(r"`reconciler show \S+\.jsonl` says what is in doubt\.", said.err), "it names the journal"
    shown = site.run("show", str(site.journals[0]))
    assert "in doubt       group/acme/platform" in shown.out
    assert shown.out.count("in doubt  ") == 1
    assert site.apply().code == 0


@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGHUP, signal.SIGHUP),
        (signal.SIGTERM, signal.SIGHUP),
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGHUP, signal.SIGINT, signal.SIGHUP),
    ],
    ids=str,
)
def test_a_window_that_is_closed_says_so_twice(site: Site, signals: tuple[signal.Signals, ...]) -> None:
    """The kernel sends SIGHUP, and the shell again: it passed for a second Ctrl-C, and the journal had no end."""
    site.policy(*SEVEN)
    subject = site.id_of("platform")
    site.sandbox.fault(Fault("delay", method="PUT", path=f"*/{subject}/*", seconds=HELD_S))
    command = site.command("apply", "--auto-approve", "--parallelism", "1")
    running = site.launcher.start(command)
    wait_until(lambda: any(subject in request.path for request in site.writes))
    for number in signals:
        running.send(number)
        wait_until(lambda: FIRST_SIGNAL in command.err.read_text())
        wait_until(lambda number=number: not is_pending(running.pid, number))  # type: ignore[misc]
    site.sandbox.release()
    said = site.result(command, running)
    assert said.code == 130
    assert said.err.count("Interrupted") == 1
    assert list(site.results.values()) == ["done"] * 3 + ["not-attempted"] * 4


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Tell whether a signal was sent to a process and has not reached it yet."""
    file = Path(f"/proc/{pid}/status")
    status = file.read_text() if file.exists() else ""  # Linux alone can tell
    masks = re.findall(r"^(?:ShdPnd|SigPnd):\s*([0-9a-f]+)$", status, re.MULTILINE)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def test_before_the_first_write_it_is_at_once(site: Site) -> None:
    site.policy(*SEVEN)
    site.sandbox.fault(Fault("delay", method="GET", path="*/groups/ai/spend", seconds=HELD_S, times=2))
    for number in (signal.SIGINT, signal.SIGTERM):
        command = site.command("apply", "--auto-approve")
        site.sandbox.forget_requests()
        running = site.launcher.start(command)
        wait_until(lambda: any("/groups/ai/spend" in request.path for request in site.sandbox.requests))
        running.send(number)
        said = site.result(command, running)
        assert said.code == 130
        assert "Interrupted; nothing was written." in said.err
    assert site.writes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_between_the_plan_and_the_first_write_the_plan_is_told(site: Site, number: signal.Signals) -> None:
    site.policy("platform: $600", "design: none")
    assert site.run("plan").code == 0
    for_the_plan = sum("/groups/ai/spend" in request.path for request in site.sandbox.requests)
    site.sandbox.forget_requests()
    site.sandbox.fault(Fault("delay", method="GET", path="*/groups/ai/spend", after=for_the_plan, seconds=HELD_S))
    command = site.command("apply", "--auto-approve", "--json", "--save", "markdown=plan.md")
    running = site.launcher.start(command)
    wait_until(lambda: sum("/groups/ai/spend" in request.path for request in site.sandbox.requests) > for_the_plan)
    running.send(number)
    said = site.result(command, running)
    assert (said.code, site.writes, site.journals) == (130, [], [])
    assert said.err.count("Interrupted; nothing was written.") == 1
    document = said.document
    assert (document["exit_code"], document["refusal"]["exit_code"]) == (130, 130)
    assert document["refusal"]["message"] == "Interrupted; nothing was written."
    assert document["ended"]["ending"] == "interrupted"
    assert document["plan"]["digest"] == document["digest"]
    assert [row["result"] for row in document["results"]] == ["not-attempted"] * 2
    page = (site.folder / "plan.md").read_text()
    assert "group/acme/platform" in page
    assert "Interrupted; nothing was written." in page


def test_a_wait_for_the_rate_limit_is_cut_by_an_interruption(site: Site) -> None:
    """It was refused for certain, so it is not in flight: nobody has to wait a day for it.

    The launcher cuts waits to a thousandth: of a minute nothing would be left for the signal to cut.
    """
    site.policy("platform: $600", "design: none")
    site.sandbox.fault(Fault("status", method="PUT", times=9, status=429, headers={"Retry-After": "86400"}))
    command = site.command("apply", "--auto-approve", "--max-wait", "100000")
    running = site.launcher.start(command)
    wait_until(lambda: len(site.writes) == 1)
    wait_until(lambda: "for Coder (a rate limit or a restart)" in command.err.read_text())
    running.send(signal.SIGINT)
    said = site.result(command, running)
    assert said.code == 130
    assert "interrupted while waiting for Coder" in said.out
    assert site.results == {"group/acme/platform": "failed", "group/acme/design": "not-attempted"}
    assert [(write.method, write.status) for write in site.writes] == [("PUT", 429)]


def test_during_the_proof_the_summary_is_still_true(site: Site) -> None:
    """A signal after the last write once made it say that nothing was written."""
    site.policy("platform: $600")
    command = site.command("apply", "--auto-approve")
    site.sandbox.fault(Fault("delay", method="PUT", seconds=HELD_S))
    running = site.launcher.start(command)
    wait_until(lambda: len(site.writes) == 1)
    site.sandbox.fault(Fault("delay", method="GET", path="*/groups/ai/spend", seconds=HELD_S))
    site.sandbox.forget_requests()
    site.sandbox.release()
    wait_until(lambda: any("/groups/ai/spend" in request.path for request in site.sandbox.requests))
    running.send(signal.SIGTERM)
    wait_until(lambda: FIRST_SIGNAL in command.err.read_text())
    site.sandbox.release()
    said = site.result(command, running)
    assert said.code == 130
    assert "nothing was written" not in said.err
    assert "Verified: 1 object read again after the last write." in said.out
    assert site.results == {"group/acme/platform": "done"}


@pytest.mark.parametrize(
    ("line", "where", "results", "sent"),
    [
        (1, "middle", None, 0),
        (1, "behind", ["not-attempted"] * 7, 0),
        (2, "middle", ["not-attempted"] * 7, 0),
        (2, "behind", ["in-doubt"] + ["not-attempted"] * 6, 0),
        (3, "before", ["in-doubt"] + ["not-attempted"] * 6, 1),
        (3, "middle", ["in-doubt"] + ["not-attempted"] * 6, 1),
        (3, "behind", ["done"] + ["not-attempted"] * 6, 1),
        (16, "middle", ["done"] * 7, 7),
    ],
)
def test_kill_9_at_any_line_of_the_journal(
    site: Site, line: int, where: str, results: list[str] | None, sent: int
) -> None:
    site.policy(*SEVEN)
    said = site.apply("--parallelism", "1", crash={"line": line, "where": where})
    assert (said.code, len(site.writes)) == (-9, sent)
    shown = site.run("show", str(site.journals[0]))
    if results is None:
        assert shown.code == 1
    else:
        assert list(site.results.values()) == results
        assert ("in doubt       user/ana" in shown.out) == (results[0] == "in-doubt")
        assert "The journal has no end: the run was cut off, or is still going on." in shown.out
    assert site.apply().code == 0
    assert site.run("plan", "--detailed-exitcode").code == 0
    assert len(site.writes) == 7


def going_on(site: Site) -> Callable[[], Said]:
    """Apply, and hold up the third write of seven; what is returned lets it go, and returns what the run said."""
    site.policy(*SEVEN)
    subject = site.id_of("platform")
    site.sandbox.fault(Fault("delay", method="PUT", path=f"*/{subject}/*", seconds=HELD_S))
    command = site.command("apply", "--auto-approve", "--parallelism", "1")
    running = site.launcher.start(command)
    wait_until(lambda: any(subject in request.path for request in site.writes))

    def end() -> Said:
        site.sandbox.release()
        return site.result(command, running)

    return end


def test_a_run_that_is_still_going_on_is_not_said_to_be_over(site: Site) -> None:
    """`show` said that it was cut off, and `revert` took back what it had done so far, as if that were all."""
    end = going_on(site)
    (journal,) = map(str, site.journals)
    shown, reverted = site.run("show", journal), site.run("revert", journal)
    assert end().code == 0
    assert "The journal has no end: the run was cut off, or is still going on." in shown.out
    assert "To go on, run it again unless it is still going on: what is done is not done twice." in shown.out
    said = (
        "The journal has no end: if its run is still going on, stop it first; what it writes later is not taken back."
    )
    assert said in reverted.err
    assert said not in site.run("revert", journal).err


def test_a_journal_that_is_removed_ends_its_run(site: Site) -> None:
    """Its folder was cleaned away: the run ended with 0, without a record, and did not say so."""
    end = going_on(site)
    shutil.rmtree(site.folder / ".reconciler")
    said = end()
    assert said.code == 4
    assert "it was removed" in said.out
    assert len(site.writes) == 3


@pytest.mark.parametrize("size", range(5600, 7000, 120))
def test_a_disk_that_fills_in_the_middle_is_finished_cleanly(site: Site, size: int) -> None:
    """Never half a line, and never exit code 0 for a run whose journal is not whole."""
    site.policy(*SEVEN)
    said = site.apply("--parallelism", "1", "--color", "never", disk=size)
    for path in site.journals:
        assert path.read_bytes().endswith(b"\n")
        unsure = [address for address, result in site.results.items() if result == "in-doubt"]
        assert len(unsure) <= 1
    ended = bool(site.journals) and site.outcome.ended is not None
    assert said.code in ((0, 4) if ended else (1, 4))
    if said.code == 4:
        assert "cannot be written: File too large" in said.out
    assert site.apply().code == 0


@pytest.mark.parametrize("cold", [False, True])
def test_stdout_that_is_closed_after_the_writes_changes_nothing(site: Site, cold: bool) -> None:
    """The reader takes the first line and goes, as `head -1` does."""
    site.policy(*SEVEN)
    platform = site.id_of("platform")
    site.sandbox.fault(Fault("delay", method="PUT", path=f"*/{platform}/*", seconds=HELD_S))
    command = site.command("apply", "--auto-approve", is_cold=cold)
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", *command.arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=command.folder, env=command.environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        wait_until(lambda: any(platform in request.path for request in site.writes))
        site.sandbox.release()
        errors = process.stderr.read().decode()
        code = process.wait()
    assert (code, errors.count("\n")) == (0, 1), errors
    assert site.outcome.is_complete


@pytest.mark.parametrize("redirect", [">&-", "> /dev/full"])
def test_stdout_that_is_closed_before_refuses(site: Site, redirect: str) -> None:
    site.policy(*SEVEN)
    command = site.command("apply")
    line = f"{sys.executable} -m reconciler apply --auto-approve {redirect}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=command.folder, env=command.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, site.writes, site.journals) == (1, [], [])
    assert done.stderr.startswith("Error: stdout ")


@pytest.mark.parametrize("redirect", ["2>&-", "2> /dev/full"])
def test_stderr_that_is_closed_changes_nothing(site: Site, redirect: str) -> None:
    site.policy(*SEVEN)
    command = site.command("apply")
    line = f"{sys.executable} -m reconciler apply --auto-approve {redirect}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=command.folder, env=command.environment, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert site.outcome.is_complete


def test_json_to_a_full_disk_after_the_writes(site: Site) -> None:
    site.policy(*SEVEN)
    command = site.command("apply")
    with open(os.devnull if not os.path.exists("/dev/full") else "/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "apply", "--auto-approve", "--json"],
            cwd=command.folder, env=command.environment, stdout=full, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    assert site.outcome.is_complete


def test_two_at_once_double_nothing(site: Site) -> None:
    """The later one finds the work done, or sees a conflict, or a stale plan; never is a write sent twice."""
    site.policy(*SEVEN)
    site.sandbox.fault(Fault("delay", method="GET", path="*/users/*/ai/budget/override", times=4, seconds=0.05))
    commands = [site.command("apply", "--auto-approve") for _ in range(2)]
    running = [site.launcher.start(command) for command in commands]
    said = [site.result(command, one) for command, one in zip(commands, running, strict=True)]
    assert {one.code for one in said} <= {0}
    changes = site.sandbox.execute("SELECT resource_id, diff FROM audit_logs")
    assert len({row[0] for row in changes}) == 7
    assert (site.budget("platform"), site.override("ana"), site.override("bob")) == (600, 1600, None)
