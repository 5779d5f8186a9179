"""Images and steps of a pipeline that are chosen by a name somebody can move: DEP-009, DEP-010."""

import re
from collections.abc import Iterator, Sequence

from sbom.model import Component
from scanner.checks import agents
from scanner.model import Declaration, Evidence, Stock, factors
from scanner.text import visible

_SHOWN = 6
_OFFICIAL_OWNERS = frozenset({"actions", "github"})  # of the platform that runs the pipeline itself

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII | re.IGNORECASE)

_Row = tuple[Component, Declaration]


def check(stock: Stock) -> Iterator[Evidence]:
    """One piece of evidence for each name and file; what the platforms publish themselves in one a file."""
    files: dict[str, list[_Row]] = {}
    for component in stock.inventory.components:
        for row in stock.declarations.get(component.ref, ()):
            if row.ecosystem in {"oci", "githubactions"} and not (_is_fixed(row) or agents.is_loose(row)):
                files.setdefault(row.where.path, []).append((component, row))
    for path in sorted(files):
        for ecosystem in ("oci", "githubactions"):
            rows = sorted(
                (one for one in files[path] if one[1].ecosystem == ecosystem),
                key=lambda one: (one[1].where.order, one[1].name),
            )
            official = [one for one in rows if _is_official(one[1])]
            if official:
                yield _evidence(path, official, official=True)
            others: dict[str, list[_Row]] = {}
            for one in rows:
                if one not in official:
                    others.setdefault(one[0].ref, []).append(one)
            for group in others.values():
                yield _evidence(path, group[:1], official=False)


def _is_fixed(row: Declaration) -> bool:
    return bool(row.hashes) if row.ecosystem == "oci" else _COMMIT.fullmatch(row.version) is not None


def _is_official(row: Declaration) -> bool:
    if row.ecosystem == "githubactions":
        return row.name.partition("/")[0].lower() in _OFFICIAL_OWNERS
    return row.origin is not None and row.origin.url.lower().startswith("docker.io/library/")


def _spelled(row: Declaration) -> str:
    mark = ":" if row.ecosystem == "oci" else "@"
    return visible(f"{row.name}{mark}{row.version}" if row.version else row.name, limit=160)


def _evidence(path: str, rows: Sequence[_Row], *, official: bool) -> Evidence:
    component, first = rows[0]
    names = list(dict.fromkeys(_spelled(row) for _, row in rows))
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    image = first.ecosystem == "oci"
    whose = "the platform's own, moved by its publisher" if official else "its owner can move it"
    what = "chosen by tag" if image else ("chosen by tag or branch" if first.version else "without a ref")
    measured = factors(trigger="on_use", ref="published by the platform itself") if official else ()
    remedy = (
        f"Write {visible(first.name, limit=120)}@sha256:<digest>; `docker buildx imagetools inspect "
        f"{_spelled(first)}` shows it."
        if image
        else f"Write {visible(first.name, limit=120)}@<40-digit commit>  # {visible(first.version, limit=60)}"
    )
    return Evidence(
        "DEP-009" if image else "DEP-010",
        first.where,
        f"{shown}: {what} ({whose})",
        subject=f"{path}: official" if official else f"{path}: {first.name}",
        factors=measured,
        remedy=remedy,
        component=component.ref,
    )
