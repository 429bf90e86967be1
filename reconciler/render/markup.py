"""Text from people, made safe for Markdown: names, reasons and paths that cannot become markup, mentions or links.

Everything that somebody else wrote is put in a code span. GitHub and GitLab turn nothing inside a code span into a
mention, a reference or a link, and Markdown has no markup there; so two characters alone need care: the backtick,
which would end the span, and the pipe, which would end a table's cell.

A sentence of ours has names in it. One that is more than a word is quoted where the sentence is made (`words.spoken`),
and what is quoted is code, whole. The other words are looked at one by one: a plain word, a number, an amount or a date
means nothing to anybody's Markdown and stands as it is; every other word is code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reconciler.errors import Place
from reconciler.render.text import TICK, harmless, pieces

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


_BEFORE, _BEHIND = "(\"'", ")\"',.;:?!"
"""What may stand before a word, and behind it."""
_PLAIN = re.compile(
    r"""[A-Za-z]+ (?:['-][A-Za-z]+)*            # a word
    | [-+]? \$? (?:\d{1,3}(?:,\d{3})*|\d{4}) (?:\.\d+)?   # a number, a year, an amount
    | \d{4}-\d\d-\d\d | \d\d:\d\d               # a date, a time
    | -> | % | —""",
    re.VERBOSE,
)
_NUMBERED = re.compile(r"\d+[.)](?= |$)")
"""What would begin a list."""
_COMMIT = re.compile(r"\b[0-9a-f]{7,}\b")
"""What may be taken for the beginning of a commit's hash, and linked to it, also behind a hyphen."""


def prose(text: str) -> str:
    """Return a sentence in which every word that could be markup, a mention or a link is code."""
    text = harmless(text).strip(" ")
    if "  " in text or "|" in text:  # code alone shows blanks as they are
        return code(text)
    start = _NUMBERED.match(text)
    first, rest = (start[0], text[start.end() :]) if start else ("", text)
    shown = code(first)
    for mark, piece in pieces(rest):
        quote = mark if mark != TICK else ""
        shown += f"{quote}{code(piece)}{quote}" if mark else _words(piece)
    return shown


def _words(text: str) -> str:
    return " ".join(map(_shown, text.split(" ")))


def _shown(word: str) -> str:
    middle = word.lstrip(_BEFORE)
    before = word[: len(word) - len(middle)]
    middle = middle.rstrip(_BEHIND)
    is_plain = not middle or (_PLAIN.fullmatch(middle) and not _COMMIT.search(middle.lower()))
    return word if is_plain else f"{before}{code(middle)}{word[len(before) + len(middle) :]}"


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
