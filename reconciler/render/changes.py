"""The changes of a plan as rows: what tables and pages show.

Rows hold numbers and texts, and no markup. They say nothing that changes from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.core.action import Action, Cause, Kind, Origin
from reconciler.core.attribution import former_name
from reconciler.core.audit import AuditEntry
from reconciler.core.budget import Absent, Budget, State
from reconciler.core.describe import NameGroup
from reconciler.core.directory import Subject, User
from reconciler.core.people.effects import ActionEffect
from reconciler.core.people.standing import amount_or_any
from reconciler.core.plan.drift import Drift, DriftKind, kind_of
from reconciler.core.plan.plan import Plan
from reconciler.dataclass import dataclass
from reconciler.errors import Place
from reconciler.money import format_usd
from reconciler.render.effects import action_notes, changes_nobody
from reconciler.render.plan import SIGNS, override_names
from reconciler.render.text import day, moved_from, why_text
from reconciler.words import NO_LIMIT, NO_OVERRIDE, spoken

DRIFT_TITLES = {
    DriftKind.HAND: "Changed by hand",
    DriftKind.DUE: "A date came; `apply --due` carries it out",
    DriftKind.ORPHAN: "Entries that cannot be applied",
    DriftKind.PENDING: "Not applied since the policy moved, taken back, or set by another policy",
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
    moved_from: str
    """The group that an override stands on, where it is to be booked on `group` instead; else empty."""
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

    @property
    def live(self) -> str:
        """`before`, with the group where that is not the group that the policy says: `$200.00 on Everyone`."""
        return f"{self.before} on {spoken(self.moved_from)}" if self.moved_from else self.before

    def _say(self, micros: int | None) -> str:
        if micros is None:
            return NO_OVERRIDE if isinstance(self.subject, User) else NO_LIMIT
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
    names = override_names(actions)
    nothing = ActionEffect(people=0, transitions=())
    return tuple(
        ChangeRow(
            kind=action.kind,
            address=action.address,
            subject=action.subject,
            group=_booked_on(action, names),
            before_micros=_micros(action.before),
            after_micros=_micros(action.after),
            people=effects.get(action.address, nothing).people,
            arrow=""
            if changes_nobody(action, effects.get(action.address), plan.effects)
            else _arrow(action, effects.get(action.address, nothing)),
            why=action_why(action),
            origin=action.origin,
            ends=action.expires if action.cause is not Cause.EXPIRED else None,
            moved_from=moved_from(action.before, action.after),
            note="; ".join(filter(None, (_moves(action), _remark(notes.get(action.address, ""))))),
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


def _moves(action: Action) -> str:
    group = moved_from(action.before, action.after)
    return f"moves from {spoken(group)}" if group else ""


def _remark(note: str) -> str:
    """Leave out what is only a number of people: a row has that number."""
    return "" if note.endswith((" person", " people")) else note


def _booked_on(action: Action, names: NameGroup) -> str:
    state = action.before if isinstance(action.after, Absent) else action.after
    return names(state.group) if isinstance(action.subject, User) and isinstance(state, Budget) else ""


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
            return "takes back what a run did"
        case _:
            return ""


def changed_by(change: AuditEntry, subject: Subject) -> str:
    """Return who made a change that the audit log has, and what its subject was called then if that is not its name."""
    then = former_name(change, subject)
    return f"{change.by or 'somebody'}{f'; the name then was {then!r}' if then else ''}"
