"""Who publishes names the home of the repository once, and nothing of the placeholder stays."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.deploy.runner import ROOT


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_placeholders_are_filled_in_one_command(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    assert _run(ROOT, "git", "clone", "--quiet", str(ROOT), str(clone)).returncode == 0
    shutil.copy(ROOT / ".ci" / "home", clone / ".ci" / "home")
    assert _run(clone, "git", "tag", "v9.9.9").returncode == 0
    commit = _run(clone, "git", "rev-parse", "HEAD").stdout.strip()

    done = _run(clone, ".ci/home", "initech", "v9.9.9")

    assert done.returncode == 0, done.stderr
    assert _run(clone, "git", "grep", "-l", "acme/coder-budget-reconciler").stdout == ""
    assert "@acme/" not in (clone / ".github" / "CODEOWNERS").read_text(encoding="utf-8")
    workflow = (clone / "deploy" / "github" / "ai-budgets.yml").read_text(encoding="utf-8")
    assert f"uses: initech/coder-budget-reconciler@{commit} # v9.9.9" in workflow
    assert "0" * 40 not in workflow
    assert _run(clone, ".ci/home", "umbrella").returncode == 0
    assert "umbrella/coder-budget-reconciler" in (clone / "pyproject.toml").read_text(encoding="utf-8")


def test_no_owner_and_no_such_tag_are_said() -> None:
    assert "Name the owner" in _run(ROOT, ".ci/home").stderr
    assert "no tag v0.0.0-none" in _run(ROOT, ".ci/home", "acme", "v0.0.0-none").stderr
