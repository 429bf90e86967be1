"""Takes this run's secrets out of text that a server wrote, before the text leaves this room.

A server or a proxy may echo what it was sent: as it is, in other capitals, or escaped for JSON, HTML, a URL or a shell,
also several times over. So each character of a secret is looked for in all of these spellings. The secrets are the
token, the values of CODER_HEADER, their longer words, and the password in a `Basic` value.

The pattern of all spellings takes milliseconds to compile, and most runs never need it: plain ASCII text without a
character that begins an escape holds a secret only letter by letter, which `in` tells. So it is compiled at the first
text that may need it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from functools import cache, cached_property

SHOWN_INSTEAD = "[secret]"
SHORTEST = 4
"""A shorter value (`on`, `1`) is not a secret, and stands in every text."""
SHORTEST_WORD = 8
"""Of the words of a value; shorter ones are words of a language or of HTTP."""
SHORTEST_IN_A_NAME = 16
"""A shorter value may really be a part of somebody's name, and a name that is changed is somebody else's."""

_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos", "=": "equals", "/": "sol", "+": "plus"}
_BEGINNINGS = frozenset("\\%&+")
"""With one of these every spelling of `_spellings` begins that is not the character itself."""


class Mask:
    """Knows the secrets of one run. Shows none of them, not even in its repr."""

    def __init__(self, token: str = "", values: Iterable[str] = ()) -> None:
        secrets = {token, *(part for value in values for part in _parts(value))}
        self._anywhere = _Search(secret for secret in secrets if len(secret) >= SHORTEST)
        self._in_names = _Search(secret for secret in secrets if len(secret) >= SHORTEST_IN_A_NAME)

    def __repr__(self) -> str:
        return "Mask()"

    def hide(self, text: str) -> str:
        """Return the text without secrets."""
        return self._anywhere.pattern.sub(SHOWN_INSTEAD, text) if self._anywhere.may_match(text) else text

    def is_in_name(self, name: str) -> bool:
        """Tell whether a name holds a secret: it cannot be shown then, and not be changed either."""
        return self._in_names.may_match(name) and self._in_names.pattern.search(name) is not None


class _Search:
    """Looks for some secrets in all of their spellings."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: it may hold others.
        self._secrets = sorted(set(secrets), key=lambda secret: (-len(secret), secret))
        self._plain = [secret.lower() for secret in self._secrets]
        self._shortest = min(map(len, self._secrets), default=0)
        self._are_ascii = all(map(str.isascii, self._secrets))

    def may_match(self, text: str) -> bool:
        """Tell whether the pattern can match at all. *Law*: where this is False the pattern finds nothing."""
        if not self._secrets or len(text) < self._shortest:
            return False
        if not self._are_ascii or not text.isascii() or not _BEGINNINGS.isdisjoint(text):
            return True
        lowered = text.lower()
        return any(secret in lowered for secret in self._plain)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of all spellings, compiled at the first use."""
        return re.compile("|".join("".join(map(_spellings, secret)) for secret in self._secrets), re.I)


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
