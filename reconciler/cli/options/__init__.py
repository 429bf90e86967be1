"""Every option that more than one command takes, each written once; a module for each thing that options are about.

A new option says which step it belongs to: the policy (then it stands in the file), the plan, or a single run. A
command loads the modules of its own options and no others: `validate` needs nothing that knows of a server.
"""

from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]
