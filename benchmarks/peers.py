"""Measures recall, quiet and speed beside other scanners, over the same files in one run.

    python benchmarks/peers.py --install     # each peer into a virtual environment of its own, pinned
    python benchmarks/peers.py               # both parts; writes peers.json and the tables of RESULTS.md
    python benchmarks/peers.py verdicts      # only one part; the other keeps its last numbers
    python benchmarks/peers.py speed --limit 60

Hostile are the samples of tests/forge_hostile.py, honest is what benchmarks/honest.py made. Peers run without
a network (``unshare -n`` where the system allows it), telemetry off. README.md says what counts as flagged.
"""

import argparse
import datetime as dt
import json
import os
import pickle
import random
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CORPUS = HERE / "corpus"
NUMBERS = HERE / "peers.json"
MIB = 1024 * 1024
TURNS = 3  # of ours and the yardstick
FILE_SECONDS = 60  # of one file in the part on verdicts

# Name, what the registry calls it with its release, what else it needs, how its strictest verdict is called.
PEERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "picklescan": ("picklescan==1.0.5", (), "--strict"),
    "modelscan": ("modelscan==0.8.8", (), ""),
    "modelaudit": ("modelaudit==0.2.54", (), "only critical"),
    "fickling": ("fickling==0.1.12", ("typing_extensions==4.15.0",), "parse errors too"),
    "aisbom": ("aisbom-cli==1.7.0", (), "--strict"),
}
ENVIRONMENT = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "AISBOM_NO_TELEMETRY": "1",
    "AISBOM_OFFLINE": "1",
    "NO_COLOR": "1",
    "HF_HUB_OFFLINE": "1",
    "LANG": "C.UTF-8",
    "HOME": str(CORPUS / "home"),
    "PATH": os.environ.get("PATH", ""),
}


def install() -> None:
    """Makes the environments. Each release is named; what it depends on is what pip takes for it."""
    for name, (release, more, _) in PEERS.items():
        folder = HERE / f".venv-{name}"
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
        subprocess.run([*pip, release, *more], check=True)
        print(f"{release} in {folder}")


def python_of(name: str) -> Path:
    return HERE / f".venv-{name}" / "bin" / "python"


def alone() -> list[str]:
    """What a command is put behind so that it has no network, where the system allows it."""
    tool = shutil.which("unshare")
    if tool and subprocess.run([tool, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [tool, "-n"]
    return []


# --- recall and quiet --------------------------------------------------------------------------------------


@dataclass
class Score:
    """How many samples a tool flags, by default and at its strictest, and on how many it only errs."""

    hostile: int = 0
    honest: int = 0
    strict_hostile: int = 0
    strict_honest: int = 0
    hostile_errors: int = 0
    honest_errors: int = 0
    seconds: float = 0.0


def samples() -> tuple[list[Path], list[Path], dict[str, str]]:
    """The folders of hostile samples, the honest samples, and the class of attack of each of the first."""
    sys.path.insert(0, str(ROOT))
    from tests.forge_hostile import SAMPLES

    folder = CORPUS / "hostile"
    shutil.rmtree(folder, ignore_errors=True)
    hostile, kinds = [], {}
    for at, sample in enumerate(SAMPLES):
        place = folder / f"{at:03}"
        place.mkdir(parents=True)
        (place / sample.name).write_bytes(sample.data)
        hostile.append(place / sample.name)
        kinds[str(hostile[-1])] = f"{sample.kind}: {sample.id}"
    honest = sorted((CORPUS / "honest").iterdir()) if (CORPUS / "honest").is_dir() else []
    if not honest:
        raise SystemExit("no honest samples: benchmarks/honest.py makes them, see README.md")
    return hostile, honest, kinds


def asked(name: str, paths: Sequence[Path]) -> dict[str, dict[str, object]]:
    """What a peer says of each path; a process that dies is started anew behind the file that killed it."""
    said: dict[str, dict[str, object]] = {}
    todo = [str(path) for path in paths]
    while todo:
        command = [*alone(), str(python_of(name)), str(HERE / "peer_driver.py"), name, str(FILE_SECONDS)]
        done = subprocess.run(
            command,
            input="\n".join(todo) + "\n",
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        said |= {row["path"]: row for row in rows}
        rest = todo[len(rows) :]
        if rest:
            said[rest[0]] = {"flagged": False, "strict": False, "error": f"died: {done.returncode}"}
        todo = rest[1:]
    return said


def ours(paths: Sequence[Path]) -> dict[str, dict[str, object]]:
    """The same of weighbridge: medium and above, and high and above in the place of the strictest."""
    import scanner
    from scanner.model import INCOMPLETE, LEVELS
    from scanner.policy import Policy

    said: dict[str, dict[str, object]] = {}
    for path in paths:
        report = scanner.scan(path, Policy(check_advisories=False))
        worst = max((LEVELS.index(finding.level) for finding in report.findings), default=0)
        ended = {each.outcome for artifact in report.artifacts for each in artifact.inspections}
        flagged = worst >= LEVELS.index("medium")
        said[str(path)] = {
            "flagged": flagged,
            "strict": worst >= LEVELS.index("high"),
            "error": "not read in full" if not flagged and ended & INCOMPLETE else "",
        }
    return said


def verdicts() -> dict[str, object]:
    """Every tool over both sets."""
    hostile, honest, kinds = samples()
    scores: dict[str, Score] = {}
    all_said: dict[str, dict[str, dict[str, object]]] = {}
    for name in ("weighbridge", *PEERS):
        if name in PEERS and not python_of(name).exists():
            print(f"{name}: not installed")
            continue
        start = time.perf_counter()
        said = ours([*hostile, *honest]) if name == "weighbridge" else asked(name, [*hostile, *honest])
        all_said[name] = said
        scores[name] = score = Score(seconds=time.perf_counter() - start)
        for path in hostile:
            row = said[str(path)]
            score.hostile += bool(row["flagged"])
            score.strict_hostile += bool(row["strict"])
            score.hostile_errors += bool(row["error"]) and not row["flagged"]
        for path in honest:
            row = said[str(path)]
            score.honest += bool(row["flagged"])
            score.strict_honest += bool(row["strict"])
            score.honest_errors += bool(row["error"]) and not row["flagged"]
        print(f"{name}: {asdict(score)}", flush=True)
    mine = all_said["weighbridge"]
    for path in map(str, hostile):
        others = [name for name, said in all_said.items() if name != "weighbridge" and said[path]["flagged"]]
        if not mine[path]["flagged"]:
            print(f"missed by us: {kinds[path]}; found by {', '.join(others) or 'nobody'}")
    for path in map(str, honest):
        if mine[path]["flagged"]:
            print(f"honest, flagged by us: {path}")
    classes = Counter(kind.partition(":")[0] for kind in kinds.values())
    return {
        "hostile": len(hostile),
        "honest": len(honest),
        "classes": dict(sorted(classes.items())),
        "scores": {name: asdict(score) for name, score in scores.items()},
    }


# --- speed -------------------------------------------------------------------------------------------------


@dataclass
class Timed:
    """Seconds (the median) and the peak of the largest process in MB; ``how`` where it did not end well."""

    seconds: float
    megabytes: float
    how: str = ""


@dataclass(frozen=True)
class Load:
    """One workload: a file or folder, whether peers get it too, and what bounds it from below."""

    title: str
    place: Path
    peers: bool = True
    yardstick: str = "openssl"

    @property
    def files(self) -> list[Path]:
        """The files of it."""
        return (
            [self.place]
            if self.place.is_file()
            else sorted(each for each in self.place.rglob("*") if each.is_file())
        )


def timed(command: Sequence[str], limit: float) -> Timed:
    """A command as a process, its start-up included, ended at ``limit`` seconds."""
    how = ""
    start = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
        cwd=CORPUS,
    )
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() - start > limit:
            os.killpg(child.pid, signal.SIGKILL)
            _, status, usage = os.wait4(child.pid, 0)
            how = f"not done after {limit:.0f} s"
            break
        time.sleep(0.005)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Timed(seconds, peak / 1e6, how or _code(child.returncode))


def _middle(runs: Sequence[Timed]) -> Timed:
    """The run in the middle, with the largest peak of all."""
    middle = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    return replace(middle, megabytes=max(run.megabytes for run in runs))


def _code(code: int) -> str:
    if code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}" if code not in (0, 1, 3) else ""


def commands(load: Load) -> dict[str, list[str]]:
    """The command of each tool over a workload: what a user would type."""
    place, names = str(load.place), [str(path) for path in load.files]
    script = Path(sys.executable).with_name("weighbridge")
    rows = {"weighbridge": [str(script), "scan", place, "--no-advisories", "--format", "json"]}
    if load.yardstick == "openssl":
        rows["openssl dgst -sha256"] = ["openssl", "dgst", "-sha256", *names]
    else:
        genops = "import pickletools, sys\nfor _ in pickletools.genops(open(sys.argv[1], 'rb')): pass"
        rows["pickletools.genops"] = [sys.executable, "-c", genops, names[0]]
    if not load.peers:
        return rows
    asked = {
        "picklescan": ["picklescan", "-p", place],
        "modelscan": ["modelscan", "scan", "-p", place],
        "modelaudit": ["modelaudit", "scan", place, "--no-cache", "--format", "json"],
        "fickling": ["fickling", "--check-safety", place, "--json-output", "/dev/null"],
        "aisbom": ["aisbom", "scan", place, "--output", "/dev/null"],
    }
    if load.place.suffix != ".pkl":
        del asked["fickling"]  # it takes one pickle
    for name, command in asked.items():
        if python_of(name).exists():
            rows[name] = [*alone(), str(python_of(name).with_name(command[0])), *command[1:]]
    return rows


def loads() -> Iterator[Load]:
    """The workloads, made where they are missing."""
    folder = CORPUS / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, str(HERE / "corpus.py"), "checkpoint"], check=True, stdout=subprocess.DEVNULL
    )
    yield Load("1 GiB checkpoint (zip)", CORPUS / "checkpoint" / "checkpoint.pt")
    yield Load("1 GiB safetensors", _safetensors(folder / "one" / "model.safetensors", 1024))
    for at in range(4):
        _safetensors(folder / "four" / f"model-{at}.safetensors", 256)
    yield Load("4 safetensors of 256 MiB", folder / "four")
    vocabulary = folder / "vocabulary.pkl"
    if not vocabulary.exists():
        vocabulary.write_bytes(pickle.dumps({f"token{at}": at for at in range(5_200_000)}, 4))
    yield Load(f"{_mb(vocabulary)} MB dict pickle", vocabulary, peers=False, yardstick="genops")
    small = folder / "vocabulary-small.pkl"
    if not small.exists():
        small.write_bytes(pickle.dumps({f"token{at}": at for at in range(520_000)}, 4))
    yield Load(f"{_mb(small)} MB dict pickle", small, yardstick="genops")
    dense = folder / "objects.pkl"
    if not dense.exists():
        dense.write_bytes(_objects(60_000))
    yield Load(f"{_mb(dense)} MB pickle of small objects", dense, yardstick="genops")
    doubling = folder / "doubling.pkl"
    if not doubling.exists():
        doubling.write_bytes(b"]" + b"2\x86" * 1_000_000 + b".")
    yield Load(f"{_mb(doubling)} MB pickle that doubles itself", doubling, yardstick="genops")
    yield Load("2,000 small files of ten kinds", _small(folder / "small"))
    pickles = folder / "pickles"
    pickles.mkdir(exist_ok=True)
    for at in range(2000):
        path = pickles / f"{at:04}.pkl"
        if not path.exists():
            path.write_bytes(pickle.dumps({f"k{each}": [each, each * 1.5, "x" * 8] for each in range(25)}, 4))
    yield Load("2,000 pickles of 1 kB", pickles)
    yield Load("one pickle of 1 kB (start-up)", pickles / "0000.pkl")


def _read(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(MIB):
            pass


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.0f}"


def _safetensors(path: Path, mib: int) -> Path:
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = random.Random(7).randbytes(MIB)
    spans = {
        f"w{at}": {"dtype": "F32", "shape": [MIB // 4], "data_offsets": [at * MIB, (at + 1) * MIB]}
        for at in range(mib)
    }
    header = json.dumps(spans).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for at in range(mib):
            file.write(noise[at % 997 :] + noise[: at % 997])
    return path


def _objects(count: int) -> bytes:
    """Instances of a class of scikit-learn with a small state each, without scikit-learn."""
    from tests.forge import literal, name

    one = (
        name("sklearn.tree._tree", "Tree")
        + b")\x81"
        + literal({"nodes": 3, "depth": 0.5, "names": ["a", "b"]})
        + b"b"
    )
    return b"\x80\x04](" + one * count + b"e."


def _small(folder: Path) -> Path:
    if not folder.is_dir():
        import corpus

        folder.mkdir()
        corpus.small_files(folder, replace(corpus.Sizes(), small_files=2000))
    return folder


def speed(limit: float) -> list[dict[str, object]]:
    """Every tool over every workload: ours and the yardstick by turns, a peer once."""
    # Made by a process of its own: a child's peak begins at what its parent holds.
    subprocess.run([sys.executable, __file__, "make"], check=True)
    rows: list[dict[str, object]] = []
    for load in loads():
        for path in load.files:
            _read(path)  # into the page cache, for all
        (ours_, mine), (floor, yardstick), *others = commands(load).items()
        turns = [(timed(mine, limit), timed(yardstick, limit)) for _ in range(TURNS)]
        took = {
            ours_: asdict(_middle([one for one, _ in turns])),
            floor: asdict(_middle([two for _, two in turns])),
        }
        ratio = statistics.median(one.seconds / two.seconds for one, two in turns)
        took |= {name: asdict(timed(command, limit)) for name, command in others}
        rows.append({"title": load.title, "took": took, "ratio": ratio})
        print(
            load.title,
            {
                name: f"{row['seconds']:.2f} s {row['megabytes']:.0f} MB {row['how']}"
                for name, row in took.items()
            },
            flush=True,
        )
    return rows


# --- tables ------------------------------------------------------------------------------------------------


STRICT = "hostile; honest at its strictest, or only its loudest"
ERRORS = "errors instead of a flag, hostile and honest"


def recall_table(data: dict[str, object]) -> list[str]:
    """Recall and quiet as a table in Markdown."""
    part = data["verdicts"]
    hostile, honest = part["hostile"], part["honest"]
    lines = [
        f"| tool | hostile flagged, of {hostile} | honest flagged, of {honest} | {STRICT} | {ERRORS} |",
        "|---|---|---|---|---|",
    ]
    for name, row in part["scores"].items():
        title = PEERS[name][0].replace("==", " ") if name in PEERS else name
        other = PEERS[name][2] if name in PEERS else "high and above"
        strict = (
            f"{other}: {_share(row['strict_hostile'], hostile)}; {_share(row['strict_honest'], honest)}"
            if other
            else ""
        )
        errors = f"{row['hostile_errors']} and {row['honest_errors']}"
        lines.append(
            f"| {title} | {_share(row['hostile'], hostile)} | {_share(row['honest'], honest)} "
            f"| {strict} | {errors} |"
        )
    return lines


def speed_table(data: dict[str, object]) -> list[str]:
    """Speed as a table in Markdown: times of the yardstick, and the peak of memory."""
    rows = data["speed"]["rows"]
    lines = [
        "| what | " + " | ".join(["yardstick", "weighbridge", *PEERS]) + " |",
        "|---" * (3 + len(PEERS)) + "|",
    ]
    for row in rows:
        took = dict(row["took"])
        yardstick = next(name for name in took if name != "weighbridge" and name not in PEERS)
        floor = took[yardstick]["seconds"]
        cells = [f"{yardstick}: {floor:.2f} s"]
        for name in ("weighbridge", *PEERS):
            if name not in took:
                cells.append("–")
                continue
            one = took[name]
            ratio = row["ratio"] if name == "weighbridge" else one["seconds"] / floor
            shown = one["how"] or f"{ratio:.2f}×"
            cells.append(f"{shown} ({one['seconds']:.2f} s, {one['megabytes']:.0f} MB)")
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return lines


def summary(data: dict[str, object]) -> str:
    """What README shows: both tables, with their dates."""
    parts = [part for part in ("verdicts", "speed") if part in data]
    at = [f"{part}: {data[part]['date']}, commit {data[part]['commit']}" for part in parts]
    lines = [f"`python benchmarks/peers.py`, {data['machine']}; {'; '.join(at)}."]
    for part in parts:
        lines += ["", *(recall_table(data) if part == "verdicts" else speed_table(data))]
    return "\n".join(lines)


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %"


def write_results(data: dict[str, object]) -> None:
    """Puts the tables between their marks in RESULTS.md."""
    path = HERE / "RESULTS.md"
    classes = data["verdicts"]["classes"]
    counted = "Hostile by class: " + ", ".join(f"{kind} {count}" for kind, count in classes.items()) + "."
    body = f"{summary(data)}\n\n{counted}"
    text = path.read_text()
    begin, end = "<!-- peers:begin -->\n", "<!-- peers:end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(before + begin + body + "\n" + end + after)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "part", nargs="*", help="verdicts, speed; both by default; make: only the files of speed"
    )
    parser.add_argument("--install", action="store_true", help="only make the environments of the peers")
    parser.add_argument(
        "--limit", type=float, default=120, help="seconds for one command of the part on speed"
    )
    parser.add_argument(
        "--tables", action="store_true", help="only write the tables of the last numbers anew"
    )
    options = parser.parse_args()
    if options.install:
        install()
        return 0
    (CORPUS / "home").mkdir(parents=True, exist_ok=True)
    data = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    if not options.tables:
        parts = options.part or ["verdicts", "speed"]
        sys.path.insert(0, str(ROOT))
        if parts == ["make"]:
            print(f"{len(list(loads()))} workloads")
            return 0
        data["machine"] = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
        asked_of = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(asked_of, capture_output=True, text=True, check=False).stdout.strip()
        at = {"date": dt.datetime.now(dt.UTC).date().isoformat(), "commit": commit}
        if "verdicts" in parts:
            data["verdicts"] = at | verdicts()
        if "speed" in parts:
            data["speed"] = at | {"rows": speed(options.limit)}
        NUMBERS.write_text(json.dumps(data, indent=1) + "\n")
    if "verdicts" in data:
        write_results(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
