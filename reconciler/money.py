"""Micro-dollars, and US dollar text to and from them, exactly. Never a float."""

from __future__ import annotations

import re
from typing import NewType

Micros = NewType("Micros", int)
"""Millionths of a US dollar. A limit counts them per member and month."""

MICROS_PER_USD = 1_000_000
MICROS_PER_CENT = 10_000
MAX_LIMIT = Micros(1_000_000 * MICROS_PER_USD)
"""The highest limit Coder accepts (2.36 and later); higher ones can be live on upgraded servers."""

_AMOUNT = re.compile(r"(\$?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?( USD)?", re.ASCII)
_USUAL = re.compile(r"\$?([1-9][0-9]{0,5})(?:\.([0-9]{2}))?", re.ASCII)
"""Accepts most amounts that _AMOUNT accepts, and none above the highest limit; three times as quick."""
_PLACES = 6


def parse_usd(text: str, *, maximum: Micros = MAX_LIMIT) -> Micros:
    """Read `$200`, `200`, `200.50`, `$1,250.00` or `1,250 USD` as micros, exactly; `maximum` is for sums of limits.

    Raises ValueError; its text says how to write the amount.
    Law 7: `parse_usd(format_usd(micros)) == micros`.
    """
    usual = _USUAL.fullmatch(text)
    if usual is not None and maximum >= MAX_LIMIT:
        whole, cents = usual.groups(default="0")
        return Micros(int(whole) * MICROS_PER_USD + int(cents) * MICROS_PER_CENT)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(_what_is_wrong(text))
    dollar_sign, whole, fraction, usd = match.groups(default="")
    if dollar_sign and usd:
        raise ValueError("write $200 or 200 USD, not both signs at once")
    whole = whole.replace(",", "")
    if len(whole) > 1 and whole.startswith("0"):
        raise ValueError("remove the leading zero")
    if len(fraction) > _PLACES:
        raise ValueError(f"an amount can have at most {_PLACES} decimals; this amount has {len(fraction)}")
    if len(whole) <= len(str(maximum)):
        micros = int(whole) * MICROS_PER_USD + int(fraction.ljust(_PLACES, "0"))
        if micros <= maximum:
            return Micros(micros)
    raise ValueError(f"the highest amount is {format_usd_short(maximum)}")


def format_usd(micros: int) -> str:
    """Write micros as `$1,250.00`: two decimals, up to six where the amount needs them; `-$3.50` below zero."""
    sign = "-" if micros < 0 else ""
    whole, remainder = divmod(abs(micros), MICROS_PER_USD)
    fraction = f"{remainder:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}${whole:,}.{fraction}"


def format_usd_short(micros: int) -> str:
    """Write micros in whole dollars where they are whole: `$41,200`. For sums in prose; display only."""
    text = format_usd(micros)
    return text.removesuffix(".00")


def _what_is_wrong(text: str) -> str:
    bare = text.removeprefix("$").removesuffix(" USD")
    if bare.startswith("-") or text.startswith("-"):
        return "an amount cannot be negative"
    if re.fullmatch(r"[0-9.,]+[eE][+-]?[0-9]+", bare):
        return "write the digits out (1000, not 1e3)"
    if "_" in bare or re.fullmatch(r"0[xob][0-9a-fA-F]+", bare):
        return "use only the digits 0 to 9, commas and one decimal point (1,250.00)"
    if re.fullmatch(r"[0-9,]+(\.[0-9]*)?", bare):
        return "put commas between groups of three digits, and digits on both sides of a decimal point (1,250.00)"
    return "write an amount of US dollars such as $200 or $1,250.00"
