"""SECURITY.md says which files hold e-mail addresses, and which mode they have."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.running import Shell

ROOT = Path(__file__).parents[2]
POLICY = """version: 1
organization: acme
user_overrides:
  - {user: ana, group: platform, limit: $2000}
"""
FILES = ("saved.plan", "plan.json", "plan.html", "plan.csv", "live.json", "aliases.json", "acme.yaml")


def test_the_page_says_which_files_hold_addresses_and_their_modes(own: Shell) -> None:
    """It said that a plan holds usernames, and that `--save-mode` decides its mode."""
    own.policy(POLICY)
    saves = [word for name in FILES[1:4] for word in ("--save", f"{name.partition('.')[2]}={name}")]
    assert own.run("plan", "-o", "saved.plan", *saves, "--save-mode", "640").code == 0
    assert own.run("snapshot", "-o", "live.json").code == 0
    assert own.run("snapshot", "-o", "aliases.json", "--redact").code == 0
    assert own.run("export", "acme", "-o", "acme.yaml").code == 0
    assert own.run("apply", "saved.plan", "--auto-approve").code == 0
    (journal,) = (own.folder / ".reconciler").glob("*.jsonl")
    with_addresses = [name for name in FILES if "@acme.example" in (own.folder / name).read_text()]
    assert with_addresses == ["saved.plan", "plan.json", "live.json"]
    assert "@acme.example" in journal.read_text()
    modes = [oct((own.folder / name).stat().st_mode & 0o777) for name in FILES[:-1]]
    assert modes == ["0o600", "0o640", "0o640", "0o640", "0o600", "0o600"]
    rows = re.findall(r"^\| (\w+)[^|]* \| ([^|]*) \| ([^|]*) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert [name for name, holds, _ in rows if "e-mail" in holds] == ["journal", "plan", "snapshot"]
    assert [mode for name, _, mode in rows if name == "plan"] == ["0600; those of `--save` what `--save-mode` says"]
