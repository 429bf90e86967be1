"""What a run does and records: the journal's facts, conflicts, failures, what is not attempted, and no secret."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler import __version__
from reconciler.core.plan.outcome import Ending
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Fault, Options, Sandbox
from tests.apply.site import SEVEN, Site
from tests.chaos.commands import Launcher


def test_every_fact_of_a_run(site: Site) -> None:
    """Who, where, when, which policy at which revision, which plan; in the file that its owner alone may read."""
    site.policy(*SEVEN)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=site.folder, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/"})
    said = site.apply()
    assert said.code == 0
    (path,) = site.journals
    assert f"Journal: {path.relative_to(site.folder)}" in said.err
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    started, ended = site.outcome.started, site.outcome.ended
    assert len(started.revision) == 40
    assert (started.sources[0].path, len(started.sources[0].sha256)) == ("policies/acme.yaml", 64)
    assert "@" in started.who
    assert f"reconciler/{__version__}" == started.tool
    assert site.sandbox.url == started.deployment.url
    assert ended is not None
    assert ended.is_verified
    assert "Verified: 7 objects read again after the last write." in said.out
    agents = {row[0] for row in site.sandbox.execute("SELECT user_agent FROM audit_logs")}
    assert {f"reconciler/{__version__} plan/{started.digest[:12]}"} == agents
    assert {f"reconciler/{__version__} plan/{started.digest[:12]}"} == {request.user_agent for request in site.writes}


def test_git_add_all_does_not_commit_names_and_amounts(site: Site) -> None:
    site.policy("platform: $600")
    subprocess.run(["git", "init", "-q"], cwd=site.folder, check=True)
    assert site.apply().code == 0
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    done = subprocess.run(status, cwd=site.folder, check=True, capture_output=True, text=True)
    assert done.stdout == "?? policies/acme.yaml\n"


@pytest.mark.parametrize("command", ["apply", "revert"])
def test_an_empty_name_is_no_journal(site: Site, command: str) -> None:
    """`--journal "$UNSET"` passed for no `--journal` at all."""
    site.policy("platform: $600")
    said = site.run(*([command] if command == "apply" else [command, "some.jsonl"]), "--journal", "")
    assert (said.code, said.out, site.writes) == (1, "", [])
    assert "--journal: the name is empty; name a new file, or leave --journal out" in said.err


@pytest.mark.parametrize("ignored", ["", "new.yaml"])
def test_a_policy_that_git_does_not_hold_is_not_recorded_as_committed(site: Site, ignored: str) -> None:
    site.policy("platform: $600")
    (site.folder / ".gitignore").write_text(f".reconciler\n{ignored}\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=site.folder, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/"})
    site.policy("eng: $70", name="new")
    assert site.apply().code == 0
    assert site.outcome.started.revision.endswith("-dirty")


def test_a_plan_that_was_saved_elsewhere_is_not_recorded_under_our_commit(site: Site) -> None:
    site.policy(*SEVEN)
    subprocess.run(["git", "init", "-q"], cwd=site.folder, check=True)
    assert site.run("plan", "-o", "saved.plan").code == 0
    (site.folder / "policies" / "acme.yaml").unlink()
    consents = [f"--allow={hazard}=9" for hazard in ("REMOVES_LIMIT", "BLOCKS_USERS", "MASS_CHANGE")]
    assert site.apply("saved.plan", *consents).code == 0
    assert site.outcome.started.revision == ""


def test_it_writes_in_the_order_of_law_5(site: Site) -> None:
    site.policy(*SEVEN)
    assert site.apply("--parallelism", "1").code == 0
    names = {site.id_of(name): name for name in ("ana", "eve", "platform", "finance", "eng", "design", "bob")}
    order = [names[request.path.split("/")[4]] for request in site.writes]
    assert order == ["ana", "eve", "platform", "finance", "eng", "design", "bob"]


def test_who_leaves_a_group_during_a_run_stops_nobody_elses_changes(site: Site) -> None:
    """Coder refuses their override; every override after it was left undone."""
    site.policy("bella contractors: $300", "dan platform: $900", "eve data: $700", "platform: $400", "finance: $90")
    sql, parameters = "DELETE FROM group_members WHERE user_id = ? AND group_id = ?", ("dan", "platform")
    ids = tuple(map(site.id_of, parameters))
    site.sandbox.fault(Fault("change", method="PUT", path=f"*/{site.id_of('bella')}/*", sql=sql, parameters=ids))
    said = site.apply("--parallelism", "1")
    assert said.code == 4
    assert site.results == {
        "user/bella": "done",
        "user/dan": "conflict",
        "user/eve": "done",
        "group/acme/finance": "done",
        "group/acme/platform": "not-attempted",
    }
    assert "400 User is not a member of the referenced group" in said.out
    assert "they left the group of the override, or were never in it" in said.out
    assert "1 action not attempted: user/dan is in conflict, and what shares people with it was left alone." in said.out
    assert "To go on, look at a new plan: somebody else changed what is in conflict.\n" in said.out
    again = site.apply()
    assert "! user/dan  dan is not a member of group/acme/platform" in again.out
    assert (again.code, site.budget("platform")) == (0, 400)


def test_a_conflict_is_that_of_one_object(site: Site) -> None:
    """Changed between the fresh check and its own turn."""
    site.policy(*SEVEN)
    sql, parameters = site.set_budget("finance", 33)
    site.sandbox.fault(Fault("change", method="PUT", path=f"*/{site.id_of('ana')}/*", sql=sql, parameters=parameters))
    said = site.apply()
    assert said.code == 4
    assert "in conflict    group/acme/finance" in said.out
    assert "live is $33.00" in said.out
    assert "Apply incomplete: 2 created, 2 updated, 2 deleted, 1 in conflict." in said.out
    assert site.outcome.ended is not None
    assert (site.outcome.ended.ending, site.outcome.ended.why) == (Ending.COMPLETED, ""), "nothing was left undone"
    assert "To go on, look at a new plan: somebody else changed what is in conflict.\n" in said.out
    assert (site.budget("finance"), site.budget("design")) == (33, None)
    assert site.apply().code == 0


def test_a_failure_stops_later_phases_and_says_what_was_not_attempted(site: Site) -> None:
    site.policy(*SEVEN)
    site.sandbox.fault(
        Fault("status", method="PUT", path=f"*/{site.id_of('platform')}/*", status=403, body={"message": "No."})
    )
    said = site.apply()
    assert said.code == 4
    assert {"user/ana": "done", "user/eve": "done", "group/acme/platform": "failed"}.items() <= site.results.items()
    assert list(site.results.values()).count("not-attempted") == 4
    assert "4 actions not attempted: group/acme/platform failed.\n" in said.out
    assert "403 No;" in said.out
    assert "Apply incomplete: 1 created, 1 updated, 1 failed, 4 not attempted." in said.out
    assert len(site.writes) == 3
    assert site.run("show", str(site.journals[0])).out.endswith(said.out.partition("\n\n  updated")[2])


GO_ON = "To go on, run it again when the cause is gone: what is done is not done twice."


@pytest.mark.parametrize("target", ["policies", "saved.plan"])
def test_what_was_not_finished_says_how_to_go_on_and_goes_on(site: Site, target: str) -> None:
    site.policy(*SEVEN)
    site.run("plan", "-o", "saved.plan")
    fault = Fault("status", method="PUT", path=f"*/{site.id_of('platform')}/*", status=403, body={"message": "No."})
    site.sandbox.fault(fault)
    pages = ("--save", "markdown=apply.md", "--save", "html=apply.html")
    said = site.apply(target, *pages)
    assert (said.code, GO_ON in said.out) == (4, True)
    assert all(GO_ON in (site.folder / name).read_text() for name in ("apply.md", "apply.html"))
    assert len(site.writes) == 3
    again = site.apply(target)
    assert (again.code, "To go on" in again.out) == (0, False)
    assert len(site.writes) == 3 + 5  # what failed, and what was not attempted


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (
            {"message": "Forbidden.", "detail": "You don't have permission to view this content."},
            "use the token of an Owner or User Admin, made without `--scope`; "
            "`reconciler doctor` tells what this token may do",
        ),
        (
            {"message": "Forbidden", "detail": "Cannot set an AI budget override for a system user."},
            "remove the entry of this user from the policy",
        ),
        ({"message": "AI Gateway is a Premium feature. Contact sales!"}, "AI budgets need a Premium licence"),
    ],
)
def test_a_403_of_a_write_says_what_to_do(site: Site, body: dict[str, str], hint: str) -> None:
    site.policy("bob platform: $20")
    site.sandbox.fault(Fault("status", method="PUT", status=403, body=body))
    said = site.apply()
    assert (said.code, site.results) == (4, {"user/bob": "failed"})
    assert said.out.count(f"; {hint}") == 1


def test_a_token_that_expires_in_the_middle(site: Site) -> None:
    site.policy(*SEVEN)
    site.sandbox.fault(Fault("expire", method="PUT", path=f"*/{site.id_of('platform')}/*"))
    said = site.apply()
    assert said.code == 4
    assert "401" in said.out
    assert "Not verified: the result could not be read" in said.out
    assert site.results["group/acme/platform"] == "failed"


def test_a_rate_limit_is_waited_for_and_the_write_sent_again(site: Site) -> None:
    site.policy("platform: $600")
    site.sandbox.fault(Fault("status", method="PUT", status=429, times=2, headers={"Retry-After": "7"}))
    assert site.apply().code == 0
    assert [request.status for request in site.writes] == [429, 429, 200]


def test_a_rate_limit_longer_than_a_run_may_wait(site: Site) -> None:
    site.policy("platform: $600")
    site.sandbox.fault(Fault("status", method="PUT", status=429, headers={"Retry-After": "100000"}))
    said = site.apply()
    assert said.code == 4
    said_why = "waiting 1 day more would exceed the 300 s that this run may wait; try again later, or pass a longer"
    assert f"Coder limits the rate; {said_why} `--max-wait`)" in said.out
    assert site.results == {"group/acme/platform": "failed"}


@pytest.mark.parametrize(
    ("kind", "entry", "asked"),
    [
        ("lost", "platform: $600", ["GET", "PUT", "GET"]),
        ("lost", "design: none", ["GET", "DELETE", "GET"]),
        ("lost", "ana platform: $1", ["GET", "PUT", "GET"]),
        ("truncate", "platform: $600", ["GET", "PUT", "GET"]),
        ("reset", "platform: $600", ["GET", "PUT", "GET", "GET", "GET", "PUT"]),
        ("reset", "design: none", ["GET", "DELETE", "GET", "GET", "GET", "DELETE"]),
        ("reset", "ana platform: none", ["GET", "DELETE", "GET", "GET", "GET", "DELETE"]),
    ],
)
def test_a_lost_answer_is_read_back_before_anything_is_sent_again(
    site: Site, kind: Any, entry: str, asked: list[str]
) -> None:
    site.policy(entry)
    site.sandbox.fault(Fault(kind, method="PUT"))
    site.sandbox.fault(Fault(kind, method="DELETE"))
    assert site.apply().code == 0
    assert list(site.results.values()) == ["done"]
    path = f"/{site.id_of(entry.split(':')[0].split()[0])}/ai/budget"
    assert asked == [request.method for request in site.sandbox.requests if path in request.path]


@pytest.mark.parametrize("entry", ["design: none", "platform: $600"])
def test_a_page_of_a_proxy_is_no_success(site: Site, entry: str) -> None:
    """200 and HTML, as a login page comes: for a DELETE it once passed for done."""
    site.policy(entry)
    html = {"Content-Type": "text/html"}
    for method in ("PUT", "DELETE"):
        site.sandbox.fault(Fault("raw", method=method, status=200, body="<html>log in</html>", headers=html))
    assert site.apply().code == 0
    assert len(site.writes) == 2
    assert list(site.results.values()) == ["done"]


def test_another_value_in_the_answer_is_looked_into(site: Site) -> None:
    """As if the limit had been left out of the body: Coder takes that for $0."""
    site.policy("platform: $600", "design: $1")
    group = site.id_of("platform")
    echo = {"group_id": group, "spend_limit_micros": 0}
    site.sandbox.fault(Fault("status", method="PUT", path=f"*/{group}/*", status=200, body=echo))
    said = site.apply()
    assert said.code == 4
    detail = "(Coder answered with a different value than was sent: live is $500.00)"
    assert f"in doubt       group/acme/platform  $500.00 -> $600.00  {detail}" in said.out
    assert site.results["group/acme/design"] == "not-attempted"


def test_a_result_that_somebody_changed_at_once_is_not_verified(site: Site) -> None:
    site.policy("platform: $600", "eng: none")
    sql, parameters = site.set_budget("platform", 5)
    assert site.run("plan").code == 0
    for_the_plan = sum("/groups/ai/spend" in request.path for request in site.sandbox.requests)
    site.sandbox.fault(
        Fault("change", method="GET", path="*/groups/ai/spend", after=for_the_plan + 1, sql=sql, parameters=parameters)
    )
    said = site.apply()
    assert said.code == 4
    assert "Not verified: group/acme/platform is $5.00, not $600.00." in said.out
    assert "To go on, look at a new plan: it shows what differs now." in said.out
    assert "Apply incomplete: 1 updated, 1 not verified." in said.out


def test_a_read_budget_that_does_not_suffice_is_refused_before_the_first_write(site: Site) -> None:
    site.policy(*SEVEN)
    for allowed in range(20, 80):
        httpx.get(f"{site.sandbox.url}/api/v2/buildinfo")  # behind what the run before had sent when it ended
        site.sandbox.forget_requests()
        said = site.apply("--max-requests", str(allowed))
        assert (said.code, site.writes == []) in ((1, True), (0, False)), said
        assert said.code == 0 or len(site.sandbox.requests) <= allowed
        if said.code == 0:
            break
        assert f"This run may send {allowed} requests" in said.err
        assert site.journals == []
    assert allowed > 30
    assert len(site.outcome.results) == 7


@pytest.mark.parametrize("version", ["2.35", "2.37"])
def test_a_token_that_is_demoted_in_the_middle_proves_nothing(version: str, tmp_path: Path, launcher: Launcher) -> None:
    """Its 404s look like absence: the read before the delete believes it, and the proof must not."""
    with Sandbox(Options(coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
        site = Site(sandbox, tmp_path, launcher)
        site.policy("bob platform: none", "carol platform: none")
        route = "ai/budget" if version == "2.35" else "ai/budget/override"
        demote = "UPDATE users SET roles = '[]' WHERE username = 'ci-budgets'"
        reads = 2 if version == "2.35" else 0
        sandbox.fault(Fault("change", method="GET", path=f"*/{site.id_of('bob')}/{route}", after=reads, sql=demote))
        said = site.apply()
        assert site.override("bob") == 1500
        assert said.code == 4, said
        assert "could not be read" in said.out + said.err or "gone, or this token" in said.out + said.err


def test_the_outcome_as_json_is_that_of_the_journal(site: Site) -> None:
    site.policy(*SEVEN)
    said = site.apply("--json")
    shown = site.run("show", str(site.journals[0]), "--json").document
    document = said.document
    assert (document["exit_code"], document["is_complete"], document["counts"]["done"]) == (0, True, 7)
    for key in ("run", "digest", "counts", "results", "ended"):
        assert document[key] == shown[key]


def test_no_secret_in_anything_that_is_written(site: Site) -> None:
    token = site.sandbox.tokens["user-admin"]
    site.policy(*SEVEN)
    echo = {"message": f"who is {token}", "detail": token}
    site.sandbox.fault(Fault("status", method="PUT", path=f"*/{site.id_of('platform')}/*", status=403, body=echo))
    texts = []
    for arguments in (["plan", "-o", "saved.plan"], ["apply", "saved.plan", "--auto-approve"], ["apply", "--json"]):
        said = site.run(*arguments)
        texts += [said.out, said.err]
    files = [path.read_text() for path in site.folder.rglob("*") if path.is_file()]
    assert len(files) == 4  # the policy, the plan, the journal, and .gitignore beside it
    for text in (*texts, *files):
        assert token not in text
        assert token.partition("-")[2] not in text
    assert "[secret]" in "".join(texts)


def test_a_path_that_is_no_utf_8_leaves_a_journal_that_can_be_read(site: Site) -> None:
    site.policy("platform: $600", name="acme\udcff")
    assert site.apply().code == 0
    assert site.run("show", str(site.journals[0])).code == 0
    assert "acme\udcff" in site.outcome.started.sources[0].path


def test_revert_of_json_and_of_nothing(site: Site) -> None:
    site.policy("platform: $600")
    assert site.apply().code == 0
    line = site.journals[0].read_text().splitlines()[0]
    (site.folder / "begun.jsonl").write_text(line + "\n")
    said = site.run("revert", "begun.jsonl", "--auto-approve")
    assert (said.code, len(site.writes)) == (0, 1)
    assert json.loads(line)["type"] == "started"
