"""A name that is a sentence stays a name: in no sentence of a comment or a page does it read as words of ours."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import cmarkgfm  # type: ignore[import-untyped]
import pytest

from reconciler.core.budget import Unknown, UserId
from reconciler.core.moment import present
from reconciler.core.people.moves import MembershipChange, Move
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import ActionOutcome, Result
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.policy import (
    Entry,
    GroupBudgetEntry,
    Guardrail,
    GuardrailName,
    Manage,
    NotRead,
    Policy,
    UserOverrideEntry,
)
from reconciler.core.snapshot import Snapshot
from reconciler.errors import Failure, Place, RefusedError
from reconciler.formats.documents import Value
from reconciler.operations import checks
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.operations.saved import _problems
from reconciler.operations.status import find_status
from reconciler.render.formats import render
from tests.documents.samples import FACTS
from tests.documents.test_agreement import documents
from tests.documents.test_formats import StatusOfSnapshot
from tests.effects.worlds import NOW, World, limit, usd

ENDINGS = (
    ". Approved by zed",
    ". Approved by o'zed",
    '. Approved by "zed"',
    """. Approved by zed's "team" zed""",
    "` Approved by zed `x",
    "' Approved by zed 'x",
    '" Approved by zed "x',
    "\\' Approved by zed \\",
    "'. Approved by zed (x",
    " zed" * 40,
)
"""What follows a name; `zed` is in no sentence of ours."""


def company(wrap: Callable[[str], str]) -> World:
    acme, beta, everybody = wrap("acme"), wrap("beta"), [wrap(name) for name in ("ana", "bob", "eve", "kim", "lee")]
    ana, bob, eve, kim, lee = everybody
    eng, ops, idle, far = (f"{acme}/{wrap(name)}" for name in ("eng", "ops", "idle", "hid"))
    other = f"{beta}/{wrap('data')}"
    return World(
        {acme: everybody, beta: [lee], eng: [ana, bob], ops: [eve, kim], idle: [ana], far: [], other: [lee]},
        {eng: 200, ops: 75, idle: 5, other: Unknown("a timeout"), beta: 20},
        {eve: (500, ops), kim: (90, ops), bob: Unknown("a timeout")},
        hidden={far: 2},
        default=acme,
        reported={ana: limit(1, idle)},
    )


def policy(wrap: Callable[[str], str]) -> Policy:
    place = Place(wrap("policies/a.yaml"), 3, 5)

    def group(name: str, dollars: int) -> Entry:
        return GroupBudgetEntry(group=wrap(name), limit=usd(dollars), place=place)

    def user(name: str, dollars: int, on: str, *, starts: int = 0, days: int = 0) -> Entry:
        return UserOverrideEntry(
            user=wrap(name),
            group=wrap(on),
            limit=usd(dollars),
            starts=NOW + timedelta(days=starts) if starts else None,
            expires=NOW + timedelta(days=days) if days else None,
            place=place,
        )

    groups = (group("eng", 10), group("idle", 4), group("data", 5), group("gone", 5), group("hid", 300))
    users = (
        user("ana", 900, "eng"),
        user("eve", 500, "ops", days=5),
        user("lee", 75, "ops"),
        user("nobody", 5, "eng"),
        user("later", 5, "eng", starts=3, days=9),
        user("kim", 75, "ops", days=40),
    )
    values = ((GuardrailName.MAX_LIMIT, 100), (GuardrailName.MAX_EXPOSURE, 7), (GuardrailName.MAX_OVERRIDE_DAYS, 0))
    guardrails = [Guardrail(name=name, value=usd(value) or 3, place=place) for name, value in values]
    guardrails.append(Guardrail(name=GuardrailName.REQUIRE_REASON_ABOVE, value=usd(3), place=place))
    return Policy(
        organization=wrap("acme"),
        place=place,
        group_budgets_managed=Manage.EXACT,
        user_overrides_managed=Manage.EXACT,
        group_budgets=groups,  # type: ignore[arg-type]
        user_overrides=users,  # type: ignore[arg-type]
        guardrails=tuple(guardrails),
        allow=(),
    )


def planned(world: World, *policies: Policy, missed: str = "") -> Plan:
    not_read = (NotRead(path=missed, reason="a merge conflict"),) if missed else ()
    request = PlanRequest(policies=policies, sources=(), moment=present(NOW), not_read=not_read)
    return make_plan(request, StatusOfSnapshot(world.snapshot())).plan


def failures(plan: Plan, live: Snapshot, again: Plan) -> Iterator[Failure]:
    directory = replace(live.directory, users={}, groups={})
    yield Failure(
        exit_code=3,
        message="The plan is not for this deployment",
        hint=live.directory.readable,
        details=tuple(text for action in plan.actions for text in _problems(action, directory)),
        findings=(),
    )
    stale: tuple[Callable[[], None], ...] = (
        lambda: checks.require_fresh(plan, live),
        lambda: checks.require_same(plan, again, live),
    )
    for check in stale:
        with pytest.raises(RefusedError) as refused:
            check()
        error = refused.value
        yield Failure(exit_code=3, message=error.message, hint=error.hint, details=error.details, findings=())


def values(wrap: Callable[[str], str]) -> Iterator[Value]:
    world, wanted = company(wrap), policy(wrap)
    made = planned(world, wanted)
    later = planned(replace(world, budgets={}, overrides={}), replace(wanted, group_budgets=wanted.group_budgets[:1]))
    yield made
    yield planned(world, wanted, missed=wrap("policies/b.yaml"))
    drift, outcome = documents(made)[1:]
    assert isinstance(drift, Drift)
    eng, ops = (limit(5, f"{wrap('acme')}/{wrap(name)}") for name in ("eng", "ops"))
    address = eng.group.address
    behind = (MembershipChange(address=address, by=wrap("root"), at=NOW),)
    move = Move(
        user_id=UserId("u"), username=wrap("ana"), before=ops, after=eng, joined=(address,), left=(),
        has_lost_override=True, behind=behind,
    )  # fmt: skip
    yield replace(drift, moves=(move,), moves_since=NOW)
    assert isinstance(outcome, OutcomeReport)
    yield replace(
        outcome,
        results=tuple(ActionOutcome(action=row, result=Result.CONFLICT, detail="") for row in made.actions),
        left_out=tuple(orphan.address for orphan in made.orphans),
        held_back=tuple(orphan.address for orphan in made.orphans),
    )
    yield find_status((), StatusOfSnapshot(world.snapshot()), (wanted,), at=NOW)
    yield from failures(made, replace(world, budgets={}, overrides={}).snapshot(), later)


def outside_code(page: str) -> str:
    rendered = cmarkgfm.github_flavored_markdown_to_html(page)
    return html.unescape(re.sub(r"<code>.*?</code>|<pre.*?</pre>|<[^>]*>", "", rendered, flags=re.DOTALL))


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_name_stands_in_a_comment_as_words_of_ours(ending: str) -> None:
    for value in values(lambda name: f"{name}{ending}"):
        page = render("markdown", (value,), FACTS)
        assert "zed" in page
        lines = [line for line in outside_code(page).splitlines() if "zed" in line]
        assert not lines, lines[0]


def test_the_sentences_of_these_documents_are_many() -> None:
    """So that the test above tests something: what it covers is counted by a name that is one word."""
    pages = [render("markdown", (value,), FACTS) for value in values(lambda name: f"{name}-zed")]
    assert sum(page.count("zed") for page in pages) > 150


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_name_is_shown_on_a_page_as_what_is_to_be_typed(ending: str) -> None:
    for value in values(lambda name: f"{name}{ending}"):
        page = render("html", (value,), FACTS)
        codes = re.findall(r"<code>(.*?)</code>", page, re.DOTALL)
        assert not [text for text in codes if "zed" in text and not text.startswith("reconciler ")]
