"""A saved plan is its author's input: what it says of consents, dangers and names is not believed.

Whoever can write the file can compute its checksum, and does so here.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.core.action import Action
from reconciler.core.plan.plan import digest
from reconciler.formats import codec
from reconciler.render.formats import FORMATS
from tests.apply.site import Said, Site
from tests.documents.test_hostile_files import with_checksum

LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
EXACT = "version: 1\norganization: acme\nmanage: {group_budgets: exact, user_overrides: listed}\n"
CUT = "group_budgets: [{group: platform, limit: $60}]\n"
"""It blocks carol, who has spent $96.40."""


def write(site: Site, text: str, name: str = "acme.yaml") -> None:
    (site.folder / "policies").mkdir(exist_ok=True)
    (site.folder / "policies" / name).write_text(text)


def save(site: Site, text: str, *arguments: str) -> Any:
    """Save a plan of a policy; return the file's document."""
    write(site, text)
    said = site.run("plan", "-o", "saved.plan", *arguments)
    assert said.code in (0, 3), said.err
    return json.loads((site.folder / "saved.plan").read_text())


def forge(site: Site, document: Any, change: Callable[[Any], None]) -> None:
    """Change a saved plan, with a right digest and checksum."""
    change(document)
    for action in document["actions"]:
        action["address"] = (
            f"user/{action['subject']['username']}"
            if action["subject"]["type"] == "user"
            else f"group/{action['subject']['organization']}/{action['subject']['name']}"
        )
    actions = codec.decode(tuple[Action, ...], document["actions"])
    document["digest"] = digest(document["deployment"]["id"], actions)
    (site.folder / "saved.plan").write_text(with_checksum(document))


def refused(site: Site, *arguments: str) -> Said:
    said = site.apply("saved.plan", *arguments)
    assert said.code == 3, said
    assert (site.writes, site.journals) == ([], [])
    return said


def test_consents_in_the_plan_do_not_count(site: Site) -> None:
    save(site, LISTED + CUT, "--allow", "BLOCKS_USERS=9")
    assert "pass `--allow BLOCKS_USERS=1`" in refused(site).out
    assert site.apply("saved.plan", "--allow", "BLOCKS_USERS=1").code == 0


def test_consents_of_its_policy_files_count_while_the_files_are_as_they_were(site: Site) -> None:
    allow = "allow: [{hazard: BLOCKS_USERS, up_to: 1, reason: agreed}]\n"
    save(site, LISTED + CUT + allow)
    write(site, LISTED + CUT + allow + "# changed\n")
    assert "policies/acme.yaml has changed" in refused(site).err
    write(site, LISTED + CUT + "limit\n")
    assert "The policy files here are not those that the plan was made from" in refused(site).err
    (site.folder / "policies" / "acme.yaml").unlink()
    (site.folder / "policies" / "acme.yaml").symlink_to("nowhere")
    said = refused(site).err
    assert "policies/acme.yaml:1:1: the link leads to no file" in said
    assert "has changed" not in said
    (site.folder / "policies" / "acme.yaml").unlink()
    write(site, LISTED + CUT + allow)
    assert site.apply("saved.plan").code == 0


def test_a_file_whose_name_is_a_sentence_reads_as_none_of_ours_where_it_has_changed(site: Site) -> None:
    name = "x. Approved by zed.yaml"
    write(site, LISTED + CUT, name)
    site.run("plan", "-o", "saved.plan")
    for text in (LISTED, "<<<<<<< ours\n"):
        write(site, text, name)
        refused(site, "--save", "markdown=page.md")
        page = (site.folder / "page.md").read_text()
        assert "- '`policies/x. Approved by zed.yaml" in page


@pytest.mark.parametrize("has_policy", [True, False])
def test_a_change_does_not_become_another_reasons_when_its_plan_is_applied(site: Site, *, has_policy: bool) -> None:
    """The policy before is not looked up again, so nobody knows then what this change asks for."""
    (site.folder / "before.yaml").write_text(LISTED + "group_budgets: [{group: design, limit: $150}]\n")
    write(site, LISTED + "group_budgets: [{group: design, limit: $200}]\n")
    assert "not by this change" not in site.run("plan", "-o", "saved.plan", "--base", "before.yaml").out
    if not has_policy:
        (site.folder / "policies" / "acme.yaml").unlink()
    said = site.apply("saved.plan", "--save", "json=outcome.json")
    assert said.code == 0, said
    assert "not by this change" not in said.out
    assert json.loads((site.folder / "outcome.json").read_text())["plan"]["has_base"] is False


@pytest.mark.parametrize("has_policy", [True, False])
def test_an_entry_that_could_not_be_applied_is_told_as_it_is_today(site: Site, *, has_policy: bool) -> None:
    """As after an upgrade of Coder to a version that has overrides."""
    overrides = (
        "user_overrides: [{user: eve, group: platform, limit: $90}, {user: nobody, group: platform, limit: $9}]\n"
    )
    write(site, LISTED + "group_budgets: [{group: design, limit: $200}]\n" + overrides)
    assert "! user/eve  eve is not a member of" in site.run("plan", "-o", "saved.plan").out
    (eve,) = site.sandbox.execute("SELECT id FROM users WHERE username = 'eve'")
    site.sandbox.execute(
        "INSERT INTO group_members (user_id, group_id) VALUES (?, ?)", (eve[0], site.id_of("platform"))
    )
    if not has_policy:
        (site.folder / "policies" / "acme.yaml").unlink()
    said = site.apply("saved.plan")
    assert said.code == 0, said
    assert "! user/eve  when this plan was made: eve is not a member of" in said.out
    assert "policies/acme.yaml:5:25: plan again: what could not be applied then may be possible now\n" in said.out
    assert ("! user/nobody  user 'nobody' is unknown" in said.out) is has_policy


def test_an_entry_that_could_not_be_applied_before_the_change_either_stays_no_news(site: Site) -> None:
    gone = "user_overrides: [{user: nobody, group: platform, limit: $9}]\n"
    (site.folder / "before.yaml").write_text(LISTED + gone)
    write(site, LISTED + "group_budgets: [{group: design, limit: $200}]\n" + gone)
    planned = site.run("plan", "-o", "saved.plan", "--base", "before.yaml")
    said = site.apply("saved.plan")
    assert said.code == 0, said
    for text in (planned.out, said.out):
        assert "user 'nobody' is unknown (it was so before this change)" in text


def test_a_policy_that_was_not_read_when_the_plan_was_made_is_still_not_known(site: Site) -> None:
    """A raise could exceed a limit that its guardrails set."""
    write(site, "organization: acme\n", ".hidden.yaml")
    save(site, LISTED + "group_budgets: [{group: platform, limit: $600}]\n", "--allow", "UNREAD_POLICY=1")
    assert "pass `--allow UNREAD_POLICY=1`" in refused(site).out
    assert site.apply("saved.plan", "--allow", "UNREAD_POLICY=1").code == 0


def test_where_the_policy_files_are_not_here_only_the_command_line_consents(site: Site) -> None:
    save(site, LISTED + CUT + "allow: [{hazard: BLOCKS_USERS, up_to: 1, reason: agreed}]\n")
    (site.folder / "policies" / "acme.yaml").unlink()
    said = refused(site)
    assert "Note: the policy files of this plan are not here." in said.err
    assert "pass `--allow BLOCKS_USERS=1`" in said.out
    assert site.apply("saved.plan", "--allow", "BLOCKS_USERS=1").code == 0


def test_dangers_are_counted_again_whatever_the_plan_says(site: Site) -> None:
    document = save(site, EXACT + "group_budgets: []\n")
    assert any(danger["hazard"] == "MASS_CHANGE" for danger in document["verdict"]["dangers"])
    forge(site, document, lambda plan: plan.update(verdict=_nothing_said()))
    said = refused(site)
    assert "MASS_CHANGE" in said.out
    (site.folder / "policies" / "acme.yaml").unlink()
    assert "MASS_CHANGE" in refused(site).out


def test_what_the_plan_admits_counts_where_the_policy_files_are_not_here(site: Site) -> None:
    save(site, EXACT + "group_budgets: [{group: Everyone, limit: $55}]\nguardrails: {max_limit: $10}\n")
    (site.folder / "policies" / "acme.yaml").unlink()
    said = refused(site, "--allow", "REMOVES_LIMIT=99", "--allow", "BLOCKS_USERS=99")
    assert "over the max_limit of $10.00" in said.out


def test_guardrails_are_checked_again(site: Site) -> None:
    document = save(site, LISTED + "group_budgets: [{group: platform, limit: $600}]\nguardrails: {max_limit: $550}\n")
    forge(site, document, lambda plan: plan.update(verdict=_nothing_said()))
    assert "over the max_limit of $550.00" in refused(site).out


def test_an_action_that_its_policy_does_not_want_is_refused(site: Site) -> None:
    document = save(site, LISTED + "group_budgets: [{group: platform, limit: $600}]\n")
    forge(site, document, lambda plan: plan["actions"][0]["after"].update(limit_micros=900_000_000_000))
    said = refused(site)
    assert "group/acme/platform: a change to $600.00 would be made now" in said.err


def test_an_override_whose_end_has_passed_since_is_not_set(site: Site) -> None:
    document = save(site, LISTED + 'user_overrides: [{user: eve, group: data, limit: "$90", expires: 2999-01-01}]\n')
    forge(site, document, lambda plan: plan["actions"][0].update(expires="2020-01-01T00:00:00Z"))
    said = refused(site)
    assert "The plan is stale: 1 override ended since it was made; nothing was written" in said.err
    assert "user/eve: $90.00 (data) ended" in said.err


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if "outcome" in row.documents])
def test_every_format_says_which_saved_plan_was_refused_and_what_differs(site: Site, name: str) -> None:
    """The machine formats of a stale plan had the reasons, and not the plan that they are about."""
    document = save(site, LISTED + "group_budgets: [{group: platform, limit: $600}, {group: design, limit: $210}]\n")
    site.sandbox.execute(*site.set_budget("platform", 700))
    said = site.apply("saved.plan", "--auto-approve", "--format", name)
    assert (said.code, site.writes) == (3, [])
    refused(site, "--save", f"{name}=saved.page")
    page = (site.folder / "saved.page").read_text()
    if name == "metrics":
        assert 'reconciler_last_run_exit_code{command="apply"} 3.0' in page
        return
    shown = html.unescape(page.replace("`", ""))
    differs = "group/acme/platform: the plan saw $500.00, live is $700.00"
    assert differs in shown
    if name != "text":  # a terminal gets the error alone, which says the same
        assert differs in html.unescape(said.out.replace("`", ""))
    if name == "json":
        outcome = json.loads(page)
        assert (outcome["format"], outcome["plan"], outcome["digest"]) == (
            "reconciler outcome",
            None,
            document["digest"],
        )
        assert [row["action"] for row in outcome["results"]] == document["actions"]
        assert outcome["counts"]["not-attempted"] == 2
    elif name != "codequality":  # it has problems and nothing else
        assert "group/acme/design" in shown
    if name in ("text", "markdown", "html", "github"):
        assert document["digest"][:12] in shown
    assert "There was nothing to do" not in shown
    (site.folder / "outcome.json").write_text(site.apply("saved.plan", "--json").out)
    again = site.run("show", "outcome.json", "--format", name).out
    assert differs in html.unescape(again.replace("`", ""))


@pytest.mark.parametrize("are_files_here", [True, False])
def test_a_name_that_does_not_belong_to_its_id_is_refused(site: Site, are_files_here: bool) -> None:
    document = save(site, LISTED + "group_budgets: [{group: platform, limit: $600}]\n")
    forge(site, document, lambda plan: plan["actions"][0]["subject"].update(name="design"))
    if not are_files_here:
        (site.folder / "policies" / "acme.yaml").unlink()
    said = refused(site)
    assert "The plan does not fit this deployment in 1 place; nothing was written" in said.err
    assert "group/acme/design is called group/acme/platform here" in said.err


def test_a_user_by_anothers_id_and_an_override_on_anothers_group(site: Site) -> None:
    document = save(site, LISTED + 'user_overrides: [{user: eve, group: data, limit: "$90"}]\n')
    copy = json.dumps(document)
    forge(site, document, lambda plan: plan["actions"][0]["subject"].update(id=site.id_of("bob")))
    assert "user/eve is called user/bob here" in refused(site).err
    document = json.loads(copy)
    forge(site, document, lambda plan: plan["actions"][0]["after"]["group"].update(id=site.id_of("platform")))
    said = refused(site)
    assert "user/eve: the group group/acme/data of the plan is group/acme/platform here" in said.err


def test_what_this_token_may_not_read_is_not_said_to_have_another_name(site: Site) -> None:
    """It added that the group group/labs/ml of the plan is (its id) here, and told the same of an override's group."""
    entries = "group_budgets: [{group: ml, limit: $1001}]\nuser_overrides: [{user: hugo, group: ml, limit: $2001}]\n"
    save(site, LISTED.replace("acme", "labs") + entries)
    site.role = "organization-admin"  # of acme; it may read every person of the site, and not labs
    said = refused(site)
    ml = site.id_of("ml")
    assert "The plan does not fit this deployment in 2 places" in said.err
    assert f"  group/labs/ml is gone, or this token may not read it (its id is {ml})\n" in said.err
    assert f"  user/hugo: the group group/labs/ml (its id is {ml}) is gone, or this token may not read it\n" in said.err
    assert " here\n" not in said.err


@pytest.mark.parametrize("id_", ["no-uuid", "../../users/me", "9f8e12ab-0000-0000-0000-000000000000", ""])
def test_an_id_that_is_nobodys_is_refused(site: Site, id_: str) -> None:
    document = save(site, LISTED + "group_budgets: [{group: platform, limit: $600}]\n")
    forge(site, document, lambda plan: plan["actions"][0]["subject"].update(id=id_))
    assert "group/acme/platform is gone, or this token may not read it" in refused(site).err


def test_a_budget_of_another_group_is_refused(site: Site) -> None:
    document = save(site, LISTED + "group_budgets: [{group: platform, limit: $600}]\n")
    forge(site, document, lambda plan: plan["actions"][0]["after"]["group"].update(id=site.id_of("design")))
    assert "group/acme/platform would get a budget of another group, group/acme/design" in refused(site).err


def test_a_part_of_a_policy_is_a_plan_as_good_as_the_whole(site: Site) -> None:
    """--only at plan time: the rest of the policy is not applied, and not missed."""
    save(site, LISTED + "group_budgets: [{group: platform, limit: $600}, {group: design, limit: $160}]\n")
    assert site.run("plan", "-o", "saved.plan", "--only", "*/platform").code == 0
    assert site.apply("saved.plan").code == 0
    assert (site.budget("platform"), site.budget("design")) == (600, 150)


def _nothing_said() -> dict[str, Any]:
    return {"is_refused": False, "dangers": [], "breaches": [], "grants": []}
