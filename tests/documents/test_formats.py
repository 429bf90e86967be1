"""The table of formats: every format shows every document it promises to, safely, and they all agree (law 11)."""

from __future__ import annotations

import csv
import html
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cmarkgfm  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from reconciler.core.action import Cause, Origin
from reconciler.core.attribution import Attribution
from reconciler.core.audit import AuditEntry
from reconciler.core.budget import GroupId, GroupRef, Unknown, UserId
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.verdict import Verdict
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.people.moves import Move
from reconciler.core.plan.acceptance import Acceptance, Taking
from reconciler.core.plan.drift import Drift, DriftKind
from reconciler.core.plan.plan import HeldBack, Plan
from reconciler.core.policy import GuardrailName, Hazard
from reconciler.core.snapshot import Effective
from reconciler.errors import Failure, Finding, Place, ReconcilerError
from reconciler.formats.documents import DOCUMENTS, dump, load
from reconciler.money import Micros, format_usd, format_usd_short
from reconciler.operations.status import find_status
from reconciler.render.authors import done_text
from reconciler.render.changes import DRIFT_TITLES, action_why, change_rows
from reconciler.render.drift_page import KEPT_SHOWN, KEPT_SHOWN_IN_COMMENT
from reconciler.render.effects import to_know
from reconciler.render.formats import FORMATS, Facts, Format, formats_of, render
from reconciler.render.markdown_blocks import PROBLEMS_SHOWN
from reconciler.render.markup import code, prose
from reconciler.render.overview import headline, overview_of, signed_usd
from reconciler.render.pages import github
from reconciler.render.pages.html import page_of
from reconciler.render.problems import folded, problems_of
from reconciler.render.text import harmless
from reconciler.words import count_people
from tests.documents.samples import FACTS, PLACE, large_plan, outcome, plan, plan_of, values
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW, World, plans, set_group, set_user, spends, usd

ROWS = pytest.mark.parametrize("row", FORMATS.values(), ids=list(FORMATS))
PLANS = plans().flatmap(
    lambda drawn: st.tuples(st.just(drawn[0]), st.just(drawn[1]), spends(drawn[0])).map(lambda all_: plan_of(*all_))
)


@ROWS
def test_every_format_shows_what_it_promises(row: Format) -> None:
    for name, value in values().items():
        if name in row.documents:
            text = render(row.name, (value,), FACTS)
            assert text.endswith("\n")
            assert text == render(row.name, (value,), FACTS), "the same input gives the same text"
        else:
            with pytest.raises(
                ReconcilerError, match=f"format {row.name} cannot show a document of kind {name}: it needs {row.needs}"
            ):
                render(row.name, (value,), FACTS)


def test_a_reason_stands_below_the_action_that_is_held_back() -> None:
    held = [HeldBack(action=action, message="REMOVES_LIMIT: it would", hint="pass it") for action in plan().actions[1:]]
    text = render("text", (replace(plan(), actions=(), held_back=tuple(held)),), FACTS)
    start = text.index("  2 actions held back")
    assert text[start:].splitlines()[:5] == [
        "  2 actions held back, because the gate refuses them:",
        "    + user/ana (eng)  no override -> $300.00        ends 2026-11-26 00:00 UTC, in 3 days",
        "    - user/eve (ops)      $500.00 -> no override",
        "        reason: left the project",
        "      REMOVES_LIMIT: it would; pass it",
    ]


def test_every_format_can_show_an_error_and_every_document_has_the_formats_of_people() -> None:
    assert set(formats_of("error")) == set(FORMATS), "a run that fails writes its files of --save, too: add `error`"
    for name in DOCUMENTS:
        assert set(formats_of(name)) >= {"text", "json", "markdown", "html"}


@pytest.mark.parametrize("name", values())
def test_documents_come_back(name: str) -> None:
    """Law 7: what a command saved can be shown again, in any format."""
    value = values()[name]
    assert load(dump(value), source="it") == value


def test_documents_of_different_kinds_are_not_mixed() -> None:
    with pytest.raises(ReconcilerError, match="documents of different kinds cannot be shown together: outcome, plan"):
        render("text", (plan(), outcome()), FACTS)


@ROWS
def test_several_documents_are_one_page(row: Format) -> None:
    for name in ("plan", "drift", "outcome"):
        if name in row.documents:
            text = render(row.name, (values()[name],) * 2, FACTS)
            assert len(text) >= len(render(row.name, (values()[name],), FACTS))


# Agreement. What a page says is read back from the page, and compared with the JSON.


class Tables(HTMLParser):
    """Reads the tables of a page: rows of cells, and every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


def amounts(action: dict[str, Any]) -> tuple[str, str]:
    missing = "no limit" if action["subject"]["type"] == "group" else "no override"
    states = (action["before"], action["after"])
    before, after = (format_usd(state["limit_micros"]) if "limit_micros" in state else missing for state in states)
    return before, after


SIGNS = {"create": "+", "update": "~", "delete": "-"}


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_markdown_agrees_with_the_json(made: Plan) -> None:
    """As GitHub renders it: every change with its sign, its amounts and its people."""
    document = json.loads(dump(made))
    text = render("markdown", (made,), FACTS)
    page = Tables(cmarkgfm.github_flavored_markdown_to_html(text))
    shown = {tuple(cell.strip() for cell in row[:4]) for row in page.rows if row and row[0] in ("+", "~", "-")}
    wanted = set()
    of_people = [action for action in document["actions"] if action["subject"]["type"] == "user"]
    states = [action[side] for action in of_people for side in ("before", "after")]
    has_several = len({state["group"]["organization"] for state in states if "group" in state}) > 1
    for action in document["actions"]:
        state = action["before"] if action["kind"] == "delete" else action["after"]
        booked = ""
        if action["subject"]["type"] == "user":
            group = state["group"]
            booked = f" ({group['organization']}/{group['name']})" if has_several else f" ({group['name']})"
        sides = (amount.removesuffix(".00") for amount in amounts(action))
        wanted.add((SIGNS[action["kind"]], f"{action['address']}{booked}", *sides))
    assert shown == wanted
    exposure = document["effects"]["exposure"]
    if document["actions"] and exposure["people"]:
        money = next(row for row in page.rows if row[0].startswith("What "))
        before, after = exposure["before_micros"], exposure["after_micros"]
        assert money[1:3] == [format_usd_short(before), format_usd_short(after)]
        assert money[3].split(" (")[0] == signed_usd(after - before)
        unlimited = next(row for row in page.rows if row[0] == "People without any limit")
        assert unlimited[1:3] == [str(exposure["unlimited_before"]), str(exposure["unlimited_after"])]
    people = document["effects"]["people"]
    changing = sum(person["before"]["limit_micros"] != person["after"]["limit_micros"] for person in people)
    assert (f"Limits of {count_people(changing)} change" in text) is (changing > 0)
    blocked = [person["username"] for person in people if person["becomes_blocked"]]
    stopped = next((row for row in page.rows if row[0] == "Would be blocked at once"), None)
    assert (stopped[2] if stopped else "0") == str(len(blocked))
    for danger in made.verdict.uncovered:
        assert f"hazard: {danger.hazard}, up_to: {danger.count}" in page.text or danger.consent in page.text


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_html_agrees_with_the_json(made: Plan) -> None:
    document = json.loads(dump(made))
    page = Tables(render("html", (made,), FACTS))
    shown = Counter((row[0], row[1].split(" (")[0], row[2], row[3].lstrip("▲▼ ")) for row in page.rows if len(row) == 7)
    wanted = Counter(
        (f"{SIGNS[action['kind']]} {action['kind']}", action["address"], *amounts(action))
        for action in document["actions"]
    )
    assert shown - Counter({("change", "who", "now", "after"): 1}) == wanted
    exposure = document["effects"]["exposure"]
    if document["actions"] and exposure["people"]:
        before, after = exposure["before_micros"], exposure["after_micros"]
        assert f"{format_usd_short(before)} → {format_usd_short(after)}" in page.text
    if over := re.search(r"([\d,]+) at or over it(?:, ([\d,]+) of them blocked already)?", page.text):
        at_once = [row for row in document["effects"]["people"] if row["standing_after"] == "blocked"]
        already = sum(row["standing_before"] == "blocked" for row in at_once)
        assert [number or "0" for number in over.groups()] == [f"{len(at_once):,}", f"{already:,}"]
    rects = Counter(attributes["class"] for tag, attributes in page.elements if tag == "rect")
    assert rects["before"] == min(12, len(document["effects"]["groups"])) + min(
        12 + any(isinstance(row["limit_micros"], dict) for row in document["effects"]["limits"]),
        len(document["effects"]["limits"]),
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("pass `--allow X=1`, or `allow:`", "pass <code>--allow X=1</code>, or <code>allow:</code>"),
        ("user 'a`b' is unknown", "user &#39;a`b&#39; is unknown"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
    ],
)
def test_what_is_to_be_typed_is_code_on_the_html_page(message: str, shown: str) -> None:
    """The page for finance showed backticks."""
    finding = Finding(place=PLACE, message=message, hint="")
    for failure in (
        Failure(exit_code=1, message=message, hint="", details=(), findings=()),
        Failure(exit_code=1, message="", hint="", details=(), findings=(finding,)),
    ):
        assert shown in render("html", (failure,), FACTS)


def test_the_chart_counts_the_blocked_among_its_own_dots() -> None:
    """A limit of $0 blocks even a person whose spend is not known; such a person has no dot."""
    world = World({"acme": ["ana", "bob"], "acme/eng": ["ana"], "acme/ops": ["bob"]}, {"acme/eng": 0, "acme/ops": 50})
    spend = {GroupId("acme/ops"): {UserId("bob"): usd(9)}}
    actions = (set_user(world, "ana", (0, "acme/eng")), set_group(world, "acme/ops", 40))
    page = Tables(render("html", (plan_of(world, actions, spend),), FACTS))
    assert "0 at or over it" in page.text
    assert "blocked already" not in page.text


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_the_breakdown_adds_up_to_the_exposure(made: Plan) -> None:
    exposure = made.effects.exposure
    assert sum(row.before_micros for row in made.effects.groups) == exposure.before_micros
    assert sum(row.after_micros for row in made.effects.groups) == exposure.after_micros
    for side in ("people_before", "people_after"):
        unlimited = getattr(exposure, side.replace("people", "unlimited"))
        assert sum(getattr(row, side) for row in made.effects.limits) == exposure.people
        assert sum(getattr(row, side) for row in made.effects.groups) == exposure.people - unlimited


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_csv_agrees_with_the_json(made: Plan) -> None:
    document = json.loads(dump(made))
    rows = list(csv.DictReader(render("csv", (made,), FACTS).splitlines()))
    people = {person["username"]: person for person in document["effects"]["people"]}
    assert Counter(row["username"] for row in rows) == Counter(
        [*people, *(person["username"] for person in document["effects"]["unclear"])]
    )
    for row in rows:
        if person := people.get(row["username"]):
            for side in ("before", "after"):
                micros = person[side]["limit_micros"]
                wanted = (
                    "unlimited" if isinstance(micros, dict) else format_usd(micros).replace("$", "").replace(",", "")
                )
                assert row[f"limit_{side}_usd"] == wanted
            assert row["standing_after"] == person["standing_after"]


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_counts_and_metrics_agree_with_the_json(made: Plan) -> None:
    document = json.loads(dump(made))
    kinds = Counter(action["kind"] for action in document["actions"])
    assert json.loads(render("gitlab", (made,), FACTS)) == {
        kind: kinds[kind] for kind in ("create", "update", "delete")
    }
    outputs = github.outputs((made,))
    exposure = document["effects"]["exposure"]
    assert outputs == {
        "has_changes": str(bool(kinds)).lower(),
        "creates": str(kinds["create"]),
        "updates": str(kinds["update"]),
        "deletes": str(kinds["delete"]),
        "refused": str(document["verdict"]["is_refused"]).lower(),
        "is_complete": "true",
        "digest": document["digest"],
        "exposure_delta_micros": str(exposure["after_micros"] - exposure["before_micros"]),
    }
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(render("metrics", (made,), FACTS))
        for sample in family.samples
    }
    assert samples["reconciler_exposure_dollars", "now"] * 1_000_000 == pytest.approx(exposure["before_micros"])
    assert samples["reconciler_exposure_dollars", "after"] * 1_000_000 == pytest.approx(exposure["after_micros"])
    assert samples["reconciler_people_without_limit", "after"] == exposure["unlimited_after"]
    differences = sum(value for key, value in samples.items() if key[0] == "reconciler_differences")
    assert differences == len(document["actions"])
    cases = Counter(
        case.get("name") for case in ElementTree.fromstring(render("junit", (made,), FACTS)).iter("testcase")
    )
    assert all(cases[action["address"]] == 1 for action in document["actions"]), "one case an entry"


def test_no_arrow_where_nobodys_limit_changes() -> None:
    """`eng` gives ana a higher limit than `ops`, so without the budget of `ops` she has what she had."""
    world = World({"eng": ["ana"], "ops": ["ana"]}, {"eng": 500, "ops": 5})
    made = plan_of(world, (set_group(world, "ops", None),), {})
    (row,) = change_rows(made)
    assert (row.arrow, row.people, row.note) == ("", 0, "changes nobody's limit")
    lowered = plan_of(world, (set_group(world, "eng", 100),), {})
    assert change_rows(lowered)[0].arrow == "▼"


class StatusOfSnapshot(SnapshotReader):
    """Satisfies StatusReader, too."""

    def unpriced_requests(self, organizations: object, period: object) -> int | None:
        return None

    def free_models(self) -> frozenset[str]:
        return frozenset()


def test_the_page_of_metrics_documents_every_metric() -> None:
    world = World({"acme": ["ana"]}, {"acme": 5})
    status = find_status((), StatusOfSnapshot(world.snapshot()), at=NOW)
    facts = replace(FACTS, names_people=True)
    text = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(reconciler_\w+)`", text, re.M))
    written = {
        family.name
        for value in (*values().values(), status)
        for family in text_string_to_metric_families(render("metrics", (value,), facts))
    }
    assert listed == written


def test_a_person_is_a_label_only_when_it_was_asked_for() -> None:
    world = World({"acme": ["ana"]}, {"acme": 5})
    status = find_status((), StatusOfSnapshot(world.snapshot()), at=NOW)
    for value in (*values().values(), status):
        families = text_string_to_metric_families(render("metrics", (value,), FACTS))
        assert not any("user" in sample.labels for family in families for sample in family.samples)
    facts = replace(FACTS, names_people=True)
    page = render("metrics", (status,), facts)
    assert 'reconciler_status_user_limit_dollars{user="ana"} 5.0' in page
    assert 'reconciler_status_user_spent_dollars{user="ana"}' in page
    blocked = [person.username for person in overview_of((plan(),)).blocked]
    families = text_string_to_metric_families(render("metrics", (plan(),), facts))
    named = {sample.labels["user"] for family in families for sample in family.samples if "user" in sample.labels}
    assert named == set(blocked) != set()


# Names of people are data. Whatever they hold, they add no markup, no link, no mention, no command, no formula.


def is_harmless(page: Tables, *, links: set[str]) -> None:
    hrefs = {attributes.get("href") for tag, attributes in page.elements if tag == "a"}
    assert hrefs <= links, hrefs
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "iframe", "b", "form", "input", "link", "object"}, tags


@pytest.mark.parametrize("name", ["plan", "drift", "outcome", "error", "validation"])
def test_names_add_no_markup_to_markdown(name: str) -> None:
    base = "https://git.example/blob/abc"
    text = render("markdown", (values()[name],), Facts(command="plan", at=FACTS.at, link_base=base))
    rendered = cmarkgfm.github_flavored_markdown_to_html(text)
    page = Tables(rendered)
    url = f"{base}/policies/we%20ird%60%7C%5Bx%5D%28y%29.yaml"
    is_harmless(page, links={url, f"{url}#L7"})
    outside = re.sub(r"<code>.*?</code>|<pre>.*?</pre>|<pre .*?</pre>", "", rendered, flags=re.S)
    assert "@ana" not in outside, "GitHub mentions nobody who is in a code span"
    assert "evil.example" not in outside
    assert "\x1b" not in text
    assert "\u202e" not in text


TEXTS = st.text(alphabet=st.sampled_from("`|\\*_~<>&\"'[]()#@:/.!- \tawx1\x1b\u202e\ud800é"), min_size=1, max_size=24)


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_a_code_span_shows_any_text_and_nothing_else(text: str) -> None:
    shown = code(text)
    rendered = cmarkgfm.github_flavored_markdown_to_html(f"| a | b |\n|---|---|\n| {shown} | end |\n")
    page = Tables(rendered)
    assert len(page.rows) == 2
    assert page.rows[1][1:] == ["end"]
    assert {tag for tag, _ in page.elements} <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert "".join(page.rows[1][0].split()) == "".join(re.sub(r"[^\S ]", "", _harmless(text)).split())


SENTENCES = st.lists(
    st.one_of(
        st.sampled_from([
            "pass", "`--allow", "X=1`,", "@ana", "(#1)", ":smile:", "1.", "2)", "-", "+", ">", "deadbeef", "1234567",
            "GH-1", "www.evil.example", "http://evil.example.", "a@evil.example", "user/ana:", "'eng'", "**b**", "_i_",
            "$250.00", "&lt;", "===",
            "`x`)`@ana", "`@a(`pass`", " 1.", "a'deadbeef",
            "~x", "!1", "%m", "^a", "[x](y)", "<b>", "|", "", "\\", "`", "``", "nobody's", "2026-12-01", "---", "# h",
        ]),
        TEXTS,
    ),
    max_size=6,
).map(" ".join)  # fmt: skip
PLACES = ("- {}\n", "{}\n", "| a |\n|---|\n| {} |\n")


@settings(deadline=None, max_examples=500)
@given(SENTENCES)
def test_a_sentence_shows_its_words_and_whatever_is_no_plain_word_is_code(text: str) -> None:
    """No renderer looks for mentions, references and links in code; plain words, numbers and amounts are none."""
    for place in PLACES:
        rendered = cmarkgfm.github_flavored_markdown_to_html(place.format(prose(text)))
        page = Tables(rendered)
        assert {tag for tag, _ in page.elements} <= {
            "ul",
            "li",
            "p",
            "code",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
        assert len([tag for tag, _ in page.elements if tag == "li"]) <= 1
        outside = html.unescape(re.sub(r"<code>.*?</code>|<[^>]*>|^a$", "", rendered, flags=re.MULTILINE | re.DOTALL))
        for word in outside.split():
            assert re.fullmatch(
                r"""[("'),.;:?!]*([A-Za-z'-]+|[-+]?[$]?[\d,.]+|[\d-]+|[\d:]+|->|%|—)?[("'),.;:?!]*""", word
            )
            assert not re.search(r"\b[0-9a-fA-F]{7,40}\b", word)
        shown = re.sub(r"<th>a</th>", "", rendered) if place.startswith("|") else rendered
        assert "".join(html.unescape(re.sub("<[^>]*>", "", shown)).replace("`", "").split()) == "".join(
            harmless(text).replace("`", "").replace("|", "|" if place.startswith("|") else "\\|").split()
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user/ana: equals what they have: $250.00 (mobile)", "`user/ana`: equals what they have: $250.00 (mobile)"),
        ("pass `--allow X=1`, or `allow:`", "pass `--allow X=1`, or `allow:`"),
        ("nobody's limit (2026) before 2026-12-01 00:00 UTC", "nobody's limit (2026) before 2026-12-01 00:00 UTC"),
        ("1. of @ana and #2", "`1.` of `@ana` and `#2`"),
        ("two  blanks", "`two  blanks`"),
        ("group 'x. Approved by finance' is unknown", "group '`x. Approved by finance`' is unknown"),
        ("user \"ana's\" and \"y\" ('z'), today's limit", "user \"`ana's`\" and \"`y`\" ('`z`'), today's limit"),
        ("pass (`--allow X=1`).", "pass (`--allow X=1`)."),
        ("of `x`)`@ana", "of `` `x`)`@ana ``"),
        ("of `@ana(`x`", "of `` `@ana(`x` ``"),
        (" 1. of", "`1.` of"),
        ("a-deadbeef", "`a-deadbeef`"),
        ("", ""),
    ],
)
def test_a_sentence_reads_as_prose(text: str, shown: str) -> None:
    """A reviewer reads the comment of each pull request; whole sentences stood in a typewriter's letters."""
    assert prose(text) == shown


def _harmless(text: str) -> str:
    return harmless(text) if harmless(text).strip() else ""


@pytest.mark.parametrize("name", ["plan", "drift", "outcome", "error", "validation"])
def test_names_add_no_markup_to_html(name: str) -> None:
    text = render("html", (values()[name],), FACTS)
    page = Tables(text)
    is_harmless(page, links=set())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [attributes for _, attributes in page.elements if any(key.startswith("on") for key in attributes)]
    assert not re.search(r"(src|href|url)\s*[=(]", text), "nothing comes from outside"


def test_a_policy_cannot_command_github() -> None:
    text = render("github", (values()["error"],), FACTS)
    commands = [line for line in text.splitlines() if line.lstrip().startswith(("::", "##["))]
    assert len(commands) == 1
    assert commands[0].startswith(
        "::error title=AI budgets%3A finding,file=policies/we ird`|[x](y).yaml,line=7,col=3::"
    )
    assert "%0A" not in commands[0]


def test_no_format_prints_what_a_ci_runner_takes_for_a_command() -> None:
    """A reason may be `##vso[task.setvariable variable=PATH]x`; Azure and GitHub look at every line of a log."""
    commands = "##vso[task.setvariable variable=PATH]x ##[stop-commands]x ##VSO[x]"
    error: Any = values()["error"]
    plan: Any = values()["plan"]
    error = replace(error, findings=tuple(replace(finding, message=commands) for finding in error.findings))
    plan = replace(plan, actions=tuple(replace(action, reason=commands, tier=commands) for action in plan.actions))
    for kind, value in (("error", error), ("plan", plan)):
        for name in formats_of(kind):
            text = render(name, (value,), FACTS)
            assert not re.search(r"##(vso)?\[", text, re.IGNORECASE), name
            if name == "json":
                assert commands in str(json.loads(text))
                assert not re.search(r"##(vso)?\[", render("json", (value, value), FACTS), re.IGNORECASE)


def test_no_line_of_a_page_is_a_command_to_github() -> None:
    report: Any = values()["outcome"]
    page = render("html", (replace(report, revision="x\n::error::oops"),), FACTS)
    assert "| ::error::oops" in page
    assert not [line for line in page.splitlines() if line.lstrip().startswith("::")]


def test_of_many_problems_ten_are_annotations_and_the_last_says_how_many_more() -> None:
    error: Any = values()["error"]
    many = replace(error, findings=error.findings * 25)
    lines = [line for line in render("github", (many,), FACTS).splitlines() if line.startswith("::")]
    assert len(lines) == 10
    assert lines[-1].startswith("::error title=AI budgets%3A more::16 more;")


def test_what_stands_does_not_hide_what_is_new() -> None:
    """Sixty overrides without an end made a line each in every comment, and the fifty-first was not shown."""
    rule, place = GuardrailName.MAX_OVERRIDE_DAYS, Place("p.yaml", 4, 11)

    def breach(number: int, *, is_standing: bool) -> Breach:
        return Breach(
            guardrail=rule, address=f"user/p{number}", place=place, message=f"p{number} never ends",
            guardrail_place=place, hint="set `expires`", is_standing=is_standing,
        )  # fmt: skip

    made: Any = values()["plan"]
    notice = Notice(kind=NoticeKind.STARTS_LATER, address="user/dan", place=place, text="$1,200.00", at=made.at)
    breaches = (*(breach(number, is_standing=True) for number in range(60)), breach(99, is_standing=False))
    made = replace(made, verdict=replace(made.verdict, breaches=breaches))
    made = replace(made, effects=replace(made.effects, notices=(notice,)))
    for name in ("markdown", "html", "github"):
        page = render(name, (made,), FACTS).replace("`", "")
        assert "max_override_days: 60 entries, first p0 never ends" in page
        assert "p1 never ends" not in page
        assert "p99 never ends" in page
        assert "user/dan: starts" in page
    few = problems_of((replace(made, verdict=replace(made.verdict, breaches=breaches[:3])),))
    assert folded(few) == list(few)


def test_a_page_says_that_a_plan_is_refused_for_what_refuses_it_alone() -> None:
    """What stands, and what cannot be applied, was among the reasons; the text says that it is none."""
    rule, made = GuardrailName.MAX_OVERRIDE_DAYS, replace(plan(), orphans=(), unreadable=(), withheld=())
    stands, breaks = (
        Breach(
            guardrail=rule, address=f"user/{name}", place=PLACE, message=f"{name} never ends", guardrail_place=PLACE,
            hint="set `expires`", is_standing=name == "ana",
        )
        for name in ("ana", "bob")
    )  # fmt: skip
    hazards = made.verdict.refused_hazards
    assert hazards
    for breaches, reasons in (((stands,), len(hazards)), ((stands, breaks), len(hazards) + 1)):
        page = page_of((replace(made, verdict=replace(made.verdict, breaches=breaches)),), FACTS)
        refused, beside = page.alerts[:2]
        assert (refused.title, len(refused.lines)) == ("Refused: nothing is written", reasons)
        assert beside.title == "Needs attention; the plan is not refused for this"
        assert [line.endswith("ana never ends (set `expires`)") for line in beside.lines] == [True]
    alone = page_of((replace(made, verdict=Verdict(breaches=(stands,))),), FACTS).alerts[0]
    assert alone.title == "Needs attention"


def test_csv_has_no_formulas() -> None:
    for value in (values()["plan"], values()["outcome"], values()["error"]):
        for row in csv.reader(render("csv", (value,), FACTS).splitlines()):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\t"))]


def test_csv_says_of_whom_the_effect_is_not_known_and_why() -> None:
    world = World({"acme": ["ana", "bob"]}, {"acme": 10}, {"bob": Unknown("HTTP 500")})
    made = plan_of(world, (set_group(world, "acme", 20),), {})
    ana, bob = csv.DictReader(render("csv", (made,), FACTS).splitlines())
    assert (ana["username"], ana["limit_after_usd"], ana["remark"]) == ("ana", "20.00", "")
    assert {key: value for key, value in bob.items() if value} == {
        "deployment": made.deployment.url,
        "organization": "acme",
        "username": "bob",
        "remark": "not known: their override is not known: HTTP 500",
    }


def test_a_change_without_a_reason_says_why_there_is_one() -> None:
    change = replace(plan().actions[0], reason="", expires=NOW)
    said = {cause: action_why(replace(change, cause=cause)) for cause in Cause}
    assert said == {
        Cause.LISTED: "",
        Cause.EXPIRED: f"expired {NOW:%Y-%m-%d}",
        Cause.NOT_LISTED: "not in the policy",
        Cause.REVERT: "takes back what a run did",
    }
    assert action_why(replace(change, cause=Cause.NOT_LISTED, tier="power", reason="agents")) == "tier power; agents"


@pytest.mark.parametrize(
    ("action", "before", "after", "what"),
    [
        ("write", 300, 5_000, "set from $300.00 to $5,000.00"),
        ("write", 0, 5_000, "set to $5,000.00"),
        ("write", None, 5_000, "set to $5,000.00"),
        ("write", 300, None, "set"),
        ("delete", 300, None, "removed ($300.00 until then)"),
        ("delete", 0, None, "removed ($0.00 until then)"),
        ("delete", None, None, "removed"),
    ],
)
def test_what_the_audit_log_has_of_a_change(action: str, before: int | None, after: int | None, what: str) -> None:
    change = AuditEntry(
        at=NOW,
        by="",
        action=action,
        before_micros=None if before is None else usd(before),
        after_micros=None if after is None else usd(after),
        user_agent="curl/8",
    )
    assert done_text(change) == f"{what} by somebody on 2026-11-23 00:00 UTC with curl/8"


def test_csv_of_a_run_says_when_who_and_which_commit() -> None:
    """Who raised this limit, and by which merge, is asked of many journals at once."""
    report: Any = values()["outcome"]
    merged = replace(report, who="ci in https://x/runs/1", revision="3f2a9c81")
    rows = list(csv.DictReader(render("csv", (merged,), FACTS).splitlines()))
    told = {(row["run_at"], row["run_by"], row["account"], row["revision"]) for row in rows}
    assert told == {(f"{report.at:%Y-%m-%dT%H:%M:%SZ}", merged.who, report.deployment.user, "3f2a9c81")}


def test_fingerprints_stay_when_a_problem_moves_down() -> None:
    error: Any = values()["error"]
    moved = replace(error, findings=tuple(replace(row, place=replace(row.place, line=99)) for row in error.findings))
    one, other = (json.loads(render("codequality", (value,), FACTS)) for value in (error, moved))
    assert [row["fingerprint"] for row in one] == [row["fingerprint"] for row in other]
    twice = json.loads(render("codequality", (replace(error, findings=error.findings * 2),), FACTS))
    assert len({row["fingerprint"] for row in twice}) == 2


def test_fingerprints_tell_the_same_file_of_two_folders_apart() -> None:
    """One job for each folder of a checkout: GitLab takes problems with one fingerprint for one, and shows it once."""
    rows = [json.loads(render("codequality", (plan(),), replace(FACTS, folder=folder))) for folder in ("eu", "us")]
    assert not {row["fingerprint"] for row in rows[0]} & {row["fingerprint"] for row in rows[1]}


# Sizes.


@pytest.mark.parametrize(("changes", "shown"), [(1_000, 1_000), (2_000, 900)])
def test_a_comment_holds_a_thousand_changes(changes: int, shown: int) -> None:
    """Of more it says what it left out: whole files."""
    made = large_plan(changes, people=10_000)
    facts = Facts(command="plan", at=FACTS.at, link_base="https://github.com/acme/budgets/blob/" + "0" * 40)
    text = render("markdown", (made,), facts)
    assert len(text) <= 65_536
    page = Tables(cmarkgfm.github_flavored_markdown_to_html(text))
    rows = [row for row in page.rows if row and row[0] in ("+", "~", "-")]
    left_out = re.search(r"Not shown, because the page is too long: ([\d,]+) changes? in ([\d,]+) files?", page.text)
    assert len(rows) + int(left_out[1].replace(",", "") if left_out else 0) == changes
    assert len(rows) >= shown
    assert text.startswith("<!-- reconciler plan ")


@pytest.mark.parametrize("base", [False, True])
def test_a_comment_shows_the_first_changes_of_a_file_that_has_no_room(base: bool) -> None:
    """A policy of one large file was a page without a single change."""
    made = large_plan(3_000, people=10_000)
    one_file = [
        action if action.place is None else replace(action, place=replace(action.place, file="all.yaml"))
        for action in made.actions
    ]
    text = render("markdown", (replace(made, actions=tuple(one_file), has_base=base),), FACTS)
    assert len(text) <= 65_000
    rows = [line for line in text.splitlines() if line.startswith(("| + |", "| ~ |", "| - |"))]
    left_out = [int(number.replace(",", "")) for number in re.findall(r"page is too long: ([\d,]+) changes? in", text)]
    assert len(rows) > 800
    assert len(rows) + sum(left_out) == 3_000


def test_a_comment_that_is_cut_says_so() -> None:
    """A drift that accepted 2,000 edits ended in the middle of a line."""
    places = [replace(PLACE, file=f"policies/{'x' * 40}.yaml", line=line) for line in range(2_000)]
    taken = [
        Acceptance(
            address="user/ana", taking=Taking.CHANGE, file=place.file, place=place, lines=("limit: $1.00",),
            is_taken=True,
        )
        for place in places
    ]  # fmt: skip
    drift = Drift(plan=plan(), last_changes=Attribution(), acceptances=tuple(taken))
    text = render("markdown", (drift,), FACTS)
    assert len(text) <= 65_000
    assert text.endswith("Not shown, because the page is too long: the rest of this page.**\n")


@pytest.mark.parametrize("runs", [1, 3])
def test_a_comment_of_thousands_of_results_says_how_the_run_ended(runs: int) -> None:
    """Its end was cut off: why actions were left undone, what to do, whether it was verified, and the journal."""
    made = outcome()
    done, failed, left = made.results
    rows = replace(left, detail="it was left"), replace(failed, detail="it failed")
    long = replace(made, results=(*[done] * 2_000, *rows))
    text = render("markdown", (long,) * runs, FACTS)
    assert len(text) <= 65_000
    assert text.count("**Not shown, because the page is too long: ") == runs
    assert "the rest of this page" not in text
    assert text.count(f"journal {code(made.journal)}") == runs
    first = text.index("| who |")
    places = [text.find(detail, first) for detail in ("it failed", "it was left", "| done |")]
    assert -1 < places[0] < places[1] < places[2]


def test_a_run_that_left_changes_undone_and_failed_in_none_is_annotated() -> None:
    """An override ended during the run, or a read showed another value: the step failed, and no line said why."""
    made = outcome()
    done, _, left = made.results
    assert made.ended is not None
    rows = [done, *(replace(left, action=replace(left.action, place=PLACE), detail="it ended") for _ in range(9))]
    long = replace(made, results=tuple(rows), ended=replace(made.ended, differences=("user/eve is $7.00, not $9.00",)))
    problems = [line for line in render("github", (long,), FACTS).splitlines() if line.startswith("::error")]
    address, where = left.action.address, f"file={PLACE.file},line={PLACE.line},col={PLACE.column}"
    shown = ", ".join([address] * 5)
    assert problems == [
        f"::error title=AI budgets%3A not-attempted,{where}::{shown} and 4 more: not attempted: it ended",
        "::error title=AI budgets%3A not-verified::not verified: user/eve is $7.00, not $9.00",
    ]
    rules = [row["check_name"] for row in json.loads(render("codequality", (long,), FACTS))]
    assert rules == ["not-attempted", "not-verified"]


def test_junit_has_each_result_once_and_what_was_not_verified() -> None:
    """With its plan, a run that was not verified passed; a journal's failures were told twice, and more failed."""
    made = outcome()
    done, failed, left = made.results
    left = replace(left, action=replace(left.action, place=PLACE), detail="it ended")
    assert made.ended is not None
    ended = replace(made.ended, differences=("user/eve is $7.00, not $9.00",))
    journal = replace(made, results=(done, replace(failed, detail="refused"), left), ended=ended)
    for report in (journal, replace(journal, plan=plan_of(World({"acme": ["ana"]}, {}), (), {}))):
        cases = ElementTree.fromstring(render("junit", (report,), FACTS)).iter("testcase")
        told = [(case.get("name"), child.tag, child.get("message")) for case in cases for child in case]
        assert [row for row in told if row[1] != "system-out"] == [
            ("user/ana", "failure", "failed"),
            ("user/eve", "skipped", "it ended"),
            ("not-verified", "failure", "not verified: user/eve is $7.00, not $9.00"),
        ]


def test_junit_fails_what_was_not_attempted_where_no_other_case_fails() -> None:
    """A run in which an override ended, and nothing else, ended with 4 and passed."""
    made = outcome()
    done, _, left = made.results
    long = replace(made, results=(done, replace(left, detail="its override ended during the run")))
    (failure,) = ElementTree.fromstring(render("junit", (long,), FACTS)).iter("failure")
    assert (failure.get("message"), failure.text) == ("not-attempted", "its override ended during the run")


def test_a_page_of_ten_thousand_people_is_under_two_megabytes() -> None:
    made = large_plan(1_000, people=10_000)
    text = render("html", (made,), FACTS)
    assert len(text.encode()) < 2_000_000
    assert f"{overview_of((made,)).higher:,} ▲" in text


def test_the_same_drift_gives_the_same_comment() -> None:
    one = render("markdown", (values()["drift"],), FACTS)
    other = render("markdown", (values()["drift"],), Facts(command="drift", at=None, cost="Read 1 request in 9.9 s."))
    assert one == other
    assert isinstance(values()["drift"], Drift)


def test_with_a_base_this_change_stands_apart_from_what_differs_anyway() -> None:
    made = plan()
    first, *rest = made.actions
    actions = (replace(first, origin=Origin.CHANGE), *(replace(action, origin=Origin.PENDING) for action in rest))
    text = render("markdown", (replace(made, actions=actions, has_base=True),), FACTS)
    change, anyway = text.split("**This change: 1**")[1].split("**Differs for another reason, and is applied too: 2**")
    assert first.address in change
    assert all(action.address in anyway and action.address not in change for action in rest)


@pytest.mark.parametrize("changes", [1_000, 3_000])
def test_a_page_with_room_for_less_keeps_this_change_apart_as_well(changes: int) -> None:
    made = large_plan(changes, people=10_000)
    origins = [Origin.CHANGE if number % 4 == 0 else Origin.HAND for number in range(changes)]
    actions = tuple(replace(action, origin=origin) for action, origin in zip(made.actions, origins, strict=True))
    made = replace(made, actions=actions, has_base=True)
    text = render("markdown", (made,), FACTS)
    assert len(text) <= 65_536
    _, change = text.split(f"**This change: {changes // 4:,}**")
    change, anyway = change.split(f"**Differs for another reason, and is applied too: {changes - changes // 4:,}**")
    expected = {action.address for action in actions if action.origin is Origin.CHANGE}
    shown = set(re.findall(r"^\| [+~-] \| \S*?((?:user|group)/[^`\]]+)", change, re.MULTILINE))
    assert shown
    assert shown <= expected
    assert not any(f"`{address}`" in anyway for address in expected)
    assert made.digest[:12] in anyway.splitlines()[-1]
    differs = render("markdown", (Drift(plan=made, last_changes=Attribution()),), FACTS)
    assert len(differs) <= 65_536
    assert differs.index(f"**Changed by hand: {changes - changes // 4:,}**") > 0
    assert made.digest[:12] in differs.splitlines()[-1]


def test_a_drift_is_grouped_by_why_it_differs() -> None:
    made = plan()
    actions = tuple(
        replace(action, origin=origin)
        for action, origin in zip(made.actions, (Origin.PENDING, Origin.HAND, Origin.DUE), strict=True)
    )
    drift = Drift(plan=replace(made, actions=actions), last_changes=Attribution())
    text = render("markdown", (drift,), FACTS)
    titles = re.findall(r"^\*\*(.+): 1\*\*$", text, re.M)
    kinds = (DriftKind.HAND, DriftKind.DUE, DriftKind.PENDING)
    assert titles == [DRIFT_TITLES[kind] for kind in kinds]
    assert "3 differences between Coder and the policy (1 hand, 1 due, 1 pending)" in text


def _move() -> Move:
    eng, ops = (GroupRef(GroupId(name), organization="acme", name=name) for name in ("eng", "ops"))
    return Move(
        user_id=UserId("k"),
        username="kim",
        before=Effective(limit_micros=usd(200), group=eng),
        after=Effective(limit_micros=usd(75), group=ops),
        joined=(ops.address,),
        left=(eng.address,),
        has_lost_override=False,
    )


def test_the_page_of_a_drift_reads_from_the_policy_to_live() -> None:
    """What text and Markdown say is on it: the cost, moves, authors that are not known, what to write to keep it."""
    made = plan()
    keep = Acceptance(
        address="user/ana", taking=Taking.CHANGE, file=PLACE.file, place=PLACE, lines=("limit: $12,345.00",)
    )
    kept = replace(keep, address="user/bob", lines=("limit: $54,321.00",), is_taken=True)
    drift = Drift(
        plan=made,
        last_changes=Attribution(reason="this token may not read the audit log"),
        acceptances=(keep, kept),
        moves=(_move(),),
        moves_since=NOW,
    )
    document = json.loads(dump(drift))
    pages = {name: render(name, (drift,), FACTS) for name in ("text", "markdown", "html")}
    html = Tables(pages["html"])
    exposure = document["plan"]["effects"]["exposure"]
    policy, live = (format_usd_short(exposure[f"{side}_micros"]) for side in ("after", "before"))
    assert f"{policy} → {live}" in html.text
    assert f"Differences {sum(document['counts'].values())} " in re.sub(r"\s+", " ", html.text)
    for name, text in {**pages, "html": html.text}.items():
        assert "limit: $12,345.00" in text, name
        assert "Accepted into the policy files" in text.replace("**", ""), name
        assert "limit: $54,321.00" in text, name
        assert "Who changed it is not known: this token may not read the audit log." in text, name
        assert "a month more than the policy" in text or "a month less than the policy" in text, name
        assert "kim" in text, name
        assert "$200.00 (eng)" in text, name
        assert "$75.00 (ops)" in text, name


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_what_is_not_known_of_moves_is_said_beside_them_and_without_any(name: str) -> None:
    drift = Drift(plan=plan(), last_changes=Attribution(), moves_since=NOW, moves_not_known=2)
    doubt = "Of 2 people it is not known whether their limit changed with a membership since "
    alone = Tables(render(name, (drift,), FACTS)).text
    assert doubt in alone
    assert "Nobody else's did." in alone
    reason = "this token may not read the audit log."
    beside = Tables(render(name, (replace(drift, moves=(_move(),), moves_reason=reason),), FACTS)).text
    assert doubt in beside
    assert "Nobody else's did" not in beside
    assert re.search(r"Who is behind some of \w+( changed memberships)? is not known: this token may not", beside)
    assert f"{reason}." not in beside


def test_an_entry_that_began_and_was_never_applied_says_since_when() -> None:
    began = replace(plan().actions[0], origin=Origin.DUE, starts=NOW - timedelta(days=3))
    drift = Drift(plan=replace(plan(), actions=(began,)), last_changes=Attribution())
    assert "  began 2026-11-20 00:00 UTC, 3 days ago\n" in render("text", (drift,), FACTS)


def test_a_page_and_a_comment_say_how_many_edits_they_do_not_show() -> None:
    keep = Acceptance(address="user/ana", taking=Taking.REMOVE, file=PLACE.file, place=PLACE)
    drift = Drift(plan=plan(), last_changes=Attribution(), acceptances=(keep,) * (KEPT_SHOWN + 1_000))
    assert "and 1,000 more, which `reconciler drift` shows" in Tables(render("html", (drift,), FACTS)).text
    hidden = 1_000 + KEPT_SHOWN - KEPT_SHOWN_IN_COMMENT
    assert f"and {hidden:,} more, which `reconciler drift` shows" in render("markdown", (drift,), FACTS)


def test_a_drift_of_orphans_alone_says_how_to_end_it() -> None:
    orphan = Orphan(
        address="user/gone",
        place=PLACE,
        organization="acme",
        reason=OrphanReason.UNKNOWN_USER,
        message="user 'gone' is unknown",
        hint="remove the entry if they left",
    )
    keep = Acceptance(address="user/gone", taking=Taking.REMOVE, file=PLACE.file, place=PLACE)
    made = replace(plan(), actions=(), orphans=(orphan,))
    drift = Drift(plan=made, last_changes=Attribution(), acceptances=(keep,))
    for name in ("markdown", "html"):
        text = render(name, (drift,), FACTS)
        assert "remove the entry" in text
        assert "drift --accept ADDRESS" in text
    assert "1 difference</h2>" in render("html", (drift,), FACTS)


def test_a_comment_says_how_many_problems_and_sentences_it_does_not_show() -> None:
    error: Any = values()["error"]
    findings = tuple(replace(error.findings[0], message=f"problem {number}") for number in range(PROBLEMS_SHOWN + 3))
    failed = render("markdown", (replace(error, findings=findings),), FACTS)
    assert failed.count("- **error** at ") == PROBLEMS_SHOWN
    assert "- and 3 more, which `reconciler plan` shows" in failed
    unknown = tuple(f"Sentence {number}." for number in range(PROBLEMS_SHOWN + 2))
    made = plan_of(World({"acme": ["ana"]}, {"acme": 10}), (), {})
    planned = render("markdown", (replace(made, effects=replace(made.effects, unknown=unknown)),), FACTS)
    assert planned.count("- Sentence ") == PROBLEMS_SHOWN
    assert "- and 2 more, which `reconciler plan` shows" in planned


def test_what_no_policy_can_consent_to_is_pasted_as_an_option() -> None:
    danger = Danger(hazard=Hazard.BLOCKS_USERS, counted=("ana",), organization=None)
    refused = replace(plan(), verdict=Verdict(dangers=(danger,)))
    for name in ("html", "markdown"):
        text = render(name, [refused], FACTS)
        assert "--allow BLOCKS_USERS=1" in text
        assert "{hazard: BLOCKS_USERS" not in text, "a policy cannot consent to what has no organization"


@given(PLANS)
@settings(max_examples=30)
def test_a_page_says_what_is_not_known_as_the_text_does(made: Plan) -> None:
    """Law 6: a reviewer who reads the comment or the page must not take what was not read for what does not change."""
    text, comment, page = (render(name, (made,), FACTS) for name in ("text", "markdown", "html"))
    for sentence in to_know(made.effects):
        assert sentence in text
        assert prose(sentence) in comment
    for sentence in to_know(made.effects, has_nearest=True):
        assert sentence in html.unescape(page)


def test_who_is_perhaps_blocked_is_told_so_in_a_comment() -> None:
    danger = Danger(hazard=Hazard.BLOCKS_USERS, counted=("ana",), uncertain=("bob",), organization="acme")
    made = replace(plan(), verdict=Verdict(dangers=(danger,), grants=(), breaches=()))
    assert "> - `BLOCKS_USERS` 2: `ana`, perhaps `bob`" in render("markdown", (made,), FACTS)


@ROWS
def test_every_format_names_what_an_error_is_about(row: Format) -> None:
    """A stale plan's CSV said "1 of 3 planned objects changed", and not which."""
    if "error" in row.documents and row.name not in ("metrics", "gitlab"):
        details = ("group/acme/eng: the plan saw $1", "user/ana: $2")
        failure = Failure(exit_code=3, message="It is stale", hint="", details=details, findings=())
        text = render(row.name, (failure,), FACTS)
        assert all(detail in text.replace("`", "") for detail in failure.details)


def test_a_headline_of_money_says_who_is_without_any_limit() -> None:
    """Whom nothing limits is in no sum: a removed budget was told as money saved, and a new one as money more."""
    world = World({"acme": ["ana", "bob"], "acme/eng": ["ana", "bob"]}, {"acme/eng": 200})
    removed = plan_of(world, (set_group(world, "acme/eng", None),), {})
    assert headline(overview_of([removed])) == "-$400 a month, 2 more people without any limit, 1 change, refused"
    world = World({"acme": ["ana"], "acme/eng": ["ana"]})
    limited = plan_of(world, (set_group(world, "acme/eng", 90),), {})
    assert headline(overview_of([limited])).startswith("+$90 a month, 1 fewer person without any limit, 1 change")


@pytest.mark.parametrize(
    ("limits", "marked"),
    [
        ([100, 200, 300], ["$100", "$200", "$300"]),
        ([*range(510, 518)], ["$510", "$517"]),
        ([10, 20, 60, 110, 210, 510, 1_100, 2_100, 6_000], ["$10", "$50", "$200", "$500", "$2,000", "$6,000"]),
    ],
)
def test_the_lowest_and_the_highest_limit_of_a_chart_are_marked(limits: list[int], marked: list[str]) -> None:
    """Of more than six limits only round amounts were marked: none of $510 to $517, and none above the sixth."""
    people = [f"p{limit}" for limit in limits]
    company = World({"acme": people}, {"acme": 1}, dict.fromkeys(people, (1, "acme")))
    actions = tuple(set_user(company, name, (limit, "acme")) for name, limit in zip(people, limits, strict=True))
    made = plan_of(company, actions, {GroupId("acme"): {UserId(name): Micros(0) for name in people}})
    (chart,) = page_of((made,), FACTS).dot_charts
    assert [tick.text for tick in chart.columns] == marked


def test_a_chart_of_many_groups_shows_those_that_change() -> None:
    """Of 23 groups the twelve largest were shown, and not those that the change was about."""
    names = [f"g{number:02}" for number in range(20)]
    members = {"acme": [f"p{name}" for name in names]} | {f"acme/{name}": [f"p{name}"] for name in names}
    budgets = {f"acme/{name}": 900 - number for number, name in enumerate(names)}
    company = World(members, budgets)
    page = render("html", (plan_of(company, (set_group(company, "acme/g19", 880),), {}),), FACTS)
    bars = re.findall(r"(g\d\d) \(1 person\)", page)
    assert "g19" in bars
    assert "8 more groups not shown" in page
