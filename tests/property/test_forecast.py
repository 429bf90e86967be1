"""Forecast and replay against plain simulations that go through time step by step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.budget import ABSENT, Absent, Budget, GroupId, UserId
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.forecast import Basis, Pace, pace_of_days, pace_of_period
from reconciler.core.people.replay import Month, Replayed, replay_limits, replay_month
from reconciler.core.spend import DAY, Export, Window, last_days, merge_booked, month_of, split, sum_by_person
from reconciler.money import Micros
from tests.effects.worlds import World, ref
from tests.together import check_all

Days = list[Mapping[UserId, Micros]]
Amounts = Mapping[str, Micros | None]

AT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
ANA = UserId("ana")
HOUR = timedelta(hours=1)

micros = st.integers(0, 60).map(Micros)
days_of_spend = st.lists(st.dictionaries(st.sampled_from([ANA, UserId("bob"), UserId("eve")]), micros), max_size=10)


def simulate(limit: int, spent: int, *, paced: int, days: int) -> int | None:
    """Add an hour's spend again and again; return in which hour from now the limit is reached, None for never.

    Counted in parts of a micro-dollar, as many as the pace has hours, so that no hour is rounded.
    """
    parts = days * 24
    total = spent * parts
    for hour in range(400 * 24 if paced else 1):
        if total >= limit * parts:
            return hour
        total += paced
    return None


@given(limit=micros, spent=micros, paced=st.integers(0, 40), days=st.integers(3, 7))
def test_the_forecast_is_that_of_a_simulation_hour_by_hour(limit: Micros, spent: Micros, paced: int, days: int) -> None:
    window = Window(start=AT - days * DAY, end=AT)
    pace = Pace(basis=Basis.LAST_DAYS, window=window, spent={ANA: Micros(paced)})
    reaches_at = pace.reaches_at(ANA, limit, spent, at=AT)
    hour = simulate(limit, spent, paced=paced, days=days)
    if hour is None or reaches_at is None:
        assert (hour, reaches_at) == (None, None)
    else:
        assert AT + (hour - 1) * HOUR < reaches_at <= AT + hour * HOUR


@given(limit=micros, spent=micros, paced=st.integers(0, 40), more=st.integers(0, 20))
def test_a_higher_limit_is_never_reached_earlier(limit: Micros, spent: Micros, paced: int, more: int) -> None:
    pace = Pace(basis=Basis.LAST_DAYS, window=Window(start=AT - 7 * DAY, end=AT), spent={ANA: Micros(paced)})
    lower = pace.reaches_at(ANA, limit, spent, at=AT)
    higher = pace.reaches_at(ANA, Micros(limit + more), spent, at=AT)
    assert higher is None or (lower is not None and lower <= higher)


@given(days_of_spend)
def test_a_pace_begins_with_the_first_spend_and_needs_three_days(days: Days) -> None:
    windows = last_days(AT, len(days))
    exports = [
        Export(window=window, booked={GroupId("acme"): day}, unpriced=(), left_out={})
        for window, day in zip(windows, days, strict=True)
    ]
    pace = pace_of_days(exports)
    first = next((index for index, day in enumerate(days) if day), len(days))
    assert (pace is not None) == (len(days) - first >= 3)
    if pace is not None:
        assert pace.window == Window(start=windows[first].start, end=AT.replace(hour=0, minute=0))
        assert dict(pace.spent) == dict(sum_by_person(merge_booked(export.booked for export in exports)))


def test_a_pace_needs_every_export() -> None:
    windows = last_days(AT, 4)
    exports = [
        Export(window=window, booked={GroupId("a"): {ANA: Micros(1)}}, unpriced=(), left_out={}) for window in windows
    ]
    assert pace_of_days(exports) is not None
    denied = Export(window=windows[0], booked={}, unpriced=(), left_out={"a": "no"})  # type: ignore[dict-item]
    assert pace_of_days([denied, *exports[1:]]) is None


def test_a_period_of_less_than_three_days_has_no_pace() -> None:
    period = month_of(AT)
    assert pace_of_period({ANA: Micros(1)}, period, at=period.start + 3 * DAY - HOUR) is None
    pace = pace_of_period({ANA: Micros(9)}, period, at=period.start + 3 * DAY)
    assert pace is not None
    assert (pace.basis, pace.per_day_micros(ANA)) == (Basis.THIS_PERIOD, 3)


@given(st.integers(1, 40), st.integers(1, 50))
def test_a_window_is_cut_without_gaps(days: int, parts: int) -> None:
    window = Window(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 10, 1, tzinfo=UTC) + days * DAY)
    cut = split(window, parts)
    assert len(cut) == min(days, parts)
    assert (cut[0].start, cut[-1].end) == (window.start, window.end)
    assert all(first.end == second.start for first, second in pairwise(cut))
    assert max(part.days for part in cut) - min(part.days for part in cut) <= 1


OCTOBER = Window(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
limits = st.dictionaries(st.sampled_from(["ana", "bob", "eve"]), st.none() | micros)


def month_of_days(days: Days) -> Month:
    windows = split(OCTOBER, 31)
    padded = [*days, *({} for _ in range(31 - len(days)))]
    return Month(window=OCTOBER, parts=tuple(zip(windows, padded, strict=True)))


def limits_of(world: World, amounts: Amounts) -> EffectiveLimits:
    """Give everybody an override of their own; None is unlimited."""
    overrides: dict[UserId, Absent | Budget] = {
        UserId(name): ABSENT if amount is None else Budget(amount, ref("acme"))
        for name in ("ana", "bob", "eve")
        for amount in [amounts.get(name)]
    }
    return EffectiveLimits(world.directory(), dict.fromkeys(world.directory().groups, ABSENT), overrides)


COMPANY = World({"acme": ["ana", "bob", "eve"]})


def replayed(days: Days, amounts: Amounts) -> Replayed:
    month = month_of_days(days)
    return replay_limits(month, month.totals(), directory=COMPANY.directory(), limits=limits_of(COMPANY, amounts))


def simulated(days: Days, limit: int, person: UserId) -> tuple[int, int] | None:
    """Live through the month; return the day on which a person is stopped, and what they then may not spend."""
    total, stopped_on, unspent = 0, None, 0
    for number, day in enumerate(days):
        for _ in range(day.get(person, 0)):  # a micro-dollar a request
            if total >= limit:
                unspent += 1
                stopped_on = number if stopped_on is None else stopped_on
            else:
                total += 1
                stopped_on = number if total >= limit else stopped_on
    return None if stopped_on is None else (stopped_on, unspent)


def _the_replay_is_that_of_a_simulation_request_by_request(days: Days, amounts: Amounts, _: int) -> None:
    result = {person.user_id: person for person in replayed(days, amounts).stopped}
    for name in ("ana", "bob", "eve"):
        limit = amounts.get(name)
        expected = None if limit is None else simulated(days, limit, UserId(name))
        if expected is None:
            assert UserId(name) not in result
        else:
            stopped = result[UserId(name)]
            assert ((stopped.on - OCTOBER.start).days, stopped.unspent_micros) == expected


def _a_limit_that_nobody_reached_stops_nobody(days: Days, amounts: Amounts, _: int) -> None:
    totals = month_of_days(days).totals()
    unreached = {name: Micros(totals.get(UserId(name), 0) + 1 + (amount or 0)) for name, amount in amounts.items()}
    assert replayed(days, unreached).stopped == ()


def _a_replay_is_monotone_in_the_limit(days: Days, amounts: Amounts, more: int) -> None:
    raised = {name: None if amount is None else Micros(amount + more) for name, amount in amounts.items()}
    lower = {person.user_id: person for person in replayed(days, amounts).stopped}
    for person in replayed(days, raised).stopped:
        assert lower[person.user_id].on <= person.on
        assert lower[person.user_id].unspent_micros >= person.unspent_micros


@given(days_of_spend, limits, st.integers(0, 30))
def test_what_holds_of_every_replay(days: Days, amounts: Amounts, more: int) -> None:
    """Three laws of one month: drawing it costs more than they do."""
    laws = (
        _the_replay_is_that_of_a_simulation_request_by_request,
        _a_limit_that_nobody_reached_stops_nobody,
        _a_replay_is_monotone_in_the_limit,
    )
    check_all(lambda law: law(days, amounts, more), {law.__name__: law for law in laws})


@given(days_of_spend, st.integers(1, 31))
def test_a_sum_says_who_and_the_days_say_when(days: Days, parts: int) -> None:
    amounts = {"ana": Micros(30), "bob": Micros(10)}
    daily = month_of_days(days)
    windows = split(OCTOBER, parts)
    coarse = Month(
        window=OCTOBER,
        parts=tuple(
            (
                part,
                Month(
                    window=part, parts=[day for day in daily.parts if part.start <= day[0].start < part.end]
                ).totals(),
            )
            for part in windows
        ),
    )
    limits = limits_of(COMPANY, amounts)
    people = [UserId("ana"), UserId("bob"), UserId("eve")]
    fine = replay_month(daily, COMPANY.directory(), before=limits, after=limits, people=people)
    rough = replay_month(coarse, COMPANY.directory(), before=limits, after=limits, people=people)
    assert {p.user_id for p in fine.after.stopped} == {p.user_id for p in rough.after.stopped}
    assert fine.after.unspent_micros == rough.after.unspent_micros == fine.before.unspent_micros
    assert (fine.groups, fine.spent_micros, fine.people) == (rough.groups, rough.spent_micros, rough.people)
    days_by_person = {person.user_id: person.on for person in fine.after.stopped}
    for person in rough.after.stopped:
        part = next(part for part in windows if part.start <= person.on < part.end)
        assert part.start <= days_by_person[person.user_id] <= person.on
