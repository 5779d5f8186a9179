"""Whether releases younger than the waiting time that the policy asks for are kept out."""

import posixpath
from collections.abc import Iterator
from datetime import date, timedelta

from sbom.model import Component, Kind
from scanner.model import CoolDown, Declaration, Evidence, OriginKind, Stock

_TOOLS = {"pypi": ("uv", "pip"), "npm": ("npm", "pnpm", "yarn")}
_BOTS = ("dependabot", "renovate")
_REMEDIES = {
    "pypi": 'Set `exclude-newer = "{days} days"` under [tool.uv] or in uv.toml, or pip: `uploaded-prior-to`.',
    "npm": "Set `min-release-age={days}` in .npmrc (npm), `minimumReleaseAge: {minutes}` in "
    "pnpm-workspace.yaml (pnpm) or `npmMinimalAgeGate: {days}d` in .yarnrc.yml (Yarn).",
    "dependabot": "Set `cooldown: {{default-days: {days}}}` for each update.",
    "renovate": 'Set `"minimumReleaseAge": "{days} days"`.',
}


def check(stock: Stock, days: int, today: date) -> Iterator[Evidence]:
    """DEP-019 for each setting that lets younger releases in, and each project that has none.

    ``days`` as the policy asks; nothing where it asks for none.
    """
    if not days:
        return
    for row in stock.cooldowns:
        if why := _too_short(row, days, today):
            yield _found(row.where.path, row, why, days)
    yield from _missing(stock, days)


def _too_short(row: CoolDown, days: int, today: date) -> str:
    """Why a setting does not keep out what is younger; empty where it does."""
    if row.until:
        try:
            until = date.fromisoformat(row.until)
        except ValueError:
            return f"{row.key} is no date: {row.said}"
        lets_in = until > today - timedelta(days=days)
        return f"{row.key} = {row.said} lets in whatever is published until that day" if lets_in else ""
    if row.days is None:
        return f"{row.key} = {row.said} is no time that is understood here"
    if row.days < days:
        return f"{row.key} = {row.said} is shorter" if row.said else f"it sets no {row.key}"
    return ""


def _found(subject: str, row: CoolDown, why: str, days: int) -> Evidence:
    family = (
        row.tool if row.tool in _BOTS else next(key for key, tools in _TOOLS.items() if row.tool in tools)
    )
    return Evidence(
        "DEP-019",
        row.where,
        f"The policy asks for releases that are at least {days} days old, and {row.tool} does not wait that "
        f"long: {why}",
        subject=f"{subject}: {row.key}",
        remedy=_remedy(family, days),
    )


def _remedy(family: str, days: int) -> str:
    return _REMEDIES[family].format(days=days, minutes=days * 1440)


def _missing(stock: Stock, days: int) -> Iterator[Evidence]:
    """One piece of evidence for each project and ecosystem that no setting is about."""
    first: dict[tuple[str, str], Declaration] = {}
    for component in stock.inventory.components:
        row = _chosen_by_index(component, stock)
        if row is not None and component.ecosystem in _TOOLS:
            key = (component.project, component.ecosystem)
            first[key] = min(first.get(key, row), row, key=lambda one: one.where.order)
    for (project, ecosystem), row in sorted(first.items()):
        if any(each.tool in _TOOLS[ecosystem] and _holds_for(each, project) for each in stock.cooldowns):
            continue
        yield Evidence(
            "DEP-019",
            row.where,
            f"The policy asks for releases that are at least {days} days old, and no setting of "
            f"{' or '.join(_TOOLS[ecosystem])} in this project or above it makes them wait",
            subject=f"{project}: {ecosystem}",
            remedy=_remedy(ecosystem, days),
        )


def _chosen_by_index(component: Component, stock: Stock) -> Declaration | None:
    if component.kind is not Kind.LIBRARY:
        return None
    rows = [
        row
        for row in stock.declarations.get(component.ref, ())
        if row.origin is None or row.origin.kind is OriginKind.INDEX
    ]
    return min(rows, key=lambda row: row.where.order) if rows else None


def _holds_for(row: CoolDown, project: str) -> bool:
    """Whether the setting stands in the project's folder or in one above it."""
    folder = posixpath.dirname(row.where.path)
    return not folder or project == folder or project.startswith(f"{folder}/")
