"""The built-in list of compromised releases: what a machine without any snapshot still knows.

Each incident becomes a record like any other, so that it merges with the databases' own by alias.
"""

import json
from functools import cache as once
from hashlib import sha256
from pathlib import Path

from sbom.record import record
from scanner import cache, versions
from scanner.advisories.osv import Affected, Record
from scanner.limits import MIB

_FILE = Path(__file__).with_name("incidents.json")


@record
class Incident:
    """One compromise. ``versions`` are exactly the bad ones; ``files`` are patterns of indicator files."""

    id: str
    ecosystem: str
    package: str
    versions: tuple[str, ...]
    began: str
    aliases: tuple[str, ...]
    files: tuple[str, ...]
    sha256: tuple[str, ...]
    hosts: tuple[str, ...]
    hijacked_actions: tuple[str, ...]
    rotate: tuple[str, ...]
    references: tuple[str, ...]
    summary: str

    @property
    def record(self) -> Record:
        """The same as an advisory."""
        affected = Affected(self.ecosystem, versions.name(self.ecosystem, self.package), (), self.versions)
        return Record(
            id=self.id,
            modified=self.began,
            aliases=self.aliases,
            summary=self.summary,
            affected=(affected,),
            references=tuple(("WEB", url) for url in self.references),
            malice="confirmed",
        )


@record
class IncidentList:
    """The list with the day it was last looked over and the digest of its bytes."""

    incidents: tuple[Incident, ...]
    as_of: str
    digest: str


@once
def load() -> IncidentList:
    """The list that came with this version of the program."""
    data = cache.read_small(_FILE, at_most=MIB) or b""
    raw = json.loads(data)
    rows = tuple(
        Incident(
            id=row["id"],
            ecosystem=row["ecosystem"],
            package=row["package"],
            versions=tuple(row["versions"]),
            began=row["began"],
            aliases=tuple(row["aliases"]),
            files=tuple(row["indicators"]["files"]),
            sha256=tuple(row["indicators"]["sha256"]),
            hosts=tuple(row["indicators"]["hosts"]),
            hijacked_actions=tuple(row["hijacked_actions"]),
            rotate=tuple(row["rotate"]),
            references=tuple(row["references"]),
            summary=row["summary"],
        )
        for row in raw["incidents"]
    )
    return IncidentList(rows, raw["as_of"], sha256(data).hexdigest())


@once
def _by_package() -> dict[tuple[str, str], tuple[Incident, ...]]:
    found: dict[tuple[str, str], tuple[Incident, ...]] = {}
    for row in load().incidents:
        key = (row.ecosystem, versions.name(row.ecosystem, row.package))
        found[key] = (*found.get(key, ()), row)
    return found


def lookup(ecosystem: str, name: str) -> tuple[Incident, ...]:
    """The incidents of a package, whose name is normalised."""
    return _by_package().get((ecosystem, name), ())


@once
def names() -> frozenset[str]:
    """Every id that an incident of the list goes by: a record of that name is about malware."""
    return frozenset(name for row in load().incidents for name in (row.id, *row.aliases))
