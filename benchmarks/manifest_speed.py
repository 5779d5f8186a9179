"""How long manifests take: a uv.lock of 5,000 packages, and a tree of 2,600 small projects with advisories.

    python benchmarks/manifest_speed.py            # both
    python benchmarks/manifest_speed.py lock 5000  # the lock alone, of so many packages
    python benchmarks/manifest_speed.py tree 2600
    python benchmarks/manifest_speed.py large      # one lock of 50 MB: time and memory

The laws: the lock is parsed and merged in under 1 s and in at most three times what a bare ``tomllib.loads``
of the same bytes takes, which is the floor; the tree is scanned in under 15 s. Times of the lock are of the
processor; of the tree both are printed, because others may use the machine.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sbom.model import Location
from scanner.inventory import take_stock
from scanner.manifests import uv_lock

ROOT = Path(__file__).resolve().parents[1]
ADVISORIES = sorted((ROOT.parent / "shared" / "advisories").glob("pypa-osv-*.zip"))
WEIGHBRIDGE = Path(sys.executable).with_name("weighbridge")
TURNS = 3


def lock(count: int, wheels: int = 1) -> bytes:
    """A uv.lock as uv writes them: a registry package with three edges, a source archive and some wheels."""
    pick = random.Random(1)
    host = "https://files.pythonhosted.org/packages"
    direct = "".join(f'    {{ name = "package-{at}" }},\n' for at in range(0, count, 25))
    head = (
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\nversion = "0"\n'
    )
    parts = [f'{head}source = {{ virtual = "." }}\ndependencies = [\n{direct}]\n']
    for at in range(count):
        edges = "".join(f'    {{ name = "package-{pick.randrange(count)}" }},\n' for _ in range(3))
        files = "".join(
            f'    {{ url = "{host}/{at:02x}/{one}/{"b" * 56}/package_{at}-1.{at % 9}.0-py3-none-any.whl", '
            f'hash = "sha256:{at * 100 + one:064x}", size = 12345 }},\n'
            for one in range(wheels)
        )
        parts.append(
            f'[[package]]\nname = "package-{at}"\nversion = "1.{at % 9}.0"\n'
            f'source = {{ registry = "https://pypi.org/simple" }}\ndependencies = [\n{edges}]\n'
            f'sdist = {{ url = "{host}/{at}.tar.gz", hash = "sha256:{at:064x}", size = 1 }}\n'
            f"wheels = [\n{files}]\n"
        )
    return "\n".join(parts).encode()


def _timed_lock(data: bytes) -> tuple[float, float, float, int]:
    start = process_time()
    tomllib.loads(data.decode())
    floor = process_time() - start
    start = process_time()
    rows = list(uv_lock.parse(data, Location("uv.lock")))
    parsed = process_time() - start
    start = process_time()
    stock = take_stock({"uv.lock": rows})
    return floor, parsed, process_time() - start, len(stock.inventory.components)


def time_lock(count: int) -> None:
    """Prints the floor, the parsing and the merging of a lock, each the median of some turns."""
    data = lock(count)
    turns = [_timed_lock(data) for _ in range(TURNS)]
    floor, parsed, merged = (median(turn[at] for turn in turns) for at in range(3))
    ratio = median((turn[1] + turn[2]) / turn[0] for turn in turns)
    print(f"uv.lock of {count:,} packages, {len(data) / 1e6:.1f} MB ({turns[0][3]:,} components)")
    print(f"  tomllib.loads    {floor:6.2f} s")
    print(f"  parse            {parsed:6.2f} s")
    print(f"  merge            {merged:6.2f} s")
    print(f"  parse and merge  {parsed + merged:6.2f} s   {ratio:.2f} times the floor")


def time_large() -> None:
    """Prints time and peak memory of one lock of 50 MB."""
    data = lock(26_000, wheels=6)[: 64 << 20]
    start = perf_counter()
    found = sum(1 for _ in uv_lock.parse(data, Location("uv.lock")))
    took = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 10 if sys.platform != "darwin" else 1 << 20
    )
    print(f"uv.lock of {len(data) / 1e6:.0f} MB: {found:,} packages in {took:.1f} s, peak {peak:,.0f} MB")


def time_tree(count: int) -> None:
    """Prints how long a scan of many small projects takes, the advisories imported once before it."""
    if not ADVISORIES:
        print(f"tree of {count:,} projects: left out, no ../shared/advisories/pypa-osv-*.zip")
        return
    with tempfile.TemporaryDirectory() as name:
        tree, cache = Path(name) / "tree", Path(name) / "cache"
        pins = (
            "numpy==1.26.4",
            "torch==2.4.1",
            "requests==2.32.3",
            "pyyaml==6.0.2",
            "rich==13.9.2",
            "jinja2",
        )
        for at in range(count):
            folder = tree / f"group-{at % 50}" / f"project-{at}"
            folder.mkdir(parents=True)
            (folder / "requirements.txt").write_text("\n".join(pins[: at % len(pins) + 1]))
        environment = {**os.environ, "WEIGHBRIDGE_CACHE_DIR": str(cache)}
        imported = [WEIGHBRIDGE, "advisories", "import", str(ADVISORIES[-1])]
        subprocess.run(imported, env=environment, check=True, capture_output=True)
        start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        scan = [WEIGHBRIDGE, "scan", str(tree), "-f", "json", "--max-advisory-age", "9999"]
        done = subprocess.run(scan, env=environment, check=False, capture_output=True)
        took, after = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = f"exit {done.returncode}, report of {len(done.stdout) / 1e6:.1f} MB"
    print(f"tree of {count:,} projects with advisories: {took:.1f} s, {used:.1f} s of processor ({report})")


def main() -> None:
    """Prints what was measured."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if part in ("", "lock"):
        time_lock(number or 5_000)
    if part in ("", "tree"):
        time_tree(number or 2_600)
    if part == "large":
        time_large()


if __name__ == "__main__":
    main()
