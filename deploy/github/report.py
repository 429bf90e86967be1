"""What a workflow tells GitHub, and asks it: one comment, one issue, the plan that was reviewed.

    report.py comment FOLDER COMMAND     write or update the one comment of the pull request
    report.py issue FOLDER EXIT_CODE     open, update or close the one issue about drift
    report.py outdated FOLDER            write outdated.txt if the branch has other policies by now than this commit
    report.py reviewed-plan FOLDER       fetch the plans that the merged pull requests showed, as reviewed-NUMBER.json
    report.py snapshot FOLDER            fetch live.json of the last drift run of the branch that is merged into
    report.py compare FOLDER             exit with 3 if plan.json changes what no reviewed plan showed
    report.py facts FOLDER               print `digest=` and `changes=` of plan.json, without values if there is none

It never sees the token for Coder, and needs Python's standard library alone. In the environment, beside those of
api.py: GITHUB_SHA, GITHUB_REF, GITHUB_REF_NAME, GITHUB_BASE_REF, GITHUB_WORKFLOW, BASE, POLICIES, PULL_REQUEST,
GITHUB_SERVER_URL, GITHUB_RUN_ID.
Comments, issues and artifacts are those of one workflow: a repository may have one for each of several Coders.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
from pathlib import Path
from typing import Any

from api import NO_ANSWER, call, download, every, newest, unzipped, why
from compare import compare

MAX_BODY = 65_000
"""GitHub takes 65,536 characters."""
ARTIFACT = "ai-budgets-plan"
SNAPSHOT = "ai-budgets-live"
REFUSED = 3
LABEL = "ai-budgets-drift"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["comment", folder, command]:
            return comment(Path(folder), command)
        case ["issue", folder, exit_code]:
            return issue(Path(folder), exit_code)
        case ["outdated", folder]:
            return outdated(Path(folder))
        case ["reviewed-plan", folder]:
            return reviewed_plan(Path(folder))
        case ["snapshot", folder]:
            return snapshot(Path(folder))
        case ["compare", folder]:
            return compare_plans(Path(folder))
        case ["facts", folder]:
            return facts(Path(folder))
        case _:
            print(__doc__, file=sys.stderr)
            return 1


def comment(folder: Path, command: str) -> int:
    """Write or update the comment that begins with our marker. A comment that cannot be written fails nothing."""
    marker = marker_of(command)
    body = page(folder, command, marker)
    try:
        number = os.environ.get("PULL_REQUEST")
        numbers = [number] if number else [str(pull["number"]) for pull in pulls_of_push()]
        if not numbers:
            print("There is no pull request to comment on.")
        for number in numbers:
            place = f"/issues/{number}/comments"
            old = next((item for item in every(place) if ours(item, marker)), None)
            if old:
                call("PATCH", f"/issues/comments/{old['id']}", {"body": body})
            else:
                call("POST", place, {"body": body})
    except NO_ANSWER as error:
        warn(f"The comment could not be written ({why(error, 'pull-requests: write')}).")
    return 0


def issue(folder: Path, exit_code: str) -> int:
    """Keep the one issue about drift: open while live differs, closed when it does not; else leave it alone."""
    marker = marker_of("drift")
    if exit_code not in ("0", "2"):
        return 0
    try:
        items = every(f"/issues?state=open&labels={LABEL}")
        old = next((item for item in items if ours(item, marker) and "pull_request" not in item), None)
        if exit_code == "0":
            if old:
                call("POST", f"/issues/{old['number']}/comments", {"body": "Live budgets match the policy again."})
                call("PATCH", f"/issues/{old['number']}", {"state": "closed", "state_reason": "completed"})
            return 0
        title = f"{os.environ['GITHUB_WORKFLOW']}: live differs from the policy"
        body = page(folder, "drift", marker)
        if old:
            call("PATCH", f"/issues/{old['number']}", {"title": title, "body": body})
        else:
            call("POST", "/issues", {"title": title, "body": body, "labels": [LABEL]})
    except NO_ANSWER as error:
        warn(f"The issue could not be written ({why(error, 'issues: write')}).")
    return 0


def outdated(folder: Path) -> int:
    """Say in outdated.txt that a newer commit changed the policies. This run, perhaps started again, would undo that.

    The clone does not tell it: actions/checkout sets the branch back to the commit of the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    branch, commit = os.environ["GITHUB_REF_NAME"], os.environ["GITHUB_SHA"]
    newest = commit_of(os.environ["GITHUB_REF"])
    paths = () if newest == commit else os.environ["POLICIES"].split()
    changed = [path for path in paths if contents(path, commit) != contents(path, newest)]
    if changed:
        text = (
            f"{', '.join(changed)} changed on {branch} since this commit. Nothing was written: the run of the newer"
            " commit applies both. If it has none (as with [skip ci]), or if that fails or is stopped, run this"
            f" workflow by hand on {branch}."
        )
        (folder / "outdated.txt").write_text(text, encoding="utf-8")
    return 0


def commit_of(ref: str) -> str:
    """Return the commit of `refs/heads/main`. A tag may be called `main`, too; so its name alone would not do.

    A tag with a message is an object of its own, at which GitHub shows no files.
    """
    found = call("GET", f"/git/ref/{urllib.parse.quote(ref.removeprefix('refs/'))}")["object"]
    while found["type"] == "tag":
        found = call("GET", f"/git/tags/{found['sha']}")["object"]
    return str(found["sha"])


def contents(path: str, commit: str) -> list[tuple[str, str]]:
    """Return what a folder holds, or the file, by hash; nothing where the repository has no such path."""
    place = urllib.parse.quote("" if os.path.normpath(path) == os.curdir else os.path.normpath(path))
    try:
        answer = call("GET", f"/contents/{place}?ref={commit}")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []
        raise
    return sorted((item["path"], item["sha"]) for item in (answer if isinstance(answer, list) else [answer]))


def reviewed_plan(folder: Path) -> int:
    """Fetch plan.json of each merged pull request's last plan, from artifacts of this repository's own runs alone.

    A pull request of a fork can upload an artifact of any name; GitHub says which repository its run was for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pulls = [pull for pull in pulls_of_push() if pull.get("merged_at")]
    if not pulls:
        print("This commit was not merged from a pull request; its plan is not compared.")
    for pull in pulls:
        number, head = pull["number"], pull["head"]["sha"]
        prefix = f"{ARTIFACT}-{os.environ['GITHUB_WORKFLOW']}"
        names = (f"{prefix}-{number}-{head}", f"{prefix}-{head}")  # the second of a workflow that was copied before
        artifact = next(filter(None, (newest(name, "head_sha", head) for name in names)), None)
        if artifact is None:
            warn(f"No plan of pull request {number} is left at {head[:12]}; what is applied is not compared with it.")
        else:
            (folder / f"reviewed-{number}.json").write_bytes(unzipped(download(artifact), "plan.json"))
            print(f"The plan of pull request {number} at {head[:12]} was fetched.")
    return 0


def snapshot(folder: Path) -> int:
    """Fetch the snapshot that the last drift run of the target branch left; a fork cannot have made it."""
    folder.mkdir(parents=True, exist_ok=True)
    artifact = newest(f"{SNAPSHOT}-{os.environ['GITHUB_WORKFLOW']}", "head_branch", os.environ["GITHUB_BASE_REF"])
    if artifact is None:
        notice("No drift run has left a snapshot yet, so the policy is checked and not planned.")
    else:
        (folder / "live.json").write_bytes(unzipped(download(artifact), "live.json"))
    return 0


def compare_plans(folder: Path) -> int:
    """Compare what is about to be applied with what was shown. What this merge does not ask for is told, not refused.

    The plan to apply is always made anew from the merged policy, so a forged artifact can at most stop an apply.
    """
    files = sorted(folder.glob("reviewed-*.json"))
    fresh, reviewed = load(folder / "plan.json"), [load(file) for file in files]
    if fresh is None or not reviewed:
        return 0
    is_empty = not all(file.stat().st_size for file in files)
    if is_empty or any(plan is not None and "actions" not in plan for plan in reviewed):
        return refuse(
            folder, ("The plan of the pull request ended with an error, so nobody saw what this change does", [])
        )
    try:
        told, reasons = compare(fresh, reviewed)
    except ValueError:
        return refuse(
            folder, ("The plan that the pull request kept is damaged, so nothing can be compared with it", [])
        )
    if told:
        notice(f"Not in the reviewed plan, and announced there or not asked for by this change: {', '.join(told)}")
    return refuse(folder, *reasons) if reasons else 0


def refuse(folder: Path, *reasons: tuple[str, list[str]]) -> int:
    """Say in the log, the summary and the comment why nothing is written; return the exit code."""
    end = "Nothing was written. Look at the plan in the job summary; to apply it, run this workflow by hand."
    plain = "".join(f"{start}{', '.join(addresses)}. " for start, addresses in reasons)
    print(f"::error title=AI budgets::{escaped(plain + end)}")
    text = "".join(f"{start}{', '.join(map(code, addresses))}. " for start, addresses in reasons) + end
    with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as file:
        file.write(f"\n> [!CAUTION]\n> {text}\n")
    (folder / "apply.md").write_text(f"> [!CAUTION]\n> {text}\n", encoding="utf-8")
    return REFUSED


def facts(folder: Path) -> int:
    """Print the facts of the plan for a step's outputs."""
    plan = load(folder / "plan.json") or {}
    digest, changes = (plan.get("digest", ""), len(plan["actions"])) if "actions" in plan else ("", "")
    print(f"digest={digest}\nchanges={changes}")
    return 0


def page(folder: Path, name: str, marker: str) -> str:
    """Return the Markdown page of a command, cut where GitHub would refuse it, with our marker and a link."""
    candidates = [folder / f"{name}.md", folder / "plan.md"]
    text = next((file.read_text(encoding="utf-8") for file in candidates if file.exists()), "")
    if not text.strip():
        text = "No page was made; the log of the run says why."
    repository = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}"
    run = (
        f"[This run]({repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}) of {code(os.environ['GITHUB_WORKFLOW'])}"
    )
    end = f"\n\n<sub>{run}</sub>\n"
    if len(text) > MAX_BODY - len(marker) - len(end):
        cut = "\n\n… The rest is in the job summary and in the artifacts of the run."
        text = text[: MAX_BODY - len(marker) - len(end) - len(cut)].rpartition("\n")[0] + cut
    return f"{marker}\n{text}{end}"


def ours(item: dict[str, Any], marker: str) -> bool:
    """Whether a comment or issue is the workflow's own: a person may quote the marker."""
    return (item.get("body") or "").startswith(marker) and item["user"]["type"] == "Bot"


def marker_of(command: str) -> str:
    """Return how the comment, or issue, of a command begins."""
    return f"<!-- coder-budget-reconciler: {command}, {urllib.parse.quote(os.environ['GITHUB_WORKFLOW'])} -->"


def pulls_of_push() -> list[dict[str, Any]]:
    """Return the pull requests that this push brought, the oldest first: a merge queue may merge several at once."""
    base, last, policies = os.environ["BASE"], os.environ["GITHUB_SHA"], os.environ["POLICIES"].split()
    command = ["git", "rev-list", "--first-parent", "--reverse", f"{base}..{last}", "--", *policies]
    safe = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}  # Git has no use for it
    done = subprocess.run(command, env=safe, capture_output=True, text=True, check=False) if base else None
    commits = done.stdout.split() if done is not None else []  # none where the base is unknown, after a force push
    pulls = [pull for commit in commits or [last] for pull in call("GET", f"/commits/{commit}/pulls")]
    return list({pull["number"]: pull for pull in pulls}.values())


def load(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def escaped(text: str) -> str:
    """Keep a text on one line of a workflow command."""
    return re.sub(r"[%\r\n]", lambda match: f"%{ord(match[0]):02X}", text)


def code(name: str) -> str:
    """Show a name in Markdown as it is: a group can be called like a link, a mention or a line of its own."""
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in name)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    blank = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def warn(text: str) -> None:
    print(f"::warning title=AI budgets::{escaped(text)}")


def notice(text: str) -> None:
    print(f"::notice title=AI budgets::{escaped(text)}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NO_ANSWER as error:
        where = f" at {error.url}" if isinstance(error, urllib.error.HTTPError) else ""
        refusal = "Give this job the `permissions` that it has in deploy/github/ai-budgets.yml"
        remedy = refusal if getattr(error, "code", None) in (403, 404) else "Run this job again"
        text = f"GitHub's API gave no answer that can be used{where}: {error}. Nothing was written. {remedy}."
        print(f"::error title=AI budgets::{escaped(text)}")
        sys.exit(1)
