"""The files of a commit as paths, with links followed as a checkout would, but never out of the commit. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

_MAX_LINKS = 40
"""As many as Linux follows in one path."""


class Tree:
    """Paths are relative to the top of the repository, with `/`; the top itself is the empty path."""

    def __init__(self, *, files: Mapping[str, str], links: Mapping[str, str], foreign: frozenset[str]) -> None:
        """`files` gives the object id by path, `links` the target by path; `foreign` are places of submodules."""
        self._files, self._links, self._foreign = files, links, foreign
        self._names: dict[str, set[str]] = {"": set()}
        for path in (*files, *links, *foreign):
            while path:
                folder, _, name = path.rpartition("/")
                is_known = folder in self._names
                self._names.setdefault(folder, set()).add(name)
                if is_known:
                    break
                path = folder

    def file(self, path: str) -> str | None:
        """Return the object id of a file, links followed; None where the commit has no such file."""
        return self._files.get(self.locate(path) or "")

    def walk(self, folder: str) -> Iterator[tuple[str, str | None]]:
        """Yield what is below a folder, sorted: its path from there, and its object id.

        The id is None for what the commit does not hold: a link that leads out of it or nowhere, and a submodule. A
        link to a folder that it lies in is left out: what it shows is there without it.
        """
        place = self.locate(folder)
        if place in self._names:
            yield from self._walk(place, "", above=(place,))

    def _walk(self, folder: str, shown: str, *, above: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
        for name in sorted(self._names[folder]):
            place = self.locate(_join(folder, name))
            path = _join(shown, name)
            if place is None:
                yield path, None
            elif place in self._names:
                if place not in above:
                    yield from self._walk(place, path, above=(*above, place))
            else:
                yield path, self._files.get(place)

    def locate(self, path: str) -> str | None:
        """Return a path without links in it; None where it leaves the commit or its links have no end."""
        place, steps, followed = "", path.split("/")[::-1], 0
        while steps:
            step = steps.pop()
            if place not in self._names:  # a step below a file, or below nothing
                return None
            if step == "..":
                if not place:
                    return None
                place = place.rpartition("/")[0]
            elif step not in ("", "."):
                place = _join(place, step)
            target = self._links.get(place)
            if target is not None:
                followed += 1
                if os.path.isabs(target) or followed > _MAX_LINKS:
                    return None
                place = place.rpartition("/")[0]
                steps += target.split("/")[::-1]
        return place


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
