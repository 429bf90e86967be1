"""How the benches divide their time: a table of arithmetic, and a clock that only moves when something is measured."""

from __future__ import annotations

import sys

import pytest

from tests.bench.__main__ import main
from tests.bench.results import Results, Row, median, ratio
from tests.bench.share import LEAST, MOST, Share, has_another, least_of, share_s


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("left_s", "weights", "first_s"),
    [(600, [1], 600), (600, [1, 1, 1], 200), (600, [3, 1], 450), (600, [1, 3], 150), (0, [1, 1], 0), (-20, [1, 1], 0)],
)
def test_a_share_is_a_weight_of_what_is_left_and_never_less_than_nothing(
    left_s: float, weights: list[float], first_s: float
) -> None:
    assert share_s(left_s, weights) == first_s


@pytest.mark.parametrize(
    ("rounds", "took_s", "left_s", "has"),
    [
        (0, 0, -9, True),
        (2, 20, -9, True),  # the least, whatever the time
        (3, 30, 10, True),  # it fits
        (3, 30, 9.9, False),
        (3, 30, 0, False),
        (10, 1, 99, True),
        (11, 1, 99, False),  # the most, whatever the time
    ],
)
def test_there_is_another_round_while_it_fits(rounds: int, took_s: float, left_s: float, *, has: bool) -> None:
    assert has_another(rounds, took_s, left_s, least=3, most=11) is has


@pytest.mark.parametrize(("rounds", "took_s", "least"), [(0, 0, 3), (1, 6, 3), (1, 6.1, 1), (2, 12, 3), (2, 12.1, 1)])
def test_of_short_rounds_there_are_at_least_three_and_of_long_ones_one(rounds: int, took_s: float, least: int) -> None:
    assert least_of(rounds, took_s, short_s=6) == least


@pytest.mark.parametrize(
    ("seconds", "a_round_s", "rounds"),
    [
        (600, 1, MOST),  # a fast machine stops where more rounds say no more
        (100, 12, 8),
        (100, 40, 2),
        (100, 51, 1),
        (100, 1000, 1),
        (0, 1, LEAST),
        (0, 1.1, 1),
    ],
)
def test_rounds_are_taken_until_the_time_is_used(seconds: float, a_round_s: float, rounds: int) -> None:
    clock = Clock()
    taken = 0
    for number in Share(seconds, short_s=1, clock=clock).rounds():
        assert number == taken
        taken += 1
        clock.now_s += a_round_s
    assert taken == rounds


def test_what_one_part_leaves_or_takes_too_much_the_next_ones_share() -> None:
    clock = Clock()
    had_s = []
    for part, took_s in zip(Share(100, short_s=1, clock=clock).parts(1, 1, 1, 1), (1, 60, 9, 40), strict=True):
        had_s.append(part.left_s)
        clock.now_s += took_s
    assert had_s == [25, 33, 19.5, 30]


def test_when_all_is_used_each_part_still_has_its_least_rounds() -> None:
    clock = Clock()
    taken = []
    for part in Share(100, short_s=1, clock=clock).parts(1, 1, 1):
        rounds = 0
        for _ in part.rounds():
            rounds, clock.now_s = rounds + 1, clock.now_s + 70
        taken.append(rounds)
    assert taken == [1, 1, 1]


def test_short_is_short_beside_the_whole_and_not_beside_a_part() -> None:
    clock = Clock()
    (part,) = Share(600, short_s=6, clock=clock).parts(1)
    *_, small = part.parts(599, 1)
    clock.now_s += 600
    rounds = 0
    for _ in small.rounds():
        rounds, clock.now_s = rounds + 1, clock.now_s + 6
    assert rounds == LEAST


@pytest.mark.parametrize("why", ["no time", "no terraform"])
def test_a_row_that_could_not_be_measured_says_why_and_does_not_hold(why: str) -> None:
    row = Row(target="T11", what="it", measured=why, promised=0.25)
    assert not row.holds
    assert row.cells == ("T11", "it", why, "at most 0.25", "**not measured**")


@pytest.mark.parametrize(("took_s", "end"), [(600, "600."), (601, "600: too long.")])
def test_the_end_says_what_holds_by_a_single_round_and_when_it_took_too_long(took_s: float, end: str) -> None:
    clock = Clock()
    results = Results(allowed_s=600, clock=clock)
    clock.now_s += took_s
    for rounds in ([1.0], [1.0, 1.0, 1.0], [9.0]):
        results("T1", "it", median(rounds), 2.0)
    results("T13", "a count", 2.0, 2.0)
    assert results.verdict() == f"3 of 4 hold, 1 of them by a single round. It took {took_s} s, and may take {end}"


def test_a_row_says_of_how_many_rounds_it_is() -> None:
    assert str(median([3.0])) == "3.00 (1 round)"
    assert str(median([3.0, 1.0, 2.0])) == "2.00 (1.00 to 3.00 in 3 rounds)"
    assert str(ratio([2.0, 4.0], [1.0, 4.0])) == "1.20 (1.00 to 2.00 in 2 rounds)"
    assert str(ratio([2.0, 4.0, 3.0], [10.0])) == "0.30 (0.20 to 0.40 in 3 rounds, 1 of the other)"


@pytest.mark.parametrize("part", [["--quick"], ["plan"]])
def test_the_table_of_all_benches_is_not_written_from_a_part_of_them(
    part: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--write", *part])
    with pytest.raises(SystemExit):
        main()
    assert "--write is for all benches at once" in capsys.readouterr().err
