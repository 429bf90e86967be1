"""A saved plan meets the gate of the day on which it is applied: people have gone on spending."""

from __future__ import annotations

from tests.apply.site import Site


def _plan_a_lower_budget(site: Site) -> None:
    """Save a plan that blocks nobody yet: carol has spent $96.40."""
    text = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
    (site.folder / "lower.yaml").write_text(text + "group_budgets: [{group: platform, limit: $120}]\n")
    assert site.run("plan", "lower.yaml", "-o", "saved.plan").code == 0


def _spend(site: Site, user: str, group: str, dollars: int) -> None:
    site.sandbox.execute(
        "UPDATE ai_daily_spend SET cost_micros = cost_micros + ? WHERE user_id = ? AND group_id = ?",
        (dollars * 1_000_000, site.id_of(user), site.id_of(group)),
    )


def test_who_would_be_blocked_by_now_needs_consent(site: Site) -> None:
    _plan_a_lower_budget(site)
    _spend(site, "carol", "platform", 30)

    refused = site.apply("saved.plan")

    assert refused.code == 3
    assert "Would be blocked now: 1 (carol spent $126.40 of $120.00)." in refused.out
    assert "--allow BLOCKS_USERS=1" in refused.out
    assert site.writes == []
    assert site.apply("saved.plan", "--allow", "BLOCKS_USERS=1").code == 0
    assert site.budget("platform") == 120


def test_the_actions_and_the_digest_stay(site: Site) -> None:
    _plan_a_lower_budget(site)
    saved = site.run("show", "saved.plan", "--json").document
    _spend(site, "dan", "platform", 1)

    assert site.apply("saved.plan", "--expect-digest", saved["digest"]).code == 0
    assert site.outcome.started.digest == saved["digest"]


def test_a_stale_plan_is_refused_as_stale(site: Site) -> None:
    _plan_a_lower_budget(site)
    site.sandbox.execute(*site.set_budget("platform", 9_000))

    said = site.apply("saved.plan")

    assert said.code == 3
    assert "The plan is stale" in said.err


def test_every_reason_of_a_refusal_has_its_own_consent_to_paste(site: Site) -> None:
    text = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
    text += "group_budgets: [{group: platform, limit: $60}, {group: Everyone, limit: none}]\n"
    (site.folder / "two.yaml").write_text(text)
    refused = site.apply("two.yaml", "--json")
    assert refused.code == 3
    details = refused.document["refusal"]["details"]
    hazards = [detail.split(":")[0] for detail in details]
    assert hazards == ["REMOVES_LIMIT", "BLOCKS_USERS"]
    assert all(f"pass `--allow {hazard}=" in detail for hazard, detail in zip(hazards, details, strict=True))
