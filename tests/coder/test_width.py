"""The width that finds itself: its table, its laws, and a simulation against servers with a capacity."""

from __future__ import annotations

import math
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.server import MAX_READS
from reconciler.coder.gate import TURNS, Gate
from reconciler.coder.width import MAXIMUM, OUTLIER, START, Sample, Trial, Width, adapt, halve, sample_of
from tests.coder import plot
from tests.coder.simulation import Server, simulate
from tests.patience import PATIENCE_S

LATER = {"is_starting": False}


@pytest.mark.parametrize(
    ("limit", "is_starting", "ratio", "noise", "expected", "still_starting"),
    [
        (8, True, 1.0, 0.0, 16, True),
        (16, True, 1.4, 0.0, 32, True),
        (32, True, 1.0, 0.0, 64, True),
        (48, True, 1.0, 0.0, 64, True),
        (64, True, 1.0, 0.0, 64, False),
        (32, True, 2.0, 0.0, 17, False),
        (8, True, 3.0, 0.0, 8, False),
        (20, False, 1.0, 0.0, 22, False),
        (9, False, 1.0, 0.0, 10, False),
        (64, False, 1.0, 0.0, 64, False),
        (20, False, 1.07, 0.0, 20, False),
        (20, False, 1.1, 0.02, 22, False),
        (20, False, 1.3, 0.9, 17, False),
        (40, False, 2.0, 0.0, 21, False),
        (40, False, 9.0, 0.0, 8, False),
        (4, False, 9.0, 0.0, 4, False),
        (1, False, 1.0, 0.0, 2, False),
    ],
)
def test_the_table(
    limit: int, is_starting: bool, ratio: float, noise: float, expected: int, still_starting: bool
) -> None:
    width = adapt(
        Width(limit=limit, is_starting=is_starting), Sample(latency_s=ratio, in_flight=limit, noise=noise), base_s=1.0
    )
    assert (width.limit, width.is_starting) == (expected, still_starting)


def test_a_doubling_with_more_latency_stays_if_it_brought_a_fifth_more() -> None:
    doubled = adapt(Width(), Sample(latency_s=1, in_flight=8), base_s=1)
    assert doubled.limit == 16
    assert adapt(doubled, Sample(latency_s=1.5, in_flight=16), base_s=1).limit == 32
    for latency_s, expected in ((1.6, 16), (1.7, 8), (9, 8)):
        later = adapt(doubled, Sample(latency_s=latency_s, in_flight=16), base_s=1)
        assert (later.limit, later.is_starting, later.forgets_base) == (expected, False, False)


def test_lower_widths_in_a_row_lose_no_more_than_one_may() -> None:
    """Each step loses 7 % of the throughput, which alone is kept; two of them are not."""
    width, rate = Width(limit=32, is_starting=False), 1000.0
    limits = []
    for _ in range(3):
        width = adapt(
            width, Sample(latency_s=width.limit / rate, in_flight=width.limit), base_s=width.limit / rate / 1.3
        )
        limits.append(width.limit)
        rate *= 0.93
    assert limits == [26, 21, 26]
    assert width.forgets_base


def test_noise_is_no_loss_of_throughput() -> None:
    width = Width(limit=10, is_starting=False, trial=Trial(limit=16, rate=100))
    assert adapt(width, Sample(latency_s=10 / 88, in_flight=10), base_s=0.1).limit == 16
    assert adapt(width, Sample(latency_s=10 / 88, in_flight=10, noise=0.05), base_s=0.1).limit != 16


def test_no_kind_of_request_is_judged_by_another() -> None:
    """A write takes longer than a read; that is no loss of throughput, and no gain the other way round."""
    for limit, latency_s in ((16, 9.0), (10, 0.1)):
        width = Width(limit=10, is_starting=False, trial=Trial(limit=limit, rate=1000), kind="GET", peak=1000.0)
        later = adapt(width, Sample(latency_s=latency_s, in_flight=10, kind="PUT"), base_s=latency_s / 1.07)
        assert (later.limit, later.trial, later.peak, later.forgets_base) == (10, None, 0, False)


def test_too_much_is_half_and_ends_doubling() -> None:
    assert halve(Width(limit=9)) == Width(limit=4, is_starting=False, hold=8, next_hold=32)
    assert halve(Width(limit=1)).limit == 1


trials = st.none() | st.builds(Trial, limit=st.integers(1, MAXIMUM), rate=st.floats(0, 1e3))
widths = st.builds(Width, limit=st.integers(1, MAXIMUM), is_starting=st.booleans(), trial=trials)


@given(widths, st.floats(0, 1e3), st.floats(0, 1), st.floats(0, 1))
def test_it_stays_within_its_bounds_and_at_most_doubles(
    width: Width, latency_s: float, part: float, noise: float
) -> None:
    adapted = adapt(width, Sample(latency_s=latency_s, in_flight=width.limit, noise=noise), base_s=latency_s * part)
    is_back = width.trial is not None and adapted.limit == width.trial.limit
    assert is_back or min(START, width.limit) <= adapted.limit <= min(MAXIMUM, 2 * width.limit)


@given(st.lists(st.floats(0, 10), min_size=2, max_size=70))
def test_a_window_is_what_the_standard_library_says(latencies: list[float]) -> None:
    capped = [min(latency, OUTLIER * statistics.median(latencies)) for latency in latencies]
    mean = statistics.fmean(capped)
    error = statistics.stdev(capped) / math.sqrt(len(capped))
    sample = sample_of(latencies, in_flight=2)
    assert sample.latency_s == pytest.approx(mean)
    assert sample.noise * mean == pytest.approx(error, abs=1e-9)
    assert sample.rate == pytest.approx(2 / mean if mean else 0)


@given(st.lists(st.floats(0, 1e3), min_size=2, max_size=50))
def test_any_latencies_make_a_window(latencies: list[float]) -> None:
    assert sample_of(latencies, in_flight=1).noise >= 0


def test_two_places_know_the_most_that_is_in_flight() -> None:
    assert MAX_READS == MAXIMUM


def test_a_given_width_is_obeyed() -> None:
    gate = Gate(Width(limit=3, maximum=3), is_fixed=True)
    for _ in range(100):
        with gate.passage("GET") as passage:
            passage.is_overloaded = True
    assert gate.limit == 3


def test_one_burst_of_refusals_halves_once() -> None:
    gate = Gate(Width(limit=8))
    passages = [gate.passage("GET") for _ in range(8)]
    for entered in [(one.__enter__(), one) for one in passages]:
        entered[0].is_overloaded = True
    for one in passages:
        one.__exit__(None, None, None)
    assert gate.limit == 4


def test_a_turn_begins_when_another_has_ended() -> None:
    gate = Gate(Width(limit=1, maximum=1), is_fixed=True)
    turns = [gate.turn() for _ in range(TURNS)]
    for turn in turns:
        turn.__enter__()
    begun = threading.Event()

    def begin() -> None:
        with gate.turn():
            begun.set()

    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(begin)
        with gate.passage("PUT"):  # an answer frees a passage, and no turn
            pass
        assert not begun.wait(0.05)
        turns[0].__exit__(None, None, None)
        last.result(PATIENCE_S)


def test_nobody_is_left_waiting_whatever_the_width_does() -> None:
    """Only as many are woken as there is room for, so each that ends must wake the next."""
    gate = Gate(Width(limit=8))

    def send(thread: int) -> None:
        for number in range(50):
            with gate.turn(), gate.passage(f"GET {thread % 3}") as passage:
                passage.is_overloaded = (thread + number) % 17 == 0
                time.sleep(0.0001)

    # a pool would wait for them at its end
    threads = [threading.Thread(target=send, args=[thread], daemon=True) for thread in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "somebody is left waiting"


SERVERS = {
    f"{workers} workers of {service_ms} ms, {latency_ms} ms away": Server(
        latency_s=latency_ms / 1000, workers=workers, service_s=service_ms / 1000
    )
    for latency_ms in (0, 1, 5, 20, 50, 200)
    for workers, service_ms in ((1, 2), (4, 5), (16, 5), (64, 5), (2, 40), (30, 20))
}


@pytest.mark.parametrize("name", SERVERS)
def test_it_is_as_fast_as_the_best_width_with_hardly_more_in_flight_and_does_not_swing(name: str) -> None:
    """At least 0.8 of what any width up to the maximum can reach; in flight at most 1.2 x what that needs, or START.

    A fifth of the time may be trials.
    """
    server = SERVERS[name]
    run = simulate(server, width=None, requests=4_000)
    assert run.rate >= 0.8 * server.best_rate(MAXIMUM)
    later = run.widths[len(run.widths) // 4 :]
    assert statistics.mean(later) <= max(START + 1.5, 1.2 * server.needed)
    settled = sorted(run.widths[2_000:])
    assert settled[-len(settled) // 5] - settled[len(settled) // 5] <= max(3, 0.25 * statistics.mean(settled))


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("latency_ms", [0, 10, 80])
@pytest.mark.parametrize(("workers", "service_ms"), [(1, 4), (3, 5), (12, 5), (24, 8), (10, 30)])
def test_servers_that_nothing_was_tuned_to(latency_ms: int, workers: int, service_ms: int, noise: float) -> None:
    server = Server(latency_s=latency_ms / 1000, workers=workers, service_s=service_ms / 1000, noise=noise)
    run = simulate(server, width=None, requests=3_000, seed=3)
    assert run.rate >= 0.8 * server.best_rate(MAXIMUM)
    assert run.mean <= max(START + 3.5, 1.4 * server.needed)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("noise", [0.1, 0.3])
@pytest.mark.parametrize("name", ["16 workers of 5 ms, 5 ms away", "4 workers of 5 ms, 50 ms away"])
def test_noise_costs_little(name: str, noise: float, seed: int) -> None:
    server = SERVERS[name]
    noisy = Server(latency_s=server.latency_s, workers=server.workers, service_s=server.service_s, noise=noise)
    run = simulate(noisy, width=None, requests=4_000, seed=seed)
    assert run.rate >= 0.75 * server.best_rate(MAXIMUM)
    assert run.mean <= 1.35 * max(START, server.needed)


@pytest.mark.parametrize("limit", [5, 10, 20, 40])
def test_a_limiter_is_stayed_under(limit: int) -> None:
    """A proxy that refuses what is in flight beyond its limit: few refusals, and most of what it allows is used."""
    server = Server(latency_s=0.05, workers=64, service_s=0.001, refuses_above=limit)
    run = simulate(server, width=None, requests=3_000)
    assert run.rate >= 0.6 * limit / 0.051
    assert run.refused <= 0.12 * 3_000


def test_handshakes_are_not_taken_for_a_queue() -> None:
    server = Server(latency_s=0.05, workers=64, service_s=0.001, handshake_s=0.1)
    run = simulate(server, width=None, requests=3_000)
    assert run.widths[-1] == MAXIMUM


def test_fifteen_hundred_reads_at_50_ms_take_hardly_longer_than_at_the_best_width() -> None:
    server = Server(latency_s=0.05, workers=64, service_s=0.0003)
    run, best = simulate(server, width=None, requests=1_500), simulate(server, width=64, requests=1_500)
    assert best.rate / run.rate <= 1.3


def test_on_a_server_like_the_real_one_most_of_its_throughput_is_used() -> None:
    """Its throughput grows slowly with the width (coder-api 13.5: 293, 406, 523 a second with 1, 8, 64 in flight)."""

    def rate(width: int) -> float:
        doublings = math.log2(width)
        return 293 + (406 - 293) * doublings / 3 if width <= 8 else 406 + (523 - 406) * (doublings - 3) / 3

    width, base_s = Width(), math.inf
    seen: list[int] = []
    for _ in range(200):
        latency_s = width.limit / rate(width.limit)
        base_s = min(base_s, latency_s)
        width = adapt(width, Sample(latency_s=latency_s, in_flight=width.limit), base_s=base_s)
        seen.append(width.limit)
    assert rate(round(statistics.mean(seen))) >= 0.77 * rate(64)
    assert statistics.mean(seen) <= 10


def test_the_picture_is_of_this_limiter() -> None:
    """`python -m tests.coder.plot` draws it again."""
    assert plot.PICTURE.read_text(encoding="utf-8") == plot.picture()
