"""`reconciler demo`: the main job as a story, on a stand-in Coder, with the real commands as real processes."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import click

from reconciler.cli import children, exits
from reconciler.cli.commands.sandbox import require_sandbox
from reconciler.dataclass import dataclass
from reconciler.errors import ReconcilerError
from reconciler.resources import shipped

WRITTEN = date(2026, 11, 23)
"""The day on which the dates in the example policies were chosen."""
_SANDBOX_LIMIT_S, _COMMAND_LIMIT_S = 900.0, 120.0


@click.command("demo")
def command() -> int:
    """Watch the main job: validate, plan, apply, drift, repair. Takes seconds, leaves nothing behind.

    It starts `reconciler sandbox` with a small company, runs the commands that it prints, and ends the sandbox again.
    To repeat them by hand, run `reconciler sandbox` in another terminal.
    """
    require_sandbox()
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder:
        copy_examples(Path(folder, "policies"))
        with children.serving_reconciler(
            *("sandbox", "--seed", "demo", "--print-json"),
            folder=folder,
            variables={"HOME": folder},
            limit_s=_SANDBOX_LIMIT_S,
        ) as line:
            try:
                ready = json.loads(line)
            except json.JSONDecodeError:
                raise ReconcilerError("The sandbox did not start", hint="run `reconciler sandbox` to see why") from None
            _Story(folder=folder, url=ready["url"], tokens=ready["tokens"]).tell()
    return exits.DONE


def copy_examples(target: Path) -> None:
    """Copy the example policies, with their dates moved by the days that passed since they were written."""
    shutil.copytree(shipped("examples"), target)
    passed = datetime.now(UTC).date() - WRITTEN
    for file in target.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        moved = re.sub(r"\b20\d\d-\d\d-\d\d\b", lambda day: str(date.fromisoformat(day[0]) + passed), text)
        file.write_text(moved, encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    folder: str
    url: str
    tokens: Mapping[str, str]

    def tell(self) -> None:
        self._say(
            "A company runs Coder. Some AI budgets were set by hand, and a policy in Git says what they should be."
        )
        click.echo(f"  $ export CODER_URL={self.url}")
        click.echo(f"  $ export CODER_SESSION_TOKEN={self.tokens['user-admin']}")
        self._say("Is the policy well-formed? This asks no server.")
        self._run("validate")
        self._say("What would change? This only reads.")
        self._run("plan")
        self._say("Make it so.")
        self._run("apply", "--auto-approve")
        self._say("Once more: nothing is left to do, and nothing is written.")
        self._run("plan")
        self._say("Behind our back, somebody raises a budget by hand.")
        self._raise_by_hand("platform", usd=9_000)
        self._say(
            "The cron job that looks for drift notices, and exits with 2. Its token is an auditor's: it cannot write."
        )
        self._run("drift", role="auditor", expect=exits.DIFFERENCES)
        self._say("The next apply repairs it.")
        self._run("apply", "--auto-approve")
        self._run("drift")
        self._say("That is all. To try it yourself: `reconciler sandbox`, and the commands above in another terminal.")

    def _say(self, text: str) -> None:
        click.secho(f"\n# {text}\n", bold=True)

    def _run(self, *arguments: str, role: str = "user-admin", expect: int = exits.DONE) -> None:
        token = "" if role == "user-admin" else f"CODER_SESSION_TOKEN={self.tokens[role]} "
        click.secho(f"  $ {token}reconciler {' '.join(arguments)}", fg="cyan")
        variables = {"HOME": self.folder, "CODER_URL": self.url, "CODER_SESSION_TOKEN": self.tokens[role]}
        code = children.run_reconciler(*arguments, folder=self.folder, variables=variables, limit_s=_COMMAND_LIMIT_S)
        if code != expect:
            raise ReconcilerError(f"The demo expected exit code {expect} from `reconciler {arguments[0]}`, not {code}")
        if code:
            click.echo(f"  (exit code {code})")

    def _raise_by_hand(self, group: str, *, usd: int) -> None:
        """Do what an owner's click in Coder's own dashboard does."""
        group_id = self._call("GET", f"/organizations/acme/groups/{group}")["id"]
        path = f"/groups/{group_id}/ai/budget"
        body = {"spend_limit_micros": usd * 1_000_000}
        click.secho(
            f"  $ curl -X PUT $CODER_URL/api/v2{path} -H \"Coder-Session-Token: $OWNER\" -d '{json.dumps(body)}'",
            fg="cyan",
        )
        self._call("PUT", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, str]:
        import urllib.request

        request = urllib.request.Request(  # noqa: S310 - the URL is the sandbox's own
            f"{self.url}/api/v2{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Coder-Session-Token": self.tokens["owner"]},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            result: Mapping[str, str] = json.load(answer)
        return result
