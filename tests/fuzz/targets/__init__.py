"""What is fuzzed: bytes in, and an AssertionError (or any exception that is not ours) when a promise is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fuzz.targets.answers import answers
from tests.fuzz.targets.documents import documents
from tests.fuzz.targets.policy import policy

TARGETS: Mapping[str, Callable[[bytes], None]] = {"policy": policy, "documents": documents, "answers": answers}
