"""Drifts as a page, the right way round: what the policy wants, what is live, who changed it, and how to end it.

What is said of how to end it stands here for comments, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.moment import instant
from reconciler.core.plan.drift import Drift, DriftKind, kind_of_origin
from reconciler.money import format_usd_short
from reconciler.render.changes import DRIFT_TITLES, TURNED, changed_by, difference_rows
from reconciler.render.drift import (
    acceptance_lines,
    author_sentences,
    exposure_sentences,
    how_moved,
    limit_of,
    move_names,
    moves_not_known,
    no_moves,
)
from reconciler.render.markup import fenced
from reconciler.render.overview import counted_twice, drift_headline, overview_of, plans_of, signed_usd
from reconciler.render.page import Alert, Page, Tile
from reconciler.render.plan_charts import bar_charts, dot_charts, nearest_table
from reconciler.render.plan_page import sentence, sources_text, subtitle
from reconciler.render.problem import Severity
from reconciler.render.problems import folded, problems_of
from reconciler.render.table import Column, Row, Table
from reconciler.words import count, count_people

KEPT_SHOWN = 500
KEPT_SHOWN_IN_COMMENT = 50


def drift_page(drifts: Sequence[Drift]) -> Page:
    """Return the page of drifts that were found side by side."""
    plans = plans_of(drifts)
    return Page(
        title=f"AI budgets: {drift_headline(drifts)}",
        subtitles=tuple(subtitle(plan.deployment, plan.digest) for plan in plans),
        tiles=_tiles(drifts),
        alerts=tuple(_alerts(drifts)),
        bar_charts=bar_charts(plans, "grey: as the policy wants, colour: live", is_drift=True),
        dot_charts=dot_charts(plans, "Spend so far against the limit that the policy wants"),
        tables=(*_drift_table(drifts), *moves_tables(drifts), *nearest_table(plans, "limit by the policy")),
        footer=sources_text(plans),
    )


def _tiles(drifts: Sequence[Drift]) -> tuple[Tile, ...]:
    """Return differences by kind, then what live allows against what the policy does."""
    counts = {kind: sum(drift.counts[kind] for drift in drifts) for kind in DriftKind}
    total = sum(counts.values())
    if not total:
        return ()
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number)
    differences = Tile(name="Differences", value=f"{total:,}", more=kinds, tone="bad" if counts[DriftKind.HAND] else "")
    overview = overview_of(plans_of(drifts))
    exposure = overview.exposure
    if not exposure.people:
        return (differences,)
    policy, live = format_usd_short(exposure.after_micros), format_usd_short(exposure.before_micros)
    return (
        differences,
        Tile(
            name=f"May be spent in a month ({overview.concerned})",
            value=f"{policy} → {live}",
            more=f"policy → live: {signed_usd(-overview.delta_micros)}",
        ),
        Tile(
            name="Limits",
            value=f"{overview.lower:,} ▲  {overview.higher:,} ▼",
            more="people with a higher, a lower limit than the policy gives",
        ),
        Tile(
            name="Without any limit",
            value=f"{exposure.unlimited_after:,} → {exposure.unlimited_before:,}",
            more="people, policy → live",
            tone="bad" if exposure.unlimited_before > exposure.unlimited_after else "",
        ),
    )


def _alerts(drifts: Sequence[Drift]) -> Iterator[Alert]:
    problems = folded([problem for problem in problems_of(drifts) if problem.rule != "drift"])
    to_mend = [problem for problem in problems if problem.severity is not Severity.NOTICE]
    if to_mend:
        lines = tuple(sentence(problem.message, problem.hint, problem.place) for problem in to_mend)
        yield Alert(title="Needs attention", lines=lines, tone="bad")
    notices = (sentence(row.message, row.hint, row.place) for row in problems if row.severity is Severity.NOTICE)
    if known := (*costs_of(drifts), *authors_of(drifts), *notices):
        yield Alert(title="To know", lines=known)
    if taken := edits_taken(drifts):
        yield Alert(title="Accepted into the policy files", lines=(), paste="\n".join(taken))
    kept = edits_to_keep(drifts, KEPT_SHOWN)
    if kept or any(drift.differences for drift in drifts):
        yield Alert(
            title="Undo or keep",
            lines=(
                "Undo it: run reconciler apply, or your pipeline's apply by hand. The next apply of any change does "
                "it, too.",
                "Keep it: run reconciler drift --accept ADDRESS in the policy's repository, and commit the edit.",
            ),
            paste_title="What to write in the policy to keep it:" if kept else "",
            paste="\n".join(kept),
        )


def undo_or_keep(drifts: Sequence[Drift]) -> list[str]:
    """Say what was kept, how to undo what was changed in Coder, and what to write to keep it, in Markdown."""
    lines, taken = edits_to_keep(drifts, KEPT_SHOWN_IN_COMMENT), edits_taken(drifts)
    accepted = ["**Accepted into the policy files**", "", fenced("\n".join(taken)), ""] if taken else []
    if not lines and not any(drift.differences for drift in drifts):
        return accepted
    edits = ["<details><summary>What to write to keep it</summary>", "", fenced("\n".join(lines)), "", "</details>", ""]
    return [
        *accepted,
        "- **Undo** it: run `reconciler apply`, or your pipeline's apply by hand. The next apply of any change does "
        "it, too.",
        "- **Keep** it: run `reconciler drift --accept ADDRESS` in the policy's repository, and commit the edit.",
        "",
        *(edits if lines else ()),
    ]


def edits_to_keep(drifts: Sequence[Drift], most: int) -> list[str]:
    """Return what to write in the policy to keep what is live, for `most` subjects, and how many more there are.

    First comes what `--accept` asked for and is not possible; all of it.
    """
    left = [acceptance for drift in drifts for acceptance in drift.acceptances if not acceptance.is_taken]
    refused = [acceptance for acceptance in left if acceptance.is_refused]
    kept = [acceptance for acceptance in left if not acceptance.is_refused]
    shown = [*refused, *kept[:most]]
    lines = [line.removeprefix("  ") for acceptance in shown for line in acceptance_lines(acceptance)]
    if len(kept) > most:
        lines.append(f"and {len(kept) - most:,} more, which `reconciler drift` shows")
    return lines


def edits_taken(drifts: Sequence[Drift]) -> list[str]:
    """Return what this run wrote into the policy files."""
    taken = [acceptance for drift in drifts for acceptance in drift.acceptances if acceptance.is_taken]
    return [line.removeprefix("  ") for acceptance in taken for line in acceptance_lines(acceptance)]


def costs_of(drifts: Sequence[Drift]) -> list[str]:
    """Return what the differences cost, a sentence each; no name or reason is in them."""
    sentences = [str(line) for drift in drifts for line in exposure_sentences(drift.plan)]
    return [*sentences, *filter(None, [counted_twice(overview_of(plans_of(drifts)))])]


def authors_of(drifts: Sequence[Drift]) -> list[str]:
    """Return what is not known of who changed limits and memberships, a sentence each."""
    return [str(line) for drift in drifts for line in (*author_sentences(drift), *_no_moves(drift))]


def _no_moves(drift: Drift) -> Iterator[str]:
    if drift.moves_since is not None and not drift.moves:
        yield no_moves(drift, instant(drift.moves_since))
    elif drift.moves_since is not None and drift.moves_not_known:
        yield moves_not_known(drift, instant(drift.moves_since))
    if drift.moves and drift.moves_reason:
        yield f"Who is behind some of the changed memberships is not known: {drift.moves_reason.rstrip('.')}."


def moves_tables(drifts: Sequence[Drift]) -> tuple[Table, ...]:
    """Return whose limit changed although no budget did; none where nobody asked."""
    columns = (
        Column(name="who"), Column(name="before", is_long=True), Column(name="now", is_long=True),
        Column(name="how", is_long=True),
    )  # fmt: skip
    return tuple(
        Table(
            title=f"{count_people(len(drift.moves))} whose limit changed although no budget did",
            hint=f"since {instant(drift.moves_since)}",
            columns=columns,
            rows=tuple(
                Row(cells=(move.username, limit_of(move.before, names), limit_of(move.after, names), how_moved(move)))
                for names in [move_names(drift)]
                for move in drift.moves
            ),
        )
        for drift in drifts
        if drift.moves and drift.moves_since is not None
    )


def _drift_table(drifts: Sequence[Drift]) -> tuple[Table, ...]:
    changes = {change.address: change.change for drift in drifts for change in drift.last_changes.changes}
    title = DRIFT_TITLES[DriftKind.ORPHAN]
    rows = []
    for drift in drifts:
        for row in difference_rows(drift):
            last = changes.get(row.address)
            booked = f" ({row.group})" if row.group else ""
            cells = (
                DRIFT_TITLES[kind_of_origin(row.origin)].partition(";")[0],
                f"{row.address}{booked}",
                row.after,
                f"{TURNED.get(row.arrow, row.arrow)} {row.live}".strip(),
                str(row.kind),
                changed_by(last, row.subject) if last else "",
                instant(last.at) if last else "",
                f"{row.place.file}:{row.place.line}" if row.place else "",
            )
            rows.append(Row(cells=cells))
        for orphan in drift.plan.orphans:
            where = f"{orphan.place.file}:{orphan.place.line}"
            rows.append(Row(cells=(title, orphan.address, "", "", "leave it out", "", "", where)))
    if not rows:
        return ()
    columns = (
        Column(name="why it differs"), Column(name="who"), Column(name="policy", is_number=True),
        Column(name="live", is_number=True), Column(name="apply would", is_short=True),
        Column(name="changed by", is_long=True), Column(name="when"), Column(name="where", is_long=True),
    )  # fmt: skip
    return (Table(title=count(len(rows), "difference"), columns=columns, rows=tuple(rows)),)
