"""Names that are known from incidents: ORG-002 where somebody took one over, ORG-008 where it was hostile.

Offline: the list is data, with the report that states each row.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from sbom.model import Component
from sbom.record import record
from scanner.checks.owners import owner_of
from scanner.model import Evidence
from scanner.text import visible


@record
class Taken:
    """One name. ``owner`` stands for everything that the account publishes, ``name`` for one package."""

    ecosystem: str
    kind: str
    since: str
    what: str
    source: str
    owner: str = ""
    name: str = ""


@cache
def known() -> tuple[Taken, ...]:
    """The list that comes with the scanner."""
    data = json.loads(Path(__file__).with_name("taken.json").read_bytes())
    return tuple(Taken(**row) for row in data["names"])


def check(components: Iterable[Component], names: Sequence[Taken] | None = None) -> Iterator[Evidence]:
    """ORG-002 and ORG-008, one for each component of such a name, at the first place that names it."""
    rows = known() if names is None else names
    for component in components:
        for row in rows:
            if component.seen and _is(component, row):
                yield _evidence(component, row)
                break


def _is(component: Component, row: Taken) -> bool:
    if component.ecosystem != row.ecosystem:
        return False
    if row.name:
        return component.name.lower() == row.name.lower()
    owner = owner_of(component) or component.name.rpartition("/")[0].lstrip("@")
    return owner.lower() == row.owner.lower()


def _evidence(component: Component, row: Taken) -> Evidence:
    shown = visible(component.name, limit=120)
    if row.kind == "taken-over":
        rule, said = "ORG-002", f"has belonged to somebody else since {row.since}"
    else:
        rule, said = "ORG-008", f"has been known as hostile since {row.since}"
    whose = f"the account {row.owner}" if row.owner else "this name"
    message = f"{shown}: {whose} {said}: {row.what} ({row.source})"
    return Evidence(
        rule,
        component.seen[0],
        message,
        f"taken:{row.ecosystem}:{row.owner or row.name}",
        (),
        "",
        component.ref,
    )
