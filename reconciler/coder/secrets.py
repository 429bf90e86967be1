"""Takes this run's secrets out of text that a server wrote, before the text leaves this room.

A server or a proxy may echo what it was sent: as it is, in other capitals, or escaped for JSON, HTML, a URL or a shell,
also several times over. So each character of a secret is looked for in all of these spellings. The secrets are the
token, the values of CODER_HEADER, their longer words, and the password in a `Basic` value.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from functools import cache

SHOWN_INSTEAD = "[secret]"
SHORTEST = 4
"""A shorter value (`on`, `1`) is not a secret, and stands in every text."""
SHORTEST_WORD = 8
"""Of the words of a value; shorter ones are words of a language or of HTTP."""
SHORTEST_IN_A_NAME = 16
"""A shorter value may really be a part of somebody's name, and a name that is changed is somebody else's."""

_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos", "=": "equals", "/": "sol", "+": "plus"}


class Mask:
    """Knows the secrets of one run. Shows none of them, not even in its repr."""

    def __init__(self, token: str = "", values: Iterable[str] = ()) -> None:
        secrets = {token, *(part for value in values for part in _parts(value))}
        self._anywhere = _pattern(secret for secret in secrets if len(secret) >= SHORTEST)
        long = [secret for secret in secrets if len(secret) >= SHORTEST_IN_A_NAME]
        self._in_names = _pattern(long)
        self._shortest_in_names = min(map(len, long), default=0)

    def __repr__(self) -> str:
        return "Mask()"

    def hide(self, text: str) -> str:
        """Return the text without secrets."""
        return self._anywhere.sub(SHOWN_INSTEAD, text) if self._anywhere else text

    def is_in_name(self, name: str) -> bool:
        """Tell whether a name holds a secret: it cannot be shown then, and not be changed either."""
        if self._in_names is None or len(name) < self._shortest_in_names:
            return False
        return self._in_names.search(name) is not None


def _parts(value: str) -> Iterator[str]:
    """Return a header's value, its longer words, and what a `Basic` value encodes."""
    yield value.strip()
    words = re.split(r"[\s,;]+", value)
    words += [word.partition("=")[2] for word in words]
    yield from (word for word in words if len(word) >= SHORTEST_WORD)
    kind, _, encoded = value.strip().partition(" ")
    if kind.lower() == "basic":
        try:
            decoded = b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return
        yield decoded
        yield decoded.partition(":")[2]


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    ordered = sorted(set(secrets), key=lambda secret: (-len(secret), secret))  # the longest first: it may hold others
    return re.compile("|".join("".join(map(_spellings, secret)) for secret in ordered), re.I) if ordered else None


@cache
def _spellings(character: str) -> str:
    """Return a pattern for one character: plain, or escaped in any of the usual ways and nested ones.

    Runs of backslashes are bounded, so that a hostile text cannot make the search slow.
    """
    code = f"{ord(character):02x}"
    spellings = [
        rf"\\{{1,8}}(?:u00|u\{{0{{0,4}}|x){code}\}}?",
        f"%(?:25){{0,4}}{code}",
        f"&(?:amp;){{0,4}}#0{{0,4}}{ord(character)};?",
        f"&(?:amp;){{0,4}}#x0{{0,4}}{code};?",
    ]
    if character in _ENTITIES:
        spellings.append(f"&(?:amp;){{0,4}}{_ENTITIES[character]};")
    if character == " ":
        spellings.append(r"\+")
    spellings.append(rf"\\{{0,8}}{re.escape(character)}")  # last: an escape may begin with the character itself
    return f"(?:{'|'.join(spellings)})"


NO_SECRETS = Mask()
