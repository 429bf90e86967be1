"""Coverage-guided fuzzing of what reads foreign bytes. Needs atheris (`pip install '.[fuzz]'`), so not in `make test`.

    python -m tests.fuzz policy --seconds 1800          policies
    python -m tests.fuzz documents --seconds 1800       saved plans, journals and other results
    python -m tests.fuzz answers --seconds 1800         answers of Coder

New inputs go to tests/fuzz/found/TARGET, those that break a promise to tests/fuzz/found. Put these into the corpus:
`make test` runs each input there, and each example policy, once (test_corpus.py).
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

import reconciler

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=("policy", "documents", "answers"))
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=["reconciler"]):
        from tests.fuzz.targets import TARGETS

        for package in (
            "core",
            "formats",
            "render",
            "policy_file",
            "coder",
            "operations",
        ):  # loaded when asked for
            folder = Path(reconciler.__path__[0]) / package
            for module in pkgutil.walk_packages([str(folder)], f"reconciler.{package}."):
                importlib.import_module(module.name)
    found, corpus = HERE / "found" / options.target, HERE / "corpus" / options.target
    found.mkdir(parents=True, exist_ok=True)
    flags = [f"-max_total_time={options.seconds}", "-max_len=4096"]
    flags += [f"-artifact_prefix={HERE}/found/", "-rss_limit_mb=1500", str(found), str(corpus)]
    if options.target == "policy":
        examples = HERE.parent / "policies"
        flags += [f"-dict={HERE / 'policy.dict'}", str(examples / "valid"), str(examples / "invalid")]
    atheris.Setup([sys.argv[0], *flags], TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
