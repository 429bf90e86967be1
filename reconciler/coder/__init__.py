"""Everything that speaks to Coder (docs/developers/architecture.md); client.py is the door."""

import sys

# httpx loads its own command line, and so rich and pygments wherever they are installed: a sixth of a plan's start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
