"""Names, reasons, tiers and paths that attack: in every format of every document they are text and nothing else."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import replace

import cmarkgfm  # type: ignore[import-untyped]
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.core.budget import GroupId, UserId
from reconciler.core.plan.plan import Plan
from reconciler.errors import Place
from reconciler.formats.documents import document_of
from reconciler.money import Micros
from reconciler.render.formats import FORMATS, render
from tests.documents.samples import FACTS, plan_of
from tests.documents.test_agreement import documents
from tests.documents.test_formats import Tables
from tests.effects.worlds import World, set_group, set_user

BASE = "https://git.example/blob/abc"
NAMES = (
    "[x](http://evil.example) ![i](http://evil.example/a.png) www.evil.example a@evil.example @ana #1 :smile:",
    "<script>alert(1)</script><img src=x onerror=alert(1)></svg></text><b>x</b>&#x3c;b&#x3e;",
    "<!-- reconciler plan x --> --> ```\n> # h ~~x~~ **y** - [ ] | a | b `c` ``d``",
    "\x1b[31mred\x1b]0;title\x07\x9b2J\x85\x00\u202egnp\u200b\u2028x\ud800\udcff",
    "::error::x",
    "a\r\n::set-output name=a::b\n##[error]x ##vso[task.setvariable variable=a]b",
    '=HYPERLINK("http://evil.example")',
    "\t@SUM(1+1)*cmd|' /C calc'!A0",
    'a"} 1\nevil{x="b\\',
    "{{ 7 * 7 }}{% raw %}$(id)`id`",
    "x" * 3_000,
    " ",
)


def attacked(name: str) -> Plan:
    """A plan in which a group, a person, reasons, tiers and files have this name."""
    group = f"acme/{name}"
    world = World({"acme": ["ana", name], group: ["ana", name]}, {group: 5})
    place = Place(name, 3, 4)
    actions = (
        replace(set_group(world, group, 1), reason=name, tier=name, place=place),
        replace(set_user(world, name, (3, group)), reason=name, place=place),
    )
    return plan_of(world, actions, {GroupId(group): {UserId("ana"): Micros(10), UserId(name): Micros(9_000_000)}})


def is_inert_text(page: str) -> None:
    for line in page.splitlines():
        assert not re.match(r"\s*(::(?!(error|warning|notice) (title=AI budgets|file=))|##\[)", line), line
        assert "##[" not in line
        assert "##vso[" not in line


def is_inert_markdown(page: str) -> None:
    rendered = cmarkgfm.github_flavored_markdown_to_html(page)
    shown = Tables(rendered)
    assert not {tag for tag, _ in shown.elements} & {"script", "img", "b", "em", "del", "h1", "input"}
    links = [attributes["href"] or "" for tag, attributes in shown.elements if tag == "a"]
    assert all(link.startswith(f"{BASE}/") for link in links)
    outside = re.sub(r"<code>.*?</code>|<pre.*?</pre>|href=\"[^\"]*\"", "", rendered, flags=re.DOTALL)
    assert not re.search(r"evil|@ana|:smile:|alert\(", outside)
    assert page.count("<!-- reconciler") == 1 or "<!-- reconciler" not in outside.partition("-->")[2]


def is_inert_html(page: str) -> None:
    elements = Tables(page).elements
    assert not {tag for tag, _ in elements} & {"script", "img", "b", "a", "iframe", "form"}
    assert not [key for _, attributes in elements for key in attributes if key.startswith("on")]


def is_inert_csv(page: str) -> None:
    cells = [cell for row in csv.reader(page.splitlines()) for cell in row if cell]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "|", "%"))]


def is_inert_metrics(page: str) -> None:
    assert all(line.startswith(("# ", "reconciler_")) for line in page.split("\n") if line)
    assert all(family.name.startswith("reconciler_") for family in text_string_to_metric_families(page))


CHECKS: Mapping[str, Callable[[str], object]] = {
    "text": is_inert_text,
    "json": json.loads,
    "markdown": is_inert_markdown,
    "html": is_inert_html,
    "csv": is_inert_csv,
    "github": is_inert_text,
    "gitlab": json.loads,
    "codequality": json.loads,
    "junit": ElementTree.fromstring,
    "metrics": is_inert_metrics,
}


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_a_name_is_text_and_nothing_else(number: int) -> None:
    facts = replace(FACTS, link_base=BASE, names_people=True)
    for value in documents(attacked(NAMES[number])):
        for row in FORMATS.values():
            if document_of(value).name in row.documents:
                page = render(row.name, (value,), facts)
                page.encode()
                assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page), row.name
                CHECKS.get(row.name, str)(page)


def test_every_format_is_checked() -> None:
    assert set(CHECKS) == set(FORMATS), "a format needs a row in CHECKS: what a name of somebody must not do in it"
