"""What a server says of itself: build, licence, experiments, configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import Answer, forbidden, json_answer
from ..clock import as_text
from ..generations import COST_CONTROL_EXPERIMENT

if TYPE_CHECKING:
    from ..calls import Call

_FEATURES = (
    "advanced_template_scheduling", "aibridge", "audit_log", "multiple_organizations", "scim",
    "service_accounts", "template_rbac", "user_limit",
)  # fmt: skip
DEFAULT_RATE_LIMIT = 512
DAY_NS = 24 * 3600 * 1_000_000_000
RETENTION_DAYS = 60


def buildinfo(call: Call) -> Answer:
    """Answer with version and identity; anybody may ask."""
    return json_answer(
        {
            "external_url": "https://github.com/coder/coder",
            "version": call.generation.version,
            "dashboard_url": call.url,
            "telemetry": False,
            "workspace_proxy": False,
            "agent_api_version": "1.0",
            "provisioner_api_version": "1.10",
            "upgrade_message": "",
            "deployment_id": call.database.value("SELECT id FROM deployment"),
            "webpush_public_key": "",
        }
    )


def entitlements(call: Call) -> Answer:
    """Answer with the licensed features; anybody may ask."""
    licensed = {name: call.world.licensed(name) for name in _FEATURES}
    words = {True: "entitled", False: "not_entitled"}
    return json_answer(
        {
            "features": {name: {"entitlement": words[has], "enabled": has} for name, has in licensed.items()},
            "warnings": [],
            "errors": [],
            "has_license": call.world.options.licensed,
            "trial": False,
            "require_telemetry": False,
            "refreshed_at": as_text(call.world.clock.now()),
        }
    )


def experiments(call: Call) -> Answer:
    """Answer with the enabled experiments; the one for cost control exists in one generation only."""
    enabled = call.world.options.experiments
    gone = () if call.generation.override_experiment else (COST_CONTROL_EXPERIMENT,)
    return json_answer([name for name in enabled if name not in gone])


def configuration(call: Call) -> Answer:
    """Answer with the deployment's settings."""
    if not call.caller.may("read", "deployment_config"):
        raise forbidden()
    limit = call.world.options.rate_limit
    return json_answer(
        {
            "config": {
                "rate_limit": {"disable_all": limit is None, "api": limit or DEFAULT_RATE_LIMIT},
                "ai": {
                    "bridge": {
                        "enabled": True,
                        "budget_policy": "highest",
                        "budget_period": "month",
                        "retention": RETENTION_DAYS * DAY_NS,
                    }
                },
                "retention": {"audit_logs": 0},
            },
            "options": [],
        }
    )
