"""Text from people, made safe for Markdown: names, reasons and paths that cannot become markup, mentions or links.

Everything that somebody else wrote is put in a code span. GitHub and GitLab turn nothing inside a code span into a
mention, a reference or a link, and Markdown has no markup there; so two characters alone need care: the backtick,
which would end the span, and the pipe, which would end a table's cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reconciler.errors import Place
from reconciler.render.text import harmless

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def code(text: str) -> str:
    """Return a code span that shows the text; an empty text gives an empty text."""
    text = harmless(text)
    if not text.strip():
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{edge}{text}{edge}{fence}".replace("|", "\\|")


def fenced(text: str) -> str:
    """Return a code block that shows lines as they are."""
    text = "\n".join(map(harmless, text.split("\n")))
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def place_url(place: Place, base: str) -> str:
    """Return where a line of a policy can be looked at; empty for a file that is outside of the repository."""
    if not base or place.file.startswith("/") or ".." in place.file.split("/"):
        return ""
    path = place.file.removeprefix("./")
    return f"{base}/{_quoted(path)}#L{place.line}"


def link(text: str, url: str) -> str:
    """Return a link around a code span, or the code span alone where there is nothing to link to."""
    shown = code(text)
    return f"[{shown}]({url})" if url and shown else shown


def _valid(character: str) -> str:
    """Replace half of a pair of UTF-16: no octet of a path stands for it, so that it comes from an edited document."""
    return "?" if "\ud800" <= character <= "\udfff" and not "\udc80" <= character <= "\udcff" else character


def _quoted(path: str) -> str:
    octets = "".join(map(_valid, path)).encode("utf-8", "surrogateescape")
    return "".join(chr(octet) if chr(octet) in _SAFE else f"%{octet:02X}" for octet in octets)


def joined(*parts: Iterable[str]) -> str:
    """Return lines as a page that ends in one newline."""
    return "\n".join(_lines(parts)).strip("\n") + "\n"


def _lines(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    for part in parts:
        yield from part


def cut_to(page: str, most: int) -> str:
    """Return a page that is not too long; of one that is, its beginning."""
    if len(page) <= most:
        return page
    cut = page[: most - 200].rpartition("\n")[0]
    return f"{cut}\n\n**Not shown, because the page is too long: the rest of this page.**\n"
