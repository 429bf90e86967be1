"""The GitLab component as GitLab reads it: inputs filled in, `extends` merged; and its jobs run as a runner runs them.

`python -m tests.deploy.gitlab FOLDER` writes the pipeline with the inputs' defaults, and the lines of each job as a
script, for the linters.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.warm import warm_folder

ROOT = Path(__file__).parents[2]
COMPONENT = ROOT / "deploy" / "gitlab" / "templates" / "ai-budgets.yml"
_INPUT = re.compile(r"\$\[\[ inputs\.(\w+) \]\]")
_OF_THE_PIPELINE = {"spec", "include", "stages", "default", "variables", "workflow"}


@cache
def pipeline(**inputs: str) -> dict[str, Any]:
    """Return the component's jobs with these inputs; the others have their defaults."""
    head, body = COMPONENT.read_text(encoding="utf-8").split("\n---\n")
    defaults = {name: value.get("default") for name, value in yaml.safe_load(head)["spec"]["inputs"].items()}
    assert set(inputs) <= set(defaults)
    values = defaults | inputs
    filled: dict[str, Any] = yaml.safe_load(_INPUT.sub(lambda match: str(values[match[1]]), body))
    return filled


def job(name: str, **inputs: str) -> dict[str, Any]:
    """Return a job with what it extends."""
    jobs = pipeline(**inputs)
    definition = jobs[name]
    base = jobs[definition["extends"]]
    merged = {**base, **{key: value for key, value in definition.items() if key != "extends"}}
    merged["variables"] = {**base.get("variables", {}), **definition.get("variables", {})}
    merged["artifacts"] = {**base.get("artifacts", {}), **definition.get("artifacts", {})}
    return merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a job."""

    code: int
    log: str


def run(definition: Mapping[str, Any], *, folder: Path, variables: Mapping[str, str]) -> Ran:
    """Run a job's lines in order, in one shell that stops at the first that fails."""
    lines = [*definition.get("before_script", []), *definition["script"]]
    environment = {
        "PATH": f"{warm_folder()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "CI": "true",
        **{key: str(value or "") for key, value in definition.get("variables", {}).items()},
        **variables,
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(lines)], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    return Ran(code=done.returncode, log=done.stdout)


def write(folder: Path) -> None:
    """Write `.gitlab-ci.yml` and `JOB.sh` for each job."""
    jobs = pipeline()
    (folder / ".gitlab-ci.yml").write_text(yaml.safe_dump(jobs), encoding="utf-8")
    for name in (name for name in jobs if "script" in jobs[name]):
        definition = job(name)
        lines = ["#!/usr/bin/env bash", *definition["before_script"], *definition["script"]]
        (folder / f"{name}.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
