"""Two at once: an `apply` beside another, a `revert`, a `drift --accept` or an administrator, or two reverts of a run.

Each of the two has a token of their own, so the server's records say who sent what and whose write it took. What must
be true of each alone is in pair_evidence.py; then each run is taken back, and one clean `apply` must do.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

import httpx

from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Fault, Options, Sandbox
from tests import ranges
from tests.chaos import replay
from tests.chaos.commands import Command, Launcher
from tests.chaos.company import Company, State, id_of, live_state, random_company, random_policies, settle
from tests.chaos.evidence import Journal
from tests.chaos.pair_evidence import Side, problems_of_revert, problems_of_side, subjects_lost
from tests.chaos.run import Report, add_up
from tests.chaos.scenario import BUDGETS
from tests.patience import wait_until
from tests.wire import WireClient

Form = Literal["apply", "same", "revert", "accept", "hand", "reverts"]
"""What happens beside an apply: another policy, the same policy, a revert, `drift --accept`, writes by hand; or two
reverts of one run."""

_ROLES = {"ci-budgets": "user-admin", "olivia": "owner"}
_FIRST, _SECOND = _ROLES
_CONSENTS = [f"--allow={name}=1000" for name in ("REMOVES_LIMIT", "BLOCKS_USERS", "MASS_CHANGE")]
_MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Pair:
    """What runs at once, and what disturbs it."""

    form: Form
    shares_folder: bool
    """Whether both write their journals into one folder."""
    options: tuple[tuple[str, ...], tuple[str, ...]]
    faults: tuple[Fault, ...]
    killed: int | None
    """Which of the two is killed, if one is."""
    crash: dict[str, Any]
    """At which line of its journal."""
    by_hand: int
    """How many writes an administrator sends."""
    is_saved: tuple[bool, bool]
    """Whether each apply is one of a plan that was saved before."""


def random_pair(random: Random) -> Pair:
    """Draw a pair."""
    form: Form = random.choice(get_args(Form))
    options = [(*(("--json",) if random.random() < 0.5 else ()), "--parallelism", random.choice("1288")) for _ in "ab"]
    return Pair(
        form=form,
        shares_folder=form == "accept" or random.random() < 0.5,
        options=(options[0], options[1]),
        faults=tuple(_fault(random) for _ in range(random.randint(2, 12))),
        killed=random.choice((0, 1)) if random.random() < 0.25 else None,
        crash={"line": random.randint(2, 8), "where": random.choice(("before", "middle", "behind"))},
        by_hand=random.randint(1, 8),
        is_saved=(random.random() < 0.3, random.random() < 0.3),
    )


def _fault(random: Random) -> Fault:
    """Hold an answer up for a moment, so that the two overtake each other; refuse for now; or lose an answer."""
    method = random.choice(("GET", "PUT", "DELETE", "*"))
    after, times = random.randrange(12), random.choice((1, 1, 2, 3))
    if random.random() < 0.25:
        headers = {"Retry-After": random.choice(("1", "60", "100000"))}
        return Fault(
            "status", status=429, body={"message": "busy"}, headers=headers,
            method=random.choice(("PUT", "PUT", "DELETE")), path=BUDGETS, after=after // 3, times=times,
        )  # fmt: skip
    if random.random() < 0.1:
        kind: Any = random.choice(("lost", "reset", "status"))
        return Fault(kind, status=502, method=random.choice(("PUT", "DELETE")), path=BUDGETS, after=after // 3)
    path = "*/buildinfo" if random.random() < 0.2 else BUDGETS
    return Fault(
        "delay", seconds=random.choice((0.002, 0.01, 0.03)), method=method, path=path, after=after, times=times
    )


def run_pair(seed: int, launcher: Launcher) -> Report:
    """Do the pair of a seed."""
    random = Random(seed)
    company = random_company(random)
    other = replace(company, policies=random_policies(random, company.people, company.members))
    pair = random_pair(random)
    folder = Path(tempfile.mkdtemp(prefix=f"pairs-{seed}-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    version = "2.37" if random.random() < 0.8 else "2.36"
    try:
        with Sandbox(Options(seed="empty", coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
            settle(company, sandbox)
            replay.record_changes(sandbox)
            one = _Run(Report(seed), company, other, pair, sandbox, launcher, folder, random)
            one.go()
        return one.report
    finally:
        shutil.rmtree(folder)


def run_pairs(seeds: range) -> ranges.Batch:
    """Do the pairs of some seeds; return what happened, and what was not as it must be."""
    with Launcher() as launcher:
        return add_up("pairs", " --pairs", seeds, [run_pair(seed, launcher) for seed in seeds])


class _Run:
    def __init__(
        self, report: Report, company: Company, other: Company, pair: Pair, sandbox: Sandbox, launcher: Launcher,
        folder: Path, random: Random,
    ) -> None:  # fmt: skip
        self.report, self._company, self._other, self._pair = report, company, other, pair
        self._sandbox, self._launcher, self._folder, self._random = sandbox, launcher, folder, random
        self._start = live_state(sandbox)
        self._commands = 0
        self._by_hand: set[str] = set()
        self._has_ended = False

    def go(self) -> None:
        """Let the two run at once, look at each, take each back, and make it so."""
        for name, company in (("first", self._company), ("second", self._other)):
            (self._folder / name).mkdir()
            company.write_policies(self._folder / name / "policies")
            self._say(json.dumps([policy.text() for policy in company.policies]))
        self._say(f"{self._pair}")
        prepared = self._prepare()
        before = live_state(self._sandbox)
        sides = self._let_run(prepared)
        for side in sides:
            self.report.problems += problems_of_side(side, self._sandbox, before)
            self.report.counts[f"{self._pair.form}: exit {side.code}"] += 1
            if side.journal is not None:
                numbers = range(len(side.journal.actions))
                self.report.counts.update(side.journal.result(number) for number in numbers)
        if self._pair.form == "same" and all(side.journal is not None for side in sides):
            changes = replay.changes(self._sandbox)
            self.report.problems += replay.harmed(self._company, before, changes, self._company.wanted(before))
        self.report.problems += self._strangers([side.journal for side in sides])
        if self._random.random() < 0.5 and self._pair.form != "accept":
            for side in sides:
                self._take_back(side)
        self._clean()

    def _prepare(self) -> list[list[str]]:
        """Return what runs: two commands, or one beside writes by hand or where there is nothing to take back."""
        first, second = str(self._folder / "first" / "policies"), str(self._folder / "second" / "policies")
        match self._pair.form:
            case "apply":
                return [self._apply(0, first), self._apply(1, second)]
            case "same":
                return [self._apply(0, first), self._apply(1, first)]
            case "revert" | "reverts":
                journal = self._folder / "earlier.jsonl"
                self._checked(_SECOND, "apply", second, "--auto-approve", "--journal", str(journal))
                back = [["revert", str(journal), "--auto-approve", *_CONSENTS]] if journal.exists() else []
                return back * 2 if back and self._pair.form == "reverts" else [self._apply(0, first), *back]
            case "accept":
                return [self._apply(0, first), ["drift", "--accept"]]
            case "hand":
                return [self._apply(0, first)]

    def _apply(self, number: int, policies: str) -> list[str]:
        """Return an apply of a policy, or of the plan of it that is saved here and now."""
        if not self._pair.is_saved[number]:
            return ["apply", policies, "--auto-approve"]
        plan = str(self._folder / f"{number}.plan")
        self._checked([*_ROLES][number], "plan", policies, "-o", plan)
        return ["apply", plan, "--auto-approve", *_CONSENTS]

    def _let_run(self, prepared: list[list[str]]) -> list[Side]:
        pair = self._pair
        asked = len(self._sandbox.requests)
        written = len(self._sandbox.execute("SELECT id FROM audit_logs"))
        for fault in pair.faults:
            self._sandbox.fault(fault)
        known = self._journals()
        commands = [
            self._command(user, (*arguments, *pair.options[number]), number=number)
            for number, (user, arguments) in enumerate(zip(_ROLES, prepared, strict=False))
        ]
        hand = threading.Thread(target=self._write_by_hand, args=(asked,))
        if pair.form == "hand":
            hand.start()
        codes = self._launcher.run_beside(*commands)
        self._has_ended = True
        if pair.form == "hand":
            hand.join()
        self._sandbox.forget_faults()
        new = [journal for path in self._journals() - known if (journal := self.report.read(path)) is not None]
        sides = []
        for command, code, user in zip(commands, codes, _ROLES, strict=False):
            side = Side(
                user=user, user_id=self._id_of(user), code=code, journal=_of(user, new),
                out=command.out.read_text(), err=command.err.read_text(), is_json="--json" in command.arguments,
                asked_from=asked, written_from=written, lost=subjects_lost(user, self._sandbox.requests[asked:]),
            )  # fmt: skip
            sides.append(side)
            self._say(f"  {user}: {command.arguments} exit {code}\n{side.err[:1500]}\n{side.out[:1500]}")
        return sides

    def _write_by_hand(self, asked: int) -> None:
        """Set and remove limits at moments of the run: after so many of its requests about budgets."""
        headers = {"Coder-Session-Token": self._sandbox.tokens[_ROLES[_SECOND]]}
        moments = sorted(self._random.randrange(40) for _ in range(self._pair.by_hand))
        with WireClient(base_url=self._sandbox.url, headers=headers) as client:
            for moment in moments:
                self._wait_for(asked + moment)
                name = self._random.choice([*self._company.members, *self._company.people])
                group = name if "/" in name else self._random.choice(self._company.groups_of(name) or [""])
                if not group:
                    continue
                kind, end = ("groups", "") if "/" in name else ("users", "/override")
                path = f"/api/v2/{kind}/{id_of(name)}/ai/budget{end}"
                self._by_hand.add(id_of(name))
                body: dict[str, object] | None = None
                if self._random.random() < 0.6:
                    body = {"spend_limit_micros": self._random.choice((0, 15, 20, 30)) * 1_000_000}
                    body |= {} if "/" in name else {"group_id": id_of(group)}
                with suppress(httpx.TransportError):  # a fault that was meant for the run
                    client.request("PUT" if body else "DELETE", path, json=body)

    def _wait_for(self, requests: int) -> None:
        """Wait until the server has seen so many requests, or the run has ended."""
        wait_until(lambda: self._has_ended or len(self._sandbox.requests) >= requests)

    def _strangers(self, journals: list[Journal | None]) -> Iterator[str]:
        """Yield what was changed though neither policy manages it, and nobody wrote it by hand."""
        states = [self._start]
        for change in replay.changes(self._sandbox):
            state = State(dict(states[-1].budgets), dict(states[-1].overrides))
            replay.put(state, *change)
            states.append(state)
        managed = {
            id_ for company in (self._company, self._other) for state in states for id_ in company.managed(state)
        }
        for id_, _, _ in replay.changes(self._sandbox):
            if id_ not in managed | self._by_hand:
                yield f"law 3: {id_} was written, and neither policy manages it"

    def _take_back(self, side: Side) -> None:
        if side.journal is None:
            return
        before, written = (
            live_state(self._sandbox),
            self._sandbox.execute("SELECT user_id, resource_id FROM audit_logs WHERE status_code < 400 ORDER BY rowid"),
        )
        number = len(replay.changes(self._sandbox))
        arguments = ("revert", str(side.journal.path), "--auto-approve", *_CONSENTS)
        self._checked(side.user, *arguments)
        after = live_state(self._sandbox)
        self.report.counts["reverts"] += 1
        self.report.problems += problems_of_revert(side, before, after, written)
        self.report.counts["writes taken back"] += len(replay.changes(self._sandbox)) - number

    def _clean(self) -> None:
        """One clean apply must do, and a plan then has nothing to do."""
        before = live_state(self._sandbox)
        self._checked(_FIRST, "apply", "--auto-approve")
        if self._pair.form != "accept" and (live := live_state(self._sandbox)) != self._company.wanted(before):
            self._note(f"live is {live}, not {self._company.wanted(before)}")
        self._checked(_FIRST, "plan", "--detailed-exitcode")

    def _checked(self, user: str, *arguments: str) -> None:
        command = self._command(user, arguments)
        code = self._launcher.run(command)
        if code != 0:
            self._note(f"{arguments} ended with {code}: {command.err.read_text()} {command.out.read_text()}")

    def _command(self, user: str, arguments: tuple[str, ...], *, number: int | None = None) -> Command:
        self._commands += 1
        is_first = user == _FIRST or self._pair.shares_folder
        return Command(
            arguments, self._folder / ("first" if is_first else "second"), self._sandbox.url,
            self._sandbox.tokens[_ROLES[user]], f"command-{self._commands}",
            crash=self._pair.crash if number is not None and number == self._pair.killed else {},
        )  # fmt: skip

    def _id_of(self, user: str) -> str:
        ((found,),) = self._sandbox.execute("SELECT id FROM users WHERE username = ?", (user,))
        return str(found)

    def _journals(self) -> set[Path]:
        return set(self._folder.glob("*/.reconciler/*.jsonl"))

    def _say(self, text: str) -> None:
        self.report.story.append(text)

    def _note(self, problem: str) -> None:
        self.report.problems.append(problem)


def _of(user: str, journals: list[Journal]) -> Journal | None:
    """Return the journal of somebody's run; None where it has none."""
    found = [journal for journal in journals if user in json.dumps(journal.events[0]["deployment"])]
    assert len(found) < 2
    return found[0] if found else None
