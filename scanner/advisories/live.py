"""PyPI's and OSV's services as a second source beside the snapshot: asked only where the user says so.

What is sent: name and public version of each pinned package of the public registry, one by one. Names that
match ``private``, and packages from anywhere else, stay here. The asking is done by pip-audit's own service
classes, in an isolated child (``live_child``) that knows nothing of the scanned tree.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.version import InvalidVersion, Version

from sbom.model import Location
from sbom.record import record
from scanner import net, versions
from scanner.advisories import osv
from scanner.advisories.asked import Asked
from scanner.advisories.osv import Record
from scanner.errors import ConfigurationError, Malformed
from scanner.limits import Limits
from scanner.model import Consulted, Evidence
from scanner.text import visible

PYPI, OSV = "https://pypi.org", "https://api.osv.dev"
TITLES = {"pypi": "PyPI live", "osv": "OSV live"}
_CHILD = Path(__file__).with_name("live_child.py")
_LISTED = 40  # names that a source's line lists
_GRACE_S = 30.0  # for the start of the child and what was under way

# What would make the child's own children run something else than this interpreter's packages.
_NOT_HANDED_ON = ("PYTHON", "PIP_", "PIPAPI_")

Key = tuple[str, str]  # normalised name, public version


@record
class Services:
    """Where to ask. ``private``: patterns of names that never leave."""

    pypi: str = ""
    osv: str = ""
    private: tuple[str, ...] = ()


@record
class Said:
    """What one service said of one release. ``state``: answered, partial, unknown or failed."""

    service: str
    state: str
    why: str = ""
    records: tuple[Record, ...] = ()


@record
class Live:
    """What was asked and what came back. ``left_out``: sentences on what was not asked, and why."""

    said: Mapping[Key, tuple[Said, ...]]
    left_out: tuple[str, ...]
    broken: str = ""  # why there are no answers at all

    def of(self, row: Asked) -> tuple[Said, ...]:
        """What the services said of a pinned package; nothing where they were not asked."""
        key = _key(row)
        return self.said.get(key, ()) if key else ()

    def records(self, row: Asked) -> tuple[Record, ...]:
        """The records against a pinned package, each id once."""
        found = {one.id: one for said in self.of(row) for one in said.records}
        return tuple(found[name] for name in sorted(found))

    def answered(self, row: Asked) -> bool:
        """Whether some service knows the release and told all that it knows."""
        return any(said.state == "answered" for said in self.of(row))


def ask(rows: Sequence[Asked], services: Services, limits: Limits | None = None) -> Live:
    """Asks both services about the pinned packages of the public registry.

    Raises ConfigurationError where an address is none.
    """
    limits = limits or Limits()
    bases = addresses(services)
    keys, left_out = _choose(rows, services.private, limits.live_packages)
    if not keys:
        return Live({}, left_out)
    asking = {
        "services": bases,
        "packages": keys,
        "bounds": {
            "bytes": limits.live_answer_bytes,
            "timeout_s": limits.live_timeout_s,
            "deadline_s": limits.live_deadline_s,
            "attempts": limits.live_attempts,
        },
    }
    lines, broken = _run(json.dumps(asking).encode(), limits)
    return _gather(keys, lines, left_out, broken)


def addresses(services: Services) -> dict[str, str]:
    """The address of each service. Raises ConfigurationError where it is none."""
    return {
        "pypi": _base("advisories.live-pypi", services.pypi or PYPI),
        "osv": _base("advisories.live-osv", services.osv or OSV),
    }


def _base(setting: str, url: str) -> str:
    try:
        return net.base(url)
    except net.Refused as error:
        raise ConfigurationError(f"{setting}: {error}") from error


# --- what is asked ----------------------------------------------------------------------------------------


def _key(row: Asked) -> Key | None:
    """Name and public version: asked for ``2.1.0+cu121``, PyPI knows nothing, which would pass for clean."""
    if row.ecosystem != "pypi":
        return None
    try:
        return row.package, Version(row.component.version).public
    except InvalidVersion:
        return None


def is_private(name: str, patterns: Sequence[str]) -> bool:
    """Whether a normalised name matches one of the user's patterns (``acme-*``), however they spell it."""
    return any(fnmatchcase(name, versions.name("pypi", pattern)) for pattern in patterns)


def _choose(rows: Sequence[Asked], private: Sequence[str], at_most: int) -> tuple[list[Key], tuple[str, ...]]:
    keys: dict[Key, None] = {}
    out: dict[str, list[str]] = {}
    for row in rows:
        if row.ecosystem != "pypi":
            out.setdefault("of other ecosystems, which the services are not asked about", []).append(
                row.package
            )
        elif is_private(row.package, private):
            out.setdefault("private", []).append(row.package)
        elif row.cap != "confirmed":
            out.setdefault("not from the public registry", []).append(row.package)
        elif (key := _key(row)) is None:
            out.setdefault("without an exact version", []).append(row.package)
        elif len(keys) >= at_most and key not in keys:
            out.setdefault(f"over the limit of {at_most:,}", []).append(row.package)
        else:
            keys[key] = None
    said = tuple(f"left out {len(set(names))} {why}: {listed(names)}" for why, names in sorted(out.items()))
    return list(keys), said


def listed(names: Sequence[str]) -> str:
    """Some names, sorted, with how many more there are."""
    each = sorted(set(names))
    more = f" and {len(each) - _LISTED} more" if len(each) > _LISTED else ""
    return ", ".join(visible(name, limit=80) for name in each[:_LISTED]) + more


# --- the child --------------------------------------------------------------------------------------------


def _run(asking: bytes, limits: Limits) -> tuple[Iterator[dict[str, Any]], str]:
    """The lines that the child wrote, and why there may be fewer than wanted (empty where it ended well)."""
    environment = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_HANDED_ON)
    }
    environment |= {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"}
    broken = ""
    with TemporaryDirectory(prefix="weighbridge-live-") as folder:
        said = Path(folder, "said")
        work = Path(folder, "work")
        work.mkdir()
        with said.open("wb") as out:
            child = subprocess.Popen(
                [sys.executable, "-I", str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.DEVNULL,
                cwd=work,  # empty, and never inside the scanned tree
                env=environment,
            )
            try:
                child.communicate(asking, timeout=limits.live_deadline_s + _GRACE_S)
            except subprocess.TimeoutExpired:
                broken = "the time was over"
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
        if child.returncode and not broken:
            broken = "the program that asks ended early (is pip-audit installed beside weighbridge?)"
        with said.open("rb") as file:
            data = file.read(limits.live_said_bytes + 1)
    if len(data) > limits.live_said_bytes:
        broken = "the services said more than is read"
    return _lines(data), broken


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return  # cut off: what is missing is counted as not answered
        if isinstance(row, dict):
            yield row


def _gather(
    keys: Sequence[Key], lines: Iterator[dict[str, Any]], left_out: tuple[str, ...], broken: str
) -> Live:
    found: dict[Key, dict[str, Said]] = {key: {} for key in keys}
    for row in lines:
        key = (str(row.get("name")), str(row.get("version")))
        if key in found and row.get("service") in TITLES:
            found[key][row["service"]] = _said(key, row)
    lost = {
        name: Said(name, "failed", broken or "not asked: the service had failed too often") for name in TITLES
    }
    return Live(
        {key: tuple(said.get(name, lost[name]) for name in TITLES) for key, said in found.items()},
        left_out,
        broken,
    )


def _said(key: Key, row: dict[str, Any]) -> Said:
    state, records = str(row.get("state")), []
    for one in row.get("found") or ():
        try:
            records.append(_record(key, one))
        except Malformed as error:
            return Said(row["service"], "failed", f"what it says of a release cannot be read ({error.law})")
    return Said(row["service"], state, str(row.get("why") or ""), tuple(records))


def _record(key: Key, told: dict[str, Any]) -> Record:
    """The answer as a record of its own: about this release, until the first fix above it."""
    name, version = key
    here = versions.pep440(version)
    above = sorted(
        (found, text)
        for text in told.get("fixed") or ()
        if (found := versions.pep440(text)) is not None and here is not None and found > here
    )
    events = [{"introduced": version}, *({"fixed": text} for _, text in above[:1])]
    published = told.get("published") or "1970-01-01T00:00:00Z"
    return osv.parse(
        {
            "id": told.get("id"),
            "aliases": told.get("aliases"),
            "summary": told.get("summary"),
            "modified": published,
            "published": published,
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": name},
                    "versions": [version],
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
        }
    )


# --- how it is told ---------------------------------------------------------------------------------------


def consulted(live: Live, as_of: str, differing: Sequence[str]) -> Iterator[Consulted]:
    """One source for each service, with what was left out and where they and the snapshot disagree."""
    if not live.said:
        detail = "; ".join(live.left_out) or "no pinned package of the public registry was found to ask about"
        for title in TITLES.values():
            yield Consulted(title, "unused", detail=detail)
        return
    for name, title in TITLES.items():
        rows = {key: said for key, each in live.said.items() for said in each if said.service == name}
        failed = [said for said in rows.values() if said.state in {"failed", "partial"}]
        unknown = [key for key, said in rows.items() if said.state == "unknown"]
        told = [f"{len(rows) - len(failed) - len(unknown)} of {len(rows)} releases answered"]
        if failed:
            told.append(f"{len(failed)} not: {visible(failed[0].why or 'it told a part only', limit=160)}")
        if unknown:
            told.append(f"not known there, so not checked there: {listed(list(map(' '.join, unknown)))}")
        state = "failed" if failed else "partial" if unknown else "current"
        count = sum(len(said.records) for said in rows.values())
        yield Consulted(title, state, as_of, count, detail="; ".join((*told, *live.left_out, *differing)))


def coverage(live: Live, rows: Sequence[Asked]) -> Iterator[Evidence]:
    """COV-002 for what a service was asked about and did not answer."""
    where = {key: row.where for row in reversed(rows) if (key := _key(row)) is not None}
    for name, title in TITLES.items():
        for states, subject, text in (
            (("failed", "partial"), "failed", "gave no answer, or not a whole one, about"),
            (("unknown",), "unknown", "does not know, and so says nothing about,"),
        ):
            lost = [
                (key, said)
                for key, each in live.said.items()
                for said in each
                if said.service == name and said.state in states
            ]
            if not lost:
                continue
            place = min((where[key] for key, _ in lost if key in where), key=lambda each: each.order)
            names = listed([" ".join(key) for key, _ in lost])
            why = f" ({visible(lost[0][1].why, limit=160)})" if lost[0][1].why else ""
            yield Evidence(
                "COV-002",
                Location(place.path),
                f"{title}: the service {text} {names}{why}",
                subject=f"live:{name}:{subject}",
                remedy=_REMEDIES[subject],
            )


_REMEDIES = {
    "failed": "Scan again with --live when the service answers; the snapshot was asked all the same.",
    "unknown": (
        'If it is a package of your own, say private = ["NAME"] in the configuration;'
        " else find out why the index no longer has this release: malware is taken down."
    ),
}
