"""One run: a company, disturbed commands, one clean apply; and all that is not as it must be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any

from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Options, Sandbox
from tests import ranges
from tests.chaos import replay
from tests.chaos.commands import Command, Launcher, Running
from tests.chaos.company import FAR, Company, insert, live_state, random_company, settle
from tests.chaos.evidence import Journal, problems_of, problems_of_exit, read_journal, unread_writes, went_on
from tests.chaos.scenario import BUDGETS, Harm, Step, quiet_step, random_steps

HELD_FOR_S = 30.0
_MEMORY = "/dev/shm"  # files that live for a second need no disk


@dataclass
class Report:
    """What a run found; `counts` says what it went through."""

    seed: int
    problems: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def read(self, path: Path) -> Journal | None:
        """Return a journal, or None; one that is damaged is a problem."""
        try:
            return read_journal(path)
        except ValueError as error:
            self.problems.append(f"{path.name} is damaged: {error}")
            return None


def run(seed: int, launcher: Launcher, *, is_order: bool = False) -> Report:
    """Do the run of a seed; `is_order`: without faults, for law 5 alone."""
    random = Random(seed)
    company = random_company(random)
    version = "2.37" if random.random() < 0.8 else "2.36"
    steps = [quiet_step(random)] if is_order else random_steps(random, company)
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    try:
        with Sandbox(Options(seed="empty", coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
            settle(company, sandbox)
            replay.record_changes(sandbox)
            one = _Run(Report(seed), company, sandbox, launcher, folder, is_order=is_order)
            one.go(steps)
        return one.report
    finally:
        shutil.rmtree(folder)


def run_batch(seeds: range, launcher: Launcher, *, is_order: bool = False) -> list[Report]:
    """Do the runs of some seeds."""
    return [run(seed, launcher, is_order=is_order) for seed in seeds]


def run_range(seeds: range, *, is_order: bool) -> ranges.Batch:
    """Do the runs of some seeds; return what happened, and what was not as it must be."""
    with Launcher() as launcher:
        reports = run_batch(seeds, launcher, is_order=is_order)
    return add_up(*(("order", " --order") if is_order else ("faults", "")), seeds, reports)


def add_up(kind: str, option: str, seeds: range, reports: list[Report]) -> ranges.Batch:
    """Return what the runs of some seeds found; `option` is that of the command that repeats one."""
    return ranges.Batch(
        kind=kind,
        start=seeds.start,
        number=len(seeds),
        counts=dict(sum((report.counts for report in reports), Counter[str]())),
        broken=tuple(f"--seed {report.seed}{option}: {text}" for report in reports for text in report.problems),
    )


class _Run:
    def __init__(
        self, report: Report, company: Company, sandbox: Sandbox, launcher: Launcher, folder: Path, *, is_order: bool
    ) -> None:
        self.report, self._company, self._sandbox, self._launcher = report, company, sandbox, launcher
        self._folder = folder / "work"
        self._token = sandbox.tokens["user-admin"]
        self._is_order = is_order
        self._commands = 0
        self._others_wrote = False
        self._members = sandbox.execute("SELECT user_id, group_id FROM group_members")

    def go(self, steps: list[Step]) -> None:
        self._folder.mkdir()
        self._company.write_policies(self._folder / "policies")
        self._say(json.dumps([policy.text() for policy in self._company.policies]))
        for step in steps:
            self._disturbed(step)
        if not self._is_order:
            self._repair()
            self._clean()
        if self._commands % 4 == 0 or self.report.problems:
            self._show_journals()
        self._search_for_token()

    def _disturbed(self, step: Step) -> None:
        self._say(f"step: {step}")
        self._others_wrote |= not step.is_alone
        before, changes_before = live_state(self._sandbox), len(replay.changes(self._sandbox))
        known, asked = set(self._journals()), len(self._sandbox.requests)
        arguments = self._arguments(step)
        if arguments is None:
            return
        for fault in step.faults:
            self._sandbox.fault(fault)
        commands = [self._command(arguments, step) for _ in range(2 if step.form == "two" else 1)]
        codes = self._let_run(commands, step.harm)
        self._sandbox.forget_faults()
        new = [path for path in self._journals() if path not in known]
        if step.form != "two":
            self.report.problems += unread_writes(self._sandbox.requests[asked:])
        self._check_exits(commands, codes, new, step)
        for path in new:
            journal = self.report.read(path)
            if step.is_alone and journal is not None:
                wanted = replay.after_plan(before, journal.actions)
                done = replay.changes(self._sandbox)[changes_before:]
                self.report.problems += replay.harmed(self._company, before, done, wanted)
                self.report.counts["writes replayed"] += len(done)
            if step.has_one_writer and journal is not None:
                self.report.problems += went_on(journal)
        self._check_writes()

    def _arguments(self, step: Step) -> tuple[str, ...] | None:
        """Return what to run; a saved plan is made first, in peace. None when there is nothing of that kind."""
        if step.form == "revert":
            journals = [path for path in self._journals() if read_journal(path) is not None]
            consents = [f"--allow={name}=1000" for name in ("REMOVES_LIMIT", "BLOCKS_USERS", "MASS_CHANGE")]
            return ("revert", str(journals[-1]), "--auto-approve", *consents, *step.options) if journals else None
        if step.form == "saved":
            self._repair()
            name = f"{self._commands}.plan"
            self._run_checked("plan", "-o", name, expected=0)
            return ("apply", name, "--auto-approve", *step.options)
        return ("apply", "--auto-approve", *step.options)

    def _let_run(self, commands: list[Command], harm: Harm) -> list[int | str]:
        asked = len(self._sandbox.requests)
        if harm.signal:
            running = [self._launcher.start(commands[0])]
            self._wait_until(lambda: len(self._sandbox.requests) > asked, running[0])  # it hears signals by then
            running += [self._launcher.start(command) for command in commands[1:]]
            self._strike(running[0], harm, asked)
            codes = [self._launcher.wait(one) for one in running]
        else:
            codes = self._launcher.run_beside(*commands)
        self._say(f"  exit {codes}, {len(self._sandbox.requests) - asked} requests")
        self.report.counts.update(f"exit {code}" for code in codes)
        return codes

    def _strike(self, running: Running, harm: Harm, asked: int) -> None:
        """Send the signal while the request that a fault holds up is in flight."""

        def is_held() -> bool:
            about = [one for one in self._sandbox.requests[asked:] if fnmatchcase(one.path, BUDGETS)]
            return len(about) > harm.at_request

        self._wait_until(is_held, running)
        running.send(signal.Signals[harm.signal])
        if harm.twice:
            time.sleep(0.005)
            running.send(signal.Signals[harm.signal])

    def _wait_until(self, has_come: Callable[[], bool], running: Running) -> None:
        ends = time.monotonic() + HELD_FOR_S
        while time.monotonic() < ends and not self._launcher.has_ended(running) and not has_come():
            time.sleep(0.005)  # the fault holds the request for far longer

    def _check_exits(self, commands: list[Command], codes: list[int | str], new: list[Path], step: Step) -> None:
        if any(code == "hung" for code in codes):
            self._note(f"hung: {commands[0].arguments}")
        is_json = "--json" in step.options
        for command, code in zip(commands, codes, strict=True):
            journal = self.report.read(new[0]) if len(new) == 1 and len(commands) == 1 else None
            whole = not (step.harm.is_closed or step.harm.disk)
            output = command.out.read_text() if whole else ""
            if code == -signal.SIGINT and step.harm.twice and "nothing was written" in command.err.read_text():
                continue  # the second one came when Python itself was on its way out
            self.report.problems += problems_of_exit(code, journal, output, is_json=is_json)
            text = command.err.read_text()
            if "Traceback" in text and not (step.harm.twice and "ResourceWarning" in text):  # its clearing up was ended
                self._note(f"a traceback: {text[-2000:]}")
            self._say("  " + text.strip().replace("\n", "\n  ")[:800])
        if not new and any(code in (4, 130) for code in codes) and not any(self._wrote_nothing(commands, codes)):
            self._note(f"exit {codes} without a journal")

    def _wrote_nothing(self, commands: list[Command], codes: list[int | str]) -> Iterator[bool]:
        """Whether a command says that it ended before it began to write, or that nothing was left to do."""
        for command, _ in zip(commands, codes, strict=True):
            said = command.err.read_text() + command.out.read_text()
            yield "nothing was written" in said or "already done" in said or "already-done" in said

    def _check_writes(self) -> None:
        journals = [journal for path in self._journals() if (journal := self.report.read(path)) is not None]
        self.report.problems += problems_of(journals, self._sandbox, others_wrote=self._others_wrote)

    def _repair(self) -> None:
        """The faults end: the token is good again, and who left a group is back."""
        self._sandbox.forget_faults()
        self._sandbox.execute("UPDATE api_keys SET expires_at = ?", (FAR,))
        insert(self._sandbox, "group_members (user_id, group_id)", self._members, verb="INSERT OR IGNORE")

    def _clean(self) -> None:
        """One clean apply must do, and touch nothing that is not managed; a plan then has nothing to do."""
        before = live_state(self._sandbox)
        wanted, managed = self._company.wanted(before), self._company.managed(before)
        changes_before, known = len(replay.changes(self._sandbox)), set(self._journals())
        self._run_checked("apply", "--auto-approve", expected=0)
        if (live := live_state(self._sandbox)) != wanted:
            self._note(f"live is {live}, not {wanted}")
        done = replay.changes(self._sandbox)[changes_before:]
        if strange := [change for change in done if change[0] not in managed]:
            self._note(f"law 3: not managed, and written: {strange}")
        self.report.problems += replay.harmed(self._company, before, done, wanted)
        self.report.counts["writes replayed"] += len(done)
        self._check_writes()
        sent = len(self._writes())
        if self.report.seed % 3 == 0:
            self._run_checked("plan", "--detailed-exitcode", expected=0)
        if len(self._writes()) != sent or (not done and set(self._journals()) != known):
            self._note("law 1: something was written where nothing was to do")

    def _run_checked(self, *arguments: str, expected: int) -> None:
        command = self._command(arguments, None)
        code = self._launcher.run(command)
        if code != expected:
            self._note(f"{arguments} ended with {code}: {command.err.read_text()} {command.out.read_text()}")

    def _show_journals(self) -> None:
        """`show` reads every journal, and names what is in doubt."""
        for path in self._journals():
            if (journal := self.report.read(path)) is None:
                continue
            command = self._command(("show", str(path)), None)
            code, text = self._launcher.run(command), command.out.read_text()
            doubts = [n for n in range(len(journal.actions)) if journal.result(n) == "in-doubt"]
            self.report.counts["in doubt"] += len(doubts)
            if code != 0 or not all(f"in doubt       {journal.actions[n]['address']}" in text for n in doubts):
                self._note(f"show ended with {code}, {len(doubts)} in doubt: {text} {command.err.read_text()}")

    def _search_for_token(self) -> None:
        """No token in anything that was written: journals, plans, output."""
        secret = self._token.encode()
        for path in self._folder.parent.rglob("*"):
            if path.is_file() and secret in path.read_bytes():
                self._note(f"the token is in {path.name}")

    def _command(self, arguments: tuple[str, ...], step: Step | None) -> Command:
        self._commands += 1
        harm = step.harm if step else Harm()
        warm_only = bool(harm.disk or harm.crash or harm.is_closed)
        return Command(
            arguments, self._folder, self._sandbox.url, self._token, f"command-{self._commands}",
            is_cold=bool(step and step.is_cold and not warm_only),
            is_closed=harm.is_closed, disk=harm.disk, crash=harm.crash,
        )  # fmt: skip

    def _journals(self) -> list[Path]:
        return sorted((self._folder / ".reconciler").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)

    def _writes(self) -> list[Any]:
        return [one for one in self._sandbox.requests if one.method in ("PUT", "DELETE")]

    def _say(self, text: str) -> None:
        self.report.story.append(text)

    def _note(self, problem: str) -> None:
        self.report.problems.append(problem)
