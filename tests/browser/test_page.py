"""The HTML page in a real Chromium: with scripts off, at two widths, in the dark, on paper, and by keyboard.

Text and geometry are asserted, never pixels. SCREENSHOTS=folder keeps what was seen. Without a browser the tests are
skipped and say how to get one; in CI they fail, because there the page must have been looked at.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.render.formats import render
from tests.cli.conftest import shell
from tests.cli.running import Shell
from tests.documents.samples import FACTS, large_plan, plan, values
from tests.status.helpers import company

__all__ = ["shell"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = pytest.mark.parametrize("width", [360, 1600])


@pytest.fixture(scope="module")
def tabs() -> Iterator[Tabs]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is a development tool, not installed here")
    if CHROMIUM is None:
        message = "no Chromium here; on Debian: apt-get install chromium"
        assert not os.environ.get("CI"), message
        pytest.skip(message)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Tabs(browser)
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    documents = {name: (value,) for name, value in values().items()}
    documents["company"] = (large_plan(20, people=300, files=5),)
    for name, shown in documents.items():
        (folder / f"{name}.html").write_text(render("html", shown, FACTS), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in documents}


class Tabs:
    """A browser whose pages are opened one after the other in the same tab; a tab of its own costs 0.2 s."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._tabs: dict[str, Any] = {}

    def open(self, path: Path, *, width: int = 1600, scheme: str = "light") -> Any:
        """Open a page where scripts are forbidden and nothing can be fetched; fail on anything that it asks for."""
        if scheme not in self._tabs:
            context = self._browser.new_context(color_scheme=scheme, java_script_enabled=False, offline=True)
            self._tabs[scheme] = context.new_page()
        page = self._tabs[scheme]
        page.set_viewport_size({"width": width, "height": 900})
        asked: list[str] = []
        page.on("request", note := lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.remove_listener("request", note)
        assert asked == [path.as_uri()], "the page asks for something from outside"
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder, f"{path.stem}-{width}-{scheme}.png"), full_page=True)
        return page


@WIDTHS
@pytest.mark.parametrize("name", ["plan", "company", "drift", "outcome", "error", "validation"])
def test_everything_fits_the_width(tabs: Tabs, pages: dict[str, Path], name: str, width: int) -> None:
    page = tabs.open(pages[name], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in boxes(page, "h1, h2, li, td, th, .tile, figure, svg text"):
        assert box["x"] >= -1, box
        assert box["x"] + box["width"] <= width + 1, box


def test_tables_fit_between_a_telephone_and_a_screen(tabs: Tabs, pages: dict[str, Path], shell: Shell) -> None:
    """A table with ten columns does not fit where a telephone ends: it is rows of names and values up to there."""
    with company(shell):
        assert shell.run("status", "--save=html=status.html").code == 0
    for width in (641, 700, 801, 900, 999, 1000):
        for path in (shell.folder / "status.html", pages["company"], pages["drift"]):
            page = tabs.open(path, width=width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path.name, width)


def test_the_line_number_of_a_place_is_not_broken(tabs: Tabs, shell: Shell) -> None:
    reason = "a long story of why a sprint of four people needs that much " * 2
    entries = (
        f"  - {{user: {name}, group: Everyone, limit: $1500, reason: {reason.strip()}}}\n" for name in ("ana", "victor")
    )
    shell.policy("version: 1\norganization: acme\nuser_overrides:\n" + "".join(entries))
    with company(shell, seed="demo", role="user-admin"):
        shell.run("plan", "--save=html=plan.html")
    lines = """[...document.querySelectorAll("td[data-name=where]")].map(cell => {
        const range = document.createRange(), text = cell.lastChild, number = text.data.indexOf(":");
        range.setStart(text, number - 1), range.setEnd(text, text.data.length);
        return range.getClientRects().length;
    })"""
    for width in (1000, 1100, 1200, 1280, 1600):
        found = tabs.open(shell.folder / "plan.html", width=width).evaluate(lines)
        assert found == [1, 1], width


def test_a_number_of_a_tile_is_not_broken(tabs: Tabs, shell: Shell) -> None:
    """$501,502.50 was shown as $501,502.5 above a 0."""
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: Everyone, limit: $999999.99}]\n")
    with company(shell, seed="demo", role="user-admin"):
        shell.run("plan", "--save=html=plan.html")
    broken = """[...document.querySelectorAll(".tile strong")].flatMap(({firstChild: text}) =>
        [...text.data.matchAll(/\\S+/g)].filter(word => {
            const range = document.createRange();
            range.setStart(text, word.index), range.setEnd(text, word.index + word[0].length);
            return range.getClientRects().length > 1;
        }).map(word => word[0]))"""
    for width in (320, 360, 700, 900, 1100, 1600):
        page = tabs.open(shell.folder / "plan.html", width=width)
        assert "$36,003,074.64" in page.inner_text(".tile >> nth=1")
        assert page.evaluate(broken) == [], width
        assert page.evaluate(
            "[...document.querySelectorAll('.tile')].every(tile => tile.scrollWidth <= tile.clientWidth)"
        )


def boxes(page: Any, selector: str) -> list[dict[str, Any]]:
    script = """
        selector => [...document.querySelectorAll(selector)].map(element => {
            const box = element.getBoundingClientRect();
            return {x: box.x, y: box.y, width: box.width, height: box.height, text: element.textContent.slice(0, 40)};
        }).filter(box => box.width > 1 && box.height > 1)
    """
    found: list[dict[str, Any]] = page.evaluate(script, selector)
    return found


def test_a_sign_and_its_verb_are_on_one_line(tabs: Tabs, pages: dict[str, Path]) -> None:
    page = tabs.open(pages["plan"])
    heights = {box["text"]: box["height"] for box in boxes(page, "td.short")}
    assert {"~ update", "+ create", "- delete"} == set(heights)
    lines = "Math.max(...[...document.querySelectorAll('td.short')].map(cell => { const range = document.createRange();"
    script = f"{lines} range.selectNodeContents(cell); return range.getClientRects().length; }}))"
    assert page.evaluate(script) == 1


@WIDTHS
def test_text_in_charts_is_as_large_as_text(tabs: Tabs, pages: dict[str, Path], width: int) -> None:
    """Charts that only scale are unreadable on a telephone."""
    page = tabs.open(pages["company"], width=width)
    sizes = page.evaluate("[...document.querySelectorAll('svg text')].map(text => text.getBoundingClientRect().height)")
    assert min(sizes) >= 11


@WIDTHS
def test_bars_are_as_long_as_their_numbers(tabs: Tabs, pages: dict[str, Path], width: int) -> None:
    made = large_plan(20, people=300, files=5)
    page = tabs.open(pages["company"], width=width)
    chart = page.locator("figure svg").first
    across = chart.bounding_box()["width"]
    before = [box["width"] for box in boxes(page, "figure:first-of-type svg rect.before")]
    rows = sorted(made.effects.groups, key=lambda row: (-max(row.before_micros, row.after_micros), row.label))[:12]
    longest = max(max(row.before_micros, row.after_micros) for row in rows)
    for bar, row in zip(before, rows, strict=True):
        assert bar == pytest.approx(across * row.before_micros / longest, abs=2)


def test_dots_of_people_over_their_limit_are_above_the_line(tabs: Tabs, pages: dict[str, Path]) -> None:
    page = tabs.open(pages["company"])
    (line,) = page.locator("line.limit").all()
    limit = line.bounding_box()["y"]
    over, under = boxes(page, "circle.over"), boxes(page, "circle.under")
    assert over
    assert under
    assert all(box["y"] + box["height"] / 2 <= limit + 1 for box in over)
    assert all(box["y"] + box["height"] / 2 > limit for box in under)


def test_the_dark_page_is_dark_and_still_readable(tabs: Tabs, pages: dict[str, Path]) -> None:
    colors = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    light = tabs.open(pages["plan"])
    dark = tabs.open(pages["plan"], scheme="dark")
    for page, is_dark in ((light, False), (dark, True)):
        ink, paper = (luminance(color) for color in page.evaluate(colors))
        assert (ink > paper) == is_dark
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7, "contrast"


INKS = """([texts, shapes]) => {
  const paper = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor
      if (!/, 0\\)$/.test(color)) return color
    }
    return "rgb(255, 255, 255)"
  }
  const rows = []
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element), inSvg = element.closest("svg")
    const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
    if (!element.getClientRects().length || !(hasText || element.matches("rect,circle"))) continue
    const least = hasText ? texts : shapes
    const ink = inSvg ? style.fill : style.color
    rows.push([ink, paper(element), Number(style.fillOpacity), least, element.outerHTML.slice(0, 80)])
  }
  return rows
}"""
"""The colour of each text, bar and dot, that of its paper, its opacity, and the least contrast of the two."""


@pytest.mark.parametrize("look", ["light", "dark", "paper"])
@pytest.mark.parametrize("name", ["plan", "company", "drift", "outcome", "error"])
def test_each_text_and_each_bar_stands_out_from_its_paper(
    tabs: Tabs, pages: dict[str, Path], name: str, look: str
) -> None:
    """*Source*: WCAG 2.2, 1.4.3 and 1.4.11. Bars of what may be spent now had 2.06 to 1, and dots 2.3."""
    page = tabs.open(pages[name], scheme="dark" if look == "dark" else "light")
    page.emulate_media(media="print" if look == "paper" else "screen")
    rows = page.evaluate(INKS, [4.5, 3])
    page.emulate_media(media="null")  # the tab is shared, and a printer is asked with it
    assert len(rows) > 5
    for ink, paper, opacity, least, where in rows:
        seen = blended(ink, paper, opacity)
        lower, higher = sorted((luminance(seen), luminance(paper)))
        assert (higher + 0.05) / (lower + 0.05) >= least, (where, ink, paper)


def blended(ink: str, paper: str, opacity: float) -> str:
    """Return the colour that is seen where an ink lets the paper through."""
    parts = zip(re.findall(r"\d+", ink)[:3], re.findall(r"\d+", paper)[:3], strict=True)
    return ", ".join(str(round(int(over) * opacity + int(under) * (1 - opacity))) for over, under in parts)


def test_a_table_that_is_laid_out_otherwise_is_still_one(tabs: Tabs, pages: dict[str, Path]) -> None:
    """Safari tells a screen reader nothing of a table whose rows are blocks, unless the roles are written."""
    page = tabs.open(pages["plan"], width=360)
    for tags, role in (
        ("table", "table"),
        ("thead,tbody", "rowgroup"),
        ("tr", "row"),
        ("th", "columnheader"),
        ("td", "cell"),
    ):
        found = page.locator(tags)
        assert found.count() > 0
        assert {element.get_attribute("role") for element in found.all()} == {role}


def luminance(color: str) -> float:
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", color)[:3])
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_a_keyboard_and_a_screen_reader_reach_everything(tabs: Tabs, pages: dict[str, Path]) -> None:
    page = tabs.open(pages["plan"])
    assert page.get_by_role("heading", level=1).inner_text().startswith("AI budgets: ")
    assert page.get_by_role("table", name="3 changes").count() == 1
    charts = page.get_by_role("img").all()
    assert len(charts) == page.locator("svg").count()
    assert all((chart.get_attribute("aria-label") or "").strip() for chart in charts)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "PRE", "what is to be pasted can be scrolled by keyboard"
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize(("changes", "most"), [(20, 1), (60, 3), (200, 10)])
def test_twenty_changes_a_printed_page(tabs: Tabs, tmp_path: Path, changes: int, most: int) -> None:
    file = tmp_path / "print.html"
    file.write_text(render("html", (large_plan(changes, people=300, files=5),), FACTS), encoding="utf-8")
    page = tabs.open(file)
    target = Path(os.environ.get("SCREENSHOTS", tmp_path), f"print-{changes}.pdf")
    page.pdf(path=target, prefer_css_page_size=True, print_background=True)
    sheets = len(re.findall(rb"/Type\s*/Page[^s]", target.read_bytes()))
    assert sheets <= most


def test_every_change_is_on_the_page(tabs: Tabs, pages: dict[str, Path]) -> None:
    page = tabs.open(pages["plan"])
    text = page.inner_text("body")
    for action in plan().actions:
        assert action.address in text
    assert "<b>" in text, "a reason that looks like markup is text"


def test_paper_shows_all_of_a_long_line_and_says_what_it_leaves_out(tabs: Tabs, pages: dict[str, Path]) -> None:
    """Nobody can scroll paper: a long line ended at its edge, and 7 of the 15 nearest people were gone, unsaid."""
    cut = "[...document.querySelectorAll('pre')].filter(shown => shown.scrollWidth > shown.clientWidth).length"
    gone = "[...document.querySelectorAll('tr')].filter(row => getComputedStyle(row).display == 'none').length"
    says = "getComputedStyle(document.querySelector('.nearest'), '::after').content"
    for name, path in pages.items():
        page = tabs.open(path, width=718)
        page.emulate_media(media="print")
        assert page.evaluate(cut) == 0, name
        assert (page.evaluate(gone) > 0) == (name == "company")
        if name in ("company", "plan"):
            assert page.evaluate(says).count("nearest 8") == (name == "company")
        page.emulate_media(media="null")  # the tab is shared, and a printer is asked with it


@pytest.mark.parametrize("width", [320, 700])
def test_no_sentence_ends_at_the_edge_of_a_narrow_screen(tabs: Tabs, shell: Shell, width: int) -> None:
    """Of the page of a person, a telephone showed the first half of each line."""
    with company(shell, seed="demo", role="auditor"):
        assert shell.run("explain", "ana", "--save=html=ana.html").code == 0
    page = tabs.open(shell.folder / "ana.html", width=width)
    assert page.locator("pre").count()
    assert page.evaluate("[...document.querySelectorAll('pre')].every(shown => shown.scrollWidth <= shown.clientWidth)")


def test_what_is_reached_by_keyboard_has_a_name(tabs: Tabs, pages: dict[str, Path]) -> None:
    for name in ("plan", "validation"):
        page = tabs.open(pages[name])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')")
