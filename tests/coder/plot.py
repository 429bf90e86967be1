"""Draw how the width finds itself on four simulated servers: `python -m tests.coder.plot` writes the picture.

Each panel: the width in use after each answer, and dashed the smallest fixed width that reaches the server's bound.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.coder.width import MAXIMUM
from tests.coder.simulation import Server, simulate

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "width.svg"
REQUESTS = 2_000
WIDE, HIGH, LEFT, TOP = 300, 130, 40, 30
PANELS = {
    "1 at a time, 2 ms each, 0 ms away": Server(latency_s=0.0, workers=1, service_s=0.002),
    "16 at a time, 5 ms each, 5 ms away": Server(latency_s=0.005, workers=16, service_s=0.005, noise=0.1),
    "64 at a time, 5 ms each, 50 ms away": Server(latency_s=0.05, workers=64, service_s=0.005, noise=0.1),
    "a limiter that refuses what is above 20": Server(latency_s=0.05, workers=64, service_s=0.001, refuses_above=20),
}


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture(), encoding="utf-8")


def picture() -> str:
    """Return the SVG; the same at every run."""
    panels = [_panel(number, title, server) for number, (title, server) in enumerate(PANELS.items())]
    size = f'width="{2 * (WIDE + LEFT) + 24}" height="{2 * (HIGH + TOP) + 40}"'
    style = "text{font:11px sans-serif;fill:#57606a}.b{fill:#24292f;font-weight:600}path{fill:none;stroke:#0969da}"
    frame = (
        "line{stroke:#8c959f}.d{stroke-dasharray:4 3;stroke:#cf222e}@media(prefers-color-scheme:dark){.b{fill:#e6edf3}}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="How the width finds itself">'
    return "\n".join([head, f"<style>{style}{frame}</style>", *panels, "</svg>", ""])


def _panel(number: int, title: str, server: Server) -> str:
    left, top = LEFT + (number % 2) * (WIDE + LEFT), TOP + (number // 2) * (HIGH + TOP + 10)
    run = simulate(server, width=None, requests=REQUESTS)
    best = server.refuses_above if server.refuses_above < MAXIMUM else min(server.needed, MAXIMUM)
    points = [(index, width) for index, width in enumerate(run.widths) if index % 8 == 0]
    steps = " ".join(
        f"{'L' if position else 'M'}{left + index * WIDE / REQUESTS:.1f},{_y(top, width):.1f}"
        for position, (index, width) in enumerate(points)
    )
    share = min(1.0, run.rate / server.best_rate(best))
    return "\n".join([
        f'<text class="b" x="{left}" y="{top - 8}">{title}</text>',
        f'<text x="{left}" y="{top + HIGH + 13}">{share:.0%} of the best throughput</text>',
        f'<line x1="{left}" y1="{top + HIGH}" x2="{left + WIDE}" y2="{top + HIGH}"/>',
        f'<line x1="{left}" y1="{top}" x2="{left}" y2="{top + HIGH}"/>',
        *(f'<text x="{left - 18}" y="{_y(top, width) + 4:.0f}">{width}</text>' for width in (8, 32, 64)),
        f'<line class="d" x1="{left}" y1="{_y(top, best):.1f}" x2="{left + WIDE}" y2="{_y(top, best):.1f}"/>',
        f'<path d="{steps}"/>',
        f'<text x="{left + WIDE - 70}" y="{top + HIGH + 13}">{REQUESTS:,} answers</text>',
    ])  # fmt: skip


def _y(top: int, width: float) -> float:
    return top + HIGH - HIGH * width / (MAXIMUM + 4)


if __name__ == "__main__":
    main()
