"""`--base`: the policy before this change, from a file or folder, or from a Git revision of the policy's own paths."""

from __future__ import annotations

import os
from collections.abc import Sequence

from reconciler.cli.options.policy import DEFAULT_PATH
from reconciler.cli.streams import tell
from reconciler.core.policy import Policy
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.policy_file.load import load
from reconciler.render.text import harmless
from reconciler.words import count, listed, spoken


def load_base(base: str | None, paths: Sequence[str]) -> tuple[Policy, ...] | None:
    """Return the policies before this change; None when no base is asked for.

    A base that names a file or folder is read from there, else it is a Git revision of `paths`. Raises ReconcilerError
    when it is neither, or when the policy before had errors.
    """
    if base is None:
        return None
    if os.path.lexists(base):
        return _load([base], base)
    from reconciler.cli.revision import written_out  # starts children; without --base nothing does

    places = list(paths) or [DEFAULT_PATH]
    with written_out(base, places) as copies:
        if copies.missing:
            said = harmless(f"{base} has no policy files at {listed([spoken(place) for place in copies.missing])}")
            tell(f"Note: --base {said}, so all of it counts as this change.")
            tell("  where it had another name, give --base a copy of the old one (`git archive` writes one)")
        if copies.elsewhere:
            said = harmless(f"{base} does not hold {listed([spoken(path) for path in copies.elsewhere])}")
            tell(f"Note: --base {said}, so what is there counts as this change.")
            tell("  a submodule, or a link out of the repository; give --base a folder that holds it as it was before")
        return _load(copies.paths, base) if copies.paths else ()


def _load(paths: Sequence[str], base: str) -> tuple[Policy, ...]:
    try:
        return load(paths).policies
    except PolicyError as error:
        problems = count(len(error.findings), "problem")
        raise ReconcilerError(
            f"--base {base}: the policy before has {problems} itself; the first is: {error.findings[0].message}",
            hint="give a base whose policy is valid, or leave --base out",
        ) from None
