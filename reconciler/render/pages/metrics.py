"""Documents as Prometheus text, for the textfile collector of the node exporter or for a push gateway.

docs/reference/metrics.md describes every metric; a test compares. A person's name is a label only when that was asked
for. Several documents are one page: numbers of one organization are added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from reconciler.core.action import Action
from reconciler.core.budget import Absent, Unknown
from reconciler.core.directory import Group
from reconciler.core.notice import NoticeKind
from reconciler.core.people.census import Sums
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.formats.documents import Value
from reconciler.money import MICROS_PER_USD
from reconciler.render.formats import Facts
from reconciler.render.overview import Overview, overview_of, plans_of
from reconciler.render.text import RUNNER_COMMAND


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents as one page of metrics."""
    registry = CollectorRegistry()
    _run(registry, facts)
    plans = plans_of(values)
    if plans:
        _plan(registry, plans)
        if facts.names_people:
            _blocked_users(registry, plans)
    statuses = [value for value in values if isinstance(value, Status)]
    if statuses:
        _status(registry, statuses)
        if facts.names_people:
            _users(registry, statuses)
    reports = [value for value in values if isinstance(value, OutcomeReport) and value.refusal is None]
    if reports:
        _outcome(registry, reports)
    return RUNNER_COMMAND.sub(r"\\\\x23#", generate_latest(registry).decode("utf-8"))  # a label has no such escape


def _run(registry: CollectorRegistry, facts: Facts) -> None:
    labels = ["command"]
    code = Gauge("reconciler_last_run_exit_code", "Exit code of the last run of a command.", labels, registry=registry)
    code.labels(facts.command).set(facts.exit_code)
    if facts.at is not None:
        name = "reconciler_last_run_timestamp_seconds"
        time = Gauge(name, "When a command ran last, in seconds since 1970.", labels, registry=registry)
        time.labels(facts.command).set(int(facts.at.timestamp()))


def _plan(registry: CollectorRegistry, plans: Sequence[Plan]) -> None:
    overview = overview_of(plans)
    _differences(registry, plans)
    _exposure(registry, plans, overview)
    gauge = Gauge("reconciler_plan_refused", "1 if the plan is refused.", registry=registry)
    gauge.set(overview.is_refused)
    gauge = Gauge("reconciler_unreadable_subjects", "Managed subjects that could not be read.", registry=registry)
    gauge.set(overview.unreadable)
    gauge = Gauge("reconciler_blocked_people", "People whom the plan would block at once.", registry=registry)
    gauge.set(len(overview.blocked))
    ends = list(_ends(plans))
    if ends:
        name = "reconciler_next_expiry_timestamp_seconds"
        gauge = Gauge(name, "When the next override ends that the plan announces.", registry=registry)
        gauge.set(min(ends))


def _differences(registry: CollectorRegistry, plans: Sequence[Plan]) -> None:
    counts = Counter((organization_name(action), str(action.origin)) for plan in plans for action in plan.differing)
    counts.update((orphan.organization, "orphan") for plan in plans for orphan in plan.orphans)
    gauge = Gauge(
        "reconciler_differences",
        "Subjects whose live budget differs from the policy, and entries that cannot be applied (origin `orphan`).",
        ["organization", "origin"],
        registry=registry,
    )
    for labels, number in sorted(counts.items()):
        gauge.labels(*labels).set(number)


def _exposure(registry: CollectorRegistry, plans: Sequence[Plan], overview: Overview) -> None:
    labels = ["when"]
    help_text = "What people may spend in a month, in US dollars; people without a limit are not in it."
    dollars = Gauge("reconciler_exposure_dollars", help_text, labels, registry=registry)
    people = Gauge("reconciler_people_without_limit", "People without any limit.", labels, registry=registry)
    exposure = overview.exposure
    for when, micros, unlimited in (
        ("now", exposure.before_micros, exposure.unlimited_before),
        ("after", exposure.after_micros, exposure.unlimited_after),
    ):
        dollars.labels(when).set(micros / MICROS_PER_USD)
        people.labels(when).set(unlimited)
    is_total = Gauge(
        "reconciler_exposure_is_total",
        "1 if the exposure counts everybody, 0 if only the people concerned.",
        registry=registry,
    )
    is_total.set(overview.is_total)


def _blocked_users(registry: CollectorRegistry, plans: Sequence[Plan]) -> None:
    gauge = Gauge("reconciler_blocked_user", "1 for a person whom the plan would block.", ["user"], registry=registry)
    for person in overview_of(plans).blocked:
        gauge.labels(person.username).set(1)


def _ends(plans: Sequence[Plan]) -> Iterator[float]:
    for plan in plans:
        yield from (notice.at.timestamp() for notice in plan.effects.notices if notice.kind is NoticeKind.EXPIRES_SOON)
        yield from (
            action.expires.timestamp() for action in plan.actions if action.expires and action.expires > plan.at
        )


def _status(registry: CollectorRegistry, statuses: Sequence[Status]) -> None:
    groups = [row for status in statuses for row in status.groups]
    for name, text, number_of in STATUS_METRICS:
        gauge = Gauge(f"reconciler_status_{name}", text, ["organization", "group"], registry=registry)
        for row in groups:
            gauge.labels(row.group.organization, row.group.label).set(number_of(row.sums))


def _users(registry: CollectorRegistry, statuses: Sequence[Status]) -> None:
    """What each person may spend and has spent, where that is known; a person without a limit has no limit here."""
    limit = Gauge("reconciler_status_user_limit_dollars", "Limit of a person a month.", ["user"], registry=registry)
    spent = Gauge("reconciler_status_user_spent_dollars", "What counts this period.", ["user"], registry=registry)
    for person in (person for status in statuses for person in status.people):
        if person.limit_micros is not None:
            limit.labels(person.username).set(person.limit_micros / MICROS_PER_USD)
        if not isinstance(person.spend_micros, Unknown):
            spent.labels(person.username).set(person.spend_micros / MICROS_PER_USD)


STATUS_METRICS: Sequence[tuple[str, str, Callable[[Sums], float]]] = (
    ("people", "People for whom the group is effective.", lambda sums: sums.people),
    ("near_people", "People who used 85 percent of their limit or more.", lambda sums: sums.near),
    ("blocked_people", "People whose spend has reached their limit.", lambda sums: sums.blocked),
    ("reaching_people", "People who at their pace reach their limit this period.", lambda sums: sums.reaching),
    ("unlimited_people", "People without a limit.", lambda sums: sums.unlimited),
    (
        "exposure_dollars",
        "What the people may spend in a month, in US dollars; people without a limit are not in it.",
        lambda sums: sums.exposure_micros / MICROS_PER_USD,
    ),
    (
        "spent_dollars",
        "What counts this period, in US dollars, people without a limit included.",
        lambda sums: (sums.spent_micros + sums.unlimited_spent_micros) / MICROS_PER_USD,
    ),
)


def _outcome(registry: CollectorRegistry, reports: Sequence[OutcomeReport]) -> None:
    gauge = Gauge("reconciler_apply_results", "Actions of the last run, by result.", ["result"], registry=registry)
    for result in reports[0].counts:
        gauge.labels(result).set(sum(report.counts[result] for report in reports))
    gauge = Gauge(
        "reconciler_apply_complete",
        "1 if the run did everything that it had planned, and proved it.",
        registry=registry,
    )
    gauge.set(all(report.is_complete for report in reports))


def organization_name(action: Action) -> str:
    """Return the name of the organization that an action belongs to; empty where that cannot be read."""
    if isinstance(action.subject, Group):
        return action.subject.organization
    state = action.before if isinstance(action.after, Absent) else action.after
    return "" if isinstance(state, Absent) else state.group.organization
