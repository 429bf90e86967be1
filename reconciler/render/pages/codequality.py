"""Problems as GitLab's code quality report: breaches of guardrails, hazards, findings, each at its line.

*Source*: GitLab "Code Quality", the subset of Code Climate's format that it reads. A fingerprint names a problem by
what it is and in which file, never by its line: a problem that moved down is the same problem.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from reconciler.formats.documents import Value
from reconciler.render.formats import Facts
from reconciler.render.overview import plans_of
from reconciler.render.problem import Problem, Severity
from reconciler.render.problems import problems_of
from reconciler.render.text import harmless

SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTICE: "info"}
ANYWHERE = "policies"
"""Where a problem is shown that has no place and whose plan names no file."""


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render the problems of documents as one JSON array."""
    files = [source.path for plan in plans_of(values) for source in plan.sources]
    seen: Counter[str] = Counter()
    rows = [_row(problem, files[0] if files else ANYWHERE, seen, facts) for problem in problems_of(values)]
    return json.dumps(rows, indent=2) + "\n"


def _row(problem: Problem, anywhere: str, seen: Counter[str], facts: Facts) -> dict[str, object]:
    path = facts.in_checkout(problem.place.file if problem.place else anywhere)
    identity = "\0".join((problem.rule, path, problem.subject, problem.message))
    seen[identity] += 1
    hint = f" ({problem.hint})" if problem.hint else ""
    return {
        "description": harmless(f"{problem.message}{hint}"),
        "check_name": problem.rule,
        "fingerprint": hashlib.sha256(f"{identity}\0{seen[identity]}".encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": SEVERITIES[problem.severity],
        "location": {
            "path": harmless(path),
            "lines": {"begin": problem.place.line if problem.place else 1},
        },
    }
