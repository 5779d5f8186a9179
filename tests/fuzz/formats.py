"""Damaged files of every format that has an inspector: each must end in an outcome, soon and without a crash.

    python -m tests.fuzz.formats [--cases 100000] [--seed 1] [--processes 2] [--row NAME]

The files to damage are gathered from the tables of the tests beside the inspectors: every bytes that a test
module holds or hands to a test and that an inspector reads to its end. A format that gets a test gets its
mutations with it; what its tests do not hold as bytes stands in ``seeds.py``.
"""

import argparse
import importlib.util
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from types import ModuleType

from sbom.model import Location
from scanner.errors import ScanError
from scanner.examine import Ended, examine
from scanner.files.source import BytesSource
from scanner.limits import MIB, Budget, Limits
from scanner.model import Outcome, Subject
from scanner.registry import BY_NAME, FORMATS, Format
from tests.fuzz.seeds import more

TABLES = Path(__file__).resolve().parents[1] / "artifacts"
LONGEST = 64 * 1024  # bytes of a seed
EACH = 16  # seeds of one row
SLOW_S = 2.0  # of processor time, for one damaged file
# Small enough that a bomb made by chance stays cheap, as the limits of a scan keep it bounded.
LIMITS = Limits(inflated_bytes=32 * MIB, container_members=2000, pickle_ops=2_000_000, evidence_rows=500)


def file_name(row: Format) -> str:
    """A name by which ``row`` claims a file."""
    if row.suffixes:
        return f"file.{row.suffixes[0].lstrip('.')}"
    names = [name for name in row.names if "*" not in name]
    return names[0] if names else "file"


def seeds() -> dict[str, list[bytes]]:
    """Honest and other whole files, by the row that reads them to their end."""
    held = sorted({data for data in _held() if 8 <= len(data) <= LONGEST}, key=lambda data: (len(data), data))
    rows = [row for row in FORMATS if row.inspect is not None]
    whole: dict[str, list[bytes]] = {row.name: [] for row in rows}
    unnamed = []
    for data in held:
        readers = _inspected(data, "file")
        for reader in readers & whole.keys():
            whole[reader].append(data)
        if not readers:
            unnamed.append(data)
    for row in rows:
        if not whole[row.name]:  # claimed by name alone
            whole[row.name] = [data for data in unnamed if row.name in _inspected(data, file_name(row))]
    # Some of every size: the shortest only would be all alike.
    some = {name: found[:: max(1, len(found) // EACH)][:EACH] for name, found in whole.items()}
    for reader, made in more().items():
        some[reader] += made
    return {name: found for name, found in some.items() if found}


def outcomes_of(row: Format, data: bytes) -> set[str]:
    """How everything in a file ended that ``row`` claims by name, or is handed where no file is its own."""
    name = file_name(row)
    steps = list(examine(BytesSource(data), Location(name), name, LIMITS))
    ended = {step.outcome.value for step in steps if isinstance(step, Ended)}
    if row.inspect is not None and row.name not in {
        step.inspector for step in steps if isinstance(step, Ended)
    }:
        try:
            for _ in row.inspect(Subject(BytesSource(data), Location(name), name, LIMITS, Budget(LIMITS))):
                pass
        except ScanError as error:
            ended.add(type(error).__name__.lower())
        else:
            ended.add("inspected")
    return ended


def _inspected(data: bytes, name: str) -> set[str]:
    try:
        steps = list(examine(BytesSource(data), Location(name), name, LIMITS))
    except Exception:  # noqa: BLE001  (a defect; the mutations will say so by name)
        return set()
    ended = [step for step in steps if isinstance(step, Ended)]
    whole = {step.inspector for step in ended if step.outcome is Outcome.INSPECTED}
    # Of some formats a reader looks for others only: what it was done with is as good.
    searched = {step.inspector for step in ended if step.outcome is Outcome.RECOGNISED}
    return whole | {name for name in searched if name in BY_NAME and BY_NAME[name].searched}


def _held() -> Iterator[bytes]:
    for path in sorted(TABLES.glob("test_*.py")):
        module = _loaded(path)
        for value in vars(module).values():
            yield from _bytes_in(value, 2)
            for mark in getattr(value, "pytestmark", ()) if callable(value) else ():
                if mark.name == "parametrize" and len(mark.args) > 1:
                    for case in mark.args[1]:
                        yield from _bytes_in(getattr(case, "values", case), 2)


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"seeds_of_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _bytes_in(value: object, depth: int) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str) and len(value) > 20:
        yield value.encode(errors="replace")
    elif depth and isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _bytes_in(item, depth - 1)


def damage(data: bytes, other: bytes, random_: random.Random) -> bytes:
    """One to four wounds: cuts, flipped bits, bytes, doubled and spliced stretches, lies in a length."""
    found = bytearray(data)
    for _ in range(random_.choice((1, 1, 2, 4))):
        at = random_.randrange(len(found) + 1)
        kind = random_.randrange(8)
        if kind == 0:
            del found[at:]
        elif kind == 1 and at < len(found):
            found[at] ^= 1 << random_.randrange(8)
        elif kind == 2 and at < len(found):
            found[at] = random_.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, random_.randrange(256)))
        elif kind == 3:
            width = random_.choice((2, 4, 8))
            lie = random_.choice(
                (0, 1, 2**31 - 1, 2**31, 2 ** (8 * width) - 1, len(found), random_.getrandbits(16))
            )
            order = random_.choice(("little", "big"))
            found[at : at + width] = (lie % 2 ** (8 * width)).to_bytes(width, order)
        elif kind == 4:
            found[at:at] = found[at : at + random_.randrange(1, 200)]
        elif kind == 5:
            del found[at : at + random_.randrange(1, 100)]
        elif kind == 6:
            begin = random_.randrange(len(other) + 1)
            found[at:] = other[begin:]
        else:
            begin = random_.randrange(len(other) + 1)
            found[at : at + 40] = other[begin : begin + 40]
    return bytes(found)


@lru_cache(maxsize=1)
def _all_seeds() -> dict[str, list[bytes]]:
    return seeds()


def check(row: str, seed: int, count: int) -> tuple[Counter[str], float, list[tuple[str, bytes, str]]]:
    """The outcomes of ``count`` damaged files of one row, the slowest in seconds, and what went wrong."""
    random_ = random.Random(f"{row} {seed}")
    known = _all_seeds()[row]
    reader = BY_NAME[row]
    name = file_name(reader)
    outcomes: Counter[str] = Counter()
    wrong: list[tuple[str, bytes, str]] = []
    slowest = 0.0
    for _ in range(count):
        data = damage(random_.choice(known), random_.choice(known), random_)
        start = time.process_time()
        try:
            ended = outcomes_of(reader, data)
        except Exception:  # noqa: BLE001  (this is what is looked for)
            wrong.append((name, data, traceback.format_exc(limit=-3)))
            outcomes["a crash"] += 1
            continue
        took = time.process_time() - start
        slowest = max(slowest, took)
        if took > SLOW_S:
            wrong.append((name, data, f"took {took:.1f} s"))
        outcomes.update(ended)
    return outcomes, slowest, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--row", default="")
    options = parser.parse_args()
    rows = [row for row in _all_seeds() if not options.row or row == options.row]
    without = [row.name for row in FORMATS if row.inspect is not None and row.name not in _all_seeds()]
    chunk = 250
    rounds = -(-options.cases // (chunk * len(rows)))
    jobs = [(row, options.seed * 100_003 + at) for at in range(rounds) for row in rows]
    total: Counter[str] = Counter()
    slow, bad, start = 0.0, [], time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        for outcomes, slowest, wrong in pool.map(check, *zip(*jobs, strict=True), repeat(chunk)):
            total += outcomes
            slow = max(slow, slowest)
            bad += wrong
    print(f"{len(jobs) * chunk:,} damaged files of {len(rows)} formats in {time.monotonic() - start:,.0f} s")
    print(", ".join(f"{outcome} {count:,}" for outcome, count in total.most_common()))
    print(f"slowest {slow:.2f} s; no seeds for: {', '.join(without) or 'none'}; went wrong: {len(bad)}")
    for name, data, said in bad[:20]:
        print(name, data[:2000].hex(), said, sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
