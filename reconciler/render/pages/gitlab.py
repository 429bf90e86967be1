"""What GitLab's merge request widget reads as a `terraform` report: how many creates, updates and deletes.

*Source*: GitLab "Terraform integration in merge requests". An error has no counts, and the widget then says that its
report failed; three zeros would read as *no changes*.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.formats.documents import Value
from reconciler.render.formats import Facts
from reconciler.render.overview import overview_of, plans_of


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render the counts of plans, added up."""
    plans = plans_of(values)
    if not plans:
        return "{}\n"
    overview = overview_of(plans)
    counts = {"create": overview.creates, "update": overview.updates, "delete": overview.deletes}
    return json.dumps(counts) + "\n"
