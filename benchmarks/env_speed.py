"""How fast an environment is held against its packages' lists, beside a plain loop over the same files.

    python benchmarks/env_speed.py [PREFIX]

Of this interpreter's own environment without an argument. Three ways over the same files, in turn, in one
run: the plain loop that anybody would write (pathlib and hashlib, one file after the other, digests compared
as RECORD states them), the hashing as ``scan --env`` does it, and the whole verification with the lists read
and compared. The best of five turns each; the files are in the system's cache.
"""

import base64
import csv
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sbom.model import Location
from scanner.cli.environment import find
from scanner.files.bulk import Wanted, hash_all
from scanner.integrity import installed, records

TURNS = 5


def main() -> None:
    environment = find(sys.argv[1] if len(sys.argv) > 1 else sys.prefix)
    root = os.fspath(environment.root)
    lists = [
        (site, path)
        for site in environment.sites
        for path in sorted((environment.root / site).glob("*.dist-info/RECORD"))
    ]

    def plain() -> int:
        compared = 0
        for site, path in lists:
            with path.open(newline="", encoding="utf-8") as file:
                for name, stated, _ in csv.reader(file):
                    if stated:
                        algorithm, _, value = stated.partition("=")
                        data = (environment.root / site / name).read_bytes()
                        digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest())
                        compared += digest.rstrip(b"=").decode() == value
        return compared

    def verified() -> int:
        packages = [
            installed.Package(
                path.parent.name, "", Location(str(path)), tuple(records.of_record(path.read_bytes(), site))
            )
            for site, path in lists
        ]
        rows = [row for package in packages for row in package.rows or () if row.digest]
        wanted = [Wanted(f"{root}/{row.path}", row.algorithm, row.size or 0) for row in rows]
        found = hash_all(wanted)
        hashed = {row.path: one for row, one in zip(rows, found, strict=True)}
        told = list(installed.check(packages, installed.Disk(environment.sites, hashed, ())))
        return len(rows) - sum(each.rule == "HSH-007" for each in told)

    rows = [row for site, path in lists for row in records.of_record(path.read_bytes(), site) if row.digest]
    wanted = [Wanted(f"{root}/{row.path}", row.algorithm, row.size or 0) for row in rows]
    sizes = sum(one.size for one in hash_all(wanted))
    print(f"{len(lists)} distributions, {len(wanted):,} files with a digest, {sizes / 1e6:,.1f} MB")
    ways: dict[str, Callable[[], int]] = {
        "plain serial loop": plain,
        "hashing alone": lambda: sum(not (one.trouble or one.missing) for one in hash_all(wanted)),
        "whole verification": verified,
    }
    best = dict.fromkeys(ways, float("inf"))
    agreed: dict[str, int] = {}
    for _ in range(TURNS):
        for name, way in ways.items():
            started = time.perf_counter()
            agreed[name] = way()
            best[name] = min(best[name], time.perf_counter() - started)
    for name, took in best.items():
        times = best["plain serial loop"] / took
        print(f"{name:20} {took * 1000:8.1f} ms   {times:4.2f} x   {agreed[name]:,} files agree")


if __name__ == "__main__":
    main()
