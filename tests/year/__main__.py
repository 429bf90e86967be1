"""`python -m tests.year [DAYS [PEOPLE [SEED]]]`: run a company's life and print what was counted."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.year.life import company_of


def main() -> int:
    days, people, seed = (int(text) for text in [*sys.argv[1:], *("365", "300", "1")[len(sys.argv) - 1 :]])
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        with company_of(people, max(4, people // 10), Path(name), seed) as life:
            record = life.live(days)
    for what, number in sorted(record.counts.items()):
        print(f"{number:>8,}  {what}")
    print(f"{len(record.wrong):>8,}  wrong, in {time.monotonic() - started:.0f} s")
    for text in record.wrong[:40]:
        print(f"  {text}")
    return 1 if record.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
