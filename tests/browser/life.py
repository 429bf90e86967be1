"""The pictures of docs/life-of-a-change.md: one change, from a refused pull request to drift, by the workflow's jobs.

`python -m tests.browser.life` draws them anew; it needs Chromium, playwright and a font with emoji. Each picture
carries the Markdown that it shows, so that a test can tell whether it is still true.
"""

from __future__ import annotations

import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options as Rendering  # type: ignore[import-untyped]

from tests.browser.pictures import COMMENT, PICTURES
from tests.deploy.company import DRIFT, opened
from tests.deploy.site import BASE
from tests.readme.blocks import settled

TYPING_ERROR = BASE.replace("$150", "$200").replace("$500", "$50")
"""The design team gets more, and the platform team a zero too few."""
CORRECTED = BASE.replace("limit: $150", 'limit: $200, reason: "two new members, FIN-42"')
CARD = """<style>
.card{border:1px solid #d1d9e0;border-radius:7px;overflow:hidden}
.head{background:#f6f8fa;border-bottom:1px solid #d1d9e0;padding:9px 16px;color:#59636e}
.head b{color:#1f2328}.body{padding:14px 18px}.state{float:right;border-radius:12px;
padding:1px 10px;background:#1a7f37;color:#fff}
</style>"""
_KEY = b"Markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One picture: what GitHub shows at one moment."""

    name: str
    head: str
    """HTML above the text: who said it, and where."""
    text: str
    """Markdown."""

    @property
    def file(self) -> Path:
        return PICTURES / f"life-{self.name}.png"


def play(folder: Path) -> Iterator[Scene]:
    """Play the story; yield what GitHub shows after each act."""
    bot = "<b>github-actions</b> bot commented"
    with opened(folder) as site:
        assert site.pull_request(TYPING_ERROR)["plan"].has_failed
        yield Scene(name="refused", head=bot, text=site.github.comments[0]["body"])
        assert not site.pull_request(CORRECTED)["plan"].has_failed
        yield Scene(name="planned", head=f"{bot} · edited", text=site.github.comments[0]["body"])
        assert not site.push_merge()["apply"].has_failed
        yield Scene(name="applied", head=bot, text=site.github.comments[1]["body"])
        site.set_by_hand("platform", 900)
        assert not site.schedule(DRIFT).has_failed
        issue = site.github.issues[0]
        yield Scene(name="drift", head=f"<span class=state>Open</span><b>{issue['title']}</b>", text=issue["body"])


def draw() -> None:
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 960, "height": 200})
        for scene in play(Path(name)):
            text = _elsewhere(scene.text)
            page.set_content(_html(scene.head, text))
            scene.file.write_bytes(_with_text(page.screenshot(full_page=True), text))
        browser.close()


def text_of(file: Path) -> str:
    """Return the Markdown that a picture shows."""
    for kind, body in _chunks(file.read_bytes()):
        if kind == b"zTXt" and body.startswith(_KEY):
            return zlib.decompress(body[len(_KEY) + 2 :]).decode()
    raise AssertionError(f"{file.name} carries no Markdown: draw it with `python -m tests.browser.life`")


def facts_of(text: str) -> list[str]:
    """Return the amounts, names and exit words of a text, in their order: what makes a picture true or wrong."""
    return re.findall(r"\$[\d,.]+|`[a-z]+/[^`]+`|[A-Z]{4,}_[A-Z]+", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))


def _elsewhere(text: str) -> str:
    """Return a text as a runner of GitHub and a company's Coder would have it."""
    text = re.sub(r"http://127\.0\.0\.1:\d+", "https://coder.example.com", settled(text))
    text = re.sub(r"run by `\S+@\S+ in ", "run by `olivia in ", text)
    return re.sub(r"/\S+/(ai-budgets/journal)", r"/home/runner/\1", text)


def _html(head: str, text: str) -> str:
    text = re.sub(r"<!--.*?-->\n?|<details>.*?</details>", "", text, flags=re.DOTALL)
    body = cmarkgfm.github_flavored_markdown_to_html(text, options=Rendering.CMARK_OPT_UNSAFE)
    body = re.sub(r"<p>\[!CAUTION\]", "<p><b style='color:#cf222e'>Caution</b><br>", body)
    body = re.sub(r"<p>\[!(WARNING|NOTE|IMPORTANT)\]", lambda kind: f"<p><b>{kind[1].title()}</b><br>", body)
    return f"{COMMENT}{CARD}<div class=card><div class=head>{head}</div><div class=body>{body}</div></div>"


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += size + 12


def _with_text(png: bytes, text: str) -> bytes:
    """Return a PNG with a compressed text before its end. *Source*: the PNG specification, zTXt."""
    body = b"zTXt" + _KEY + b"\0\0" + zlib.compress(text.encode())
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:-12] + chunk + png[-12:]


if __name__ == "__main__":
    draw()
