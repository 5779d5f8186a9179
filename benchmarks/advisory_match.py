"""Advisories, measured: everything that a database lists is found, nothing else is, and what it costs.

Run: python benchmarks/advisory_match.py OSV.zip [KEV.json]

Every record and every version it lists is asked as written, under an unnormalised name, and with ``+cu121``
appended; every version that a package's records mention is asked of each of its records and compared with
OSV's pseudo-code transcribed with ``packaging``. Times are ratios of one run.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from sbom.model import Component, Kind, Location
from sbom.record import replace
from scanner import advisories, versions
from scanner.advisories import match, snapshot, store
from scanner.advisories.match import Advisory, Match

Json = dict[str, Any]

HOOK = """
import sys
from datetime import UTC, datetime
from sbom.model import Component, Kind, Location
from scanner import advisories
rows = [line.split("==") for line in sys.argv[1:]]
components = [
    Component(name, name, Kind.LIBRARY, version=version, ecosystem="pypi") for name, version in rows
]
with advisories.open_snapshot() as opened:
    found = advisories.consult(components, {}, opened, datetime.now(UTC), 7)[1]
"""
START = """
import sys, pathlib, hashlib, json, re, typing, shutil, urllib.parse, zlib, dataclasses, datetime, enum
import scanner.model, sbom.model
"""


def timed(
    work: Callable[[], object], best_of: int = 1, clock: Callable[[], float] = time.perf_counter
) -> float:
    times = []
    for _ in range(best_of):
        begun = clock()
        work()
        times.append(clock() - begun)
    return min(times)


def computed(work: Callable[[], object], best_of: int = 1) -> float:
    """Processor time: what other programs do meanwhile does not count. Nothing here waits."""
    return timed(work, best_of, time.process_time)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_KEPT: dict[str, Version | None] = {}


def parsed(text: str) -> Version | None:
    if text not in _KEPT:
        try:
            _KEPT[text] = Version(text)
        except InvalidVersion:
            _KEPT[text] = None
    return _KEPT[text]


def reference(raw: Json, text: str) -> bool:
    """OSV's evaluation, with packaging's versions and nothing of ours."""
    version = parsed(text)
    for entry in raw["affected"]:
        for listed in entry.get("versions", ()):
            if listed == text or (version is not None and parsed(listed) == version):
                return True
        for one in entry.get("ranges", ()):
            if one["type"] != "GIT" and version is not None and in_range(one["events"], version):
                return True
    return False


def in_range(events: Iterable[dict[str, str]], version: Version) -> bool:
    rows = [(kind, at) for event in events for kind, at in event.items()]
    rows.sort(key=lambda row: (row != ("introduced", "0"), Version(row[1])))
    vulnerable = False
    for kind, at in rows:
        if kind == "introduced" and ((kind, at) == ("introduced", "0") or version >= Version(at)):
            vulnerable = True
        elif (kind == "fixed" and version >= Version(at)) or (
            kind == "last_affected" and version > Version(at)
        ):
            vulnerable = False
    return vulnerable


def count(raws: list[Json], opened: store.Snapshot) -> None:
    asked = unread = 0
    written = shouted = local = 0
    compared = wrong = 0
    for raw in raws:
        for entry in raw["affected"]:
            name = entry["package"]["name"]
            loud = name.upper().replace("-", "_.")
            own = {one.id: Advisory(one) for one in opened.lookup("PyPI", name)}[raw["id"]]
            other = {one.id: Advisory(one) for one in opened.lookup("pypi", loud)}[raw["id"]]
            for text in entry.get("versions", ()):
                asked += 1
                written += own.says(text) is Match.YES
                shouted += other.says(text) is Match.YES
                if parsed(text) is None:
                    unread += 1
                else:
                    mark = ".cu121" if "+" in text else "+cu121"
                    local += own.says(text + mark) is Match.PUBLIC
    by_name: dict[str, list[Json]] = {}
    for raw in raws:
        by_name.setdefault(canonicalize_name(raw["affected"][0]["package"]["name"]), []).append(raw)
    for name, group in by_name.items():
        known = opened.known("pypi", name)
        rows = {one.id: Advisory(one) for one in opened.lookup("pypi", name)}
        for raw in group:
            for text in known:
                compared += 1
                wrong += (rows[raw["id"]].says(text) is Match.YES) != reference(raw, text)
    readable = asked - unread
    print(f"listed versions            {asked:>10,}   ({unread:,} that PEP 440 cannot read, matched as text)")
    print(f"  found as written         {written:>10,}   {written / asked:.4%}")
    print(f"  found under LOUD_.NAME   {shouted:>10,}   {shouted / asked:.4%}")
    print(f"  found with +cu121        {local:>10,}   {local / readable:.4%}")
    print(f"record x known version     {compared:>10,}   {wrong:,} that differ from the reference")


def pins(raws: list[Json], opened: store.Snapshot, number: int) -> list[Component]:
    names = sorted({raw["affected"][0]["package"]["name"] for raw in raws})
    made = []
    for at in range(number):
        name = names[at % len(names)]
        known = opened.known("pypi", name) or ("1.0",)
        version = known[(len(known) // 2 + at // len(names)) % len(known)]
        made.append(
            Component(
                f"{name}{at}", name, Kind.LIBRARY, version=version, ecosystem="pypi", seen=(Location("r"),)
            )
        )
    return made


def child(code: str, *arguments: str) -> Callable[[], object]:
    root = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    return lambda: subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment)


def main(source: Path, kev: Path | None) -> None:
    with zipfile.ZipFile(source) as archive:
        raws = [json.loads(archive.read(name)) for name in archive.namelist()]

    def read() -> None:
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                json.loads(archive.read(name))

    def build() -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["WEIGHBRIDGE_CACHE_DIR"] = folder
            versions.pep440.cache_clear()  # as in a process of its own
            snapshot.build_snapshot(source)

    # In turns, so that a busy machine weighs on both; of each the best.
    turns = [(computed(read), computed(build)) for _ in range(9)]
    base, imported = (min(times) for times in zip(*turns, strict=True))
    print(f"read and parse the zip     {base * 1e3:>10.0f} ms")
    print(f"import                     {imported * 1e3:>10.0f} ms   {imported / base:.1f} times as long")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WEIGHBRIDGE_CACHE_DIR"] = folder
        built = snapshot.build_snapshot(source, kev)
        store.set_current(built)
        print(f"snapshot                   {built.stat().st_size / 1e6:>10.1f} MB   {len(raws):,} records")
        with store.Snapshot(built) as opened:
            count(raws, opened)
            many = pins(raws, opened, 10_000)
            # Every thirtieth package that has advisories at all, at a version of its middle age.
            few = [f"{one.name}=={one.version}" for one in pins(raws, opened, 600)[::30]]
            quiet = [replace(one, name=f"x-{one.name}-{at}") for at, one in enumerate(many)]
        with store.Snapshot(built) as opened:
            now = datetime.now(UTC)
            known = 0

            def ask() -> None:
                nonlocal known
                known = len(advisories.consult(many, {}, opened, now, 7)[1])

            def clean() -> None:
                advisories.consult(quiet, {}, opened, now, 7)

            def matched() -> None:
                packages: dict[str, match.Package] = {}
                for one in many:
                    if one.name not in packages:
                        records = opened.lookup("pypi", one.name)
                        known = opened.known("pypi", one.name)
                        packages[one.name] = match.package("pypi", one.name, records, known)
                    version = one.version
                    match.groups(packages[one.name].advisories, lambda row, at=version: row.says(at))

            print(f"10,000 pins, match alone   {computed(matched) * 1e3:>10.0f} ms")
            print(f"10,000 pins, none known    {computed(clean) * 1e3:>10.0f} ms")
            print(f"10,000 pins, all of known  {computed(ask) * 1e3:>10.0f} ms   {known:,} findings")
        empty, start, hook = (
            timed(child(code, *few), 9, _children) for code in ("pass", START, START + HOOK)
        )
        added = (hook - start) / empty
        print(f"python -c pass             {empty * 1e3:>10.1f} ms")
        print(
            f"20 pins, warm, above start {(hook - start) * 1e3:>10.1f} ms   {added:.1f} times python -c pass"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
