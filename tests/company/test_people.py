"""`drift --people`: whose limit changed although no budget did."""

from __future__ import annotations

import pytest
import time_machine

from reconciler.operations.authors import MOST
from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import AS_IT_IS, NOW, Shell
from tests.company import live
from tests.wire import WireClient, send


def _patch(sandbox: Sandbox, group: str, **body: list[str]) -> None:
    send(
        "PATCH",
        f"{sandbox.url}/api/v2/groups/{live.group_id(sandbox, group)}",
        json=body,
        headers={"Coder-Session-Token": sandbox.tokens["owner"]},
    )


def test_who_joined_left_and_lost_an_override_is_told(shell: Shell) -> None:
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "owner")
        assert shell.run("snapshot", "-o", "then.json").code == 0
        quiet = shell.run("drift", "--people", "then.json")
        assert "Nobody's limit changed with a membership since 2" in quiet.out
        _patch(sandbox, "research", add_users=[live.user_id(sandbox, "mia")])
        _patch(sandbox, "platform", remove_users=[live.user_id(sandbox, "bob")])
        live.budget(sandbox, "design", 1)
        ran = shell.run("drift", "--people", "then.json")
        document = shell.run("drift", "--people", "then.json", "--json").document
    assert ran.code == quiet.code == 0, "moves are told, and are no difference between live and the policy"
    lines = ran.out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Whose limit changed although no budget did"))
    assert lines[start].endswith(" UTC: 2")
    assert lines[start + 1 : start + 5] == [
        "  bob  $1,500.00 (override, platform) -> $50.00 (Everyone)",
        "      olivia took them out of group/acme/platform on 2026-11-23 12:00 UTC; "
        "the override ended with the membership; counted spend restarts with what is booked on the new group",
        "  mia  $50.00 (Everyone)              -> $800.00 (research)",
        "      olivia added them to group/acme/research on 2026-11-23 12:00 UTC; "
        "counted spend restarts with what is booked on the new group",
    ]
    assert [move["username"] for move in document["moves"]] == ["bob", "mia"], "sam's budget changed, so he is no move"


def test_a_snapshot_of_another_deployment_is_refused(shell: Shell) -> None:
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox:
        shell.connect(sandbox, "owner").run("snapshot", "-o", "then.json")
    with Sandbox(Options(now=NOW)) as sandbox:
        sandbox.execute("UPDATE deployment SET id = '0a5c4a0e-4000-4000-8000-00000000dead'")
        ran = shell.connect(sandbox, "owner").run("drift", "--people", "then.json")
    assert ran.code == 1
    assert "The snapshot is of the deployment" in ran.err


def test_what_the_log_does_not_tell_is_said_and_hides_nothing(shell: Shell) -> None:
    """A User Admin may not read the log; a group sync leaves no entry in it."""
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "owner").run("snapshot", "-o", "then.json")
        _patch(sandbox, "research", add_users=[live.user_id(sandbox, "mia")])
        live.leave_group(sandbox, "bob", "platform")
        ran = shell.run("drift", "--people", "then.json")
        refused = shell.connect(sandbox, "user-admin").run("drift", "--people", "then.json")
    assert "      left group/acme/platform; the override ended" in ran.out
    assert "Who is behind" not in ran.out
    assert "      joined group/acme/research; counted" in refused.out
    assert "Who is behind some of it is not known: this token may not read the audit log" in refused.out


def test_orphans_say_who_did_it(shell: Shell) -> None:
    headers = {}
    policy = (
        AS_IT_IS
        + "user_overrides:\n"
        + "".join(f"  - {{user: {name}, group: platform, limit: $100}}\n" for name in ("bob", "carol", "dan"))
    )
    shell.policy(policy + "  - {user: ana, group: research, limit: $100}\n")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        headers["Coder-Session-Token"] = sandbox.tokens["owner"]
        api = WireClient(base_url=f"{sandbox.url}/api/v2", headers=headers)
        for name in ("bob", "carol"):  # the log tells a name only of what happened under it
            body = {"username": name, "name": name}
            api.put(f"/users/{live.user_id(sandbox, name)}/profile", json=body).raise_for_status()
        api.delete(f"/users/{live.user_id(sandbox, 'bob')}").raise_for_status()
        body = {"username": "caroline", "name": ""}
        api.put(f"/users/{live.user_id(sandbox, 'carol')}/profile", json=body).raise_for_status()
        _patch(sandbox, "platform", remove_users=[live.user_id(sandbox, "dan")])
        body = {"name": "lab"}
        api.patch(f"/groups/{live.group_id(sandbox, 'research')}", json={"name": "research"}).raise_for_status()
        api.patch(f"/groups/{live.group_id(sandbox, 'research')}", json=body).raise_for_status()
        ran = shell.connect(sandbox, "auditor").run("drift")
        api.close()
    assert "olivia deleted the person on 2026-11-23 12:00 UTC" in ran.out
    assert "olivia renamed the person to 'caroline' on 2026-11-23 12:00 UTC" in ran.out
    assert (
        "dan is not a member of group/acme/platform, so Coder would refuse the override; olivia took them out"
        in ran.out
    )
    assert "olivia renamed the group to 'lab' on 2026-11-23 12:00 UTC" in ran.out


def test_a_first_renaming_is_told_although_nothing_happened_under_the_old_name(shell: Shell) -> None:
    """Told to remove the entry, somebody would take the budget from the group: under `exact` it goes then."""
    shell.policy(AS_IT_IS + "user_overrides: [{user: ana, group: platform, limit: $1500}]\n")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        headers = {"Coder-Session-Token": sandbox.tokens["owner"]}
        api = WireClient(base_url=f"{sandbox.url}/api/v2", headers=headers)
        api.patch(f"/groups/{live.group_id(sandbox, 'platform')}", json={"name": "runtime"}).raise_for_status()
        body = {"username": "ana-maria", "name": ""}
        api.put(f"/users/{live.user_id(sandbox, 'ana')}/profile", json=body).raise_for_status()
        ran = shell.connect(sandbox, "auditor").run("drift")
        api.close()
    assert "olivia renamed the group to 'runtime' on 2026-11-23 12:00 UTC\n" in ran.out
    assert "write 'runtime'\n" in ran.out
    assert "olivia renamed the person to 'ana-maria' on 2026-11-23 12:00 UTC\n" in ran.out


def test_of_many_orphans_it_is_said_that_the_log_was_not_asked_about_all(shell: Shell) -> None:
    entries = "".join(f"  - {{user: gone-{number}, group: platform, limit: $100}}\n" for number in range(MOST + 7))
    shell.policy(AS_IT_IS + "user_overrides:\n" + entries)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        ran = shell.connect(sandbox, "auditor").run("drift")
        asked = {request.path for request in sandbox.requests if "/audit?" in request.path}
    assert "The audit log was not asked about 7 more differences." in ran.out
    assert len(asked) == MOST + 1, "and once about nobody in particular"


def test_of_an_orphan_alone_it_is_said_that_the_log_cannot_be_read(shell: Shell) -> None:
    shell.policy(AS_IT_IS + "user_overrides: [{user: gone, group: platform, limit: $100}]\n")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        ran = shell.connect(sandbox, "user-admin").run("drift")
    assert "Who changed it is not known: this token may not read the audit log; an Owner or an Auditor may." in ran.out
    assert "was not asked" not in ran.out


def test_who_took_somebody_into_the_organization_or_out_of_it_is_told(shell: Shell) -> None:
    labs = AS_IT_IS.replace("acme", "labs").replace("platform", "robotics").replace("$500", "$300")
    shell.policy(labs + "user_overrides: [{user: victor, group: Everyone, limit: $100}]\n")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "auditor").run("snapshot", "-o", "then.json")
        live.budget(sandbox, "Everyone", 900, "labs")
        path = f"{sandbox.url}/api/v2/organizations/{live.group_id(sandbox, 'Everyone', 'labs')}/members"
        headers = {"Coder-Session-Token": sandbox.tokens["owner"]}
        victor = live.user_id(sandbox, "victor")
        for method in ("POST", "DELETE"):
            send(method, f"{path}/{victor}", headers=headers)
        left = shell.run("drift")
        send("POST", f"{path}/{victor}", headers=headers)
        joined = shell.run("drift")
    assert "victor is not a member of group/labs/Everyone" in left.out
    assert "; olivia took them out of it on 2026-11-23 12:00 UTC" in left.out
    assert "took them out" not in joined.out


def test_a_log_that_fails_takes_no_drift_with_it(shell: Shell) -> None:
    shell.policy(AS_IT_IS + "user_overrides: [{user: gone, group: platform, limit: $100}]\n")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "auditor")
        sandbox.fault(Fault("status", path="*/audit*", status=500, body={"message": "An error."}))
        failed = shell.run("drift")
        sandbox.forget_faults()
        sandbox.fault(Fault("status", path="*/audit*", status=401, body={"message": "You are signed out."}))
        denied = shell.run("drift")
    assert (failed.code, "! user/gone  user 'gone' is unknown" in failed.out) == (2, True)
    assert "Who changed it is not known: GET /api/v2/audit: 500 An error. (request " in failed.out
    assert denied.code == 1


@pytest.mark.parametrize(
    ("version", "role", "people"), [("2.37", "member", "38 people"), ("2.35", "owner", "1 person")]
)
def test_of_whom_it_is_not_known_no_move_is_denied(version: str, role: str, people: str, shell: Shell) -> None:
    """ "Nobody's limit changed with a membership" was said where members are hidden, and of a stock 2.35."""
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW, coder_version=version)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, role).run("snapshot", "-o", "then.json")
        live.leave_group(sandbox, "quinn", "research")
        ran = shell.run("drift", "--people", "then.json", "--save", "markdown=page.md")
    said = f"Of {people} it is not known whether their limit changed with a membership since 2026-11-23 12:00 UTC."
    where = ", in the organizations that this token may read" if role == "member" else ""
    assert f"{said} Nobody else's did{where}.\n" in ran.out
    assert said in (shell.folder / "page.md").read_text(encoding="utf-8")
    assert "Nobody's limit" not in ran.out


@pytest.mark.parametrize("status", [403, 404, 500])
def test_nobody_joins_or_leaves_an_organization_because_it_is_not_listed(status: int, shell: Shell) -> None:
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        labs = f"*/organizations/{live.group_id(sandbox, 'Everyone', 'labs')}/*"
        body = {"message": "Resource not found or you do not have access to this resource"}
        shell.connect(sandbox, "owner").run("snapshot", "-o", "then.json")
        sandbox.fault(Fault("status", path=labs, status=status, body=body, times=999))
        ran = shell.run("drift", "--people", "then.json")
        assert (ran.code, "labs" in ran.err or str(status) in ran.err, ran.out) == (1, True, "")
        shell.run("snapshot", "-o", "less.json")
        if status == 404:
            assert "Nobody's limit changed" in shell.run("drift", "--people", "less.json").out
            sandbox.forget_faults()
            ran = shell.run("drift", "--people", "less.json")
            assert (ran.code, "can be read here and not in the snapshot" in ran.err) == (1, True)


def test_a_deleted_organization_is_no_reason_not_to_compare(shell: Shell) -> None:
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "owner").run("snapshot", "-o", "then.json")
        live.delete_labs(sandbox, last="rosa")
        _patch(sandbox, "research", add_users=[live.user_id(sandbox, "mia")])
        ran = shell.run("drift", "--people", "then.json")
    assert "  mia  $50.00 (Everyone)" in ran.out.replace("mia   ", "mia  ")


def test_of_whom_an_organization_limits_that_is_not_read_no_move_is_told(shell: Shell) -> None:
    """Felix and rosa keep the $1,000 of labs, whatever becomes of their groups in acme."""
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox, "organization-admin").run("snapshot", "-o", "then.json")
        live.leave_group(sandbox, "felix", "research")
        live.leave_group(sandbox, "quinn", "research")
        ran = shell.run("drift", "--people", "then.json", "--json")
    assert [move["username"] for move in ran.document["moves"]] == ["quinn"]


def test_of_an_organization_that_was_read_neither_then_nor_now_no_move_is_denied(shell: Shell) -> None:
    """ "Nobody's limit changed with a membership" was said where the people of an organization are not known."""
    shell.policy(AS_IT_IS)
    where = "in the organizations that this token may read"
    said = f"Nobody's limit changed with a membership since 2026-11-23 12:00 UTC, {where}."
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        labs = f"*/organizations/{live.group_id(sandbox, 'Everyone', 'labs')}/*"
        body = {"message": "Resource not found or you do not have access to this resource"}
        for role in ("owner", "organization-admin"):
            if role == "owner":
                sandbox.fault(Fault("status", path=labs, status=404, body=body, times=999))
            shell.connect(sandbox, role).run("snapshot", "-o", f"{role}.json")
            ran = shell.run("drift", "--people", f"{role}.json", "--save", "markdown=page.md")
            assert said in ran.out
            assert said in (shell.folder / "page.md").read_text(encoding="utf-8")
            assert shell.run("drift", "--people", f"{role}.json", "--json").document["moves_read_all"] is False
            sandbox.forget_faults()


def test_a_deleted_group_says_that_its_members_may_have_no_limit(shell: Shell) -> None:
    """Its budget went with it, and `drift` said no more than to remove the entry."""
    says = "If a group of the policy is gone, its members may have no limit now: `reconciler status` says who has none."
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        live.budget(sandbox, "Everyone", None)
        shell.connect(sandbox, "owner")
        assert says not in shell.run("drift").out
        send(
            "DELETE",
            f"{sandbox.url}/api/v2/groups/{live.group_id(sandbox, 'platform')}",
            headers={"Coder-Session-Token": sandbox.tokens["owner"]},
        )
        ran = shell.run("drift", "--save", "markdown=page.md", "--save", "html=page.html")
        unlimited = shell.run("status").out
    assert (ran.code, says in ran.out) == (2, True)
    assert "people have no limit" in unlimited
    assert says in (shell.folder / "page.md").read_text("utf-8")
    shown = says.replace("`reconciler status`", "<code>reconciler status</code>")
    assert shown in (shell.folder / "page.html").read_text("utf-8")
