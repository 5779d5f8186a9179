"""What of a tree a lock holds, hashed: each file opened once, and what is hashed is what was looked at."""

import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sbom import purl
from sbom.model import Component
from sbom.record import field, mutable, record, replace
from scanner import progress
from scanner.errors import Changed, ScanError, Unreadable
from scanner.files.digest import sha256_of
from scanner.files.hub import HubCache
from scanner.files.lfs import POINTER_BYTES
from scanner.files.lfs import pointer as pointer_of
from scanner.files.open import FileSource, open_source
from scanner.integrity.held import BRANCH, Found
from scanner.integrity.lock import Kind
from scanner.inventory import place
from scanner.isolate import Job
from scanner.model import Artifact, Origin, Outcome, Tracked
from scanner.registry import BY_NAME, FORMATS, HEAD, TAIL, Format, claims
from scanner.survey import Survey, under

_DATA_FORMATS = frozenset({"parquet", "arrow", "tfrecord"})
_DATA_NAME = re.compile(
    r".+\.(?:csv|tsv|psv|jsonl|ndjson|parquet|arrow|feather|avro|orc|tfrecords?|lmdb|mdb|libsvm"
    r"|svmlight|arff)(?:\.(?:gz|bz2|xz|zst|lz4))?|.+\.(?:train|test|valid)\.json|.+-\d{5}-of-\d{5}\.json",
    re.IGNORECASE,
)
# Claimed, but no artifact that anybody would vouch for: whoever edits a workflow does not relock his models.
# Nor are settings of programs of every kind; those of models are rows of their own.
_NEVER = frozenset({"python-bytecode", "json-config", "toml-config"})
# Small texts that say how weights are to be read: held where weights lie beside them.
_BESIDE = frozenset(
    {
        *("chat-template", "gin-config", "hub-config", "keras-config", "keras-metadata", "mlflow"),
        *("yaml-config", "zarr"),
    }
)
# What turns texts into the numbers that weights were trained on; no inspector reads these.
TOKENIZERS = frozenset(
    {
        *("tokenizer.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.json", "vocab.txt", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tekken.json"),
    }
)
_TOKENIZER = "tokenizer"
_SNAPSHOT = re.compile(
    r"(?:^|/)(?P<kind>models|datasets)--(?P<name>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})/", re.ASCII
)
_REF = re.compile(
    r"(?:^|/)(?P<kind>models|datasets)--(?P<name>[^/]+)/refs/(?P<ref>.+)$", re.ASCII | re.DOTALL
)
_REF_BYTES = 64  # a commit and the end of its line
_DOWNLOADED = re.compile(r"(?P<home>(?:.*/)?)\.cache/huggingface/download/(?P<path>.+)\.metadata", re.DOTALL)
_COMMIT = re.compile(rb"[0-9a-f]{40}")
_TICK_NS = 2_000_000_000  # of the coarsest clock that a file system keeps times by
_THREADS = 8  # hashlib lets go of the interpreter; more than the processors have only costs memory


@record
class Provenance:
    """Where a file comes from, as far as the tree tells; ``tracked`` where a manifest keeps track of it."""

    source: str = ""
    revision: str = ""
    kind: Kind | None = None
    tracked: bool = False


@mutable
class Memory:
    """What earlier runs hashed, by path: times and size, and the SHA-256. ``used`` counts what was taken."""

    known: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    trusted: bool = False  # whether equal times and sizes are taken for equal bytes
    used: int = 0


def everything(
    root: Path,
    seen: Survey,
    locked: Collection[str],
    memory: Memory | None = None,
    only: Collection[str] | None = None,
    jobs: int = 0,
    weighed: Collection[Found] = (),
) -> list[Found]:
    """Every file that a lock of the tree holds, and every one of ``locked``, sorted by path.

    ``only`` limits it to these paths, ``weighed`` are others that are known already.
    What the walk left out and the lock names is read all the same.
    """
    tracked, origins = _tracked(seen), _origins(seen)

    def tasks(these: Iterable[Job]) -> list[_Task]:
        return [
            _Task(job, root, job.path in locked, _provenance(job.path, tracked, origins), memory)
            for job in these
            if only is None or job.path in only
        ]

    locked = frozenset(locked)
    walked = {job.path for job in seen.jobs}
    closed = {row.path: row for row in seen.closed}
    named = [
        seen.links[path][1] if path in seen.links else Job(path, "", 0)
        for path in locked
        if path not in walked and path not in closed
    ]
    found = {one.path: one for one in _all(tasks([*seen.jobs, *named]), jobs)}
    # A link is held under its own name only where nothing is at its end: a hub's cache calls files by digest.
    alone = [
        job
        for path, (target, job) in seen.links.items()
        if path not in locked and not (target in found and found[target].wanted)
    ]
    found.update((one.path, one) for one in _all(tasks(alone), jobs))
    for path, row in closed.items():
        if (only is None or path in only) and (path in locked or _sort(path, _named(path), Provenance())[0]):
            found[path] = Found(path, outcome=row.outcome or Outcome.UNREADABLE, detail=row.detail)
    kept = [one for one in _beside(found.values(), weighed) if one.wanted or one.path in locked]
    return sorted(kept, key=lambda one: one.path)


def from_scan(seen: Survey, locked: Collection[str], root: Path, *, whole: bool) -> list[Found]:
    """The same from a scan: what it weighed has its digest already, only the rest is read.

    Without ``whole`` only what the scan was asked for counts, and nothing is missing.
    """
    tracked, origins = _tracked(seen), _origins(seen)
    found: dict[str, Found] = {}
    unread: set[str] = set()
    for artifact in seen.artifacts:
        path = artifact.where.path
        if artifact.where.member:
            continue
        # Of a pointer it is told what it points to, whatever else was measured of its text.
        if artifact.digests and not any(row.outcome is Outcome.ABSENT for row in artifact.inspections):
            found[path] = _weighed(artifact, _provenance(path, tracked, origins))
        else:
            unread.add(path)  # a pointer, or nothing that could be opened
    walked = {job.path for job in seen.jobs} | set(seen.links)
    unread |= {path for path in walked - found.keys() if path.rpartition("/")[2].lower() in TOKENIZERS}
    for path in locked:
        if path not in found and (path in walked or (whole and _in_scope(seen, path))):
            unread.add(path)
    rest = [path for path in locked if path in unread]
    found.update((one.path, one) for one in everything(root, seen, rest, only=unread, weighed=found.values()))
    return sorted(_beside(found.values()), key=lambda one: one.path)


def _in_scope(seen: Survey, path: str) -> bool:
    return seen.scope is None or seen.scope.holds(path)


def _weighed(artifact: Artifact, known: Provenance) -> Found:
    rows = [BY_NAME[row.inspector] for row in artifact.inspections if row.inspector in BY_NAME]
    kind, form = _sort(artifact.where.path, rows, known)
    sha256 = next(one.value for one in artifact.digests if one.algorithm == "sha256")
    return _found(artifact.where.path, sha256, artifact.size, kind, form, known)


def _found(
    path: str,
    sha256: str,
    size: int,
    kind: Kind | None,
    form: str,
    known: Provenance,
    *,
    pointer: bool = False,
) -> Found:
    return Found(
        path,
        sha256,
        size,
        kind or "file",
        form,
        known.source,
        known.revision,
        pointer=pointer,
        wanted=kind is not None,
    )


# --- one file ---------------------------------------------------------------------------------------------


@record
class _Task:
    job: Job
    root: Path
    locked: bool
    known: Provenance
    memory: Memory | None


def _all(tasks: Sequence[_Task], jobs: int) -> Iterator[Found]:
    threads = jobs or min(_THREADS, os.cpu_count() or 1)
    if threads < 2 or len(tasks) < 2:
        for done, found in enumerate(map(_look, tasks), 1):
            progress.tell("hashing files", done, len(tasks))
            if found is not None:
                yield found
        return
    from concurrent.futures import ThreadPoolExecutor  # pulls logging

    with ThreadPoolExecutor(threads, "sha256") as pool:
        # In batches: of ten thousand small files the handing over would cost more than the reading.
        size = max(1, min(64, len(tasks) // (threads * 4)))
        batches = [tasks[at : at + size] for at in range(0, len(tasks), size)]
        done = 0
        for batch in pool.map(lambda part: [_look(task) for task in part], batches):
            done += len(batch)
            progress.tell("hashing files", done, len(tasks))
            yield from filter(None, batch)


def _look(task: _Task) -> Found | None:
    """One file read once: what it is, and its digest where it is to be held. None for what is not."""
    path = task.job.path
    try:
        absolute = task.job.absolute or under(task.root, path)
        with open_source(absolute) as source:
            return _opened(source, path, task)
    except (Unreadable, Changed) as error:
        outcome = Outcome.CHANGED if isinstance(error, Changed) else Outcome.UNREADABLE
        if not task.job.absolute and not os.path.lexists(os.path.join(task.root, path)):  # noqa: PTH118
            return Found(path, outcome=Outcome.ABSENT, detail="no such file")
        kind, form = _sort(path, _named(path), task.known)
        if kind is None and not task.locked:
            return None
        return Found(path, "", 0, kind or "file", form, outcome=outcome, detail=str(error))


def _opened(source: FileSource, path: str, task: _Task) -> Found | None:
    size = source.size
    head = source.read_at(0, min(HEAD, size))
    pointed = pointer_of(head) if size < POINTER_BYTES else None
    if pointed is not None:
        kind, form = _sort(path, _named(path), task.known)
        if kind is None and not task.locked:
            return None
        return _found(path, pointed.sha256, pointed.size, kind, form, task.known, pointer=True)
    tail = source.read_at(size - min(TAIL, size), min(TAIL, size)) if size > HEAD else head
    claimed = claims(path.rpartition("/")[2], head, tail, source)
    kind, form = _sort(path, [claim.format for claim in claimed], task.known)
    if kind is None and not task.locked:
        return None
    sha256 = _hashed(source, path, task.memory)
    source.check_unchanged()
    return _found(path, sha256, size, kind, form, task.known)


def _hashed(source: FileSource, path: str, memory: Memory | None) -> str:
    if memory is None:
        return sha256_of(source).value
    now = source.identity
    if memory.trusted and path in memory.known and memory.known[path][0] == now:
        memory.used += 1
        return memory.known[path][1]
    sha256 = sha256_of(source).value
    # Written to again within the same tick of the file system's clock, it would have the same times.
    if time.time_ns() - max(now[-2:]) > _TICK_NS:
        memory.known[path] = (now, sha256)
    else:
        memory.known.pop(path, None)
    return sha256


# --- what is to be held -----------------------------------------------------------------------------------


def _named(path: str) -> list[Format]:
    """The formats of a file by its name alone, where the bytes are not at hand."""
    name = path.rpartition("/")[2].lower()
    return [row for row in FORMATS if row.claims_name(name)]


def _sort(path: str, claimed: Sequence[Format], known: Provenance) -> tuple[Kind | None, str]:
    """What kind of thing to hold it as, and its format; None for what no lock is to hold."""
    name = path.rpartition("/")[2].lower()
    rows = [row for row in claimed if row.name not in _NEVER]
    # A mark of a byte or two is met by chance: without the name it makes no artifact.
    rows = [row for row in rows if not row.weak or row.claims_name(name)]
    form = next((row.name for row in rows if row.model), rows[0].name if rows else "")
    if known.kind == "data" or form in _DATA_FORMATS or _DATA_NAME.fullmatch(name):
        return "data", form
    if any(row.model for row in rows) or known.kind == "model":
        return "model", form
    if rows:
        return "file", form
    if name in TOKENIZERS:
        return "file", _TOKENIZER
    return known.kind or ("data" if known.tracked else None), form


def _beside(found: Iterable[Found], more: Iterable[Found] = ()) -> Iterator[Found]:
    """The same without the small texts that no weights lie beside; those may be among ``more``."""
    rows = list(found)
    known = (*rows, *more)
    folders = {one.path.rpartition("/")[0] for one in known if one.kind == "model" and one.wanted}
    for one in rows:
        if (
            one.kind == "file"
            and one.format in (*_BESIDE, _TOKENIZER)
            and one.path.rpartition("/")[0] not in folders
        ):
            yield replace(one, wanted=False)
        else:
            yield one


# --- where it comes from ----------------------------------------------------------------------------------


def _tracked(seen: Survey) -> dict[str, Provenance]:
    """What manifests keep track of, by path: a file, or a folder with everything in it."""
    found: dict[str, Provenance] = {}
    for manifest, readings in seen.readings.items():
        for row in readings:
            if isinstance(row, Tracked) and not row.joins:
                path = place(manifest, row.path)
                known = found.get(path, Provenance())
                found[path] = Provenance(
                    known.source or _address(row.origin),
                    known.revision or _revision(row.origin),
                    known.kind or row.kind or None,
                    tracked=True,
                )
    return found


def _address(origin: Origin | None) -> str:
    if origin is None:
        return ""
    from scanner.manifests import urls

    return urls.masked(origin.url)


def _revision(origin: Origin | None) -> str:
    return (origin.commit or origin.ref) if origin is not None else ""


def _origins(seen: Survey) -> dict[str, Provenance]:
    """What the layouts of hub caches tell, by path."""
    found: dict[str, Provenance] = {}
    for link, (target, _) in seen.links.items():
        told = _SNAPSHOT.search(link)
        if told is not None:
            found[target] = _of_hub(told)
            found[link] = found[target]
    for job in seen.jobs:
        told = _SNAPSHOT.search(job.path)
        if told is not None:
            found[job.path] = _of_hub(told)
            continue
        metadata = _DOWNLOADED.fullmatch(job.path)
        if metadata is not None:
            with suppress(ScanError), open_source(job.absolute) as source:
                commit = source.read_at(0, min(40, source.size))
                if _COMMIT.fullmatch(commit):
                    path = metadata["home"] + metadata["path"]
                    found[path] = Provenance("https://huggingface.co", commit.decode())
    return found


def commits(
    seen: Survey, components: Iterable[Component] = (), hub_cache: Path | None = None
) -> dict[str, dict[str, str]]:
    """The commits that hub caches in the tree keep for branches and tags, by the repository's package URL.

    Of ``components`` that those do not know, what ``hub_cache`` outside of it keeps, where one is named.
    """
    found = _inside(seen)
    if hub_cache is not None:
        cache = HubCache(hub_cache)
        for one in components:
            asked = one.specifier or BRANCH
            if one.ecosystem == "huggingface" and not one.version and asked not in found.get(one.purl, {}):
                commit = cache.commit(one.name, asked)
                if commit:
                    found.setdefault(one.purl, {})[asked] = commit
    return found


def _inside(seen: Survey) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for job in seen.jobs:
        told = _REF.search(job.path)
        if told is None or job.size > _REF_BYTES:
            continue
        with suppress(ScanError), open_source(job.absolute) as source:
            commit = source.read_at(0, source.size).strip()
            if _COMMIT.fullmatch(commit):
                space = "datasets/" if told["kind"] == "datasets" else ""
                name = purl.hub(space + told["name"].replace("--", "/"))
                found.setdefault(name, {})[told["ref"]] = commit.decode()
    return found


def _of_hub(told: re.Match[str]) -> Provenance:
    space = "datasets/" if told["kind"] == "datasets" else ""
    name = told["name"].replace("--", "/")
    kind: Kind | None = "data" if space else None
    return Provenance(f"https://huggingface.co/{space}{name}", told["commit"], kind)


def _provenance(
    path: str, tracked: Mapping[str, Provenance], origins: Mapping[str, Provenance]
) -> Provenance:
    known = origins.get(path)
    if known is not None:
        return known
    at = path
    while at:
        if at in tracked:
            return tracked[at]
        at = at.rpartition("/")[0]
    return Provenance()
