"""What models cost: which are free, and how much was asked of models without a price."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.coder import paths
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import load_object, load_rows
from reconciler.core.budget import OrganizationId
from reconciler.core.spend import Window
from reconciler.errors import ServerError


def read_free_models(transport: Transport) -> frozenset[str]:
    """Read which models the price list calls free: every price is 0, none is unknown; empty where it says nothing.

    The route is experimental, so an answer in another shape counts for nothing, too.
    """
    answer = transport.send(Request("GET", paths.MODEL_PRICES))
    try:
        return load_free_models(answer) if answer.status == 200 else frozenset()
    except ServerError:
        return frozenset()


def load_free_models(answer: Answer) -> frozenset[str]:
    """Decode the price list; a model that a second provider sells is free only if both say so.

    Source: coder-api section 13.1; micro-dollars for a million tokens, null is unknown. Tokens of the cache may be.
    """
    prices: dict[str, bool] = {}
    for row in load_rows(answer):
        used = [row.value.get(key) for key in ("input_price", "output_price")]
        cached = [row.value.get(key) for key in ("cache_read_price", "cache_write_price")]
        is_free = all(price == 0 for price in used) and all(price in (0, None) for price in cached)
        prices[row.text("model")] = is_free and prices.get(row.text("model"), True)
    return frozenset(model for model, is_free in prices.items() if is_free)


def read_unpriced_requests(
    transport: Transport, organizations: Collection[OrganizationId], window: Window
) -> int | None:
    """Read how many requests had no price; None where no server says it of all organizations.

    The route is new and may stand below either prefix, so an answer in another shape counts for nothing, too.
    """
    for prefix in (paths.API, paths.EXPERIMENTAL):
        counts: list[int | None] = []
        for organization in sorted(organizations):
            path = paths.spend_by_user(prefix, organization, window.start, window.end)
            counts.append(_unpriced_in(transport.send(Request("GET", path))))
            if counts[-1] is None:
                break
        known = [number for number in counts if number is not None]
        if counts and len(known) == len(counts):
            return sum(known)
    return None


def _unpriced_in(answer: Answer) -> int | None:
    if answer.status != 200:
        return None
    try:
        totals = load_object(answer).optional_object("totals")
        return totals.count("unpriced_usage_count") if totals and totals.has("unpriced_usage_count") else None
    except ServerError:
        return None
