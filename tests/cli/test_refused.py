"""An apply that writes nothing: text and JSON show the same plan, amounts, counts and refusals."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping

import pytest

from reconciler.core.policy import GuardrailName, Hazard
from reconciler.money import Micros, format_usd, parse_usd
from reconciler.sandbox import Sandbox
from tests.cli.running import AT, BLOCKS_BOB, COMPANY, RAISE_PLATFORM, Ran, Shell
from tests.documents.test_agreement import amounts_of

ALL_GROUPS = "version: 1\norganization: acme\nmanage: {group_budgets: exact}\ngroup_budgets: []\n"
NO_LIMIT_FOR_PLATFORM = RAISE_PLATFORM.replace("$1,000", "none") + "  - {group: Everyone, limit: none}\n"
FOR_EVER = BLOCKS_BOB.replace("$200", "$1600")

POLICIES: Mapping[Hazard | GuardrailName, str] = {
    Hazard.BLOCKS_USERS: BLOCKS_BOB,
    Hazard.REMOVES_LIMIT: NO_LIMIT_FOR_PLATFORM,
    Hazard.UNSEEN_PEOPLE: RAISE_PLATFORM.replace("$1,000", "$1"),
    Hazard.MASS_CHANGE: ALL_GROUPS,
    Hazard.UNREAD_POLICY: RAISE_PLATFORM,
    GuardrailName.MAX_LIMIT: RAISE_PLATFORM + "guardrails: {max_limit: $900}\n",
    GuardrailName.MAX_EXPOSURE: RAISE_PLATFORM + "guardrails: {max_exposure: $900}\n",
    GuardrailName.REQUIRE_REASON_ABOVE: RAISE_PLATFORM + "guardrails: {require_reason_above: $900}\n",
    GuardrailName.MAX_OVERRIDE_DAYS: FOR_EVER + "guardrails: {max_override_days: 30}\n",
}
"""What is refused, for each reason that there is."""
_USD = re.compile(r"\$(\d[\d,]*(?:\.\d+)?)")


def test_every_reason_to_refuse_has_its_policy() -> None:
    assert {*POLICIES} == {*Hazard, *GuardrailName}


@pytest.mark.parametrize("reason", POLICIES, ids=str)
def test_text_and_json_of_a_refused_apply_say_the_same(
    coder: Shell, company: Sandbox, reason: Hazard | GuardrailName
) -> None:
    coder.connect(company, "member" if reason is Hazard.UNSEEN_PEOPLE else "user-admin").policy(POLICIES[reason])
    if reason is Hazard.UNREAD_POLICY:
        coder.policy("organization: acme\n", "policies/.hidden.yaml")
    planned = coder.run("plan", "--json", "--no-forecast", *AT)
    text = coder.run("apply", "--auto-approve", *AT)
    ran = coder.run("apply", "--auto-approve", "--json", *AT)
    assert (text.code, ran.code, planned.code) == (3, 3, 3)
    document = ran.document
    assert document["plan"]["actions"] == planned.document["actions"]
    assert document["plan"]["verdict"] == planned.document["verdict"]
    assert agrees(text, document)
    verdict = document["plan"]["verdict"]
    dangers, breaches = verdict["dangers"], verdict["breaches"]
    assert {str(reason)} <= {row["hazard"] for row in dangers} | {row["guardrail"] for row in breaches}
    for detail in document["refusal"]["details"]:
        message = detail.split("; ")[0].split(": ", 1)[-1]
        assert message in text.out, "text names each refusal"
    assert text.out.count("Refused") + text.out.count("refused") >= 1
    assert "nothing was written" in text.err


def agrees(text: Ran, document: dict[str, object]) -> bool:
    """Whether all that a text states of a plan is in the document, and each of its actions in the text."""
    plan = document["plan"]
    assert isinstance(plan, dict)
    kinds = Counter(action["kind"] for action in plan["actions"])
    if kinds:
        counts = ", ".join(f"{kinds[kind]} to {kind}" for kind in ("create", "update", "delete"))
        assert f"Plan: {counts}" in text.out
    for action in plan["actions"]:
        assert action["address"] in text.out
        for side in ("before", "after"):
            micros = action[side].get("limit_micros")
            assert (format_usd(micros) if micros is not None else "no limit") in text.out
    amounts = amounts_of(document)
    rounded = {amount // unit * unit + more for amount in amounts for unit in (10_000, 1_000_000) for more in (0, unit)}
    rounded |= {parse_usd(amount, maximum=Micros(10**18)) for amount in guardrail_amounts(plan)}
    stated = {parse_usd(amount, maximum=Micros(10**18)) for amount in _USD.findall(text.out)}
    assert stated <= amounts | rounded, sorted(stated - amounts - rounded)
    assert document["counts"] == {
        "already-done": 0, "conflict": 0, "done": 0, "failed": 0, "in-doubt": 0, "not-attempted": len(plan["actions"]),
    }  # fmt: skip
    return document["run"] == "" and document["is_complete"] is False


def guardrail_amounts(plan: dict[str, object]) -> list[str]:
    """Amounts that stand in the sentences of broken guardrails."""
    return _USD.findall(json.dumps(plan["verdict"]))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--auto-approve", "--expect-digest", "0" * 12], 3, "The plan has the digest"),
        ([], 1, "so nobody can be asked to approve the plan; nothing was written"),
        (["--auto-approve", "--journal", "policies/acme.yaml"], 1, "policies/acme.yaml"),
    ],
)
def test_what_stops_an_apply_after_its_plan_was_shown_has_the_plan(
    coder: Shell, arguments: list[str], code: int, message: str
) -> None:
    coder.policy(RAISE_PLATFORM)
    text = coder.run("apply", *arguments, *AT)
    ran = coder.run("apply", *arguments, "--json", *AT)
    assert (text.code, ran.code) == (code, code)
    assert message in ran.document["refusal"]["message"]
    assert ran.document["exit_code"] == ran.document["refusal"]["exit_code"] == code
    assert agrees(text, ran.document)
    coder.set(GITHUB_OUTPUT=str(coder.folder / "outputs"))
    coder.run("apply", *arguments, "--format", "csv", "--save", "github=log", "--save", "markdown=page.md", *AT)
    assert ("refused=true\n" in (coder.folder / "outputs").read_text()) == (code == 3)
    assert ("⛔ refused, 1 change not made" in (coder.folder / "page.md").read_text()) == (code == 3)


@pytest.mark.parametrize(("code", "word"), [(3, "refused"), (1, "error")])
def test_what_ends_before_there_is_a_plan_says_whether_it_was_refused(shell: Shell, code: int, word: str) -> None:
    """Exit code 3, `refused` of GitHub and the headlines are one statement."""
    with Sandbox(COMPANY) as company:
        shell.connect(company).policy(RAISE_PLATFORM)
        assert shell.run("apply", "--auto-approve", "--journal", "run.jsonl", *AT).code == 0
        journal = shell.folder / "run.jsonl"
        another = re.sub(r'("deployment": {"id": ")[^"]*', r"\g<1>another", journal.read_text())
        journal.write_text(another if code == 3 else another[:90])
        shell.set(GITHUB_OUTPUT=str(shell.folder / "outputs"))
        saves = ("--save", "github=log", "--save", "markdown=page.md", "--save", "html=page.html")
        assert shell.run("revert", "run.jsonl", "--auto-approve", *saves).code == code
    assert ("refused=true\n" in (shell.folder / "outputs").read_text()) == (code == 3)
    assert f"⛔ {word}" in (shell.folder / "page.md").read_text()
    assert f"AI budgets: {word}" in (shell.folder / "page.html").read_text()


def test_who_may_not_write_sees_the_plan_in_every_format(coder: Shell, company: Sandbox) -> None:
    coder.connect(company, "auditor").policy(RAISE_PLATFORM)
    ran = coder.run("apply", "--auto-approve", "--json", *AT)
    assert ran.code == 1
    assert "may not write" in ran.document["refusal"]["message"]
    assert [action["address"] for action in ran.document["plan"]["actions"]] == ["group/acme/platform"]


def test_the_pages_of_a_refused_apply_show_the_plan_and_why(coder: Shell) -> None:
    coder.policy(BLOCKS_BOB)
    saves = [f"{name}=refused.{name}" for name in ("json", "text", "markdown", "html", "csv", "junit", "metrics")]
    options = [argument for save in saves for argument in ("--save", save)]
    ran = coder.run("apply", "--auto-approve", "--format", "github", *options, *AT)
    assert ran.code == 3
    pages = {save.partition("=")[0]: (coder.folder / save.partition("=")[2]).read_text() for save in saves}
    for name in ("text", "markdown", "html"):
        assert "$200" in pages[name], name
        assert "bob" in pages[name], name
        assert "1 person would be blocked" in pages[name] or "`BLOCKS_USERS` 1" in pages[name], name
    assert "AI budgets: ⛔ refused, 1 change not made" in pages["markdown"]
    assert "> This plan is refused, and nothing was written." in pages["markdown"], "`apply` has run"
    assert "refused, 1 change not made" in pages["html"]
    assert 'name="BLOCKS_USERS"' in pages["junit"]
    assert '<skipped message="The plan is refused for 1 reason; nothing was written"/>' in pages["junit"]
    assert "reconciler_apply" not in pages["metrics"], "no run began"
    assert "::error title=AI budgets%3A BLOCKS_USERS,file=policies/acme.yaml,line=5,col=12::" in ran.out
    for name in ("text", "markdown", "html", "junit"):
        assert coder.run("show", "refused.json", "--format", name).code == 0


def test_a_page_of_several_runs_says_why_there_was_none(shell: Shell) -> None:
    with Sandbox(COMPANY) as company:
        shell.connect(company).policy(RAISE_PLATFORM)
        shell.policy(BLOCKS_BOB, "bob.yaml")
        shell.run("apply", "--auto-approve", *AT, "--save", "json=done.json")
        shell.run("apply", "bob.yaml", "--auto-approve", *AT, "--save", "json=refused.json")
    for name in ("markdown", "html"):
        page = shell.run("show", "done.json", "refused.json", "--format", name).out
        assert "not finished, 1 of 2 changes made" in page
        assert "BLOCKS_USERS" in page
    assert "Nothing was written" not in shell.run("show", "refused.json", "--format", "html").out, "said once"


@pytest.mark.parametrize("digest", ["", " ", "0", "0" * 11, "0" * 65, "z" * 12])
def test_what_is_not_a_digest_is_told_before_anything_is_read(own: Shell, digest: str) -> None:
    """An empty variable of a pipeline is one of them."""
    own.policy(RAISE_PLATFORM)
    ran = own.run("apply", "--auto-approve", "--expect-digest", digest)
    assert ran.code == 1
    assert f"{digest!r} is not a digest; give the 12 characters that `plan` shows" in ran.err
    assert not ran.out
    planned = own.run("plan", "--json", *AT).document["digest"]
    assert own.run("apply", "--auto-approve", "--expect-digest", f" {planned[:12].upper()}\n", *AT).code == 0
