"""Text of one value to what it means: names, amounts, limits, times, numbers. Exact, or Wrong with a hint.

Each of these has a twin in schemas/policy.v1.schema.json under `$defs`; tests/policy_file/test_agreement.py compares
them. What the schema cannot say (tiers that exist, days of the calendar) is decided here alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping as ReadOnly
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from reconciler.core.budget import ABSENT, Absent
from reconciler.core.moment import parse_time
from reconciler.core.policy import Hazard, Manage
from reconciler.money import Micros, parse_usd
from reconciler.policy_file.nodes import Mapping, Node, Scalar, Sequence
from reconciler.words import NearNames, any_of, did_you_mean, listed, spoken

VERSION = 1
NO_LIMIT = "none"
NONE_OR_ZERO = "write `none` for no limit, or $0 to block"
MAX_EXPOSURE = Micros(10**12 * 10**6)
"""A million people with the highest limit."""
TIERS_SHOWN = 10
MAX_COUNT = 1_000_000
"""The largest number of people, deletes or days that a policy can state."""

_Word = TypeVar("_Word", bound=StrEnum)

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = frozenset(
    spelling
    for word in ("yes", "no", "true", "false", "on", "off")
    for spelling in (word, word.capitalize(), word.upper())
)
_NUMBER = re.compile(
    r"[-+]?(?:0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_NUMBER_BEGINS = frozenset("+-.0123456789")
_WORDS = _NULLS | _BOOLEANS
_WHOLE = re.compile(r"0|[1-9][0-9]*")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*)\.[0-9]{1,6}")
_NAME = re.compile(r"[^\x00-\x20\x7f-\xa0](?:[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?")
_REASON = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\x9f][^\x00-\x08\x0b-\x1f\x7f-\x9f]*")
_BREAK = re.compile(r"\s*[\t\n\u2028\u2029]\s*")
_TIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


class Wrong(ValueError):
    """A value is not what its key expects; the text says what to do, and is empty when the expectation says enough."""


class NotJson:
    """A plain scalar that some YAML reader takes for a number, and that JSON cannot write: 017, 1e3, 1:30, .inf."""


def to_json(scalar: Scalar) -> str | int | bool | Decimal | NotJson | None:
    """Return what an editor or another YAML reader takes the scalar for; the schema is asked about that."""
    text = scalar.value
    if scalar.style or is_text(text):
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return text.lower() in ("yes", "true", "on")
    if _WHOLE.fullmatch(text) and len(text) < 20:
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else NotJson()


def is_text(text: str) -> bool:
    """Whether every YAML reader takes these characters for a text, without quotes around them."""
    return text not in _WORDS and not (text[0] in _NUMBER_BEGINS and _NUMBER.fullmatch(text))


def _is_usual(text: str) -> bool:
    """Whether a text begins with a letter and can be printed, as most can: name() and reason() need no pattern then."""
    return text.isprintable() and text[:1].isalpha() and text[-1] != " " and text not in _WORDS


def name(node: Node) -> str:
    """Read the name of an organization, group or user."""
    if type(node) is Scalar and _is_usual(node.value):
        return node.value
    text = _text(node)
    if not _NAME.fullmatch(text):
        raise Wrong("a name must not be empty, start or end with a space, or contain control characters")
    return text


_MOST_GROUPS = 10_000
_groups: dict[str, str] = {}
"""Names that were read already; 100,000 overrides share those of a few hundred groups."""


def group(node: Node) -> str:
    """Read the name of a group."""
    if type(node) is Scalar and (known := _groups.get(node.value)) is not None:
        return known
    text = name(node)
    if len(_groups) < _MOST_GROUPS and _is_usual(text):
        _groups[text] = text
    return text


def reason(node: Node) -> str:
    """Read a text for people; several lines become one, as plans show it."""
    if type(node) is Scalar and _is_usual(node.value):
        return node.value
    text = _text(node)
    if not _REASON.fullmatch(text):
        raise Wrong("a reason must not be empty or contain control characters")
    return _BREAK.sub(" ", text).strip()


def _text(node: Node) -> str:
    if type(node) is not Scalar:
        raise Wrong
    text = node.value
    if not node.style and (text in _WORDS or (text[0] in _NUMBER_BEGINS and _NUMBER.fullmatch(text))):
        if text in _NULLS:
            raise Wrong("write a text, or remove the key")
        kind = "true or false" if text in _BOOLEANS else "a number"
        raise Wrong(f'YAML reads {text} as {kind}; put it in quotes: "{text}"')
    return text


def is_tier_name(text: str) -> bool:
    """Whether a tier may have this name: not one that looks like an amount, like `none`, or like a boolean of YAML."""
    if not _TIER.fullmatch(text) or text.lower() in (NO_LIMIT, "null"):
        return False
    return text.lower() not in _BOOLEANS


def amount(node: Node) -> Micros:
    """Read an amount of US dollars up to the highest limit."""
    return _amount(_scalar(node))


def exposure(node: Node) -> Micros:
    """Read a sum of limits: an amount that may exceed the highest limit of one person."""
    scalar = _scalar(node)
    try:
        return parse_usd(scalar.value, maximum=MAX_EXPOSURE)
    except ValueError as error:
        raise Wrong(_what_to_write(scalar, str(error))) from None


def _amount(scalar: Scalar) -> Micros:
    try:
        return parse_usd(scalar.value)
    except ValueError as error:
        raise Wrong(_what_to_write(scalar, str(error))) from None


def _what_to_write(scalar: Scalar, problem: str) -> str:
    if scalar.style or is_text(scalar.value):
        return problem
    if scalar.value in _NULLS:
        return "write an amount such as $200 or $0, or remove the key"
    if scalar.value in _BOOLEANS:
        return f"YAML reads {scalar.value} as true or false; write an amount such as $200"
    if ":" in scalar.value:
        return "YAML reads digits with colons as a number to base 60; write an amount such as $200"
    return problem


class LimitReader:
    """Reads the limits of an organization: amounts, its tiers, `none`. Keeps what it read: most limits are repeated."""

    def __init__(self, tiers: ReadOnly[str, Micros]) -> None:
        self._tiers = sorted(tiers)
        self._tier_names = frozenset(tiers)
        self._near = NearNames([*tiers, NO_LIMIT])
        self._known: dict[str, Micros | Absent] = {**tiers, NO_LIMIT: ABSENT}
        self._unknown: dict[str, str] = {}

    def __call__(self, node: Node) -> Micros | Absent:
        if type(node) is not Scalar:
            raise Wrong
        limit = self._known.get(node.value)
        if limit is None:
            limit = self._known[node.value] = self._read(node)
        return limit

    def tier_of(self, node: Node) -> str:
        """Return the tier that a limit names; empty for an amount and for `none`."""
        return node.value if type(node) is Scalar and node.value in self._tier_names else ""

    def _read(self, scalar: Scalar) -> Micros:
        text = scalar.value
        if text in _NULLS or text.lower() in (".inf", NO_LIMIT):
            raise Wrong(NONE_OR_ZERO)
        if not is_tier_name(text):
            return _amount(scalar)
        if text not in self._unknown:
            self._unknown[text] = self._no_such_tier(text)
        raise Wrong(self._unknown[text])

    def _no_such_tier(self, text: str) -> str:
        if text.lower() in ("unlimited", "infinite", "inf"):
            return f"there is no tier {text!r}; {NONE_OR_ZERO}"
        if question := self._near.question(text):
            return f"there is no tier {text!r}; {question}"
        if did_you_mean(text, ("unlimited", "infinity")):
            return f"there is no tier {text!r}; {NONE_OR_ZERO}"
        if self._tiers:
            tiers = listed([spoken(tier) for tier in self._tiers], most=TIERS_SHOWN)
            return f"there is no tier {text!r}; the tiers are {tiers}"
        return f"there is no tier {text!r}; define it under `tiers`"


def moment(node: Node) -> datetime:
    """Read a date (00:00 UTC of that day) or an RFC 3339 time with an offset, as UTC."""
    return _moment(_scalar(node).value)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise Wrong(str(error)) from None


def version(node: Node) -> int:
    """Read the version of the file; only one is known."""
    scalar = _scalar(node)
    if scalar.value != str(VERSION) or scalar.style:
        raise Wrong(f"this reconciler reads version {VERSION} only; write `version: {VERSION}`, without quotes")
    return VERSION


def count(node: Node) -> int:
    """Read a number of people, deletes or days: at least 1."""
    scalar = _scalar(node)
    if scalar.style or not _WHOLE.fullmatch(scalar.value) or len(scalar.value) > len(str(MAX_COUNT)):
        raise Wrong(f"write a whole number from 1 to {MAX_COUNT}, in digits and without quotes")
    number = int(scalar.value)
    if not 1 <= number <= MAX_COUNT:
        raise Wrong(f"write a whole number from 1 to {MAX_COUNT}")
    return number


def manage(node: Node) -> Manage:
    """Read `exact` or `listed`."""
    return _word(node, list(Manage))


def hazard(node: Node) -> Hazard:
    """Read the name of a hazard to which a policy may consent."""
    named = _scalar(node).value
    if named in [hazard for hazard in Hazard if not hazard.is_for_policies]:
        raise Wrong(f"to {named} only `--allow {named}=N` consents, for one run")
    return _word(node, [hazard for hazard in Hazard if hazard.is_for_policies])


def _word(node: Node, words: Collection[_Word]) -> _Word:
    text = _scalar(node).value
    for word in words:
        if word == text:
            return word
    raise Wrong(did_you_mean(text, map(str, words)) or f"write {any_of(words)}")


def mapping(node: Node) -> Mapping:
    """Require keys with values."""
    if type(node) is not Mapping:
        raise Wrong
    return node


def sequence(node: Node) -> Sequence:
    """Require a list."""
    if type(node) is not Sequence:
        raise Wrong("write a list, one entry per line after `- `, or [] for an empty list")
    return node


def _scalar(node: Node) -> Scalar:
    if type(node) is not Scalar:
        raise Wrong
    return node
