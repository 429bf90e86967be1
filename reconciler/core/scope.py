"""`--only` and `--exclude`: a pure filter over addresses. A subject may go by several addresses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from reconciler.dataclass import dataclass

_WILDCARD = re.compile(r"[*?[]")
_LITERAL = re.compile(r"user/.+|group/.+/.+", re.DOTALL)
_SEVERAL = re.compile(r",|[;\s]\s*(?:user|group)/")
"""Two addresses in one; Coder takes no name with a comma, and only groups that a directory names may have one."""


def parse_glob(text: str) -> str:
    """Return a glob over addresses as it is. Raises ValueError that says what to write for one that no address fits.

    An empty one stays: a variable that is not set, most likely.
    """
    if _SEVERAL.search(text):
        raise ValueError("write the option once for each address, and `?` for a comma in a name")
    wildcard = _WILDCARD.search(text)
    begins = text[: wildcard.start()] if wildcard else text
    fits = any(kind.startswith(begins) or begins.startswith(kind) for kind in ("user/", "group/"))
    if text and not (fits if wildcard else _LITERAL.fullmatch(text)):
        raise ValueError(
            "an address is user/NAME or group/ORGANIZATION/NAME, as plans print it, such as 'group/acme/*'"
        )
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a scope selects of some subjects."""

    is_empty: bool
    """Whether globs leave no subject in; without `--only`, only where there is a subject that they leave out."""
    unmatched: tuple[tuple[str, str], ...]
    """Options and globs that match no subject (`--only`, `user/nobody`): probably misspelt. Sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Globs over addresses. Without any, everything is in."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        return not self.only and not self.exclude

    def includes(self, *addresses: str) -> bool:
        """Whether a subject is in that goes by these addresses: any may be asked for, and any may be left out."""
        if self.is_everything:
            return True
        is_in = not self.only or _matches(self.only, addresses)
        return is_in and not _matches(self.exclude, addresses)

    def may_include(self, beginning: str) -> bool:
        """Whether some address that begins so is in: of subjects that could not be listed, no more is known."""
        cuts = (glob[:end] for glob in self.only for end in range(len(glob) + 1))
        is_in = not self.only or any(fnmatchcase(beginning, cut) for cut in cuts)
        return is_in and not any(glob.endswith("*") and fnmatchcase(beginning, glob) for glob in self.exclude)

    def select(self, subjects: Iterable[Collection[str]]) -> Selection:
        """Say which globs match none of the subjects, each given by its addresses, and whether any subject is in."""
        if self.is_everything:
            return Selection(is_empty=False, unmatched=())
        unmatched = {("--only", glob) for glob in self.only} | {("--exclude", glob) for glob in self.exclude}
        are_in = []
        for addresses in subjects:
            unmatched = {(option, glob) for option, glob in unmatched if not _matches((glob,), addresses)}
            are_in.append(self.includes(*addresses))
        is_empty = not any(are_in) and bool(self.only or are_in)
        return Selection(is_empty=is_empty, unmatched=tuple(sorted(unmatched)))


EVERYTHING = Scope()


def _matches(globs: Iterable[str], addresses: Collection[str]) -> bool:
    return any(fnmatchcase(address, glob) for glob in globs for address in addresses)
