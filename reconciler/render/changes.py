"""The changes of a plan as rows, and what is wrong as problems with a place: what tables, pages and annotations show.

Rows hold numbers and texts, and no markup. They say nothing that changes from run to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reconciler.core.action import Action, Cause, Kind, Origin
from reconciler.core.budget import Absent, Budget, State
from reconciler.core.directory import Subject, User
from reconciler.core.gate.validation import Validation
from reconciler.core.gate.verdict import Breach
from reconciler.core.people.effects import ActionEffect, NoticeKind, amount_or_any
from reconciler.core.plan.drift import Drift, DriftKind, kind_of
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.policy import Hazard, NotRead
from reconciler.errors import Failure, Place
from reconciler.formats.documents import Value
from reconciler.money import format_usd
from reconciler.render.effects import action_notes, changes_nobody
from reconciler.render.plan import SIGNS
from reconciler.render.text import day, why_text
from reconciler.words import NO_LIMIT

DRIFT_TITLES = {
    DriftKind.HAND: "Changed by hand",
    DriftKind.DUE: "A date came; `apply --due` carries it out",
    DriftKind.ORPHAN: "Entries that cannot be applied",
    DriftKind.PENDING: "The policy moved and was never applied",
    DriftKind.UNKNOWN: "Differs, and nothing shows why",
}

TURNED = {"▲": "▼", "▼": "▲"}
"""What a plan would do, as what was done before: a drift reads from the policy to live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One action of a plan."""

    kind: Kind
    address: str
    subject: Subject
    group: str
    """Name of the group that an override is booked on; empty for a group budget."""
    before_micros: int | None
    """None: there is no limit."""
    after_micros: int | None
    people: int
    """How many people's limits change by it."""
    arrow: str
    """Whether people get more (▲), less (▼) or both (▲▼); empty where no amount changes."""
    why: str
    """The entry's tier and reason, or why there is an action without an entry; may be empty."""
    origin: Origin
    """Why live differs from the policy."""
    ends: datetime | None
    note: str
    """What happens to the people, where their number does not say it; may be empty."""
    place: Place | None

    @property
    def sign(self) -> str:
        return SIGNS[self.kind]

    @property
    def before(self) -> str:
        """`$200.00`; `no limit`, or `no override` for a person: their groups may limit them."""
        return self._say(self.before_micros)

    @property
    def after(self) -> str:
        """Like `before`."""
        return self._say(self.after_micros)

    def _say(self, micros: int | None) -> str:
        if micros is None:
            return "no override" if isinstance(self.subject, User) else NO_LIMIT
        return format_usd(micros)

    @property
    def file(self) -> str:
        """The policy file of the entry; empty where nothing lists the subject."""
        return self.place.file if self.place else ""


def change_rows(plan: Plan) -> tuple[ChangeRow, ...]:
    """Return a plan's actions as rows, in the order in which they run."""
    return _rows(plan, plan.actions)


def difference_rows(drift: Drift) -> tuple[ChangeRow, ...]:
    """Return what would repair each difference as rows: by kind of difference, then in the order of the plan."""
    kinds = list(DriftKind)
    return _rows(drift.plan, sorted(drift.differences, key=lambda action: kinds.index(kind_of(action))))


def _rows(plan: Plan, actions: Sequence[Action]) -> tuple[ChangeRow, ...]:
    effects, notes = plan.effects.by_action, action_notes(plan.actions, plan.effects)
    nothing = ActionEffect(people=0, transitions=())
    return tuple(
        ChangeRow(
            kind=action.kind,
            address=action.address,
            subject=action.subject,
            group=_booked_on(action),
            before_micros=_micros(action.before),
            after_micros=_micros(action.after),
            people=effects.get(action.address, nothing).people,
            arrow=""
            if changes_nobody(action, effects.get(action.address), plan.effects)
            else _arrow(action, effects.get(action.address, nothing)),
            why=action_why(action),
            origin=action.origin,
            ends=action.expires if action.cause is not Cause.EXPIRED else None,
            note=_remark(notes.get(action.address, "")),
            place=action.place,
        )
        for action in actions
    )


def _micros(state: State) -> int | None:
    return state.limit_micros if isinstance(state, Budget) else None


def _height(micros: int | None) -> float:
    return float("inf") if micros is None else micros


def _arrow(action: Action, effect: ActionEffect) -> str:
    sides = [(amount_or_any(row.before), amount_or_any(row.after)) for row in effect.transitions]
    if not sides:
        sides = [(_height(_micros(action.before)), _height(_micros(action.after)))]
    is_more, is_less = any(before < after for before, after in sides), any(before > after for before, after in sides)
    return f"{'▲' if is_more else ''}{'▼' if is_less else ''}"


def _remark(note: str) -> str:
    """Leave out what is only a number of people: a row has that number."""
    return "" if note.endswith((" person", " people")) else note


def _booked_on(action: Action) -> str:
    state = action.before if isinstance(action.after, Absent) else action.after
    return state.group.label if isinstance(action.subject, User) and isinstance(state, Budget) else ""


def action_why(action: Action) -> str:
    """Return the entry's tier and reason, or why there is an action without an entry; may be empty."""
    return why_text(action.tier, action.reason) or _cause(action)


def _cause(action: Action) -> str:
    match action.cause:
        case Cause.EXPIRED if action.expires is not None:
            return f"expired {day(action.expires)}"
        case Cause.NOT_LISTED:
            return "not in the policy"
        case Cause.REVERT:
            return "taken back"
        case _:
            return ""


class Level(StrEnum):
    """How bad a problem is, in GitHub's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that its author should know, at the place where it can be mended."""

    level: Level
    rule: str
    """What was broken, in one word: `max_limit`, `BLOCKS_USERS`, `finding`."""
    subject: str
    """The address that it is about; empty where there is none."""
    message: str
    hint: str
    place: Place | None

    @property
    def is_hazard(self) -> bool:
        """Whether consent would end it."""
        return self.rule in set(Hazard)


def problems_of(values: Iterable[Value]) -> tuple[Problem, ...]:
    """Return the problems of any documents, in their order."""
    return tuple(problem for value in values for problem in _problems_of(value))


def _problems_of(value: Value) -> tuple[Problem, ...]:
    match value:
        case Failure():
            return problems_of_failure(value)
        case Plan():
            return problems_of_plan(value)
        case Drift():
            problems = (problem for problem in problems_of_plan(value.plan) if not problem.is_hazard)
            return (*problems, *map(_difference, difference_rows(value)))
        case Validation():
            return (*_breaches(value.breaches), *map(_not_read, value.not_read))
        case OutcomeReport(refusal=Failure() as refusal, plan=Plan() as plan):
            return (*problems_of_failure(without_reasons_of(plan, refusal)), *problems_of_plan(plan))
        case _:
            return ()


def problems_of_plan(plan: Plan) -> tuple[Problem, ...]:
    """Return what stands against a plan, errors first, each kind in the plan's own order."""
    problems = [*_breaches(plan.verdict.breaches), *_hazards(plan), *_left_out(plan), *_unread(plan), *_notices(plan)]
    return tuple(sorted(problems, key=lambda problem: list(Level).index(problem.level)))


def without_reasons_of(plan: Plan, failure: Failure) -> Failure:
    """Leave out the details of a failure that only repeat why the plan is refused, where the plan is shown, too."""
    return replace(failure, details=()) if plan.verdict.is_refused else failure


def problems_of_failure(failure: Failure) -> tuple[Problem, ...]:
    """Return the findings of an error, or the error itself where it has none."""
    if failure.findings:
        return tuple(
            Problem(
                level=Level.ERROR,
                rule="finding",
                subject="",
                message=finding.message,
                hint=finding.hint,
                place=finding.place,
            )
            for finding in failure.findings
        )
    message = "; ".join((failure.message, *failure.details))
    return (Problem(level=Level.ERROR, rule="error", subject="", message=message, hint=failure.hint, place=None),)


def _difference(row: ChangeRow) -> Problem:
    message = f"{row.address}: the policy says {row.after}, and live is {row.before}"
    hint = "run `reconciler apply` to undo it, or `reconciler drift --accept` to keep it"
    return Problem(level=Level.WARNING, rule="drift", subject=row.address, message=message, hint=hint, place=row.place)


def _not_read(missed: NotRead) -> Problem:
    message = f"{missed.path} was not read: {missed.reason}"
    place = Place(missed.path, 1, 1)
    return Problem(level=Level.ERROR, rule="not-read", subject="", message=message, hint="", place=place)


def _breaches(breaches: Iterable[Breach]) -> Iterator[Problem]:
    for breach in breaches:
        yield Problem(
            level=Level.WARNING if breach.is_standing else Level.ERROR,
            rule=str(breach.guardrail),
            subject=breach.address or "",
            message=breach.message,
            hint=breach.hint,
            place=breach.place,
        )


def _hazards(plan: Plan) -> Iterator[Problem]:
    for hazard in plan.verdict.refused_hazards:
        refusal = plan.verdict.refusal_of(hazard)
        yield Problem(
            level=Level.ERROR,
            rule=str(hazard),
            subject="",
            message=refusal.message,
            hint=refusal.hint,
            place=_place_of(hazard, plan),
        )


def _place_of(hazard: Hazard, plan: Plan) -> Place | None:
    """Return the entry that concerns the first person counted, so that the author sees it at a line of the change."""
    names = {name for danger in plan.verdict.uncovered if danger.hazard is hazard for name in danger.counted}
    causes = {cause for person in plan.effects.people if person.username in names for cause in person.causes}
    places = (action.place for action in plan.actions if action.address in causes)
    return next(filter(None, places), None)


def _left_out(plan: Plan) -> Iterator[Problem]:
    """Entries that cannot be applied, and due actions that are held back; a standing orphan is a warning."""
    for orphan in plan.orphans:
        yield Problem(
            level=Level.WARNING if orphan.is_standing else Level.ERROR,
            rule="orphan",
            subject=orphan.address,
            message=f"{orphan.address} cannot be applied: {orphan.message}",
            hint=orphan.hint,
            place=orphan.place,
        )
    for held in plan.held_back:
        yield Problem(
            level=Level.WARNING,
            rule="held-back",
            subject=held.action.address,
            message=f"{held.action.address} is held back: {held.message}",
            hint=held.hint,
            place=held.action.place,
        )


def _unread(plan: Plan) -> Iterator[Problem]:
    for row in plan.unreadable:
        address = row.subject.address
        message = f"{address} could not be read: {row.reading.reason}"
        hint = "nothing is planned for it; run again, or use a token that may read it"
        yield Problem(level=Level.ERROR, rule="unreadable", subject=address, message=message, hint=hint, place=None)


def _notices(plan: Plan) -> Iterator[Problem]:
    for notice in plan.effects.notices:
        ends = f"expires {day(notice.at)}; " if notice.kind is NoticeKind.EXPIRES_SOON else ""
        yield Problem(
            level=Level.NOTICE,
            rule=str(notice.kind),
            subject=notice.address,
            message=f"{notice.address}: {ends}{notice.text}",
            hint="",
            place=notice.place,
        )
