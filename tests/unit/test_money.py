"""Amounts: what is read, what is refused and why, what is written. Law 7 over all of them is in tests/property."""

from __future__ import annotations

import re

import pytest

from reconciler.money import MAX_LIMIT, Micros, format_usd, format_usd_short, parse_usd

COMMAS = "put commas between groups of three digits, and digits on both sides of a decimal point (1,250.00)"


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("200", 200_000_000),
        ("$200", 200_000_000),
        ("200 USD", 200_000_000),
        ("200.50", 200_500_000),
        ("$1,250.00", 1_250_000_000),
        ("1,250 USD", 1_250_000_000),
        ("1250", 1_250_000_000),
        ("0", 0),
        ("$0", 0),
        ("0.000001", 1),
        ("$0.1", 100_000),
        ("1,000,000", MAX_LIMIT),
        ("1000000.000000", MAX_LIMIT),
        ("10.07", 10_070_000),  # int(10.07 * 1e6) is 10_069_999
    ],
)
def test_amounts_are_read_exactly(text: str, micros: int) -> None:
    assert micros == parse_usd(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-5", "an amount cannot be negative"),
        ("-$5", "an amount cannot be negative"),
        ("$-5", "an amount cannot be negative"),
        ("1e3", "write the digits out (1000, not 1e3)"),
        ("1.5E-3", "write the digits out (1000, not 1e3)"),
        ("0x10", "use only the digits 0 to 9, commas and one decimal point (1,250.00)"),
        ("0b1", "use only the digits 0 to 9, commas and one decimal point (1,250.00)"),
        ("1_000", "use only the digits 0 to 9, commas and one decimal point (1,250.00)"),
        ("1,00", COMMAS),
        ("1000,000", COMMAS),
        ("5.", COMMAS),
        ("$5 USD", "write $200 or 200 USD, not both signs at once"),
        ("017", "remove the leading zero"),
        ("000", "remove the leading zero"),
        ("0.0000001", "an amount can have at most 6 decimals; this amount has 7"),
        ("1000000.000001", "the highest amount is $1,000,000"),
        ("1" + "0" * 5_000, "the highest amount is $1,000,000"),
        ("", "write an amount of US dollars such as $200 or $1,250.00"),
        ("NaN", "write an amount of US dollars such as $200 or $1,250.00"),
        ("yes", "write an amount of US dollars such as $200 or $1,250.00"),
        ("1:30", "write an amount of US dollars such as $200 or $1,250.00"),
        ("€5", "write an amount of US dollars such as $200 or $1,250.00"),
        ("5 usd", "write an amount of US dollars such as $200 or $1,250.00"),
        (" 5", "write an amount of US dollars such as $200 or $1,250.00"),
        ("٣", "write an amount of US dollars such as $200 or $1,250.00"),
        (".5", "write an amount of US dollars such as $200 or $1,250.00"),
    ],
)
def test_what_is_no_amount_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        parse_usd(text)


def test_a_sum_may_have_another_maximum() -> None:
    most = Micros(3 * MAX_LIMIT)
    assert most == parse_usd("3,000,000", maximum=most)
    with pytest.raises(ValueError, match=r"highest amount is \$3,000,000"):
        parse_usd("3000000.01", maximum=most)


@pytest.mark.parametrize(
    ("micros", "text", "short"),
    [
        (0, "$0.00", "$0"),
        (1, "$0.000001", "$0.000001"),
        (1_250_000_000, "$1,250.00", "$1,250"),
        (1_250_500_000, "$1,250.50", "$1,250.50"),
        (-3_500_000, "-$3.50", "-$3.50"),
        (-2_000_000, "-$2.00", "-$2"),
        (MAX_LIMIT, "$1,000,000.00", "$1,000,000"),
    ],
)
def test_amounts_are_written(micros: int, text: str, short: str) -> None:
    assert (text, short) == (format_usd(micros), format_usd_short(micros))
