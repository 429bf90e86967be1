"""What goes wrong in a run, drawn from its seed: faults of the server, other people's writes, harm to the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from reconciler.sandbox import Fault
from tests.chaos.company import Company, id_of

BUDGETS = "*-*-*-*-*/ai/budget*"
"""Of a group or a person, and not `me`, whose path is asked for in discovery."""
_BUSY = {"message": "busy"}
_PAGE = b"<html>Bad gateway</html>"

Form = Literal["apply", "saved", "revert", "two"]


@dataclass(frozen=True)
class Harm:
    """What happens to one process."""

    signal: Literal["", "SIGINT", "SIGTERM", "SIGKILL"] = ""
    at_request: int = 0
    """Counted among the requests about budgets; that one is held up until the signal is sent."""
    twice: bool = False
    crash: dict[str, Any] = field(default_factory=dict)
    disk: int = 0
    is_closed: bool = False


@dataclass(frozen=True)
class Step:
    """One command and everything that goes wrong meanwhile."""

    form: Form
    options: tuple[str, ...]
    faults: tuple[Fault, ...]
    harm: Harm
    is_cold: bool

    @property
    def is_alone(self) -> bool:
        """Whether nobody else writes meanwhile, so that law 5 can be asked about this command alone."""
        return self.form != "two" and not any(fault.kind == "change" for fault in self.faults)

    @property
    def has_one_writer(self) -> bool:
        """Whether a command writes from a single thread: half of `--parallelism`, at least one."""
        return int(self.options[-1]) < 4

    def __str__(self) -> str:
        faults = "; ".join(
            f"{fault.kind} {fault.status if fault.kind in ('status', 'raw') else fault.sql[:40]} "
            f"{fault.method} {fault.path} after {fault.after}, {fault.times} times"
            for fault in self.faults
        )
        return f"{self.form} {' '.join(self.options)} {self.harm} [{faults}]{' cold' if self.is_cold else ''}"


def quiet_step(random: Random) -> Step:
    """An apply without any fault."""
    return Step("apply", _options(random), (), Harm(), is_cold=False)


def random_steps(random: Random, company: Company) -> list[Step]:
    """Draw one to three disturbed commands."""
    steps = []
    for number in range(random.choice((1, 1, 1, 2, 2, 3))):
        forms: list[Form] = ["apply", "apply", "saved", "two"]
        form = random.choice([*forms, "revert"] if number else forms)
        faults = tuple(_fault(random, company) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3))))
        harm = _harm(random) if random.random() < 0.5 else Harm()
        if harm.signal:
            hold = Fault("delay", path=BUDGETS, after=harm.at_request, seconds=0.15)
            faults = (hold, *faults)
        steps.append(Step(form, _options(random), faults, harm, is_cold=random.random() < 0.02))
    return steps


def _options(random: Random) -> tuple[str, ...]:
    parallelism = random.choice((1, 2, 2, 8, 16))
    return (*(("--json",) if random.random() < 0.5 else ()), "--parallelism", str(parallelism))


def _harm(random: Random) -> Harm:
    match random.randrange(8):
        case 0 | 1:
            return Harm("SIGKILL", at_request=random.randrange(14))
        case 2:
            return Harm("SIGINT", at_request=random.randrange(14), twice=random.random() < 0.2)
        case 3:
            return Harm("SIGTERM", at_request=random.randrange(14))
        case 4 | 5:
            where = random.choice(("before", "middle", "behind"))
            return Harm(crash={"line": random.randint(1, 14), "where": where})
        case 6:
            return Harm(disk=random.randint(1, 9000))
        case _:
            return Harm(is_closed=True)


def _fault(random: Random, company: Company) -> Fault:
    where: dict[str, Any] = {
        "method": random.choice(("PUT", "DELETE", "PUT", "DELETE", "GET", "*")),
        "path": BUDGETS,
        "after": random.randrange(7),
        "times": random.choice((1, 1, 2, 4)),
    }
    if random.random() < 0.1:  # anything at all, discovery included
        where = {"after": random.randrange(25)}
    match random.choice(("429", "5xx", "5xx", "reset", "reset", "lost", "lost", "odd", "delay", "expire", "change")):
        case "429":
            headers = random.choice(({}, {"Retry-After": "1"}, {"Retry-After": "60"}, {"Retry-After": "100000"}))
            return Fault("status", status=429, body=_BUSY, headers=headers, **where)
        case "5xx":
            return Fault("status", status=random.choice((500, 502, 503, 504)), **where)
        case "odd":
            return random.choice(_odd(where))
        case "delay":
            return Fault("delay", seconds=0.01, **where)
        case "expire":
            return Fault("expire", **where)
        case "change":
            sql, parameters = _change(random, company)
            return Fault("change", sql=sql, parameters=parameters, **where | {"times": 1})
        case kind:
            return Fault(kind, **where)


def _odd(where: dict[str, Any]) -> list[Fault]:
    html = {"Content-Type": "text/html"}
    return [
        Fault("truncate", **where),
        Fault("raw", status=200, body=_PAGE, headers=html, **where),
        Fault("raw", status=302, body=b"", headers={"Location": "https://elsewhere.example/"}, **where),
        Fault("status", status=403, body={"message": "Forbidden"}, **where),
        Fault("status", status=404, body={"message": "Route not found."}, **where),
        Fault("status", status=200, body={"spend_limit_micros": 0}, **where),
        Fault("status", status=413, **where),
    ]


def _change(random: Random, company: Company) -> tuple[str, tuple[object, ...]]:
    """Somebody else writes: a budget or an override set or removed, or a person leaves a group."""
    group, person = random.choice(sorted(company.members)), random.choice(company.people)
    groups = company.groups_of(person)
    now, micros = "2026-03-01T00:00:00.000000Z", random.choice((0, 15, 20, 30)) * 1_000_000
    match random.randrange(5):
        case 0:
            return "DELETE FROM group_ai_budgets WHERE group_id = ?", (id_of(group),)
        case 1:
            return "DELETE FROM user_ai_budget_overrides WHERE user_id = ?", (id_of(person),)
        case 2 if groups:
            sql = "INSERT OR REPLACE INTO user_ai_budget_overrides VALUES (?, ?, ?, ?, ?)"
            return sql, (id_of(person), id_of(random.choice(groups)), micros, now, now)
        case 3 if groups:
            return "DELETE FROM group_members WHERE user_id = ? AND group_id = ?", (
                id_of(person),
                id_of(random.choice(groups)),
            )
        case _:
            return "INSERT OR REPLACE INTO group_ai_budgets VALUES (?, ?, ?, ?)", (id_of(group), micros, now, now)
