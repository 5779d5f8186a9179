"""The walk and the reading: a tree in, everything that its files say out."""

import os
from collections.abc import Sequence
from pathlib import Path

from sbom.record import mutable
from scanner.codebase import code_of, read
from scanner.files.walk import Entry, iter_named, walk
from scanner.isolate import Job
from scanner.model import Excluded, Outcome
from scanner.policy import Policy
from scanner.projects import scope
from scanner.registry import manifests_of
from scanner.survey.manifests import read_manifests
from scanner.survey.seen import Survey, is_notebook
from scanner.survey.weighing import close, hash_packages, weigh_and_prove


@mutable
class _Files:
    """What the walk found: files that can be opened, links by what they stand for, what cannot be opened."""

    jobs: list[Job]
    links: list[tuple[str, Job]]
    closed: list[Entry]


def survey(
    root: Path,
    policy: Policy,
    named: Sequence[str] | None = None,
    *,
    artifacts: bool = True,
    code: bool = False,
) -> Survey:
    """Everything under ``root`` (a folder, or one file), or only the ``named`` files of it.

    Of ``policy.projects`` alone where there are any; without ``artifacts`` only the manifests are read,
    and with ``code`` the Python.
    Raises UsageError for a root, a name or a project that cannot be used.
    """
    seen = Survey()
    files = _walked(root, policy, named, seen)
    base = root if root.is_dir() else root.parent
    read_manifests([*files.jobs, *_manifest_links(files.links)], base, policy.limits, seen)
    if policy.projects:
        files = _limited(files, seen, policy.projects)
    _note(files, seen)
    if artifacts or code:
        seen.code = read(code_of(files.jobs), policy.limits, policy.jobs)
    if artifacts:
        seen.evidence += seen.code.evidence
        for entry in files.closed:
            close(entry, seen)
        weigh_and_prove(files.jobs, files.links, base, policy, seen, whole=named is None)
        hash_packages(seen)
    seen.artifacts.sort(key=lambda artifact: artifact.where.order)
    seen.excluded.sort(key=lambda row: (row.path, row.rule))
    seen.rows.sort(key=lambda row: row.path)
    return seen


def _walked(root: Path, policy: Policy, named: Sequence[str] | None, seen: Survey) -> _Files:
    """The files of the tree; what the walk leaves out is noted in ``seen``."""
    # A bill of materials states both: SHA-512 is what BSI TR-03183-2 asks for.
    also = ("sha512",) if "sbom" in policy.shown else ()
    files = _Files([], [], [])
    for entry in walk(root, exclude=policy.exclude) if named is None else iter_named(root, named):
        if isinstance(entry, Excluded):
            seen.excluded.append(entry)
            continue
        asked = also if is_notebook(entry.path) else ()
        job = Job(entry.path, os.fsdecode(entry.absolute), entry.size, asked, also=also)
        if entry.outcome is Outcome.UNCLAIMED:
            files.links.append((entry.target, job))
        elif entry.outcome is None:
            files.jobs.append(job)
        else:
            files.closed.append(entry)
    return files


def _limited(files: _Files, seen: Survey, names: Sequence[str]) -> _Files:
    """Only what belongs to the named projects; what is left out is noted in ``seen``."""
    part = scope(seen.readings, names)
    seen.scope = part
    seen.evidence = [row for row in seen.evidence if row.where.path in part.manifests]
    seen.rows = [row for row in seen.rows if row.path in part.manifests]
    seen.excluded += part.left_out()
    return _Files(
        [job for job in files.jobs if job.path in part.manifests or part.holds(job.path)],
        [(target, job) for target, job in files.links if part.holds(job.path)],
        [entry for entry in files.closed if part.holds(entry.path)],
    )


def _note(files: _Files, seen: Survey) -> None:
    jobs, closed = files.jobs, files.closed
    seen.jobs, seen.closed = jobs, closed
    seen.links = {job.path: (target, job) for target, job in files.links}
    seen.scripts = {job.path: job for job in jobs if job.path.endswith(".py")}
    seen.files = len(jobs) + len(closed)
    seen.bytes = sum(job.size for job in jobs) + sum(entry.size for entry in closed)
    seen.paths = frozenset((*(job.path for job in jobs), *seen.links))


def _manifest_links(links: Sequence[tuple[str, Job]]) -> list[Job]:
    return [job for target, job in links if manifests_of(job.path) and not manifests_of(target)]
