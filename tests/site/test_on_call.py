"""The page for the night names what may be on the screen: alerts, kinds of difference, words of a half-done run."""

from __future__ import annotations

import re

import yaml

from reconciler.core.plan.drift import DriftKind
from reconciler.core.plan.outcome import Result
from reconciler.render.changes import DRIFT_TITLES
from reconciler.render.outcome import WORDS
from tests.site.pages import DOCS, ROOT, anchors

PAGE = DOCS / "how-to" / "on-call.md"
TEXT = PAGE.read_text(encoding="utf-8")
RULES = ROOT / "deploy" / "prometheus" / "ai-budgets.rules.yaml"


def _rules() -> list[dict[str, dict[str, str]]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def test_every_alert_has_a_row_and_leads_to_it() -> None:
    assert {str(rule["alert"]) for rule in _rules()} == set(re.findall(r"`(AIBudgets\w+)`", TEXT))
    for rule in _rules():
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert path.endswith(str(PAGE.relative_to(ROOT)))
        assert anchor in anchors(PAGE)


def test_every_kind_of_difference_has_a_row_with_its_title() -> None:
    for kind in DriftKind:
        title = DRIFT_TITLES[kind].partition(";")[0]
        assert f"| *{title}* | `{kind}` |" in TEXT, kind


def test_every_word_of_a_run_has_a_row() -> None:
    assert set(WORDS) == set(Result) - {Result.DONE}
    for word in WORDS.values():
        assert f"| `{word}` |" in TEXT, word
