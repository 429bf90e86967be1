"""Effects and refusals as text: golden texts for each hazard, and for 10,000 people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.core.action import Action
from reconciler.core.budget import GroupId, OrganizationId, Unknown, UserId
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.gate import judge
from reconciler.core.gate.verdict import FlagGrant, Verdict
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.people.assess import assess
from reconciler.core.people.effects import Effects
from reconciler.core.policy import GuardrailName, Hazard
from reconciler.errors import Place
from reconciler.render.dangers import danger_lines, refusal_lines, reviewed_lines
from reconciler.render.detail import Detail
from reconciler.render.effects import action_notes, effects_lines, to_know
from reconciler.render.notices import notice_lines
from reconciler.render.plan_problems import problems_of_plan
from tests.documents.samples import plan
from tests.effects.dangers import dangers_to_people, mass_changes
from tests.effects.worlds import NOW, OLD_SERVER, World, limit, set_group, set_user, usd

TEAM = {"acme": ["ana", "bob", "eve", "kim"], "acme/eng": ["ana", "bob"], "acme/ops": ["bob", "eve"]}
ACME = OrganizationId("acme")


def effects_of(
    world: World, *actions: Action, spend: dict[str, dict[str, int]] | None = None, total: bool = True
) -> Effects:
    answers = {
        GroupId(group): {UserId(person): usd(dollars) for person, dollars in people.items()}
        for group, people in (spend or {}).items()
    }
    return assess(actions, world.snapshot(), organizations=(ACME,) if total else ()).effects(answers)


def verdict_of(
    effects: Effects, *grants: FlagGrant, mass: tuple[Action, ...] = (), offers_spend: bool = True
) -> Verdict:
    changes = mass_changes(mass, World(TEAM).directory(), managed={"acme": 4})
    return judge((*dangers_to_people(effects, offers_spend=offers_spend), *changes), grants=grants)


def text(effects: Effects, detail: Detail = Detail.SUMMARY, *, offers_spend: bool = True) -> str:
    verdict = verdict_of(effects, offers_spend=offers_spend)
    return "\n".join([*effects_lines(effects, verdict, at=NOW, detail=detail), *refusal_lines(verdict)])


def test_a_block() -> None:
    world = World(TEAM, {"acme/eng": 200, "acme": 50})
    effects = effects_of(world, set_group(world, "acme/eng", 100), spend={"acme/eng": {"ana": 150, "bob": 99}})
    assert text(effects) == (
        "Exposure: $500 -> $300 a month (-$200).\n"
        "  2 people  $200.00 -> $100.00  by group/acme/eng\n"
        "Would be blocked now: 1 (ana spent $150.00 of $100.00).   BLOCKS_USERS=1\n"
        "Close to their limit: 1 (bob spent $99.00 of $100.00); "
        "Coder mails them and every administrator at 85 % and at 100 %.\n"
        "Refused:\n"
        "  BLOCKS_USERS: 1 person would be blocked now (ana)\n"
        "    if that is meant, pass `--allow BLOCKS_USERS=1`, or consent in the policy under `allow:`"
    )


def test_who_is_blocked_by_a_reviewed_end_is_told_apart() -> None:
    """The gate does not count them (bob here); the text tells of them, and not as those whom it counts."""
    world = World(TEAM, {"acme/eng": 200, "acme": 50})
    effects = effects_of(world, set_group(world, "acme/eng", 90), spend={"acme/eng": {"ana": 150, "bob": 99}})
    counted = Danger(hazard=Hazard.BLOCKS_USERS, counted=("ana",), organization=effects.blocked[0].organization)
    lines = [
        "Would be blocked now: 1 (ana spent $150.00 of $90.00).   BLOCKS_USERS=1",
        "Would be blocked now by the end of an override: 1 (bob spent $99.00 of $90.00); `expires` is the consent.",
    ]
    assert [*danger_lines(effects, [counted]), *reviewed_lines(effects, [counted])] == lines
    verdict = Verdict(dangers=(counted,))
    assert [line for line in effects_lines(effects, verdict, at=NOW) if line.startswith("Would be")] == lines


def test_what_a_reviewer_should_know_beside_the_changes() -> None:
    """Who is near their limit is a sentence, or where a page has a table of them, there."""
    world = World(TEAM, {"acme/eng": 200, "acme": 50}, {"eve": Unknown("500")})
    spend = {"acme/eng": {"ana": 40, "bob": 0}, "acme": {"ana": 48}}
    effects = effects_of(world, set_group(world, "acme/eng", None), spend=spend)
    near, *others = to_know(effects)
    assert near.startswith("Close to their limit: 1 (ana spent $48.00 of $50.00); ")
    moved = (
        "2 people move to the budget of another group, where spend is counted anew; $40.00 of this month no longer "
        "counts (ana $40.00); $48.00 that was booked there earlier counts again (ana $48.00)."
    )
    unread = "Spend of 1 person could not be read: not known whether they would be blocked now."
    assert others == [moved, unread]
    assert [*to_know(effects, has_nearest=True)] == others
    nobody = replace(effects, exposure=replace(effects.exposure, people=0, unknown=4))
    assert [*to_know(nobody, has_nearest=True)] == [moved, "Exposure: not known (4 people).", unread]


def test_a_removed_limit() -> None:
    world = World(TEAM, {"acme/eng": 200})
    action = set_group(world, "acme/eng", None)
    effects = effects_of(world, action)
    assert action_notes((action,), effects) == {"group/acme/eng": "2 people become unlimited"}
    assert text(effects) == (
        "Exposure: $400 -> $0 a month (-$400); unlimited people 2 -> 4.\n"
        "  2 people  $200.00 (eng) -> no limit  by group/acme/eng\n"
        "Would become unlimited: 2 (ana, bob).   REMOVES_LIMIT=2\n"
        "Refused:\n"
        "  REMOVES_LIMIT: 2 people would become unlimited (ana, bob)\n"
        "    if that is meant, pass `--allow REMOVES_LIMIT=2`, or consent in the policy under `allow:`"
    )


def test_a_mass_change_and_consent_and_a_broken_guardrail() -> None:
    world = World(TEAM, {"acme/eng": 200, "acme/ops": 100, "acme": 50}, {"kim": (70, "acme")})
    actions = (
        set_group(world, "acme/eng", None),
        set_group(world, "acme/ops", None),
        set_user(world, "kim", None),
    )
    effects = effects_of(world, *actions, spend={"acme": dict.fromkeys(TEAM["acme"], 0)})
    verdict = verdict_of(effects, mass=actions)
    assert action_notes(actions, effects) == {
        "group/acme/eng": "2 people fall back to Everyone ($50.00)",
        "group/acme/ops": "1 person falls back to Everyone ($50.00)",
        "user/kim": "falls back to Everyone ($50.00)",
    }
    assert [*effects_lines(effects, verdict, at=NOW), *refusal_lines(verdict)] == [
        "Exposure: $570 -> $200 a month (-$370).",
        "  2 people  $200.00 (eng) -> $50.00 (Everyone)  by group/acme/eng",
        "  1 person  $100.00 (ops) -> $50.00 (Everyone)  by group/acme/ops",
        "Mass change, deletes: 3 (group/acme/eng, group/acme/ops, user/kim).   MASS_CHANGE=3",
        "3 people move to the budget of another group, where spend is counted anew; spend of 3 people not known.",
        "Refused:",
        "  MASS_CHANGE: 3 live budgets would be deleted (group/acme/eng, group/acme/ops, user/kim)",
        "    if that is meant, pass `--allow MASS_CHANGE=3`, or consent in the policy under `allow:`",
    ]
    breach = Breach(
        address="group/acme/eng",
        guardrail=GuardrailName.MAX_LIMIT,
        place=Place("a.yaml", 1, 1),
        message="too much",
        guardrail_place=Place("a.yaml", 1, 1),
        hint="lower the limit",
    )
    allowed = replace(verdict.with_grants([FlagGrant(hazard=Hazard.MASS_CHANGE, up_to=3)]), breaches=(breach,))
    assert refusal_lines(allowed) == [
        "Consent: MASS_CHANGE=3 by --allow.",
        "Refused:",
        "  a.yaml:1:1: too much",
        "    lower the limit",
    ]


def test_a_move_says_what_stops_counting_and_who_can_work_again() -> None:
    world = World(TEAM, {"acme/eng": 200, "acme": 200})
    spend = {"acme": {"ana": 200, "bob": 12}, "acme/eng": {"ana": 5, "bob": 0}}
    assert text(effects_of(world, set_group(world, "acme", None), spend=spend)).splitlines() == [
        "Exposure: $800 -> $400 a month (-$400); unlimited people 0 -> 2.",
        "  2 people  $200.00 (Everyone) -> $200.00 (eng)  by group/acme/Everyone",
        "  2 people  $200.00            -> no limit       by group/acme/Everyone",
        "Would become unlimited: 2 (eve, kim).   REMOVES_LIMIT=2",
        "Can work again: 1 (ana).",
        "2 people move to the budget of another group, where spend is counted anew; "
        "$212.00 of this month no longer counts (ana $200.00, bob $12.00); "
        "$5.00 that was booked there earlier counts again (ana $5.00).",
        "Refused:",
        "  REMOVES_LIMIT: 2 people would become unlimited (eve, kim)",
        "    if that is meant, pass `--allow REMOVES_LIMIT=2`, or consent in the policy under `allow:`",
    ]


def test_a_move_of_whom_nothing_was_spent_names_no_amount() -> None:
    """ "$0.00 of this month no longer counts" was said."""
    world = World(TEAM, {"acme/eng": 200, "acme": 200})
    nothing = {"acme": {"ana": 0, "bob": 0}, "acme/eng": {"ana": 0, "bob": 0}}
    moved = text(effects_of(world, set_group(world, "acme", None), spend=nothing))
    assert "2 people move to the budget of another group, where spend is counted anew.\n" in moved
    assert "$0" not in moved


def test_nothing_is_said_of_nothing_and_none_is_asked_for() -> None:
    world = World({"acme": []})
    assert text(effects_of(world)) == ""
    full = World(TEAM, {"acme/eng": 200})
    effects = effects_of(full, set_group(full, "acme/eng", 0))
    assert effects_lines(effects, verdict_of(effects), at=NOW, detail=Detail.NONE) == []


def test_who_has_no_limit_before_and_after_is_one_person() -> None:
    """One person gets a limit and another loses theirs: the numbers are equal, the people are not."""
    world = World({"acme": ["ana", "bob", "eve"]}, {}, {"bob": (80, "acme")})
    first = set_user(world, "ana", (80, "acme"))
    stay = effects_of(world, set_user(world, "bob", (90, "acme")))
    assert text(stay).startswith("Exposure: $80 -> $90 a month (+$10); 2 people without a limit before and after.")
    swap = effects_of(world, first, set_user(world, "bob", None))
    assert text(swap).startswith("Exposure: $80 a month, unchanged; unlimited people 2 -> 2.")


def test_everybody_is_listed_where_it_is_asked_for() -> None:
    world = World(TEAM, {"acme/eng": 200}, {"kim": (10, "acme")})
    actions = set_group(world, "acme/eng", 300), set_user(world, "eve", (5, "acme/ops")), set_user(world, "kim", None)
    effects = effects_of(world, *actions, spend={"acme/eng": {"ana": 12}}, total=False)
    assert text(effects, Detail.PEOPLE).splitlines() == [
        "Exposure of the 4 people concerned: $410 -> $605 a month (+$195); unlimited people 1 -> 1.",
        "  ana  $200.00  -> $300.00      spent $12.00   by group/acme/eng",
        "  bob  $200.00  -> $300.00      spend unknown  by group/acme/eng",
        "  eve  no limit -> $5.00 (ops)  spend unknown  by user/eve",
        "  kim  $10.00   -> no limit                    by user/kim",
        "Would become unlimited: 1 (kim).   REMOVES_LIMIT=1",
        "Would be blocked now: 0, perhaps 1 (eve).   BLOCKS_USERS=1",
        "Spend of 1 person could not be read: not known whether they would be blocked now.",
        "Refused:",
        "  REMOVES_LIMIT: 1 person would become unlimited (kim)",
        "    if that is meant, pass `--allow REMOVES_LIMIT=1`, or consent in the policy under `allow:`",
        "  BLOCKS_USERS: 1 person would be blocked now (perhaps eve)",
        "    if that is meant, pass `--allow BLOCKS_USERS=1`, or consent in the policy under `allow:`",
    ]


def test_what_is_not_known_is_said() -> None:
    people = [f"p{number}" for number in range(8)]
    members = {**TEAM, "beta": people, "beta/big": people}
    world = World(
        members,
        {"acme/eng": 200, "acme/ops": Unknown("HTTP 500"), "beta/big": 9},
        hidden={"acme/eng": 2},
        reported={f"p{number}": limit(1, "beta") for number in range(7)},
        offers=OLD_SERVER,
    )
    actions = set_group(world, "acme/eng", 100), set_group(world, "beta/big", 0)
    effects = effects_of(world, *actions)
    assert action_notes((set_group(world, "acme", 1),), effects) == {}
    assert action_notes((set_group(world, "acme", 1),), replace(effects, unclear=())) == {
        "group/acme/Everyone": "changes nobody's limit"
    }
    assert text(effects, offers_spend=False).splitlines() == [
        "Exposure: $200 -> $100 a month (-$100); 3 people not known.",
        "  1 person  $200.00 -> $100.00  by group/acme/eng",
        "  1 person  $9.00   -> $0.00    by group/beta/big",
        "Would be blocked now: 1 (p7 gets $0.00), perhaps 7 (p0, p1, p2, p3, p4 and 2 more).   BLOCKS_USERS=8",
        "Not seen by this token: 2 people (group/acme/eng 2).   UNSEEN_PEOPLE=2",
        "This server does not say what people have spent (2.36 does): not known who would be blocked now.",
        "Effect not known for 7 (p0, p1, p2, p3, p4 and 2 more): Coder reports a different limit "
        "for them than we compute.",
        "Effect not known for 1 (bob): the budget of group/acme/ops is not known: HTTP 500.",
        "Coder reports $1.00 (beta/Everyone) for p0, and we compute $9.00 (beta/big).",
        "Coder reports $1.00 (beta/Everyone) for p1, and we compute $9.00 (beta/big).",
        "Coder reports $1.00 (beta/Everyone) for p2, and we compute $9.00 (beta/big).",
        "Coder reports $1.00 (beta/Everyone) for p3, and we compute $9.00 (beta/big).",
        "Coder reports $1.00 (beta/Everyone) for p4, and we compute $9.00 (beta/big).",
        "For 2 more people Coder reports a different limit than we compute.",
        "Plan again: this is also said of people who changed groups while the plan was read.",
        "Refused:",
        "  BLOCKS_USERS: 8 people would be blocked now (p7, perhaps p0, perhaps p1, perhaps p2, perhaps p3 and 3 more)",
        "    if that is meant, pass `--allow BLOCKS_USERS=8`, or consent in the policy under `allow:`",
        "  UNSEEN_PEOPLE: 2 people whom this token may not read may get less, be blocked or become unlimited",
        "    if that is meant, pass `--allow UNSEEN_PEOPLE=2`, or consent in the policy under `allow:`",
    ]


def test_notices_stand_at_the_end_and_end_after_a_few() -> None:
    world = World({"acme": []})
    soon = Notice(
        kind=NoticeKind.EXPIRES_SOON,
        address="user/ana",
        place=Place("a.yaml", 1, 1),
        text="$5.00; then no limit",
        at=NOW + timedelta(3),
    )
    dead = Notice(
        kind=NoticeKind.DEAD,
        address="group/acme/x",
        place=Place("a.yaml", 2, 1),
        text="limits none of its 3 members",
        at=NOW,
    )
    effects = replace(effects_of(world), notices=(soon, *[dead] * 11))
    assert effects_lines(effects, Verdict(), at=NOW) == [
        "Expires 2026-11-26 00:00 UTC, in 3 days: user/ana $5.00; then no limit (a.yaml:1:1).",
        *["Without effect: group/acme/x limits none of its 3 members (a.yaml:2:1)."] * 9,
        "2 more notices: --effects people",
    ]
    assert len(effects_lines(effects, Verdict(), at=NOW, detail=Detail.PEOPLE)) == 12


def test_actions_without_effect_and_with_several_landings() -> None:
    world = World(
        {
            "acme": ["ana", "bob", "kim"],
            "acme/a": ["ana", "bob", "kim"],
            "acme/b": ["bob"],
            "beta": ["kim"],
            "acme/none": [],
        },
        {"acme/a": 100, "acme/b": 50, "beta": 40},
        {"ana": (5, "acme")},
        joined={("kim", "acme"): 1, ("kim", "beta"): 2},
    )
    actions = (
        set_group(world, "acme/a", None),
        set_user(world, "ana", (6, "acme/a")),
        set_group(world, "acme/none", 5),
        set_user(world, "bob", (7, "acme/b")),
    )
    notes = action_notes(actions[:3], effects_of(world, *actions[:3]))
    assert notes == {
        "group/acme/a": "2 people fall back: 1 to beta/Everyone ($40.00), 1 to acme/b ($50.00)",
        "group/acme/none": "changes nobody's limit",
    }
    assert action_notes(actions[3:], effects_of(world, actions[3])) == {"user/bob": "instead of $100.00 (a)"}
    alone = World({"acme": ["ana"], "acme/a": ["ana"]}, {"acme/a": 1}, {"ana": (5, "acme")})
    gone = set_group(alone, "acme/a", None), set_user(alone, "ana", None)
    assert action_notes(gone, effects_of(alone, *gone)) == {
        "group/acme/a": "changes nobody's limit",
        "user/ana": "becomes unlimited",
    }


def test_some_fall_back_and_some_become_unlimited_and_nothing_moves() -> None:
    world = World({"acme": ["ana", "bob"], "acme/a": ["ana", "bob"], "acme/b": ["bob"]}, {"acme/a": 9, "acme/b": 5})
    action = set_group(world, "acme/a", None)
    assert action_notes((action,), effects_of(world, action)) == {
        "group/acme/a": "2 people fall back: 1 to b ($5.00), 1 to no limit"
    }
    same = World(TEAM, {"acme": 5}, {"ana": (5, "acme")})
    unchanged = effects_of(same, set_user(same, "ana", None))
    assert effects_lines(unchanged, verdict_of(unchanged), at=NOW) == ["Exposure: $20 a month, unchanged."]


def test_many_landings_end_after_a_few() -> None:
    groups = [f"acme/g{number}" for number in range(8)]
    members = {"acme": [f"p{n}" for n in range(8)], "acme/all": [f"p{n}" for n in range(8)]}
    world = World(
        {**members, **{group: [f"p{n}"] for n, group in enumerate(groups)}},
        {"acme/all": 100, **{group: n + 1 for n, group in enumerate(groups[:7])}},
    )
    action = set_group(world, "acme/all", None)
    (note,) = action_notes((action,), effects_of(world, action)).values()
    assert note.startswith("8 people fall back: 1 to g0 ($1.00), ")
    assert note.endswith(", 3 elsewhere")


def test_ten_thousand_people_fit_a_screen() -> None:
    people = [f"p{number:05}" for number in range(10_000)]
    groups = {f"acme/g{number:02}": people[number::40] for number in range(40)}
    world = World({"acme": people, **groups}, {group: 100 + n for n, group in enumerate(groups)} | {"acme": 50})
    actions = tuple(set_group(world, group, 60 if n % 2 else 0) for n, group in enumerate(groups))
    spend = {group: dict.fromkeys(members, 70) for group, members in groups.items()} | {
        "acme": dict.fromkeys(people, 0)
    }
    assert text(effects_of(world, *actions, spend=spend)).splitlines() == [
        "Exposure: $1,195,000 -> $550,000 a month (-$645,000).",
        "  250 people  $100.00 (g00) -> $50.00 (Everyone)  by group/acme/g00",
        "  250 people  $101.00       -> $60.00             by group/acme/g01",
        "  250 people  $102.00 (g02) -> $50.00 (Everyone)  by group/acme/g02",
        "  250 people  $103.00       -> $60.00             by group/acme/g03",
        "  250 people  $104.00 (g04) -> $50.00 (Everyone)  by group/acme/g04",
        "  250 people  $105.00       -> $60.00             by group/acme/g05",
        "  250 people  $106.00 (g06) -> $50.00 (Everyone)  by group/acme/g06",
        "  250 people  $107.00       -> $60.00             by group/acme/g07",
        "  250 people  $108.00 (g08) -> $50.00 (Everyone)  by group/acme/g08",
        "  250 people  $109.00       -> $60.00             by group/acme/g09",
        "  7,500 people more in 30 other ways: --effects people",
        "Would be blocked now: 5,000 (p00001 spent $70.00 of $60.00, p00003 spent $70.00 of $60.00, "
        "p00005 spent $70.00 of $60.00, p00007 spent $70.00 of $60.00, p00009 spent $70.00 of $60.00 "
        "and 4,995 more).   BLOCKS_USERS=5000",
        "5,000 people move to the budget of another group, where spend is counted anew; "
        "$350,000.00 of this month no longer counts "
        "(p00000 $70.00, p00002 $70.00, p00004 $70.00, p00006 $70.00, p00008 $70.00).",
        "Refused:",
        "  BLOCKS_USERS: 5,000 people would be blocked now (p00001, p00003, p00005, p00007, p00009 and 4,995 more)",
        "    if that is meant, pass `--allow BLOCKS_USERS=5000`, or consent in the policy under `allow:`",
    ]


class Compared(str):
    """A name that counts how often a name is compared with another."""

    times = 0
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return str.__eq__(self, other)


def test_people_close_to_their_limit_are_not_compared_each_with_each() -> None:
    people = [f"p{number:04}" for number in range(2_000)]
    world = World({"acme": people}, {"acme": 100})
    effects = effects_of(world, set_group(world, "acme", 80), spend={"acme": dict.fromkeys(people, 70)})
    rows = tuple(replace(person, username=Compared(person.username)) for person in effects.people)
    effects = replace(effects, people=rows, nearing=tuple(Compared(name) for name in effects.nearing))
    lines = effects_lines(effects, verdict_of(effects), at=NOW)
    assert any(line.startswith("Close to their limit: 2,000 (p0000 spent $70.00 of $80.00, ") for line in lines)
    assert 2_000 <= Compared.times <= 20_000


def test_no_amount_is_said_where_nobody_is_known() -> None:
    world = World(TEAM, {"acme/eng": Unknown("500")})
    effects = assess((set_group(world, "acme", 5),), world.snapshot()).effects({})
    effects = replace(effects, exposure=replace(effects.exposure, people=0, unknown=2))
    assert effects_lines(effects, verdict_of(effects), at=NOW)[0] == "Exposure: not known (2 people)."


def test_a_raise_of_a_group_whose_members_are_hidden_does_not_claim_to_change_nobody() -> None:
    """Law 6: a member of Coder sees nobody but themself, and a group whose members all get more."""
    world = World(TEAM | {"acme/eng": []}, {"acme/eng": 20, "acme": 50}, hidden={"acme/eng": 1})
    action = set_group(world, "acme/eng", 90)
    effects = effects_of(world, action)
    effects = replace(effects, unclear=())
    assert action_notes((action,), effects) == {}
    assert "group/acme/eng has 1 member whom this token may not read; that person is not counted." in effects.unknown
    assert not dangers_to_people(effects)


def test_a_notice_says_what_it_is_about() -> None:
    """The titles of those that this change causes; of each of the others a line for all of its kind."""
    titles = {
        NoticeKind.EXPIRES_SOON: "Expires 2026-11-25 00:00 UTC, in 2 days",
        NoticeKind.DEAD: "Without effect",
        NoticeKind.REMOVABLE: "May be removed from the policy",
        NoticeKind.NOT_IN_SNAPSHOT: "Not in this snapshot",
        NoticeKind.RENAMED: "Renamed since",
        NoticeKind.NAMESAKE: "Perhaps meant for another person",
        NoticeKind.STRAY: "Override that no policy manages",
        NoticeKind.AWAITED: "Starts 2026-11-25 00:00 UTC, in 2 days",
        NoticeKind.STARTS_LATER: "Starts 2026-11-25 00:00 UTC, in 2 days",
        NoticeKind.END_MOVED: "Another end",
        NoticeKind.TAKEN_OUT: "Taken out of the policy",
        NoticeKind.CHECK_AMOUNT: "Check the amount",
    }
    assert titles.keys() == {*NoticeKind}
    for kind, title in titles.items():
        notice = Notice(kind=kind, address="user/ana", place=None, text="is so", at=NOW + timedelta(days=2))
        (line,) = notice_lines((notice,), NOW, Detail.SUMMARY)
        assert line == f"{title}: user/ana is so."
        (folded,) = notice_lines((replace(notice, is_standing=True),), NOW, Detail.SUMMARY)
        assert "user/ana" in folded
        assert folded != line


def test_a_notice_in_a_comment_says_what_to_do() -> None:
    """A comment said "user/carol: has ended", and only the text that the entry may be removed."""
    effects = effects_of(World(TEAM))
    kinds = (NoticeKind.REMOVABLE, NoticeKind.RENAMED, NoticeKind.STRAY)
    notices = tuple(Notice(kind=kind, address="user/ana", place=None, text="is so", at=NOW) for kind in kinds)
    made = replace(plan(), effects=replace(effects, notices=notices))
    hints = {problem.rule: problem.hint for problem in problems_of_plan(made)}
    assert all(hints[str(kind)] for kind in kinds)
    awaited = replace(notices[0], kind=NoticeKind.AWAITED)
    messages = [row.message for row in problems_of_plan(replace(made, effects=replace(effects, notices=(awaited,))))]
    assert f"user/ana: starts {NOW:%Y-%m-%d}" in " ".join(messages)
