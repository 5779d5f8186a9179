"""How long judging takes: 100,000 findings, and loading the rubric, in one run.

    python benchmarks/judge_speed.py [COUNT]

The law: 100,000 findings under 2 s; loading rubric and rules under 10 ms.
"""

import random
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sbom.model import Digest, Location
from scanner.model import Artifact, Evidence, Measurement, factors
from scanner.rubric import rules, tables
from scanner.rubric.judge import judge_all


def corpus(count: int) -> tuple[list[Evidence], list[Artifact], list[Measurement]]:
    """Evidence as a large repository gives it: some kinds of files, many components, many distinct refs."""
    pick = random.Random(7)
    ids = list(rules.load())
    artifacts = [
        Artifact(Location(f"models/{n}.pkl"), "pickle", 1, (Digest("sha256", f"{n:064x}"),))
        for n in range(count // 20)
    ]
    evidence = [_one(n, pick, ids, len(artifacts)) for n in range(count)]
    measurements = [
        Measurement(f"{n:064x}", "trigger", "automatic", f"train_{n}.py") for n in range(0, len(artifacts), 3)
    ]
    return evidence, artifacts, measurements


def _one(number: int, pick: random.Random, ids: list[str], files: int) -> Evidence:
    rule = ids[number % len(ids)]
    if number % 3:
        where = Location(f"models/{pick.randrange(files)}.pkl", ("archive/data.pkl",), offset=number)
        return Evidence(rule, where, f"calls something, number {number}", f"module.name_{number % 500}")
    return Evidence(
        rule,
        Location("requirements.txt", line=number),
        f"advisory {number}",
        f"GHSA-{number}",
        factors("feed", f"vector {number % 200}", effect="total", trigger="on_use"),
        component=f"pkg:pypi/package-{number % 2000}@1.0",
        aliases=(f"CVE-2024-{number}",),
    )


def main() -> None:
    """Prints what was measured."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    start = perf_counter()
    tables.load()
    rules.load()
    print(f"load rubric and rules   {(perf_counter() - start) * 1000:8.1f} ms")
    evidence, artifacts, measurements = corpus(count)
    start = perf_counter()
    findings = judge_all(evidence, artifacts=artifacts, measurements=measurements, context="internal")
    took = perf_counter() - start
    print(
        f"judge {count:,} findings  {took:8.2f} s   ({took / count * 1e6:.1f} us each, {len(findings):,} out)"
    )


if __name__ == "__main__":
    main()
