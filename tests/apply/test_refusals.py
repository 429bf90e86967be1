"""What is refused before the first write, and that then nothing was written: exit codes and reasons."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.core.budget import OrganizationId
from reconciler.errors import DeniedError, RefusedError
from reconciler.operations.checks import require_ready
from reconciler.sandbox import Fault, Options, Sandbox
from tests.apply.memory import Memory, plan_of
from tests.apply.site import SEVEN, Site
from tests.effects.worlds import NOW, World, set_group, set_user

Edit = Callable[[str], str]


@pytest.fixture
def planned(site: Site) -> Site:
    """A saved plan of seven changes."""
    site.policy(*SEVEN)
    assert site.run("plan", "-o", "saved.plan").code == 0
    return site


def edited(change: Callable[[dict[str, Any]], None]) -> Edit:
    def edit(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, indent=2)

    return edit


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (edited(lambda plan: plan["actions"].pop()), "edited by hand or damaged"),
        (edited(lambda plan: plan["actions"][0]["after"].update(limit_micros=1)), "edited by hand or damaged"),
        (edited(lambda plan: plan.update(version=4)), "format version 4"),
        (edited(lambda plan: plan.update(version="x")), "format version 'x'"),
        (lambda text: text[: len(text) // 2], "is not complete: it breaks off in the middle"),
        (lambda text: text[:60], "copy the file once more from where it was made, or make it again"),
    ],
)
def test_a_plan_that_is_not_as_it_was_saved(planned: Site, edit: Edit, reason: str) -> None:
    file = planned.folder / "saved.plan"
    file.write_text(edit(file.read_text()))
    said = planned.apply("saved.plan")
    assert said.code == 1
    assert reason in said.err
    assert planned.writes == []
    assert planned.journals == []


def test_a_plan_for_another_deployment(planned: Site) -> None:
    with Sandbox(Options(seed="empty")) as other:
        said = planned.apply("saved.plan", url=other.url, token=other.tokens["user-admin"])
        assert [request for request in other.requests if request.method in ("PUT", "DELETE")] == []
    assert said.code == 3
    assert "The plan is for the deployment" in said.err


def test_a_plan_for_another_day_is_applied_only_by_who_says_so(planned: Site) -> None:
    said = planned.run("plan", "-o", "saved.plan", "--at", "2031-03-02")
    assert "\nFor 2031-03-02, not for now.\n" in said.out
    said = planned.apply("saved.plan")
    assert (said.code, planned.writes) == (3, [])
    assert "was made for another day (--at 2031-03-02); nothing was written" in said.err
    said = planned.apply("--at", "2031-03-02")
    assert said.code == 0
    assert "For 2031-03-02, not for now." in said.out
    assert "the plan is for 2031-03-02, and is written now. To wait for its dates, leave out --at." in said.err


def test_a_saved_plan_speaks_of_who_applies_it(planned: Site) -> None:
    said = planned.apply("saved.plan", token=planned.sandbox.tokens["owner"])
    assert said.code == 0
    user = planned.outcome.started.deployment.user
    assert user != json.loads((planned.folder / "saved.plan").read_text())["deployment"]["user"]
    assert f", as {user} (" in said.out


def test_a_stale_plan_names_every_difference_with_both_values(planned: Site) -> None:
    planned.sandbox.execute(*planned.set_budget("platform", 555))
    planned.sandbox.execute("DELETE FROM user_ai_budget_overrides WHERE user_id = ?", (planned.id_of("ana"),))
    said = planned.apply("saved.plan")
    assert said.code == 3
    assert "2 of 7 planned objects changed since it was made; nothing was written" in said.err
    assert "group/acme/platform: the plan saw $500.00, live is $555.00" in said.err
    assert "user/ana: the plan saw $1,500.00 (platform), live is no override" in said.err
    assert planned.writes == []
    assert planned.journals == []


def test_what_cannot_be_read_again_is_no_ground_to_write_on(planned: Site) -> None:
    group = planned.id_of("platform")
    planned.sandbox.fault(
        Fault("status", method="GET", path="*/groups/ai/spend", times=9, status=404, body={"message": "x"})
    )
    planned.sandbox.fault(Fault("status", method="GET", path=f"*/groups/{group}/ai/budget", times=9, status=500))
    assert planned.apply("saved.plan").code in (1, 3)
    assert planned.writes == []


def test_already_done_is_counted_so_and_needs_no_write(planned: Site) -> None:
    assert planned.apply("saved.plan").code == 0
    before = len(planned.writes)
    said = planned.apply("saved.plan")
    assert said.code == 0
    assert "Apply complete: 0 created, 0 updated, 0 deleted, 7 already done." in said.out
    assert "Journal:" not in said.err
    assert (before, 1) == (len(planned.writes), len(planned.journals))
    assert planned.apply("saved.plan", "--json").document["journal"] == ""


def test_some_already_done(planned: Site) -> None:
    planned.sandbox.execute(*planned.set_budget("platform", 600))
    said = planned.apply("saved.plan")
    assert said.code == 0
    assert "Apply complete: 3 created, 1 updated, 2 deleted, 1 already done." in said.out
    assert len(planned.writes) == 6


@pytest.mark.parametrize("source", ["saved.plan", "policies"])
def test_the_expected_digest(planned: Site, source: str) -> None:
    digest = json.loads((planned.folder / "saved.plan").read_text())["digest"]
    for wrong, code in (("0" * 12, 3), (digest[:11], 1), (digest[:12] + "0" * 52, 3)):
        said = planned.apply(source, "--expect-digest", wrong)
        assert (code, []) == (said.code, planned.writes)
        assert ("is not a digest" if code == 1 else "nothing was written") in said.err
    assert planned.apply(source, "--expect-digest", digest[:12].upper()).code == 0
    assert len(planned.writes) == 7


def test_a_digest_of_a_plan_that_somebody_has_applied(planned: Site) -> None:
    digest = json.loads((planned.folder / "saved.plan").read_text())["digest"]
    assert planned.apply().code == 0
    assert planned.apply("--expect-digest", digest).code == 3


def test_an_organization_admin_learns_it_before_half_of_the_work_is_done(planned: Site) -> None:
    planned.role = "organization-admin"
    said = planned.apply()
    assert said.code == 1
    assert "may not write user overrides; only an Owner or a User Admin may" in said.err
    assert "Admin may; nothing was written." in said.err
    assert planned.writes == []
    assert planned.journals == []


def test_an_organization_admin_may_write_the_budgets_of_their_groups(site: Site) -> None:
    site.policy("platform: $600", "design: none")
    site.role = "organization-admin"
    assert site.apply().code == 0
    site.policy("ml: $1", organization="labs", name="labs")
    said = site.apply()
    assert said.code == 1
    assert len(site.writes) == 2


def test_without_a_terminal_nobody_is_asked(planned: Site) -> None:
    said = planned.run("apply")
    assert (said.code, planned.writes) == (1, [])
    assert "pass --auto-approve" in said.err


def test_no_journal_no_write(planned: Site) -> None:
    (planned.folder / "taken.jsonl").write_text("another's record")
    for place, reason in (("taken.jsonl", "exists already"), ("policies/acme.yaml/x", "cannot be written")):
        said = planned.apply("--journal", place)
        assert (said.code, planned.writes) == (1, [])
        assert reason in said.err
        assert "nothing was written" in said.err


def test_a_full_disk_before_the_first_line(planned: Site) -> None:
    (planned.folder / "full").symlink_to("/dev/full")
    assert planned.apply("--journal", "full").code == 1
    said = planned.apply("--json", "--journal", "j.jsonl", disk=200)
    assert said.code == 1
    assert "cannot be written" in said.err
    assert planned.writes == []
    assert not (planned.folder / "j.jsonl").exists()
    assert planned.apply("--journal", "j.jsonl").code == 0


def test_a_hazard_without_consent(site: Site) -> None:
    site.policy("zoe contractors: $0")
    file = site.folder / "policies" / "acme.yaml"
    file.write_text(file.read_text().partition("allow:")[0])
    said = site.apply()
    assert (said.code, site.writes) == (3, [])
    assert "--allow BLOCKS_USERS=1" in said.out + said.err
    assert site.apply("--allow", "BLOCKS_USERS=1").code == 0
    assert site.outcome.started.consents


def test_an_organization_whose_groups_cannot_be_read_is_not_empty(site: Site) -> None:
    body = {"message": "Resource not found or you do not have access to this resource"}
    site.policy(exact=True)
    for command in (["drift"], ["plan"], ["apply", "--auto-approve"], ["export", "acme"]):
        site.sandbox.fault(Fault("status", path="*/organizations/*/groups", status=404, body=body, times=2))
        said = site.run(*command)
        assert (said.code, said.out) == (1, ""), said
        assert "The groups of organization acme cannot be read" in said.err
    assert site.writes == []


@dataclass
class Asked(Memory):
    """A Coder that remembers what it was asked whether it may be written."""

    asked: list[tuple[list[str], bool]] = field(default_factory=list)
    missing: tuple[str, ...] = ()

    def may_write(self, *, organizations: Collection[OrganizationId], overrides: bool) -> tuple[str, ...]:
        self.asked.append((list(organizations), overrides))
        return self.missing


def test_before_the_first_write_a_run_asks_for_the_right_to_write_what_its_plan_holds() -> None:
    members = {"acme": ["ana"], "acme/eng": ["ana"], "beta": []}
    world = World(members, {"acme/eng": 20, "beta": 5}, {"ana": (9, "acme")})
    user, eng, beta = set_user(world, "ana", None), set_group(world, "acme/eng", 25), set_group(world, "beta", 6)
    memory = Asked(world.snapshot())
    for actions in ((user, eng, beta), (user,), (eng,)):
        require_ready(plan_of(world, *actions), memory, now=NOW)
    assert memory.asked == [(["acme", "beta"], True), ([], True), (["acme"], False)]
    memory.missing = ("the group budgets of beta.",)
    with pytest.raises(DeniedError, match=r"may not write all of this plan: the group budgets of beta; nothing"):
        require_ready(plan_of(world, beta), memory, now=NOW)


def test_the_deployment_that_is_written_is_that_of_the_plan() -> None:
    world = World({"acme": []}, {"acme": 5})
    memory, plan = Memory(world.snapshot()), plan_of(world, set_group(world, "acme", 6))
    other = replace(plan, deployment=replace(plan.deployment, id="d-2"))
    with pytest.raises(RefusedError, match="The plan is for the deployment d-2"):
        require_ready(other, memory, now=NOW)
    assert require_ready(plan, memory, now=NOW).group_budgets == memory.snapshot.group_budgets
