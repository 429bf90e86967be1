"""Coverage-guided fuzzing of what reads foreign bytes. Needs atheris (`pip install '.[fuzz]'`), so not in `make test`.

    python -m tests.fuzz policy --seconds 1800         new inputs go to tests/fuzz/found/policy
    python -m tests.fuzz policy --minimize             keep of them, in the corpus, what covers more than the corpus

The corpus is small and in the repository; `make test` runs each of its inputs once (test_corpus.py).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--minimize", action="store_true")
    options = parser.parse_args()
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=["reconciler"]):
        from tests.fuzz.targets import TARGETS
    found, corpus = HERE / "found" / options.target, HERE / "corpus" / options.target
    found.mkdir(parents=True, exist_ok=True)
    if options.minimize:
        flags = ["-merge=1", str(corpus), str(found)]
    else:
        seeds = HERE.parent / "policies"
        folders = [found, corpus, *(seeds / kind for kind in ("valid", "invalid"))]
        flags = [f"-max_total_time={options.seconds}", "-max_len=4096", f"-dict={HERE / options.target}.dict"]
        flags += [f"-artifact_prefix={HERE}/found/crash-", "-rss_limit_mb=1500", *map(str, folders)]
    atheris.Setup([sys.argv[0], *flags], TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
