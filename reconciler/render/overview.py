"""The numbers that a reader wants first, from one plan or several: what every headline, tile and output variable says.

Each number is a sum of numbers that the plans' JSON has, so that formats cannot disagree (law 11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reconciler.core.action import Kind
from reconciler.core.gate.verdict import Refusal
from reconciler.core.notice import LATER
from reconciler.core.people.effects import PersonEffect
from reconciler.core.people.standing import amount_or_any
from reconciler.core.people.sums import Exposure
from reconciler.core.plan.drift import Drift, DriftKind
from reconciler.core.plan.plan import Coverage, Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.dataclass import dataclass
from reconciler.formats.documents import Value
from reconciler.money import format_usd_short
from reconciler.render.notices import taken_out, without_entry
from reconciler.render.plan import GROUPS_MATCH
from reconciler.words import count, count_people


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Sums over plans that were made side by side; somebody who is in two of the plans counts twice."""

    creates: int
    updates: int
    deletes: int
    unreadable: int
    exposure: Exposure
    is_total: bool
    """Whether the exposure is of everybody in the organizations, and not only of the people concerned."""
    higher: int
    """People whose limit rises; without a limit is the highest."""
    lower: int
    blocked: tuple[PersonEffect, ...]
    unblocked: int
    in_several_plans: int
    """People who are in more than one of the plans, and count in each."""
    repeated_changes: int
    """Subjects that more than one of the plans changes, and that count in each."""
    refusals: tuple[Refusal, ...]
    is_complete: bool
    later: int
    """What this change does at a later date, and not now."""
    taken_out: int
    """Entries that this change takes out of the policy, and whose limits stay as they are."""

    @property
    def changes(self) -> int:
        return self.creates + self.updates + self.deletes

    @property
    def is_refused(self) -> bool:
        return bool(self.refusals)

    @property
    def concerned(self) -> str:
        """Whose the exposure is: `everybody`, or `15 people concerned`."""
        return "everybody" if self.is_total else f"{count_people(self.exposure.people)} concerned"

    @property
    def delta_micros(self) -> int:
        """By how much the exposure rises."""
        return self.exposure.after_micros - self.exposure.before_micros


def plans_of(values: Iterable[Value]) -> tuple[Plan, ...]:
    """Return the plans in documents that hold a plan."""
    plans_of_values = (value.plan if isinstance(value, Drift) else value for value in values)
    return tuple(value for value in plans_of_values if isinstance(value, Plan))


def overview_of(plans: Sequence[Plan]) -> Overview:
    """Add up plans."""
    people = [person for plan in plans for person in plan.effects.people]
    notices = [notice for plan in plans for notice in plan.effects.notices]
    rises = [amount_or_any(person.after) - amount_or_any(person.before) for person in people if _differs(person)]
    return Overview(
        creates=sum(plan.count(Kind.CREATE) for plan in plans),
        updates=sum(plan.count(Kind.UPDATE) for plan in plans),
        deletes=sum(plan.count(Kind.DELETE) for plan in plans),
        unreadable=sum(len(plan.unreadable) for plan in plans),
        exposure=_added(plan.effects.exposure for plan in plans),
        is_total=all(plan.effects.is_total for plan in plans),
        higher=sum(rise > 0 for rise in rises),
        lower=sum(rise < 0 for rise in rises),
        blocked=tuple(person for plan in plans for person in plan.effects.blocked),
        unblocked=sum(len(plan.effects.unblocked) for plan in plans),
        in_several_plans=_in_several(plans),
        repeated_changes=_repeated(plans),
        refusals=tuple(refusal for plan in plans for refusal in plan.verdict.refusals),
        is_complete=all(plan.is_complete for plan in plans),
        later=sum(notice.kind in LATER and not notice.is_standing for notice in notices),
        taken_out=taken_out(notices),
    )


def signed_usd(micros: int) -> str:
    """`+$400`, `-$3.50`, `$0`."""
    return f"{'+' if micros > 0 else ''}{format_usd_short(micros)}"


def counted_twice(overview: Overview) -> str:
    """Say that people count in more than one plan; empty where nobody does."""
    people, changes = overview.in_several_plans, overview.repeated_changes
    parts = (count(changes, "change") if changes else "", count_people(people) if people else "")
    counted = " and ".join(filter(None, parts))
    verb = "is" if people + changes == 1 else "are"
    return f"{counted} {verb} in more than one of these plans, and counted in each." if counted else ""


def headline(overview: Overview) -> str:
    """`+$400 a month, 8 changes, refused`."""
    if not overview.changes and overview.is_complete and not overview.later and not overview.taken_out:
        return "no changes"
    parts = [_changes(overview)]
    if overview.delta_micros:
        parts.insert(0, f"{signed_usd(overview.delta_micros)} a month")
    if more := overview.exposure.unlimited_after - overview.exposure.unlimited_before:  # they are in no sum of money
        people = count(
            abs(more), f"{'more' if more > 0 else 'fewer'} person", f"{'more' if more > 0 else 'fewer'} people"
        )
        parts.insert(len(parts) - 1, f"{people} without any limit")
    if overview.blocked:
        parts.append(f"{count_people(len(overview.blocked))} blocked")
    if overview.later:
        parts.append(f"{overview.later:,} at a later date")
    if overview.taken_out:
        parts.append(without_entry(overview.taken_out))
    if not overview.is_complete:
        parts.append("not everything could be read")
    if overview.is_refused:
        parts.append("refused")
    return ", ".join(parts)


def _changes(overview: Overview) -> str:
    if not overview.changes and (overview.later or overview.taken_out):
        return "no changes now" if overview.later else "no changes"
    return count(overview.changes, "change")


def drift_headline(drifts: Sequence[Drift]) -> str:
    """`3 differences between Coder and the policy (2 hand, 1 due)`."""
    counts = {kind: sum(drift.counts[kind] for drift in drifts) for kind in DriftKind}
    caveat = "" if all(drift.plan.is_complete for drift in drifts) else ", not everything could be read"
    total = sum(counts.values())
    if not total:
        if any(drift.plan.covers is Coverage.PART for drift in drifts):
            return f"no differences in the part of the policy that was asked for{caveat}"
        is_hidden = any(drift.plan.deployment.offers.overrides_hidden for drift in drifts)
        return f"{GROUPS_MATCH if is_hidden else 'live budgets match the policy'}{caveat}"
    listed = ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number)
    return f"{count(total, 'difference')} between Coder and the policy ({listed}){caveat}"


def outcome_headline(reports: Sequence[OutcomeReport]) -> str:
    """`applied, 8 changes`; `not finished: 5 of 8 changes made`; `refused, 8 changes not made`."""
    total = sum(len(report.results) for report in reports)
    settled = sum(report.counts["done"] + report.counts["already-done"] for report in reports)
    held_back = sum(len(report.held_back) for report in reports)
    not_done = f", {count(held_back, 'due action')} not done" if held_back else ""
    if all(report.is_complete for report in reports):
        if not total:
            return f"nothing applied{not_done}" if held_back else "nothing to apply"
        return f"applied, {count(total, 'change')}{not_done}"
    if all(report.refusal for report in reports):
        is_refused = all(report.is_refused for report in reports)
        return f"{'refused' if is_refused else 'not applied'}, {count(total, 'change')} not made"
    if not total:
        return f"nothing to apply in what could be read{not_done}"
    return f"not finished, {settled:,} of {count(total, 'change')} made{not_done}"


def _in_several(plans: Iterable[Plan]) -> int:
    people = Counter((plan.deployment.id, person.user_id) for plan in plans for person in plan.effects.people)
    return sum(number > 1 for number in people.values())


def _repeated(plans: Iterable[Plan]) -> int:
    subjects = Counter((plan.deployment.id, action.address) for plan in plans for action in plan.actions)
    return sum(number > 1 for number in subjects.values())


def _differs(person: PersonEffect) -> bool:
    return amount_or_any(person.before) != amount_or_any(person.after)


def _added(exposures: Iterable[Exposure]) -> Exposure:
    rows = tuple(exposures)
    return Exposure(
        before_micros=sum(row.before_micros for row in rows),
        after_micros=sum(row.after_micros for row in rows),
        unlimited_before=sum(row.unlimited_before for row in rows),
        unlimited_after=sum(row.unlimited_after for row in rows),
        people=sum(row.people for row in rows),
        unknown=sum(row.unknown for row in rows),
    )
