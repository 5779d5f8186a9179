"""Writes scanner/artifacts/names_measured.json: which names honest pickles hold, and how they use them.

    python3 -m venv .venv-names && .venv-names/bin/pip install -r tools/names-requirements.txt
    .venv-names/bin/python tools/gen_names.py [FAMILY …]

Run by the interpreter of a throw-away environment that has the libraries: it builds their objects, pickles
them in every protocol and dialect, and lets the scanner's own machine read out what is imported, constructed
and called. With families named, only those are made anew and the rest of the file is kept.

A name that the policy calls a sink, or that rebuilds code, is never written. A *function* that is called gets
in only where it is listed in ``names_called.txt``, by somebody who has read what it does with its arguments.
"""

import importlib
import importlib.metadata
import inspect
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from scanner.artifacts import names  # noqa: E402
from scanner.artifacts.names import Kind  # noqa: E402
from scanner.errors import ScanError  # noqa: E402
from scanner.files.source import BytesSource  # noqa: E402
from scanner.limits import Limits  # noqa: E402
from scanner.readers.pickle.machine import Machine  # noqa: E402
from scanner.readers.pickle.values import Global, Import, Made  # noqa: E402

OUT = ROOT / "scanner" / "artifacts" / "names_measured.json"
CALLED = ROOT / "tools" / "names_called.txt"
USES = ("refer", "construct", "call")
LARGEST = 64 * 1024 * 1024
DEADLINE_S = 1500

Pairs = dict[tuple[str, str], str]


def dumps(value: object) -> Iterator[bytes]:
    """The pickles of a value, in every protocol and dialect that takes it."""
    import cloudpickle
    import dill
    import joblib

    def by_joblib(value: object) -> bytes:
        out = io.BytesIO()
        joblib.dump(value, out)
        return out.getvalue()

    writers: list[Callable[[object], bytes]] = [
        *(lambda value, protocol=protocol: pickle.dumps(value, protocol) for protocol in (0, 2, 3, 4, 5)),
        by_joblib,
        cloudpickle.dumps,
        dill.dumps,
    ]
    if type(value).__module__.startswith("torch.ao."):
        del writers[0]  # below protocol 2, an object of pybind11 inside of it ends the process
    for write in writers:
        try:
            data = write(value)
        except Exception:  # noqa: BLE001  (not everything can be pickled in every way)
            continue
        if len(data) < LARGEST:
            yield data
        if len(data) > LARGEST // 16:
            return  # one dialect of a large one is enough
    yield from _torch(value)


def _torch(value: object) -> Iterator[bytes]:
    torch = sys.modules.get("torch")
    if torch is None:
        return
    from scanner.limits import Budget
    from scanner.readers.zip import Archive

    for zipped in (True, False):
        out = io.BytesIO()
        try:
            torch.save(value, out, _use_new_zipfile_serialization=zipped)
        except Exception:  # noqa: BLE001  (as above)
            return
        if not zipped:
            yield out.getvalue()
            continue
        archive = Archive(BytesSource(out.getvalue()), Budget(Limits()))
        for member in archive.members():
            if member.name.endswith("data.pkl"):
                yield archive.open(member).read_at(0, LARGEST)


def _tell_all(module: str, name: str) -> int:
    del module, name
    return 0


def read(data: bytes, found: Pairs) -> None:
    """Adds the names of every pickle in ``data``, each with its widest use."""
    at = 0
    while at < len(data):
        machine = Machine(BytesSource(data), Limits(), start=at, quiet=_tell_all)
        try:
            for event in machine.run():
                if isinstance(event, Import):
                    _note(found, event.name, "refer")
                elif isinstance(event, Made) and isinstance(event.callee, Global):
                    constructs = event.how in ("newobj", "newobj_ex")
                    _note(found, event.callee, "construct" if constructs or event.args == () else "call")
        except ScanError:
            return
        at = machine.end


def _note(found: Pairs, name: Global, use: str) -> None:
    if name.module is None or not name.name:
        return
    pair = (name.module, name.name)
    if USES.index(use) >= USES.index(found.get(pair, "refer")):
        found[pair] = use


def measure(family: str, out: Path) -> None:
    """Writes the names of one family's objects, again after each object: the next may kill the process."""
    from names_objects import FAMILIES

    found: Pairs = {}
    try:
        for value in FAMILIES[family]():
            before = dict(found)
            # Each of a list by itself: one that cannot be pickled must not cost the others.
            for each in [value, *value] if isinstance(value, list) else [value]:
                for data in dumps(each):
                    read(data, found)
            if found != before:
                out.write_text(json.dumps([[*pair, use] for pair, use in sorted(found.items())]))
    except Exception as error:  # noqa: BLE001  (what was found before is kept, and the rest is named)
        print(f"{family}: ended early: {type(error).__name__}: {error}", file=sys.stderr)


def is_function(module: str, name: str) -> bool:
    """Whether the name is anything but a class."""
    try:
        value: object = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
    except Exception:  # noqa: BLE001  (names of other releases)
        return True
    return not inspect.isclass(value)


def vouch(pairs: Pairs, reviewed: frozenset[str]) -> Pairs:
    """Those that may be called honest, with the use that may be."""
    kept: Pairs = {}
    for (module, name), use in sorted(pairs.items()):
        path = f"{module}.{name}"
        verdict = names.classify_unmeasured(module, name)
        if verdict.kind in (Kind.SINK, Kind.CARRIES) or names.is_followed(path):
            print(f"not written, {verdict.capability or verdict.kind}: {path}", file=sys.stderr)
            continue
        if module.startswith(("__main__", "__mp_main__", "names_objects", "__torch__")):
            continue
        allowed = use
        if use == "call" and path not in reviewed and verdict.use != "call":
            print(
                f"called, not reviewed: {path} ({'function' if is_function(module, name) else 'class'})",
                file=sys.stderr,
            )
            allowed = "refer" if is_function(module, name) else "construct"
        kept[module, name] = allowed
    return kept


def versions(pairs: Pairs) -> dict[str, str]:
    """The releases of the libraries whose names were seen, by distribution."""
    owners = importlib.metadata.packages_distributions()
    tops = {module.partition(".")[0] for module, _ in pairs}
    found = {owner for top in tops for owner in owners.get(top, ())}
    python = {"python": ".".join(map(str, sys.version_info[:3]))}
    return python | {owner: importlib.metadata.version(owner) for owner in sorted(found, key=str.lower)}


def _child(family: str) -> Pairs:
    """One family in a process of its own: what crashes or hangs costs no other."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pairs.json"
        command = [sys.executable, str(Path(__file__).resolve()), "--child", family, str(out)]
        environment = os.environ | {
            "CUDA_VISIBLE_DEVICES": "",
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        try:
            subprocess.run(
                command,
                cwd=folder,
                check=True,
                timeout=DEADLINE_S,
                env=environment,
                stdout=subprocess.DEVNULL,
            )
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{family}: ended early: {error}", file=sys.stderr)
        rows: list[list[str]] = json.loads(out.read_text()) if out.is_file() else []
        return {(module, name): use for module, name, use in rows}


def main(arguments: list[str]) -> int:
    """Measures the families, and writes the file."""
    if arguments[:1] == ["--child"]:
        measure(arguments[1], Path(arguments[2]))
        return 0
    from names_objects import FAMILIES

    before = json.loads(OUT.read_text()) if OUT.is_file() else {"families": {}, "libraries": {}}
    rows: dict[str, dict[str, dict[str, str]]] = dict(before["families"]) if arguments else {}
    libraries: dict[str, str] = dict(before["libraries"]) if arguments else {}
    reviewed = frozenset(
        line.partition("#")[0].strip() for line in CALLED.read_text().splitlines() if line.strip()
    )
    for family in arguments or FAMILIES:
        pairs = vouch(_child(family), reviewed)
        print(f"{family}: {len(pairs)} names")
        libraries |= versions(pairs)
        modules: dict[str, dict[str, list[str]]] = {}
        for (module, name), use in sorted(pairs.items()):
            modules.setdefault(module, {}).setdefault(use, []).append(name)
        rows[family] = {
            module: {use: " ".join(row) for use, row in uses.items()} for module, uses in modules.items()
        }
    about = (
        "Written by tools/gen_names.py from real installs: do not edit. names.json has what is kept by hand."
    )
    whole = {
        "about": about,
        "libraries": dict(sorted(libraries.items())),
        "families": dict(sorted(rows.items())),
    }
    OUT.write_text(json.dumps(whole, indent=1, sort_keys=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
