"""Prices of models: read and set by Owners alone, not retroactive, not in the audit log, never deleted.

*Source*: coder-api.md section 13.1, and Coder's own client, handler and tests of these routes, August to October 2026.
Inferred: that the rows with `source` and `provider_id` came with 2.38 (2.37 has `is_default` in their place), and the
order of the supported providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import Answer, Validation, forbidden, json_answer, refusal
from ..clock import shown
from ..gojson import fields_of, keys_of
from ..identifiers import parse_uuid
from ..people import Conditions

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call
    from ..gojson import Kind

_MAXIMUM_BODY_BYTES = 1 << 20
_PRICES = ("input_price", "output_price", "cache_read_price", "cache_write_price")
_UPSERT: dict[str, Kind] = {
    "provider": "string", "provider_id": "uuid?", "model": "string", **dict.fromkeys(_PRICES, "int64?"),
}  # fmt: skip
_PROVIDERS = ("openai", "anthropic", "azure", "bedrock", "google", "openrouter", "vercel", "copilot")
_SUPPORTED = f"Supported providers: {', '.join(_PROVIDERS)}."
_SOURCES = ("default", "custom", "all")


def list_prices(call: Call) -> Answer:
    """Answer with the prices, in micro-dollars for a million tokens; null is unknown, 0 is free.

    A model with a default and a custom price is listed with the custom price, unless `source` says otherwise.
    """
    filters = {name: call.query().first(name) for name in ("provider", "provider_id", "model", "source")}
    if call.generation.custom_prices:
        _check_filters(filters)
    _require_right(call, "read")
    conditions = Conditions()
    for name in ("provider", "model"):
        if filters[name]:
            conditions.add(f"p.{name} = ?", filters[name])
    if call.generation.custom_prices:
        if filters["provider_id"]:
            conditions.add("0")
        if filters["source"] in ("default", "custom"):
            conditions.add("p.source = ?", filters["source"])
        elif filters["source"] != "all":
            conditions.add(
                "(p.source = 'custom' OR NOT EXISTS (SELECT 1 FROM ai_model_prices c WHERE c.provider = p.provider "
                "AND c.model = p.model AND c.source = 'custom'))"
            )
    sql = f"SELECT p.* FROM ai_model_prices p WHERE {conditions.sql} ORDER BY p.provider, p.model, p.source"
    return json_answer([_price(call, row) for row in call.database.rows(sql, *conditions.parameters)])


def put_prices(call: Call) -> Answer:
    """Set the prices of models; one bad entry refuses all of them. The body is checked before the right."""
    if len(call.body) > _MAXIMUM_BODY_BYTES:
        raise refusal(413, "Request body too large.", detail="http: request body too large")
    listed = call.json("UpsertAIModelPricesRequest", {"prices": "list"})["prices"]
    entries = [fields_of(value, "AIModelPriceUpsert.prices", _UPSERT) for value in listed]
    faults = _faults(call, entries, [keys_of(value) for value in listed])
    if faults:
        raise refusal(400, "Invalid AI model prices.", *faults)
    _require_right(call, "update")
    now = call.world.clock.tick()
    call.database.run_many(
        f"INSERT INTO ai_model_prices (provider, model, source, {', '.join(_PRICES)}, created_at, updated_at) "
        "VALUES (?, ?, 'custom', ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET updated_at = excluded.updated_at, "
        + ", ".join(f"{name} = excluded.{name}" for name in _PRICES),
        [(entry["provider"], entry["model"], *(entry[name] for name in _PRICES), now, now) for entry in entries],
    )
    return Answer(204)


def _check_filters(filters: dict[str, str]) -> None:
    provider, source, provider_id = filters["provider"], filters["source"], filters["provider_id"]
    if provider and provider not in _PROVIDERS:
        fault = Validation("provider", f'Provider "{provider}" is not supported. {_SUPPORTED}')
        raise refusal(400, "Invalid AI model price provider.", fault)
    if source and source not in _SOURCES:
        fault = Validation("source", f'Source "{source}" is not supported. Supported sources: {", ".join(_SOURCES)}.')
        raise refusal(400, "Invalid AI model price source.", fault)
    if provider_id and parse_uuid(provider_id) is None:
        fault = Validation("provider_id", f'Provider ID "{provider_id}" is not a valid UUID.')
        raise refusal(400, "Invalid AI model price provider ID.", fault)


def _require_right(call: Call, action: str) -> None:
    if "owner" not in call.caller.roles or not call.caller.covers(action, "ai_model_price"):
        raise forbidden()


def _faults(call: Call, entries: list[dict[str, Any]], keys: list[frozenset[str]]) -> list[Validation]:
    if not entries:
        return [Validation("prices", "At least one model price is required.")]
    faults: list[Validation] = []
    seen = set()
    for number, (entry, sent) in enumerate(zip(entries, keys, strict=True)):
        field = f"prices[{number}]"
        faults += _faults_of_model(call, entry, field)
        faults += _faults_of_amounts(entry, sent, field)
        key = (entry["provider_id"], entry["provider"], entry["model"])
        if key in seen:
            name = entry["provider_id"] or entry["provider"]
            faults.append(Validation(field, f"{name}/{entry['model']} appears more than once."))
        seen.add(key)
    return faults


def _faults_of_model(call: Call, entry: dict[str, Any], field: str) -> list[Validation]:
    provider, model, provider_id = entry["provider"], entry["model"], entry["provider_id"]
    faults = []
    if call.generation.custom_prices and provider_id is not None:
        text = f'Provider ID "{provider_id}" does not match a configured provider.'  # the sandbox has none
        faults.append(Validation(field + ".provider_id", text))
    elif not provider:
        faults.append(Validation(field + ".provider", f"Provider is required. {_SUPPORTED}"))
    elif provider not in _PROVIDERS:
        faults.append(Validation(field + ".provider", f'Provider "{provider}" is not supported. {_SUPPORTED}'))
    if not model:
        faults.append(Validation(field + ".model", "Model is required."))
    if not call.generation.custom_prices and _default_of(call, provider, model):
        text = (
            f"{provider}/{model} is priced by Coder's default price book. Overriding a default price is not supported."
        )
        faults.append(Validation(field, text))
    return faults


def _faults_of_amounts(entry: dict[str, Any], sent: frozenset[str], field: str) -> list[Validation]:
    faults = [
        Validation(f"{field}.{name}", "Price must not be negative.")
        for name in _PRICES
        if entry[name] is not None and entry[name] < 0
    ]
    missing = [name for name in _PRICES if name not in sent]
    if 0 < len(missing) < len(_PRICES):
        text = "Price is required. Use 'null' for a price that is not known."
        faults += [Validation(f"{field}.{name}", text) for name in missing]
    if all(entry[name] is None for name in _PRICES):
        text = "At least one price must be set. Use 0 to declare a model free of charge."
        faults.append(Validation(field, text))
    return faults


def _default_of(call: Call, provider: str, model: str) -> bool:
    sql = "SELECT 1 FROM ai_model_prices WHERE provider = ? AND model = ? AND source = 'default'"
    return call.database.value(sql, provider, model) is not None


def _price(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    shape: dict[str, Any] = {"provider": row["provider"]}
    if call.generation.custom_prices:
        shape["provider_id"] = None
    shape |= {name: row[name] for name in ("model", *_PRICES)}
    if call.generation.custom_prices:
        shape["source"] = row["source"]
    else:
        shape["is_default"] = row["source"] == "default"
    return shape | {name: shown(row[name]) for name in ("created_at", "updated_at")}
