"""An installed environment: its packages, and every file that they list held against the disk.

Read like any tree, never asked: no interpreter of the environment is started, and nothing of it is imported.
"""

import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from sbom.model import Location
from sbom.purl import normalise_name
from sbom.record import record, replace
from scanner.artifacts import startup
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.bulk import Wanted, hash_all
from scanner.files.open import open_source
from scanner.files.walk import Entry, iter_named
from scanner.integrity import installed, records
from scanner.integrity.installed import Disk, Package
from scanner.isolate import Job
from scanner.limits import Limits
from scanner.manifests import core_metadata
from scanner.model import Artifact, Declaration, Evidence, Excluded, Outcome, Stock
from scanner.policy import Policy
from scanner.registry import BY_NAME, manifests_of
from scanner.survey import Survey, close, read_manifests, weigh_files
from scanner.text import visible

RULE = "installed files that match the list of their package"
_LISTED = frozenset({"dist-info", "egg-info", "egg-info-file", "conda-meta"})
_FOLDERS = (".dist-info", ".egg-info", ".egg")
_START = ("sitecustomize.py", "usercustomize.py")


@record
class Environment:
    """``root`` is its prefix (or a lone folder of packages), ``sites`` its folders of packages below that.

    ``libraries`` are folders of the standard library, where a ``sitecustomize`` may lie, too.
    """

    root: Path
    sites: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    has_conda: bool = False


def survey(environment: Environment, policy: Policy) -> Survey:
    """What is installed, and everything in which it differs from what its packages list.

    Of the files only those are examined that run at the start of Python, that are on no list, or that
    differ from it; the rest is what the packages' own lists say, and stands so in the coverage.
    """
    seen = Survey()
    jobs: list[Job] = []
    closed: list[Entry] = []
    for entry in _entries(environment):
        if isinstance(entry, Excluded):
            seen.excluded.append(entry)
        elif entry.outcome is None or (entry.outcome is Outcome.UNCLAIMED and entry.target):
            jobs.append(Job(entry.path, os.fsdecode(entry.absolute), entry.size))
        else:
            closed.append(entry)
    manifests = [job for job in jobs if any(row.name in _LISTED for row in manifests_of(job.path))]
    read_manifests(manifests, environment.root, policy.limits, seen)
    packages = list(_packages(environment, jobs, policy.limits, seen))
    sizes = {job.path: job.size for job in jobs}
    paths = _listed(packages, policy.limits, seen)
    found = hash_all(
        [
            Wanted(os.path.join(environment.root, path), algorithm, sizes.get(path, 0))  # noqa: PTH118
            for path, algorithm in paths
        ]
    )
    hashed = {path: result for (path, _), result in zip(paths, found, strict=True)}
    code = tuple(job.path for job in jobs if job.path.endswith(installed.CODE))
    code += tuple(entry.path for entry in closed if entry.path.endswith(installed.CODE))
    known = frozenset(job.path for job in jobs if _is_start(job.path) and _is_known(job))
    disk = Disk(environment.sites, hashed, code, known)
    evidence = list(installed.check(packages, disk))
    seen.evidence += evidence
    told = {each.where.path for each in evidence}
    looked = [job for job in jobs if _is_start(job.path) or job.path in told or job.path not in hashed]
    looked = [job for job in looked if not _is_program(job.path) and job.path not in seen.readings]
    seen.files, seen.bytes = len(jobs) + len(closed), sum(sizes.values())
    for entry in closed:
        if entry.path not in hashed:
            close(entry, seen)
    weigh_files(looked, policy, seen)
    seen.artifacts = [_without_known_starts(artifact, known, code) for artifact in seen.artifacts]
    seen.excluded += [Excluded(site or ".", RULE) for site in environment.sites]
    seen.excluded += _editable(seen)
    seen.artifacts.sort(key=lambda artifact: artifact.where.order)
    seen.excluded.sort(key=lambda row: (row.path, row.rule))
    seen.rows.sort(key=lambda row: row.path)
    return seen


def attributed(evidence: Iterable[Evidence], stock: Stock) -> Iterator[Evidence]:
    """The evidence on installed packages, each with the component that it is about."""
    lines = [(row, ref) for ref, rows in stock.declarations.items() for row in rows]
    lines.sort(key=lambda pair: (-len(pair[0].where.path), pair[1]))  # what is vendored in a package, first
    by_name = {normalise_name(row.name): ref for row, ref in lines}
    for each in evidence:
        kind, _, rest = each.subject.partition(":")
        ref = by_name.get(normalise_name(rest.partition(":")[0]), "") if kind == "installed" else ""
        yield replace(each, component=ref) if ref and not each.component else each


def _entries(environment: Environment) -> Iterator[Entry | Excluded]:
    named = list(environment.sites)
    if environment.has_conda:
        named.append("conda-meta")
    for folder in environment.libraries:
        named += [f"{folder}/{name}" for name in _START if os.path.lexists(environment.root / folder / name)]
    return iter_named(environment.root, named)


def _packages(
    environment: Environment, jobs: Sequence[Job], limits: Limits, seen: Survey
) -> Iterator[Package]:
    by_path = {job.path: job for job in jobs}
    for site in environment.sites:
        start = f"{site}/" if site else ""
        folders = sorted(
            {
                start + path[len(start) :].partition("/")[0]
                for path in by_path
                if path.startswith(start) and path[len(start) :].partition("/")[0].endswith(_FOLDERS)
            }
        )
        for folder in folders:
            yield _distribution(folder, site, by_path, limits, seen)
    for path, job in sorted(by_path.items()):
        if environment.has_conda and posixpath.dirname(path) == "conda-meta" and path.endswith(".json"):
            yield from _conda(job, limits)


def _distribution(folder: str, site: str, by_path: dict[str, Job], limits: Limits, seen: Survey) -> Package:
    name, version = core_metadata.of_file_name(posixpath.basename(folder).rpartition(".")[0])
    listed = by_path.get(f"{folder}/RECORD")
    if listed is not None:
        where = Location(listed.path)
        try:
            with open_source(listed.absolute) as source:
                if source.size > limits.text_bytes:
                    raise LimitReached("text_bytes", allowed=limits.text_bytes, found=source.size)
                rows = records.of_record(source.read_at(0, source.size), site)
        except ScanError as error:
            line = error.line if isinstance(error, Malformed) else None
            message = f"the list of files of {visible(name)} could not be read: {visible(str(error))}"
            seen.evidence.append(Evidence("COV-005", where.at(line=line), message, f"installed:{name}:list"))
            rows = []
        return Package(name, version, where, tuple(_at_target(rows, site)))
    old = by_path.get(f"{folder}/installed-files.txt")
    if old is not None:
        names = _text(old, limits).splitlines()
        placed = (records.placed(folder, line.strip()) for line in names if line.strip())
        return Package(
            name, version, Location(old.path), tuple(records.Row(path, escapes=out) for path, out in placed)
        )
    tops = {posixpath.basename(folder).partition(".")[0]} if folder.endswith(".egg") else set()
    if f"{folder}/top_level.txt" in by_path:
        tops |= {line.strip() for line in _text(by_path[f"{folder}/top_level.txt"], limits).splitlines()}
    return Package(name, version, Location(folder), None, tops=tuple(sorted(tops - {""})))


def _at_target(rows: Iterable[records.Row], site: str) -> Iterator[records.Row]:
    """The rows of pip's ``--target``, too, whose scripts lie in the folder and are listed as above it."""
    for row in rows:
        inside = row.path.removeprefix("../../")
        if not site and row.escapes and inside.startswith(("bin/", "Scripts/", "share/")):
            yield replace(row, path=inside, escapes=False)
        else:
            yield row


def _conda(job: Job, limits: Limits) -> Iterator[Package]:
    with suppress(ScanError, ValueError, RecursionError):  # the manifest's reader says what is wrong with it
        document = json.loads(_text(job, limits))
        if isinstance(document, dict) and isinstance(document.get("name"), str):
            version = document.get("version")
            yield Package(
                cast("str", document["name"]),
                version if isinstance(version, str) else "",
                Location(job.path),
                tuple(records.of_conda(document)),
                conda=True,
            )


def _listed(packages: Iterable[Package], limits: Limits, seen: Survey) -> list[tuple[str, str]]:
    """Each path on any list once, with the algorithm that its digest is stated in."""
    found: dict[str, str] = {}
    for package in packages:
        for row in package.rows or ():
            if not row.escapes and (row.path not in found or row.algorithm == "sha256"):
                found[row.path] = row.algorithm or found.get(row.path, "sha256")
        if len(found) > limits.installed_files:
            message = f"more than {limits.installed_files:,} files are listed; the rest was not compared"
            seen.evidence.append(Evidence("COV-003", package.where, message, "installed:files"))
            break
    return list(found.items())


def _editable(seen: Survey) -> Iterator[Excluded]:
    """The folders whose code an editable install imports in place: no list vouches for it."""
    for readings in seen.readings.values():
        for row in readings:
            if isinstance(row, Declaration) and row.origin is not None and row.origin.editable:
                name = visible(row.name, limit=120)
                yield Excluded(
                    visible(row.origin.url, limit=200), f"editable install of {name}: scan that folder, too"
                )


def _is_start(path: str) -> bool:
    name = posixpath.basename(path)
    return path.endswith(".pth") or BY_NAME["python-start"].claims_name(name.lower())


def _is_program(path: str) -> bool:
    return path.lower().endswith(BY_NAME["native-library"].suffixes + BY_NAME["python-bytecode"].suffixes)


def _is_known(job: Job) -> bool:
    """Whether a file for the start of Python says only what a well-known tool writes."""
    try:
        with open_source(job.absolute) as source:
            if source.size > 1 << 20:
                return False
            data = source.read_at(0, source.size)
    except ScanError:
        return False
    if not job.path.endswith(".pth"):
        return startup.is_known_module(data)
    lines = [line for line in data.decode("utf-8-sig", "replace").splitlines() if line.startswith("import")]
    return bool(lines) and all(startup.is_known_line(line) or startup.module_run(line) for line in lines)


def _without_known_starts(artifact: Artifact, known: frozenset[str], code: Sequence[str]) -> Artifact:
    """The artifact without lines that only run a module which says what a well-known tool writes.

    Only where nothing else of that name could be imported in its place.
    """
    if artifact.format != "python-path" or artifact.where.member:
        return artifact
    folder = posixpath.dirname(artifact.where.path)

    def is_harmless(each: Evidence) -> bool:
        kind, _, module = each.subject.partition("start-up:")
        path = posixpath.join(folder, module)
        alone = not any(
            other.startswith((f"{path}/", f"{path}.")) and not other.endswith((f"{module}.py", ".pth"))
            for other in code
        )
        return not kind and bool(module) and f"{path}.py" in known and alone

    return replace(
        artifact,
        inspections=tuple(
            replace(one, evidence=tuple(each for each in one.evidence if not is_harmless(each)))
            for one in artifact.inspections
        ),
    )


def _text(job: Job, limits: Limits) -> str:
    with suppress(ScanError), open_source(job.absolute) as source:
        return source.read_at(0, min(source.size, limits.text_bytes)).decode("utf-8", "replace")
    return ""
