"""Whole processes for the benches: a sandbox with a company in it, its policy, and how long a command takes.

Every run is a process of its own, as a user starts it; what is compared takes turns, round by round, so that a busy
machine is busy for both; of all rounds the median counts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.sandbox import SECRET_HEADER
from tests.bench.results import Median, ratio
from tests.bench.share import Share

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")

RECONCILER = (sys.executable, "-m", "reconciler")
MEASURE = (sys.executable, "-S", "-E", str(Path(__file__).parent / "measure.py"))
RATE = (sys.executable, str(Path(__file__).parent / "rate.py"))
ONLY_HTTPX = "import sys; sys.modules['httpx._main'] = None"
"""As where only httpx is installed: beside click, pygments and rich it loads these, for its own command line."""
_SCRIPT = f"{ONLY_HTTPX}; del sys.argv[0]; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
LIBRARIES = (sys.executable, "-c", _SCRIPT, str(Path(__file__).parent / "libraries.py"))
BARE = (sys.executable, str(Path(__file__).parent / "bare.py"))

_EVERYBODY_HAS_ONE = """
INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at)
SELECT m.user_id, coalesce(min(g.group_id), m.organization_id),
       (1 + row_number() OVER (ORDER BY m.user_id) % 5000) * 1000000,
       '2026-08-01T00:00:00Z', '2026-08-01T00:00:00Z'
FROM organization_members m LEFT JOIN group_members g ON g.user_id = m.user_id
WHERE m.user_id NOT IN (SELECT id FROM users WHERE is_system) GROUP BY m.user_id
"""
_OVERRIDES = """
SELECT u.username, g.name, o.spend_limit_micros / 1000000 FROM user_ai_budget_overrides o
JOIN users u ON u.id = o.user_id JOIN groups g ON g.id = o.group_id ORDER BY u.username
"""
_BUDGETS = """
SELECT g.name, b.spend_limit_micros FROM group_ai_budgets b JOIN groups g ON g.id = b.group_id ORDER BY g.name
"""


@dataclass(frozen=True, slots=True)
class Company:
    """A running sandbox."""

    url: str
    token: str
    control_secret: str

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to find it; nobody's own settings."""
        path = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "PYTHONPATH": os.getcwd()}
        return path | {"CODER_URL": self.url, "CODER_SESSION_TOKEN": self.token, "NO_COLOR": "1"}

    def control(self, method: str, name: str, body: object = None) -> Any:
        """Ask the sandbox's control interface."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {SECRET_HEADER: self.control_secret, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/{name}", data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def sql(self, statement: str) -> list[list[Any]]:
        rows: list[list[Any]] = self.control("POST", "execute", {"sql": statement})
        return rows

    def give_everybody_one(self) -> None:
        """Give everybody an override, each another one."""
        self.sql("DELETE FROM user_ai_budget_overrides")
        self.sql(_EVERYBODY_HAS_ONE)

    def policy(self, *, has_overrides: bool = True) -> str:
        """Return the policy that lists every budget and override that there is, or every budget."""
        ((name,),) = self.sql("SELECT name FROM organizations")
        lines = ["version: 1", f"organization: {name}", "manage:", "  group_budgets: exact"]
        lines += [f"  user_overrides: {'exact' if has_overrides else 'listed'}"]
        lines += ["group_budgets:"]
        lines += [f"  - {{group: {group}, limit: ${micros / 1e6:.2f}}}" for group, micros in self.sql(_BUDGETS)]
        if not has_overrides:
            return "\n".join(lines) + "\n"
        lines += ["user_overrides:"]
        for user, group, usd in self.sql(_OVERRIDES):
            lines += [f"  - user: {user}", f"    group: {group}", f"    limit: ${usd}"]
        return "\n".join(lines) + "\n"

    def requests_of(self, command: Sequence[str]) -> list[dict[str, Any]]:
        """Run a command once and return what it sent."""
        return self.recorded(command)[1]

    def recorded(self, command: Sequence[str], *, cwd: Path | None = None) -> tuple[Run, list[dict[str, Any]]]:
        """Run a command; return what it took and what it sent."""
        self.control("DELETE", "requests")
        took = run(command, self.environment, cwd=cwd)
        sent: list[dict[str, Any]] = self.control("GET", "requests")
        self.control("DELETE", "requests")
        return took, [{key: one[key] for key in ("method", "path", "body")} for one in sent]


def in_waves(requests: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return requests in the order that their ids force: who is there, the lists of groups, all the rest at once."""
    waves: list[list[dict[str, Any]]] = [[], [], []]
    for one in requests:
        path = one["path"].partition("?")[0]
        is_list = path.endswith("/groups")
        waves[1 if is_list else 2 if _UUID.search(one["path"]) else 0].append(one)
    return waves


@contextmanager
def company(
    seed: str,
    *,
    version: str = "2.37",
    latency_s: float = 0.0,
    profile: str = "none",
    everybody_has_one: bool = True,
) -> Iterator[Company]:
    """Run a sandbox as a process of its own for the length of a `with` block."""
    command = [*RECONCILER, "sandbox", "--seed", seed, "--coder-version", version]
    command += ["--latency", str(latency_s), "--profile", profile, "--with-experiment", "--print-json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            found = Company(said["url"], said["tokens"]["user-admin"], said["control_secret"])
            if everybody_has_one:
                found.give_everybody_one()
            yield found
        finally:
            process.terminate()


class Run(NamedTuple):
    """What a process took."""

    seconds: float
    peak_mb: float
    cpu_s: float
    """Of its own, the system's share included."""


def run(command: Sequence[str], environment: Mapping[str, str], *, cwd: Path | None = None) -> Run:
    """Run a command to its end; return what it took. Raises RuntimeError when it fails."""
    measured = [*MEASURE, *command]
    done = subprocess.run(measured, env=environment, capture_output=True, cwd=cwd, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return Run(**json.loads(done.stdout))


def times(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    rounds: Iterable[int],
    *,
    first: Mapping[str, Run] | None = None,
) -> dict[str, list[float]]:
    """Run each command once in each round, in turn; return the seconds of each."""
    taken = runs_of(commands, environment, rounds, first=first)
    return {name: [took.seconds for took in runs] for name, runs in taken.items()}


def runs_of(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    rounds: Iterable[int],
    *,
    first: Mapping[str, Run] | None = None,
) -> dict[str, list[Run]]:
    """Run each command once in each round, in turn; return what each run took. Those of `first` have run already."""
    taken = {name: [first[name]] if first and name in first else [] for name in commands}
    for number in rounds:
        for name, command in commands.items():
            if len(taken[name]) == number:
                taken[name].append(run(command, environment))
    return taken


@dataclass(frozen=True, slots=True)
class Recorded:
    """A plan and the requests that it sends, which those of any company of the same seed are."""

    policy: Path
    sent: Path
    requests: int
    took: Run

    def against_bare(self, live: Company, width: int, share: Share, *, first: Run | None = None) -> Median:
        """Compare the plan, whose first run may be given, with its bare requests."""
        commands = {
            "plan": [*RECONCILER, "plan", "--parallelism", str(width), str(self.policy)],
            "bare": [*BARE, str(self.sent), str(width)],
        }
        taken = times(commands, live.environment, share.rounds(), first={"plan": first} if first else None)
        return ratio(taken["plan"], taken["bare"])


def record(live: Company, folder: Path, policy: str, width: int = 8) -> Recorded:
    """Make a plan, and keep what it sent."""
    file, sent = folder / "policy.yaml", folder / "requests.json"
    file.write_text(policy, encoding="utf-8")
    took, requests = live.recorded([*RECONCILER, "plan", "--parallelism", str(width), str(file)])
    sent.write_text(json.dumps(in_waves(requests)), encoding="utf-8")
    return Recorded(file, sent, len(requests), took)
