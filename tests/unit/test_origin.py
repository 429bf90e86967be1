"""Why live differs from the policy: what each piece of evidence shows, and what shows nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.action import Action, Cause, Origin
from reconciler.core.attribution import LastChange, Ours
from reconciler.core.audit import AuditEntry
from reconciler.core.budget import ABSENT, GroupId, OrganizationId, UserId
from reconciler.core.desired import NOTHING_DESIRED, Desired, EndedGrant, Wanted
from reconciler.core.directory import User
from reconciler.core.plan.due import passed_over
from reconciler.core.plan.origin import Evidence, find_origin, wanted_by
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import Manage
from tests.effects.worlds import NOW, World, override, set_group, set_user, usd
from tests.unit.test_core import budget, policy
from tests.unit.test_core import override as entry

HOUR = timedelta(hours=1)
ACME = OrganizationId("acme")
WORLD = World(
    {"acme": ["ana", "bob"], "acme/eng": ["ana", "bob"]},
    {"acme/eng": 20},
    {"ana": (50, "acme/eng"), "bob": (5, "acme")},
)
OURS = "reconciler/2 plan/9f8e12ab34cd"
DIRECTORY = WORLD.directory()
GRANT = Desired(
    groups={}, users={}, exact_groups=frozenset(), exact_users=frozenset(),
    ended={UserId("ana"): EndedGrant(limit_micros=usd(50), groups=frozenset({GroupId("acme/eng")}))},
)  # fmt: skip
ENDED = replace(set_user(WORLD, "ana", None), cause=Cause.EXPIRED, expires=NOW - HOUR)
BEGUN = Action(
    subject=User(username="eve", id=UserId("eve")), before=ABSENT, after=override(9, "acme"), starts=NOW - HOUR
)
RAISED = set_group(WORLD, "acme/eng", 30)


def logged(at: datetime, *, ours: bool = False, action: str = "write", micros: int | None = None) -> AuditEntry:
    agent = OURS if ours else "Mozilla/5.0"
    return AuditEntry(at=at, by="olivia", action=action, user_agent=agent, after_micros=micros)


def origin(action: Action, last: AuditEntry | None = None, *, base: Desired | None = None) -> Origin:
    ours = Ours.USER_AGENT if last and last.user_agent == OURS else Ours.NOT
    changes = {action.address: LastChange(address=action.address, change=last, ours=ours)} if last else {}
    return find_origin(action, GRANT, DIRECTORY, Evidence(at=NOW, base=base, changes=changes))


def test_what_ended_is_due_where_live_is_exactly_what_was_granted() -> None:
    assert origin(ENDED) is Origin.DUE
    assert origin(replace(ENDED, before=override(51, "acme/eng"))) is Origin.UNKNOWN
    assert origin(replace(ENDED, before=override(50, "acme"))) is Origin.UNKNOWN


def test_the_log_tells_whether_somebody_changed_it_after_its_date() -> None:
    raised = replace(ENDED, before=override(51, "acme/eng"))
    assert origin(raised, logged(NOW - 2 * HOUR)) is Origin.DUE, (
        "raised while the grant held; the grant ended all the same"
    )
    assert origin(raised, logged(NOW)) is Origin.HAND
    assert origin(raised, logged(NOW - HOUR)) is Origin.HAND, "at that very instant"
    assert origin(ENDED, logged(NOW)) is Origin.HAND, "granted once more by hand"
    assert origin(ENDED, logged(NOW, ours=True)) is Origin.PENDING


def test_what_begins_is_due_for_a_week_where_nothing_is_live() -> None:
    assert origin(BEGUN) is Origin.DUE
    assert origin(replace(BEGUN, starts=NOW - timedelta(days=8))) is Origin.UNKNOWN
    assert origin(replace(BEGUN, before=override(3, "acme"))) is Origin.UNKNOWN
    assert origin(BEGUN, logged(NOW, action="delete")) is Origin.HAND
    assert origin(replace(BEGUN, starts=NOW - timedelta(days=8)), logged(NOW - timedelta(days=9), action="delete")) is (
        Origin.DUE
    )


def test_what_a_date_does_not_explain_is_told_where_the_entry_ended_or_began_within_a_week() -> None:
    """What began long ago, and is another limit today, is for `drift` to tell."""
    ended = replace(ENDED, before=override(51, "acme/eng"), expires=NOW - timedelta(days=30))
    (told,) = passed_over([ended], GRANT, at=NOW)
    assert told == "user/ana: its entry ended 2026-10-24, and live is $51.00 (eng), not the $50.00 that it granted"
    (told,) = passed_over([ended], NOTHING_DESIRED, at=NOW)
    assert told.endswith("live is $51.00 (eng), set since then"), "what it granted is not known"
    week = timedelta(days=7)
    begun = [replace(BEGUN, before=override(3, "acme"), starts=NOW - ago) for ago in (week, week - HOUR)]
    assert [len(list(passed_over([action], GRANT, at=NOW))) for action in begun] == [0, 1]
    assert not list(passed_over([replace(ended, origin=Origin.DUE), RAISED], GRANT, at=NOW))


def test_by_hand_or_pending_is_who_wrote_last() -> None:
    assert origin(RAISED) is Origin.UNKNOWN
    assert origin(RAISED, logged(NOW)) is Origin.HAND
    assert origin(RAISED, logged(NOW, micros=20_000_000)) is Origin.HAND
    assert origin(RAISED, logged(NOW, ours=True)) is Origin.PENDING


def test_an_entry_of_the_log_that_contradicts_live_explains_nothing() -> None:
    assert origin(RAISED, logged(NOW, action="delete")) is Origin.UNKNOWN
    assert origin(RAISED, logged(NOW, micros=19_000_000)) is Origin.UNKNOWN
    vanished = replace(BEGUN, starts=None)
    assert origin(vanished, logged(NOW, ours=True)) is Origin.UNKNOWN, "memberships end without an entry"


def test_what_the_policy_before_wants_otherwise_is_this_change() -> None:
    same = resolve([policy(budget("eng", 30))], DIRECTORY, at=NOW).desired
    assert origin(RAISED, base=same) is Origin.UNKNOWN
    assert origin(RAISED, base=resolve([policy(budget("eng", 20))], DIRECTORY, at=NOW).desired) is Origin.CHANGE
    assert origin(RAISED, base=NOTHING_DESIRED) is Origin.CHANGE
    assert origin(ENDED, base=resolve([policy(entry("ana", "eng", 50, expires=-3600))], DIRECTORY, at=NOW).desired) is (
        Origin.DUE
    )


def test_what_a_policy_wants_of_a_subject() -> None:
    exact = resolve([policy(groups=Manage.EXACT, users=Manage.EXACT)], DIRECTORY, at=NOW).desired
    assert wanted_by(exact, RAISED, DIRECTORY) == wanted_by(exact, ENDED, DIRECTORY) == ABSENT
    for only, group, user in (({"groups": Manage.EXACT}, ABSENT, None), ({"users": Manage.EXACT}, None, ABSENT)):
        desired = resolve([policy(**only)], DIRECTORY, at=NOW).desired
        assert (wanted_by(desired, RAISED, DIRECTORY), wanted_by(desired, ENDED, DIRECTORY)) == (group, user)
    assert wanted_by(exact, BEGUN, DIRECTORY) is None, "no override, so no organization owns it"
    assert wanted_by(NOTHING_DESIRED, RAISED, DIRECTORY) is None
    later = resolve([policy(entry("ana", "eng", 50, starts=1))], DIRECTORY, at=NOW).desired
    assert wanted_by(later, ENDED, DIRECTORY) is None
    listed = resolve([policy(entry("ana", "eng", 7))], DIRECTORY, at=NOW).desired
    assert wanted_by(listed, ENDED, DIRECTORY) == override(7, "acme/eng")


def test_a_name_finds_who_was_written_under_it_and_an_address_whoever_has_it() -> None:
    raised = set_user(WORLD, "ana", (60, "acme/eng"))
    log = replace(logged(NOW, ours=True), name="anna")
    changes = {raised.address: LastChange(address=raised.address, change=log, ours=Ours.USER_AGENT)}
    for name, wanted in (("ana", Origin.UNKNOWN), ("ana@example.com", Origin.PENDING)):
        found = Wanted(subject=raised.subject, state=raised.after, entry=entry(name, "eng", 60), organization=ACME)
        desired = replace(NOTHING_DESIRED, users={UserId("ana"): found})
        assert find_origin(raised, desired, DIRECTORY, Evidence(at=NOW, base=None, changes=changes)) is wanted
