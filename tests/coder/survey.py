"""The width that finds itself, on 192 simulated servers that nothing was tuned to: `python -m tests.coder.survey`.

Prints its throughput over the best, and in flight over what the best needs (or over 9.5).
"""

from __future__ import annotations

import sys
from itertools import product

from reconciler.coder.width import MAXIMUM, START
from tests.coder.simulation import Server, simulate

CAPACITIES = ((1, 4), (2, 9), (3, 5), (6, 12), (12, 5), (24, 8), (10, 30), (40, 7))
"""Workers, and how many ms each takes."""
LATENCIES_MS = (0, 2, 10, 30, 80, 150)
NOISES = (0.0, 0.2, 0.4, 0.6)


def main() -> None:
    """Print the lowest throughput and how many servers have how much in flight."""
    rates, flights = [], []
    for (workers, service_ms), latency_ms, noise in product(CAPACITIES, LATENCIES_MS, NOISES):
        server = Server(latency_s=latency_ms / 1000, workers=workers, service_s=service_ms / 1000, noise=noise)
        run = simulate(server, width=None, requests=3_000, seed=3)
        rates.append(run.rate / server.best_rate(MAXIMUM))
        flights.append(run.mean / max(START + 1.5, min(server.needed, MAXIMUM)))
    within = sum(flight <= 1.2 for flight in flights)
    sys.stdout.write(
        f"{len(rates)} servers: throughput at least {min(rates):.2f} of the best; "
        f"in flight within 1.2 times what that needs on {within}, {max(flights):.2f} at worst\n"
    )


if __name__ == "__main__":
    main()
