"""What a server says of itself: build, licence, experiments, configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import Answer, forbidden, json_answer, message
from ..clock import as_text, shown
from ..generations import COST_CONTROL_EXPERIMENT
from ..identifiers import derived_uuid
from ..tokens import SCOPES

if TYPE_CHECKING:
    from ..calls import Call

_FEATURES = (
    "advanced_template_scheduling", "ai_governance_user_limit", "aibridge", "audit_log",
    "multiple_organizations", "scim", "service_accounts", "template_rbac", "user_limit",
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
    world = call.world
    features = {
        name: {
            "entitlement": "entitled" if world.licensed(name) else "not_entitled",
            "enabled": world.enabled(name),
        }
        for name in _FEATURES
    }
    return json_answer(
        {
            "features": features,
            "warnings": list(world.options.licence_warnings),
            "errors": [],
            "has_license": world.options.licensed,
            "trial": False,
            "require_telemetry": False,
            "refreshed_at": shown(as_text(world.clock.now())),
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


def root(_: Call) -> Answer:
    """Answer with Coder's greeting."""
    return message("\N{WAVING HAND SIGN}")


def auth_methods(_: Call) -> Answer:
    """Answer with the ways to sign in: passwords only."""
    return json_answer(
        {
            "password": {"enabled": True},
            "github": {"enabled": False, "default_provider_configured": False},
            "oidc": {"enabled": False, "signInText": "", "iconUrl": ""},
        }
    )


def auth_scopes(_: Call) -> Answer:
    """Answer with the scopes to which a token can be narrowed; anybody may ask."""
    return json_answer({"external": list(SCOPES)})


def appearance(_: Call) -> Answer:
    """Answer with the look of the dashboard."""
    return json_answer(
        {
            "application_name": "",
            "logo_url": "",
            "docs_url": "https://coder.com/docs",
            "service_banner": {"enabled": False},
            "announcement_banners": [],
        }
    )


def user_appearance(_: Call) -> Answer:
    """Answer with a person's own settings of the dashboard."""
    return json_answer({"theme_preference": "", "terminal_font": ""})


def regions(call: Call) -> Answer:
    """Answer with the one region that there is."""
    region = {
        "id": derived_uuid("region", "primary"),
        "name": "primary",
        "display_name": "Default",
        "icon_url": "/emojis/1f3e1.png",
        "healthy": True,
        "path_app_url": call.url,
        "wildcard_hostname": "",
    }
    return json_answer({"regions": [region]})


def update_check(call: Call) -> Answer:
    """Answer that this version is the newest."""
    version = call.generation.version
    return json_answer({"current": True, "version": version, "url": "https://github.com/coder/coder/releases"})


def ssh_settings(_: Call) -> Answer:
    """Answer with the settings for SSH."""
    return json_answer({"hostname_prefix": "coder.", "hostname_suffix": "coder", "ssh_config_options": {}})


def available_experiments(_: Call) -> Answer:
    """Answer with the experiments that are safe to enable; the one for cost control never was among them."""
    return json_answer({"safe": []})


def gateway_keys(call: Call) -> Answer:
    """Answer with the keys of external AI gateways. The shape of a key is not known, so there are none."""
    if not call.caller.may("read", "deployment_config"):
        raise forbidden()
    return json_answer(None)
