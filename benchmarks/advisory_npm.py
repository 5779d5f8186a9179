"""A dump of npm's size, measured: import in bounded memory, and a match over mixed ecosystems.

Run: python benchmarks/advisory_npm.py [RECORDS]

The dump is synthetic, in the shape of OSV's: of 220,000 records 97 % are malware (one package each, one to
four versions, a page of details), the rest vulnerabilities with semantic ranges. The import runs in a child,
whose peak of memory is its own; beside it stands the reading and parsing of the same zip.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

DETAILS = (
    "This package was found to contain code that runs at install time and sends what it finds away. " * 9
)
IMPORT = """
import resource, sys, time
from pathlib import Path
from scanner.advisories import snapshot, store
begun = time.process_time()
built = snapshot.build_snapshot(Path(sys.argv[1]))
used = time.process_time() - begun
store.set_current(built)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"{used:.1f} {peak} {built.stat().st_size >> 20}")
"""
PARSE = """
import json, sys, time, zipfile
begun = time.process_time()
with zipfile.ZipFile(sys.argv[1]) as archive:
    size = 0
    for name in archive.namelist():
        data = archive.read(name)
        size += len(data)
        json.loads(data)
print(f"{time.process_time() - begun:.1f} {size >> 20}")
"""


def record(at: int, dice: random.Random) -> dict[str, Any]:
    """One record: malware mostly."""
    day = f"2026-{1 + at % 12:02}-{1 + at % 28:02}T00:00:00Z"
    if at % 33:
        name = f"@scope{at % 997}/package-{at}" if at % 5 == 0 else f"package-{at}"
        return {
            "schema_version": "1.7.3",
            "id": f"MAL-2025-{at}",
            "modified": day,
            "published": day,
            "summary": f"Malicious code in {name} (npm)",
            "details": f"{DETAILS} {dice.getrandbits(256):x}",
            "affected": [
                {
                    "package": {"ecosystem": "npm", "name": name, "purl": f"pkg:npm/{name}"},
                    "versions": [f"{one}.0.{at % 7}" for one in range(1, 2 + at % 4)],
                    "database_specific": {
                        "indicators": {
                            "package": [f"{dice.getrandbits(256):x}"] * 2,
                            "domains": ["x.example"],
                        },
                        "cwes": [{"cweId": "CWE-506"}],
                    },
                }
            ],
            "references": [{"type": "WEB", "url": f"https://example.org/{at}"}],
            "database_specific": {"malicious-packages-origins": [{"id": f"{at}", "sha256": "a" * 64}]},
        }
    name = f"library-{at % 4999}"
    return {
        "schema_version": "1.7.3",
        "id": f"GHSA-{at:012}",
        "aliases": [f"CVE-2024-{at}"],
        "modified": day,
        "published": day,
        "summary": f"Something in {name}",
        "details": DETAILS,
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": name},
                "ranges": [
                    {
                        "type": "SEMVER",
                        "events": [{"introduced": "1.0.0"}, {"fixed": f"1.{at % 40 + 1}.2"}],
                    }
                ],
            }
        ],
        "references": [{"type": "ADVISORY", "url": f"https://example.org/{at}"}],
    }


def write(path: Path, count: int) -> None:
    """The dump as one zip."""
    dice = random.Random(7)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for at in range(1, count + 1):
            one = record(at, dice)
            archive.writestr(f"{one['id']}.json", json.dumps(one))


def child(script: str, *arguments: str) -> list[float]:
    """What a script printed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [float(word) for word in done.stdout.split()]


def match_mixed(count: int) -> None:
    """Pinned components of four ecosystems, a third of them listed."""
    from datetime import UTC, datetime

    from sbom.model import Component, Kind, Location
    from scanner import advisories

    kinds = ("npm", "pypi", "cargo", "go")
    where = (Location("package-lock.json", line=1),)
    components = [
        Component(
            f"ref{at}",
            f"library-{at % 4999}" if at % 3 == 0 else f"package-{at}",
            Kind.LIBRARY,
            version=f"v1.{at % 60}.0" if kinds[at % 4] == "go" else f"1.{at % 60}.0",
            ecosystem="npm" if at % 3 == 0 else kinds[at % 4],
            seen=where,
        )
        for at in range(count)
    ]
    with advisories.open_snapshot() as opened:
        begun = time.process_time()
        _, evidence = advisories.consult(components, {}, opened, datetime.now(UTC), None)
        used = time.process_time() - begun
    found = sum(row.rule.startswith("ADV") for row in evidence)
    print(f"match of {count:,} pinned, mixed  {used:>8.2f} s   {found:,} findings")


def main() -> None:
    """Prints every number with what it stands beside."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 220_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WEIGHBRIDGE_CACHE_DIR"] = str(Path(folder, "cache"))
        dump = Path(folder, "all.zip")
        write(dump, count)
        parsed, size = child(PARSE, str(dump))
        used, peak, stored = child(IMPORT, str(dump))
        print(f"{count:,} records, {size:,.0f} MB of JSON, {dump.stat().st_size >> 20} MB as zip")
        print(f"read and parsed               {parsed:>8.1f} s")
        print(f"imported                      {used:>8.1f} s   {used / parsed:.1f} times")
        print(f"peak of memory                {peak:>8,.0f} MB  store {stored:,.0f} MB")
        match_mixed(10_000)


if __name__ == "__main__":
    main()
