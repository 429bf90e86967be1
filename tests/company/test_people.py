"""`drift --people`: whose limit changed although no budget did."""

from __future__ import annotations

import httpx

from reconciler.sandbox import Options, Sandbox
from tests.cli.running import AS_IT_IS, NOW, Shell
from tests.company import live


def _patch(sandbox: Sandbox, group: str, **body: list[str]) -> None:
    httpx.patch(
        f"{sandbox.url}/api/v2/groups/{live.group_id(sandbox, group)}",
        json=body,
        headers={"Coder-Session-Token": sandbox.tokens["owner"]},
    ).raise_for_status()


def test_who_joined_left_and_lost_an_override_is_told(shell: Shell) -> None:
    shell.policy(AS_IT_IS)
    with Sandbox(Options(now=NOW)) as sandbox:
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
        "      left group/acme/platform; the override ended with the membership; "
        "counted spend restarts with what is booked on the new group",
        "  mia  $50.00 (Everyone)              -> $800.00 (research)",
        "      joined group/acme/research; counted spend restarts with what is booked on the new group",
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
