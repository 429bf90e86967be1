"""Amounts: what is read, what is refused and why, what is written. Law 7 over all of them is in tests/property."""

from __future__ import annotations

import pytest

from reconciler.money import MAX_LIMIT, Micros, format_usd, format_usd_short, parse_usd


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
        ("-5", "an amount is not negative"),
        ("-$5", "an amount is not negative"),
        ("$-5", "an amount is not negative"),
        ("1e3", "an amount has no exponent; write the digits out"),
        ("1.5E-3", "an amount has no exponent; write the digits out"),
        ("0x10", "an amount is written with the digits 0 to 9, commas and one decimal point"),
        ("0b1", "an amount is written with the digits 0 to 9, commas and one decimal point"),
        ("1_000", "an amount is written with the digits 0 to 9, commas and one decimal point"),
        ("1,00", "commas stand between groups of three digits, and a decimal point has digits on both sides"),
        ("1000,000", "commas stand between groups of three digits, and a decimal point has digits on both sides"),
        ("5.", "commas stand between groups of three digits, and a decimal point has digits on both sides"),
        ("$5 USD", "an amount has a $ in front or USD behind, not both"),
        ("017", "an amount does not begin with a zero"),
        ("000", "an amount does not begin with a zero"),
        ("0.0000001", "an amount has at most 6 decimals, this one has 7"),
        ("1000000.000001", "an amount is at most $1,000,000"),
        ("1" + "0" * 5_000, "an amount is at most $1,000,000"),
        ("", "this is not an amount of US dollars"),
        ("NaN", "this is not an amount of US dollars"),
        ("yes", "this is not an amount of US dollars"),
        ("1:30", "this is not an amount of US dollars"),
        ("€5", "this is not an amount of US dollars"),
        ("5 usd", "this is not an amount of US dollars"),
        (" 5", "this is not an amount of US dollars"),
        ("٣", "this is not an amount of US dollars"),
        (".5", "this is not an amount of US dollars"),
    ],
)
def test_what_is_no_amount_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"amount|commas") as raised:
        parse_usd(text)
    assert why == str(raised.value)


def test_a_sum_may_have_another_maximum() -> None:
    most = Micros(3 * MAX_LIMIT)
    assert most == parse_usd("3,000,000", maximum=most)
    with pytest.raises(ValueError, match=r"at most \$3,000,000"):
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
