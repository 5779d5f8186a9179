"""How soon the HTML report of 20,000 findings is there, and how soon its filter answers, in Chromium.

    python benchmarks/html_speed.py [COUNT] [TURNS]

The law: opened and filtered under 1 s. Each turn opens the page anew in a browser that already runs, and
types one word into its search; the time of the browser's own clock runs from the start of the navigation.
"""

import os
import random
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sbom.model import Component, Inventory, Kind, Location
from sbom.record import replace
from scanner.model import LEVELS, Evidence, Finding, Report, factors
from scanner.reports import web
from tests import forge_report as forge
from tests.browser.chromium import Browser

# From the start of the navigation: when the script of the page has run, and when a search has been answered
# and drawn. The page is looked at as soon as it is asked for, as a person would.
SEARCH = """
new Promise((done) => {
  const search = document.getElementById("search"), count = document.getElementById("count");
  const begun = performance.now(), before = count.textContent;
  new MutationObserver(() => {
    if (count.textContent === before) return;
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
  }).observe(count, {childList: true, characterData: true, subtree: true});
  search.value = WORD;
  search.dispatchEvent(new Event("input", {bubbles: true}));
})
"""
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
PAINTED = (
    "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
)


def alike(count: int) -> Report:
    """One rule and one way to its level, ``count`` files."""
    found = tuple(
        forge.finding(
            Evidence("ART-001", Location(f"models/{n}.pkl"), f"loading this calls f{n}()", f"f{n}"),
            fingerprint=f"v1:{n:064x}",
        )
        for n in range(count)
    )
    return replace(forge.report(), findings=found)


def different(count: int) -> Report:
    """Forty rules over all levels; each finding with words, a remedy, and a way to its level of its own."""
    pick = random.Random(7)
    components = tuple(
        Component(
            ref=f"pypi:package-{n}@1.{n}",
            name=f"package-{n}",
            kind=Kind.LIBRARY,
            version=f"1.{n}",
            ecosystem="pypi",
            seen=(Location("requirements.txt", line=n + 1),),
        )
        for n in range(count // 4)
    )
    found = tuple(_one(n, pick, len(components)) for n in range(count))
    return replace(forge.report(), findings=found, inventory=Inventory(components=components))


def _one(number: int, pick: random.Random, packages: int) -> Finding:
    about = pick.randrange(packages)
    family = ("ADV", "DEP", "ART", "SRC")[number % 4]
    evidence = Evidence(
        f"{family}-{number % 10 + 1:03d}",
        Location(f"services/team-{number % 70}/project/requirements-{number % 900}.txt", line=number + 1),
        f"package-{about} 1.{about} is affected by CVE-2024-{number}: a request of a certain form runs code",
        f"CVE-2024-{number}",
        component=f"pypi:package-{about}@1.{about}",
        aliases=(f"CVE-2024-{number}", f"GHSA-aaaa-bbbb-{number}"),
        references=(f"https://example.org/advisories/CVE-2024-{number}",),
    )
    vector = f"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H, number {number}"
    measured = factors("feed", vector, effect="total", trigger="on_use", exploitation="none")
    return forge.finding(
        evidence,
        LEVELS[pick.randrange(len(LEVELS))],
        title=f"What the rule {number % 40} is about",
        remedy=f"requirements.txt:{number}: package-{about}==1.{about} -> package-{about}==2.{number}",
        because=f"effect total × likelihood possible (adversary plausible, on use) by vector {number}",
        factors=measured,
        fingerprint=f"v1:{number:064x}",
    )


def ticks(group: int) -> float:
    """The seconds of processor that the processes of a group have taken so far."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def measure(name: str, report: Report, turns: int, word: str) -> float:
    """Prints the medians over the turns; returns that of the law, in seconds."""
    start = perf_counter()
    page = web.render(report)
    wrote = perf_counter() - start
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        path = Path(folder, "report.html")
        path.write_bytes(page)
        rows: list[tuple[float, ...]] = []
        browser.look(width=1280)
        for turn in range(turns + 1):
            browser.open("about:blank")
            before = ticks(browser.group)
            browser.open(path)
            ready, painted = browser.run(READY) / 1000, browser.run(PAINTED) / 1000
            filtered = browser.run(SEARCH.replace("WORD", f'"{word}"')) / 1000
            if turn:  # the first one warms up
                rows.append((ready, painted, filtered, painted + filtered, ticks(browser.group) - before))
        elements = browser.run("document.querySelectorAll('*').length")
    ready, painted, filtered, whole, cpu = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"{name:10} {len(report.findings):7,} findings {len(page) / 1e6:6.2f} MB, written in {wrote:5.2f} s; "
        f"ready {ready:5.2f} s, drawn {painted:5.2f} s, filtered in {filtered:5.2f} s: {whole:5.2f} s "
        f"(worst {max(row[3] for row in rows):5.2f} s; {cpu:5.2f} s of processor; {elements:,} elements then)"
    )
    return whole


def main() -> None:
    """Prints what was measured; exit code 1 where the law is missed and ``--check`` was given."""
    numbers = [int(each) for each in sys.argv[1:] if each.isdecimal()]
    count = numbers[0] if numbers else 20_000
    turns = numbers[1] if len(numbers) > 1 else 5
    worst = max(
        measure("alike", alike(count), turns, f"models/{count - 1}.pkl"),
        measure("different", different(count), turns, f"CVE-2024-{count - 1}:"),
    )
    if worst >= 1 and "--check" in sys.argv:
        sys.exit(1)


if __name__ == "__main__":
    main()
